"""What is known of a run as a whole: its cycle, how usual its start is, how often each set has been right."""

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.prediction.analogue_sets import NEAR_S, SETS, Present
from trafficfeed.signals.prediction.cycles import Cycle
from trafficfeed.signals.prediction.evidence import Evidence

_RECENT_RUNS: Final = 12
_UNKNOWN_SHARE: Final = 0.5
_LEAST_TRUST: Final = 0.05
OF_RUN: Final = (
    "aspect",
    "cycle_s",
    "past_runs",
    "cycles",
    "onset_off_s",
    "onset_alike",
    "opposite_alike",
    "same_alike",
    "cycle_jitter_s",
    *(f"recent_hits_{name}" for name in SETS),
    *(f"hits_{name}" for name in SETS),
    "scored_runs",
)


class TrackRecord:
    """For what share of their seconds each set's centre was right to a second, in the last sixty runs of one aspect."""

    __slots__ = ("_shares",)

    def __init__(self) -> None:
        self._shares: deque[NDArray[np.float64]] = deque(maxlen=60)

    def add(self, evidence: Evidence, lasted_s: float) -> None:
        """Score the centres of a run that has ended."""
        shown = evidence.at_s < lasted_s
        held = np.diff(np.append(evidence.at_s[shown], lasted_s))
        with np.errstate(invalid="ignore"):
            right = np.abs(evidence.centres_s[shown] - lasted_s) <= NEAR_S
        self._shares.append(held @ right / lasted_s)

    def add_settled(self, right: bool) -> None:
        """Score a run that was said to last as long as all before it, by every set alike."""
        self._shares.append(np.full(len(SETS), float(right)))

    def columns(self) -> NDArray[np.float64]:
        """Return the recent shares, those of all that is remembered, and the number of runs; shape (15,)."""
        if not self._shares:
            return np.append(np.full(2 * len(SETS), _UNKNOWN_SHARE), 0.0)
        shares = np.array(self._shares)
        return np.concatenate([shares[-_RECENT_RUNS:].mean(axis=0), shares.mean(axis=0), [len(shares)]])


def setting_of(
    aspect: Aspect, past: NDArray[np.float64], present: Present, cycle: Cycle | None, record: TrackRecord
) -> NDArray[np.float64]:
    """Return the columns `OF_RUN`; `past` is a table of `Run`s of the aspect, not empty."""
    length = cycle.length_s if cycle else 0.0
    if cycle:
        off = np.mod(np.abs(cycle.ahead_s), length)
        off = np.nan_to_num(np.minimum(off, length - off), nan=length)
    else:
        off = np.zeros(len(past))
    usual = [
        float(aspect.number if not aspect.is_green else Aspect.PROTECTED_GREEN.number),
        length,
        float(len(past)),
        float(cycle.complete if cycle else 0),
        float(np.median(off)),
        float((off <= NEAR_S).mean()) if cycle else 0.0,
        _alike(past[:, 2], present.opposite_s),
        _alike(past[:, 3], present.same_s),
        cycle.jitter_s if cycle else 0.0,
    ]
    return np.concatenate([usual, record.columns()])


def trust_of(setting: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what each set's word is worth in a mixture, by how often it was right; shape (7,)."""
    first = OF_RUN.index(f"recent_hits_{SETS[0]}")
    shares = setting[first : first + 2 * len(SETS)].reshape(2, -1).mean(axis=0)
    return np.asarray((shares + _LEAST_TRUST) ** 2)


def _alike(lengths: NDArray[np.float64], now: float) -> float:
    with np.errstate(invalid="ignore"):
        return float((np.abs(lengths - now) <= NEAR_S).mean())
