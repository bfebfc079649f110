"""The private side of a topology built from SUMO: which traffic light and link index is which public signal group.

Nothing in here is published. The virtual city and the gate read SUMO's states by it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import GroupKey

# Source: SUMO docs, Simulation/Traffic_Lights, "Signal state definitions". Ambers depend on the green before them.
_ASPECT_OF: Final = {
    "r": Aspect.STOP_AND_REMAIN,
    "u": Aspect.PRE_MOVEMENT,
    "y": Aspect.PROTECTED_AMBER,
    "Y": Aspect.PROTECTED_AMBER,
    "g": Aspect.PERMISSIVE_GREEN,
    "G": Aspect.PROTECTED_GREEN,
    "s": Aspect.STOP_THEN_PROCEED,
    "o": Aspect.FLASHING_AMBER,
    "O": Aspect.DARK,
}
_PERMISSIVE: Final = {Aspect.PERMISSIVE_GREEN, Aspect.PERMISSIVE_AMBER}
_CAUTIOUS_FIRST: Final = "rsuyYoOgG"  # where the links of a group disagree, the first of these is shown


@dataclass(frozen=True, slots=True, kw_only=True)
class SumoSignal:
    """A SUMO traffic light behind an intersection.

    Attributes
    ----------
    signal
        SUMO's ``tlLogic`` id.
    intersection
        Public id.
    group_of_link
        Group number by link index; 0 where the index moves nothing.
    yields
        Pairs of link indices: where both are full green, the first must give way to the second, and is published as
        permissive.
    permissive
        Groups whose only green is a permissive one: their amber is a permissive clearance even if the green was missed.
    programmes
        SUMO programme ids, as the plans are called, in the order loaded; the last is the one that runs.
    lanes
        SUMO lane id of each public lane number.
    """

    signal: str
    intersection: str
    group_of_link: Sequence[int]
    yields: frozenset[tuple[int, int]] = frozenset()
    permissive: frozenset[int] = frozenset()
    programmes: Sequence[str] = ()
    lanes: Mapping[int, str] = field(default_factory=dict)

    def links_of(self, group: int) -> tuple[int, ...]:
        """Return the link indices of a group."""
        return tuple(i for i, own in enumerate(self.group_of_link) if own == group)

    def aspects(self, state: str, previous: Mapping[int, Aspect] | None = None) -> dict[int, Aspect]:
        """Return each group's aspect in a SUMO state, e.g. ``GGgrr``.

        Parameters
        ----------
        state
            One letter a link index; groups without a letter are unavailable.
        previous
            What the groups showed before: an amber after a permissive green is a permissive clearance. None: by what
            the group's greens are in its plans.
        """
        letters = with_yielding(state, self.yields)
        shown: dict[int, str] = {}
        for group, letter in zip(self.group_of_link, letters, strict=False):
            if group:
                shown[group] = _cautious(shown.get(group, letter), letter)
        for group in self.group_of_link:
            if group:
                shown.setdefault(group, "")
        before = previous or {}
        return {group: self._aspect(group, shown[group], before.get(group)) for group in sorted(shown)}

    def _aspect(self, group: int, letter: str, before: Aspect | None) -> Aspect:
        aspect = _ASPECT_OF.get(letter, Aspect.UNAVAILABLE)
        if aspect is not Aspect.PROTECTED_AMBER:
            return aspect
        lit = before is not None and (before.is_green or before.is_amber)
        permissive = before in _PERMISSIVE if lit else group in self.permissive
        return Aspect.PERMISSIVE_AMBER if permissive else aspect


@dataclass(frozen=True, kw_only=True)
class SignalIndex:
    """All traffic lights of a network, by public id and by SUMO's."""

    by_id: Mapping[str, SumoSignal]

    @cached_property
    def _signals(self) -> dict[str, SumoSignal]:
        return {one.signal: one for one in self.by_id.values()}

    def of_signal(self, signal: str) -> SumoSignal | None:
        """Return the traffic light called `signal` in SUMO, None where it controls nothing."""
        return self._signals.get(signal)

    def by_signal(self) -> dict[str, SumoSignal]:
        """Return the traffic lights by SUMO's ids."""
        return dict(self._signals)

    def key_of(self, signal: str, link_index: int) -> GroupKey | None:
        """Return the public group of a link, as TraCI's ``getNextTLS`` names it; None where there is none."""
        one = self.of_signal(signal)
        if one is None or not 0 <= link_index < len(one.group_of_link) or not one.group_of_link[link_index]:
            return None
        return GroupKey(one.intersection, one.group_of_link[link_index])


def with_yielding(state: str, yields: frozenset[tuple[int, int]]) -> str:
    """Return a SUMO state with every full green that must give way to another full green made a permissive one."""
    lowered = {a for a, b in yields if a < len(state) and b < len(state) and state[a] == "G" and state[b] == "G"}
    return "".join("g" if i in lowered else letter for i, letter in enumerate(state)) if lowered else state


def _cautious(a: str, b: str) -> str:
    if a == b:
        return a
    return min(a, b, key=lambda letter: _CAUTIOUS_FIRST.find(letter))
