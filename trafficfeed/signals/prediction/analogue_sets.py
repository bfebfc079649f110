"""Which past runs are like the present one, and when each says that it will end; seven ways to be alike."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trafficfeed.signals.prediction.cycles import Cycle

NEAR_S: Final = 1.01  # a second either way, and the rounding of a float
SETS: Final = ("position", "duration", "onset", "opposite", "repeat", "alike", "lately")
_HORIZON_CYCLES: Final = 2.2
_RECENCY: Final = 0.95  # what a run weighs against the one after it
_LATELY: Final = 0.7


class AnalogueSet(NamedTuple):
    """Past runs, oldest first; seconds since the onset of the present run.

    Run k says that the present one ends at `ends_s[k]`. It can be asked from `from_s[k]` until then: before, it was not
    yet showing the aspect at that position; after, it had ended.
    """

    ends_s: NDArray[np.float64]
    from_s: NDArray[np.float64]
    weights: NDArray[np.float64]


class Present(NamedTuple):
    """The run to be predicted: its onset (epoch seconds) and the lengths of the runs before it (see `Run`)."""

    since: float
    opposite_s: float
    same_s: float


def analogue_sets(past: NDArray[np.float64], present: Present, cycle: Cycle | None) -> tuple[AnalogueSet, ...]:
    """Seven sets, in the order of `SETS`, of a table of past `Run`s of the present aspect.

    - position: past cycles in which the aspect was shown at the same position; the end at the same position. A run over
      several cycles is asked once for each, and the present one is compared with all cycles ahead of it;
    - duration: runs that lasted longer than the time elapsed; the same duration;
    - onset: of the first, those that began at the same position;
    - opposite: of the second, those after a run of the opposite aspect as long as the last;
    - repeat: of the second, those whose own predecessor was as long as that of the present one;
    - alike: of the third, those that would be in the fourth;
    - lately: the first, but the last few cycles weigh most.
    """
    lengths = past[:, 1] - past[:, 0]
    age = np.arange(len(past) - 1, -1, -1.0)
    after_alike = np.abs(past[:, 2] - present.opposite_s) <= NEAR_S
    repeats = np.abs(past[:, 3] - present.same_s) <= NEAR_S
    by_length = AnalogueSet(lengths, np.zeros(len(past)), _RECENCY**age)
    begins, ends, which = _by_position(lengths, cycle)
    position = AnalogueSet(ends, np.maximum(begins, 0.0), _RECENCY ** age[which])
    same_onset = np.abs(begins) <= NEAR_S
    onset = position._replace(from_s=np.zeros(len(ends)))
    return (
        position,
        by_length,
        _pick(onset, same_onset),
        _pick(by_length, after_alike),
        _pick(by_length, repeats),
        _pick(onset, same_onset & after_alike[which]),
        position._replace(weights=_LATELY ** age[which]),
    )


def _by_position(
    lengths: NDArray[np.float64], cycle: Cycle | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
    """Return begins and ends of past runs moved by whole cycles to where the present one may be, and whose they are."""
    if cycle is None:
        return np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.intp)
    shifts = np.arange(-4.0, 5.0) * cycle.length_s
    begins = (cycle.ahead_s[:, None] + shifts).ravel()
    ends = begins + np.repeat(lengths, len(shifts))
    kept = (ends > 0) & (begins < _HORIZON_CYCLES * cycle.length_s)
    return begins[kept], ends[kept], np.flatnonzero(kept) // len(shifts)


def _pick(chosen: AnalogueSet, which: NDArray[np.bool_]) -> AnalogueSet:
    return AnalogueSet(chosen.ends_s[which], chosen.from_s[which], chosen.weights[which])
