"""What one signal group has shown: its current run and its last sixty runs of each aspect, each event taken once."""

from collections import deque
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trafficfeed.signals.aspects import Aspect

REACH: Final = 60  # past runs of one aspect that are remembered: an hour and a half of a 90 s cycle
CYCLE_REACH: Final = 60
NEVER: Final = float("nan")


class Run(NamedTuple):
    """A stretch of one aspect, in seconds since the epoch.

    `opposite_s` is how long the last red (for a green and what follows it) or the last green (for a red) was, `same_s`
    how long the run of the same aspect before was; both NaN where unknown. `onset_s` is the run's start within its
    cycle, NaN without one.
    """

    start: float
    end: float
    opposite_s: float
    same_s: float
    onset_s: float


class GroupHistory:
    """The bounded memory of one group; times are seconds since the epoch."""

    __slots__ = (
        "_main_s",
        "_next",
        "_same_s",
        "aspect",
        "cycle_starts",
        "ended",
        "onset_known",
        "runs",
        "since",
    )

    def __init__(self) -> None:
        self.aspect: Aspect | None = None
        self.since = NEVER
        self.onset_known = False
        self.runs: dict[Aspect, deque[Run]] = {}
        self.cycle_starts: deque[float] = deque(maxlen=CYCLE_REACH)
        self.ended = 0
        self._main_s: dict[bool, float] = {}
        self._same_s: dict[Aspect, float] = {}
        self._next: dict[Aspect, Aspect] = {}

    def observe(self, aspect: Aspect, at: float) -> Run | None:
        """Take what is shown at an instant; return the run that it ended, where it ended one that is whole.

        The same aspect again, and an event older than the current run, change nothing.
        """
        if aspect is self.aspect:
            return None
        if self.aspect is not None and at <= self.since:
            return None
        if self.aspect is not None:
            self._next[self.aspect] = aspect
        finished = self._finish(at) if aspect is not Aspect.UNAVAILABLE else None
        self.onset_known = self.aspect not in {None, Aspect.UNAVAILABLE}
        self.aspect, self.since = aspect, at
        return finished

    def begin_cycle(self, at: float) -> None:
        """Take the start of a cycle from a source that tells it."""
        if not self.cycle_starts or at > self.cycle_starts[-1]:
            self.cycle_starts.append(at)

    def opposite_s(self, aspect: Aspect) -> float:
        """How long the last red was, for a green or pre-movement; how long the last green was, for others."""
        return self._main_s.get(not (aspect.is_green or aspect is Aspect.PRE_MOVEMENT), NEVER)

    def same_s(self, aspect: Aspect) -> float:
        """How long the last run of the aspect was."""
        return self._same_s.get(aspect, NEVER)

    def next_aspect(self, aspect: Aspect) -> Aspect | None:
        """What followed the aspect the last time."""
        return self._next.get(aspect)

    def table(self, aspect: Aspect) -> NDArray[np.float64]:
        """Past whole runs of an aspect, oldest first; shape (n, 5), the columns of `Run`."""
        runs = self.runs.get(aspect)
        return np.array(runs, dtype=np.float64) if runs else np.zeros((0, 5))

    def _finish(self, at: float) -> Run | None:
        aspect = self.aspect
        if aspect is None or not aspect.is_timed or not self.onset_known:
            return None
        duration = at - self.since
        run = Run(self.since, at, self.opposite_s(aspect), self.same_s(aspect), self._position(self.since))
        self.runs.setdefault(aspect, deque(maxlen=REACH)).append(run)
        self._same_s[aspect] = duration
        if aspect.is_green or aspect is Aspect.STOP_AND_REMAIN:
            self._main_s[aspect.is_green] = duration
        self.ended += 1
        return run

    def _position(self, at: float) -> float:
        for start in reversed(self.cycle_starts):
            if start <= at:
                return at - start
        return NEVER
