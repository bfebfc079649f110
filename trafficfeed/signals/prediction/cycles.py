"""Where in its cycle a group is: from the starts that its source tells, or from the rhythm of its own onsets."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.prediction.history import GroupHistory

RECENT: Final = 20  # cycles that the present length is read from
_SHORTEST_S: Final = 20.0
_LONGEST_S: Final = 240.0
_LEAST_ONSETS: Final = 6
_JITTER_S: Final = 1.5
_LEAST_EXCESS: Final = 0.4  # share of onsets on the rhythm beyond what chance puts there


class Cycle(NamedTuple):
    """The cycle as it was known at an instant. `ahead_s` are past onsets less that instant, but for whole cycles.

    `jitter_s` is the mean deviation of the last lengths; `complete` counts whole cycles.
    """

    length_s: float
    jitter_s: float
    complete: int
    ahead_s: NDArray[np.float64]


def cycle_at(history: GroupHistory, past: NDArray[np.float64], at: float) -> Cycle | None:
    """Where past runs (a table of `Run`) lie in the cycle relative to an instant; None without a rhythm."""
    known = np.array([start for start in history.cycle_starts if start <= at])
    if len(known) >= 2:
        lengths = np.diff(known)
        length = float(np.median(lengths[-RECENT:]))
        jitter = float(np.abs(lengths[-10:] - length).mean()) if len(lengths) > 1 else 0.0
        return Cycle(length, jitter, len(known) - 1, past[:, 4] - (at - known[-1]))
    found = _rhythm(history) if not len(known) else None
    if found is None:
        return None
    length, jitter = found
    return Cycle(length, jitter, history.ended // 3, np.mod(past[:, 0] - at, length))


def _rhythm(history: GroupHistory) -> tuple[float, float] | None:
    """The length that most onsets of one main aspect are whole multiples of apart, and their mean deviation from it."""
    best: tuple[float, float, float] | None = None
    for aspect in (Aspect.STOP_AND_REMAIN, Aspect.PROTECTED_GREEN, Aspect.PERMISSIVE_GREEN):
        runs = history.runs.get(aspect)
        if runs is None or len(runs) < _LEAST_ONSETS:
            continue
        gaps = np.diff([run.start for run in runs])[-2 * RECENT :]
        tried = np.unique(np.round(np.concatenate([gaps, gaps / 2])))
        tried = tried[(tried >= _SHORTEST_S) & (tried <= _LONGEST_S)]
        if not len(tried):
            continue
        off = np.abs(np.mod(gaps + tried[:, None] / 2, tried[:, None]) - tried[:, None] / 2)
        near = off <= _JITTER_S
        excess = near.mean(axis=1) - (2 * _JITTER_S + 1) / tried
        k = int(excess.argmax())
        if excess[k] >= _LEAST_EXCESS and (best is None or excess[k] > best[0]):
            on_it = gaps[near[k]]
            length = float(on_it.sum() / np.round(on_it / tried[k]).sum())  # to a fraction of a second
            best = (float(excess[k]), length, float(off[k][near[k]].mean()))
    return best[1:] if best else None
