"""The second rung: a red that always ends a known lag after the green of another group of the junction has ended."""

from collections import defaultdict, deque
from collections.abc import Collection
from statistics import median
from typing import Final, NamedTuple

from trafficfeed.signals.aspects import Aspect

_LONGEST_LAG_S: Final = 20.0
_LEAST_CASES: Final = 8
_REMEMBERED: Final = 16
_SPREAD_S: Final = 1.01
_NOT_NEXT: Final = float("inf")


class LockedIn(NamedTuple):
    """A red whose end was decided at `since`; epoch seconds. `spread_s`: how far past lags lay from their median."""

    group: int
    since: float
    end: float
    spread_s: float
    cases: int


class Clearances:
    """The lags of one intersection, learnt from its own events; `conflicts` limits the pairs where it is known."""

    __slots__ = ("_aspects", "_conflicts", "_ended", "_lags")

    def __init__(self, conflicts: Collection[tuple[int, int]] | None = None) -> None:
        self._conflicts = {frozenset(pair) for pair in conflicts} if conflicts is not None else None
        self._aspects: dict[int, Aspect] = {}
        self._ended: defaultdict[int, dict[int, float]] = defaultdict(dict)
        self._lags: defaultdict[tuple[int, int], deque[float]] = defaultdict(lambda: deque(maxlen=_REMEMBERED))

    def knows(self, conflicts: Collection[tuple[int, int]]) -> bool:
        """Tell whether these are the pairs that it goes by."""
        return self._conflicts == {frozenset(pair) for pair in conflicts}

    def observe(self, group: int, aspect: Aspect, at: float) -> list[LockedIn]:
        """Take a change of one group; return the reds that it has decided."""
        was = self._aspects.get(group)
        self._aspects[group] = aspect
        if was is None or was is aspect:
            return []
        if was is Aspect.STOP_AND_REMAIN:
            self._red_ended(group, at)
        if aspect.is_green:
            self._green_again(group)
        if not was.is_green or aspect.is_green:
            return []
        return [locked for red in self._reds(group) if (locked := self._lock_in(group, red, at))]

    def _reds(self, group: int) -> list[int]:
        """Return the groups that are red, and may have waited for this one."""
        return [
            other
            for other, aspect in self._aspects.items()
            if other != group
            and aspect is Aspect.STOP_AND_REMAIN
            and (self._conflicts is None or frozenset((group, other)) in self._conflicts)
        ]

    def _lock_in(self, group: int, red: int, at: float) -> LockedIn | None:
        self._ended[red][group] = at
        lags = list(self._lags[group, red])[-_LEAST_CASES:]
        if len(lags) < _LEAST_CASES:
            return None
        lag = median(lags)
        spread = max(abs(one - lag) for one in lags) if lag < _LONGEST_LAG_S else _NOT_NEXT
        return LockedIn(red, at, at + lag, spread, len(self._lags[group, red])) if spread <= _SPREAD_S else None

    def _red_ended(self, red: int, at: float) -> None:
        for group, ended in self._ended.pop(red, {}).items():
            lag = at - ended
            self._lags[group, red].append(lag if lag <= _LONGEST_LAG_S else _NOT_NEXT)

    def _green_again(self, group: int) -> None:
        """Note for the reds that outlasted this group's red that they were not next."""
        for red, ended in self._ended.items():
            if ended.pop(group, None) is not None:
                self._lags[group, red].append(_NOT_NEXT)
