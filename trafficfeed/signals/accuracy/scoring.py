"""One run against what was said of it: seconds in closed form, so that the cost is of the steps and not of the seconds.

A second is every whole second since the run's onset at which the lamp still showed it. It is scored by the last
forecast made before it, by the time that was then left in truth. All times are whole milliseconds.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from trafficfeed.signals.accuracy.tally import HORIZONS_S, Tally

NEAR_MS: Final = 1010  # a second, and the rounding of what is said to the second
_END: Final = 1 << 62
_EDGES_MS: Final = (0, *(1000 * horizon for horizon in HORIZONS_S), _END)


class Said(NamedTuple):
    """What holds from `from_ms` after the onset until the next: ends in milliseconds after the onset, None unknown.

    `countdown`: the ladder counts down to `likely_ms`; `shown`: and the group may.
    """

    from_ms: int
    likely_ms: int | None = None
    low_ms: int | None = None
    high_ms: int | None = None
    countdown: bool = False
    shown: bool = False


class Countdown(NamedTuple):
    """The seconds of a run that were, or would have been, counted down; and those of them right to a second."""

    seconds: int
    right: int


def score_run(said: Sequence[Said], lasted_ms: int, tally: Tally, *, to_the_second: bool) -> Countdown:
    """Add the seconds of a run to a tally.

    Parameters
    ----------
    said
        In the order of `from_ms`; what comes after the end says nothing of this run.
    lasted_ms
        How long the run was, in truth.
    tally
        Is added to.
    to_the_second
        Whether that is known to the second only: then the end fell anywhere in a second about it, and as much of that
        second as the interval holds is covered.
    """
    seconds = right = 0
    for step, begin, end in _spans(said, lasted_ms):
        values = _judged(step, lasted_ms, to_the_second)
        for horizon, (low, high) in enumerate(pairwise(_EDGES_MS)):
            n = _whole_seconds(max(begin, lasted_ms - high), min(end, lasted_ms - low))
            if n:
                tally.add(horizon, [n * value for value in values])
        if step.countdown:
            shown = _whole_seconds(begin, end)
            seconds += shown
            right += shown * (values[2] + values[8])
    tally.runs += 1
    return Countdown(seconds, right)


def _spans(said: Sequence[Said], lasted_ms: int) -> Iterator[tuple[Said, int, int]]:
    """Yield what held, from when, until when; before the first nothing was said."""
    begin, held = 0, Said(0)
    for step in said:
        start = min(max(step.from_ms, 0), lasted_ms)
        if start > begin:
            yield held, begin, start
            begin = start
        held = step
    if lasted_ms > begin:
        yield held, begin, lasted_ms


def _judged(step: Said, truth_ms: int, to_the_second: bool) -> tuple[int, ...]:
    """Return what one second under this step adds, in the order of `COUNTED`."""
    known = step.low_ms is not None and step.high_ms is not None
    covered = _covered(step, truth_ms, to_the_second) if known else 0
    if not step.countdown or step.likely_ms is None:
        return (1, 0, 0, 0, 0, int(known), covered, 0, 0)
    error = abs(step.likely_ms - truth_ms)
    near, nearly = int(error <= NEAR_MS), int(error <= 1000 + NEAR_MS)
    if step.shown:
        return (1, 1, near, nearly, error, int(known), covered, 0, 0)
    return (1, 0, 0, 0, 0, int(known), covered, 1, near)


def _covered(step: Said, truth_ms: int, to_the_second: bool) -> int:
    assert step.low_ms is not None
    assert step.high_ms is not None
    if not to_the_second:
        return 1000 * (step.low_ms <= truth_ms <= step.high_ms)
    return min(1000, max(0, min(step.high_ms, truth_ms + 500) - max(step.low_ms, truth_ms - 500)))


def _whole_seconds(begin_ms: int, end_ms: int) -> int:
    """Count the whole seconds k, k ≥ 0, with begin ≤ k < end."""
    return max(0, -(-end_ms // 1000) + (-max(begin_ms, 0)) // 1000)
