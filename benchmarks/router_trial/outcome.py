"""What became of one closure, what of all, and why some were not matched to the ways meant."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WayRun = tuple[int, bool]  # OSM way id, along the way's own direction

EXACT_GOAL = 0.98


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One closure from order to route.

    `meant` and `matched` are OSM ways with their directions. Lengths in m: of the edges meant, of what of them was
    closed, and of what was closed besides. `cause` says why `matched` differs, "" where it does not. `trips` were
    tested, `through` of them still passed the closure, `stuck` found no other way. `reverse_trips` in the other
    direction, which stays open, were tested, and `reverse_kept` still use it.
    """

    number: int
    edge: str
    stratum: str
    kind: str
    meant: frozenset[WayRun] = frozenset()
    matched: frozenset[WayRun] = frozenset()
    cause: str = ""
    methods: tuple[str, ...] = ()
    at: tuple[float, float] = (0.0, 0.0)
    meant_m: float = 0.0
    closed_m: float = 0.0
    besides_m: float = 0.0
    trips: int = 0
    through: int = 0
    stuck: int = 0
    reverse_trips: int = 0
    reverse_kept: int = 0

    @property
    def exact(self) -> bool:
        """Whether the ways matched are the ways meant, in their directions."""
        return not self.cause


def totals(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return the figures over all closures; a share of nothing is None."""
    tested = [one for one in outcomes if one.trips]
    meant_m = sum(one.meant_m for one in outcomes)
    return {
        "closures": len(outcomes),
        "routes_through_closure": sum(one.through for one in outcomes),
        "exact_match_share": _share(sum(one.exact for one in outcomes), len(outcomes)),
        "reverse_kept_share": _share(
            sum(one.reverse_kept for one in outcomes), sum(one.reverse_trips for one in outcomes)
        ),
        "routes_tested": sum(one.trips for one in outcomes),
        "routes_without_another_way": sum(one.stuck for one in outcomes),
        "reverse_routes_tested": sum(one.reverse_trips for one in outcomes),
        "closures_with_routes": len(tested),
        "closures_with_routes_through": sum(one.through > 0 for one in outcomes),
        "closures_with_reverse": sum(one.reverse_trips > 0 for one in outcomes),
        "length_closed_share": _share(sum(one.closed_m for one in outcomes), meant_m),
        "length_besides_share": _share(sum(one.besides_m for one in outcomes), meant_m),
        "causes": dict(Counter(one.cause for one in outcomes if one.cause).most_common()),
        "methods": dict(Counter(method for one in outcomes for method in one.methods).most_common()),
        "kinds": _by(outcomes, {one.number: one.kind for one in outcomes}),
        "strata": _by(outcomes, {one.number: one.stratum for one in outcomes}),
        "mismatches": [mismatch(one) for one in outcomes if not one.exact],
    }


def mismatch(one: Outcome) -> dict[str, Any]:
    """Return what is to be known of a closure that was not matched exactly."""
    return {
        "number": one.number,
        "edge": one.edge,
        "kind": one.kind,
        "stratum": one.stratum,
        "cause": one.cause,
        "at": [round(value, 6) for value in one.at],
        "meant": _listed(one.meant),
        "matched": _listed(one.matched),
        "missing": _listed(one.meant - one.matched),
        "besides": _listed(one.matched - one.meant),
        "length_m": round(one.meant_m, 1),
        "closed_m": round(one.closed_m, 1),
    }


def _by(outcomes: Sequence[Outcome], group: Mapping[int, str]) -> dict[str, dict[str, int]]:
    every = Counter(group[one.number] for one in outcomes)
    exact = Counter(group[one.number] for one in outcomes if one.exact)
    return {name: {"closures": every[name], "exact": exact[name]} for name in sorted(every)}


def _listed(runs: frozenset[WayRun]) -> list[dict[str, Any]]:
    return [{"way": way, "forward": forward} for way, forward in sorted(runs)]


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None
