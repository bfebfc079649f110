"""A section: one street, one direction, consecutive edges of the road graph."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Consecutive edges of one street in one direction, in travel order: what a place in an order comes down to.

    `edges` are road-graph indices, each beginning where the one before it ends. `from_street` and `to_street` name the
    cross streets at its ends ("" where there is none). `compass` is the WZDx direction (``northbound`` …) of the whole.
    `confidence` in 0..1 is the match's own.
    """

    edges: tuple[int, ...]
    street: str
    from_street: str
    to_street: str
    compass: str
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A measure's places on the road graph: sections, and for a turn ban the moves (edge, edge).

    The sections are what the rule acts on. For a one-way these are the sections that it *closes*, against the permitted
    direction; for a turn ban there are none.
    """

    measure_id: str
    sections: tuple[Section, ...]
    turns: tuple[tuple[int, int], ...] = ()
