"""What a controller's lamps did, from its whole log: the runs of each phase, and which greens exclude one another."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import NamedTuple, Self

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import LampEvent

LONGEST_CLEARANCE_S = 20.0


class Run(NamedTuple):
    """A stretch of one aspect, epoch seconds; `greens_before` counts the whole greens of the phase before it."""

    aspect: Aspect
    begin: float
    end: float
    greens_before: int


class Truth:
    """The runs of one controller's phases. The last of each, whose end the log does not have, is left out."""

    def __init__(self, runs: Mapping[int, list[Run]]) -> None:
        self.runs = runs
        self._begins = {group: [run.begin for run in of] for group, of in runs.items()}
        self._green_ends = {group: [run.end for run in of if run.aspect.is_green] for group, of in runs.items()}
        self._together = {pair for pair in combinations(sorted(runs), 2) if _meet(*(runs[group] for group in pair))}

    @classmethod
    def of(cls, lamps: Iterable[LampEvent], groups: range) -> Self:
        """Take the lamp events of one controller, in the order of time."""
        runs: dict[int, list[Run]] = defaultdict(list)
        shown: dict[int, tuple[Aspect, float]] = {}
        greens: dict[int, int] = defaultdict(int)
        for lamp in lamps:
            group, at = lamp.key.group, lamp.observed_at.timestamp()
            aspect, since = shown.get(group, (None, at))
            if group not in groups or aspect is lamp.aspect:
                continue
            if aspect is not None and runs[group]:
                runs[group].append(Run(aspect, since, at, greens[group]))
                greens[group] += aspect.is_green
            elif aspect is not None:
                runs[group].append(Run(Aspect.UNAVAILABLE, since, at, 0))  # its beginning was not seen
            shown[group] = (lamp.aspect, at)
        return cls(runs)

    def run_at(self, group: int, at: float) -> Run | None:
        """Return the run that a group is in."""
        k = bisect_right(self._begins[group], at) - 1
        return self.runs[group][k] if k >= 0 and at < self.runs[group][k].end else None

    def cleared_from(self, group: int, red: Run) -> float | None:
        """Return when the last green that excludes this group's ended before a red did; None if long before."""
        ends = [
            of[k - 1]
            for other, of in self._green_ends.items()
            if other != group and (min(group, other), max(group, other)) not in self._together
            if (k := bisect_left(of, red.end)) > 0
        ]
        last = max(ends, default=0.0)
        return last if red.end - last <= LONGEST_CLEARANCE_S else None


def _meet(some: Iterable[Run], others: Iterable[Run]) -> bool:
    greens = [run for run in others if run.aspect.is_green]
    return any(
        one.begin < other.end and other.begin < one.end for one in some if one.aspect.is_green for other in greens
    )
