"""One slice of a record, played to the production predictor event by event; what it said of every second."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.prediction.group import GroupPredictor
from trafficfeed.signals.prediction.outlook import Outlook

ASPECTS = {
    0: Aspect.DARK,
    1: Aspect.STOP_AND_REMAIN,
    2: Aspect.PROTECTED_AMBER,
    3: Aspect.PROTECTED_GREEN,
    4: Aspect.PRE_MOVEMENT,
    5: Aspect.FLASHING_AMBER,
}
"""What the record's bytes mean; others are unavailable. Source: Hamburg's traffic lights data, OGC SensorThings."""


class Played(NamedTuple):
    """A run of the record whose end is in it, and what was said at its onset of all its seconds."""

    aspect: Aspect
    start: float
    lasted_s: int
    cycles_before: int
    runs_before: int  # whole ones of the same aspect
    outlook: Outlook | None


class Slice(NamedTuple):
    """The record of one group without a gap: a state a second from the first start on, and the starts of its cycles."""

    thing: str
    states: NDArray[np.uint8]
    starts: NDArray[np.int64]

    @classmethod
    def of_row(cls, row: dict[str, Any]) -> Iterator[Self]:
        """Take a row of the file; where seconds are missing between two cycles, the predictor starts anew."""
        starts, ends, states = np.array(row["start"]), np.array(row["end"]), row["states"]
        whole = np.array([len(part) for part in states]) == ends - starts
        joined = (starts[1:] == ends[:-1]) & whole[1:] & whole[:-1]
        edges = [0, *(np.flatnonzero(~joined) + 1).tolist(), len(starts)]
        for first, last in pairwise(edges):
            seconds = np.frombuffer(b"".join(states[first:last]), np.uint8)
            if whole[first] and len(seconds):
                yield cls(row["thing"], seconds, starts[first:last])

    def runs(self) -> Iterator[tuple[Aspect, int, int]]:
        """Yield aspect, first second and second after the last of each run, from the slice's first second."""
        changes = np.flatnonzero(np.diff(self.states)) + 1
        for start, end in pairwise([0, *changes.tolist(), len(self.states)]):
            yield ASPECTS.get(int(self.states[start]), Aspect.UNAVAILABLE), start, end


def play(record: Slice, group: GroupPredictor) -> Iterator[Played]:
    """Feed the slice to a new predictor: a cycle's start and an onset when they happen, never before."""
    cycles = (record.starts - record.starts[0]).tolist()
    begun = 0
    seen: Counter[Aspect] = Counter()
    for aspect, start, end in record.runs():
        while begun < len(cycles) and cycles[begun] <= start:
            group.begin_cycle(float(record.starts[0] + cycles[begun]))
            begun += 1
        group.observe(aspect, float(record.starts[0] + start))
        if aspect.is_timed and end < len(record.states):
            onset = float(record.starts[0] + start)
            yield Played(aspect, onset, end - start, begun - 1, seen[aspect], group.outlook)
        seen[aspect] += start > 0
