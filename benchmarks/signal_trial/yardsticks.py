"""What the predictor has to beat: the median of the last five, and analogues published where they are 2 s wide."""

from collections import defaultdict, deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.signal_trial.replay import Played
from trafficfeed.signals.aspects import Aspect

_WIDTH_S = 2.0
_LEAST = 8
_REACH = 40


class Said(NamedTuple):
    """Ends in seconds since the onset for each second of a run, NaN where nothing is said; shape (seconds,)."""

    median_of_five: NDArray[np.float64]
    narrow_analogues: NDArray[np.float64]  # by duration
    narrow_by_position: NDArray[np.float64]


class Yardsticks:
    """Remembers the whole runs of one slice; plain on purpose, and none of the predictor's code."""

    def __init__(self, cycle_starts: NDArray[np.int64]) -> None:
        self._starts = cycle_starts
        self._past: dict[Aspect, deque[tuple[float, float]]] = defaultdict(lambda: deque(maxlen=_REACH))

    def say(self, run: Played) -> Said:
        """Predict each second of a run from the runs before it, then remember it."""
        seconds = np.arange(run.lasted_s, dtype=np.float64)
        position = self._position(run.start)
        past = self._past[run.aspect]
        begins, ends = np.array(past).T if past else (np.zeros(0), np.zeros(0))
        lengths = ends - begins
        median = np.full(len(seconds), np.median(lengths[-5:]) if len(lengths) else np.nan)
        by_length = _narrow(np.zeros(len(lengths)), lengths, seconds)
        by_position = _narrow(begins - position, ends - position, seconds)
        past.append((position, position + run.lasted_s))
        return Said(median, by_length, by_position)

    def _position(self, at: float) -> float:
        return float(at - self._starts[np.searchsorted(self._starts, at, side="right") - 1])


def _narrow(
    from_s: NDArray[np.float64], ends_s: NDArray[np.float64], seconds: NDArray[np.float64]
) -> NDArray[np.float64]:
    said = np.full(len(seconds), np.nan)
    for instant in np.unique(np.concatenate([from_s, ends_s, np.zeros(1)]).clip(0)):
        alike = ends_s[(from_s <= instant) & (ends_s > instant)]
        low, middle, high = np.percentile(alike, [10, 50, 90]) if len(alike) >= _LEAST else (0.0, np.nan, 0.0)
        said[seconds >= instant] = middle if high - low <= _WIDTH_S else np.nan
    return said
