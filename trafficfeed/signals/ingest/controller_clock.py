"""How far each controller's clock is off: from the smallest lag between what it says and when we hear it."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

DRIFT_S: Final = 2.0  # a clock further off than this is flagged
FARTHEST_S: Final = 300.0  # a lag beyond this is no clock's drift but a wrong date, zone or field
_REMEMBERED: Final = 16
_NEEDED: Final = 8  # messages before a clock that is far off is believed to be so, and no message to be held up
_AGREEING: Final = 3  # of them must lie at the smallest lag
_AGREE_S: Final = 1.0
_TOGETHER_S: Final = 0.02  # what arrives within it is one sample


class ClockState(StrEnum):
    """What is known of a controller's clock."""

    GOOD = "good"  # as told, or less than DRIFT_S ahead
    SETTLING = "settling"  # looks far off, and too little has been heard to say by how much
    CORRECTED = "corrected"  # far off by a steady amount, that is taken away


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReading:
    """The estimate after a message.

    `offset_s` is added to the controller's times; `late_s` is how much longer than the quickest this message was under
    way; `state` says whether the time can be used.
    """

    offset_s: float
    late_s: float
    state: ClockState

    @property
    def on_time(self) -> bool:
        """Whether the corrected time of this message can be counted from."""
        return self.state is not ClockState.SETTLING and self.late_s <= DRIFT_S


class ControllerClock:
    """One controller's clock against ours.

    A lag is the time under way, never negative, less what the controller's clock is ahead. So the smallest of the last
    sixteen lags bounds the clock. A negative one proves it ahead. One up to `DRIFT_S` may be transport and is left. A
    larger one is either a slow clock or a queue: it is believed when eight messages have come and three lie within a
    second of the smallest; until then nothing of that controller has a time.
    """

    __slots__ = ("_lags_s", "_last", "_measured_s", "reading")

    def __init__(self) -> None:
        self._lags_s: deque[float] = deque(maxlen=_REMEMBERED)
        self._last: datetime | None = None
        self._measured_s: float | None = None
        self.reading = ClockReading(offset_s=0.0, late_s=0.0, state=ClockState.GOOD)

    def hear(self, told: datetime, received_at: datetime) -> ClockReading:
        """Take a message's own time and its arrival, aware UTC; return the estimate."""
        lag_s = (received_at - told).total_seconds()
        if self._together(received_at):
            self._lags_s[-1] = min(self._lags_s[-1], lag_s)
        else:
            self._lags_s.append(lag_s)
            self._last = received_at
        self.reading = self._read(lag_s)
        return self.reading

    def measure(self, told: datetime, received_at: datetime, round_trip_s: float) -> None:
        """Take the answer to a question for the time; half the way there and back is taken as the way."""
        self._measured_s = (received_at - told).total_seconds() - round_trip_s / 2.0
        self._lags_s.clear()
        self._last = None

    @property
    def is_off(self) -> bool:
        """Whether a person should set this clock."""
        return self.reading.state is not ClockState.GOOD or abs(self.reading.offset_s) > DRIFT_S

    def _together(self, received_at: datetime) -> bool:
        """Tell whether this came with the last: a burst is one sample, or a single held-up message would outvote."""
        return self._last is not None and abs((received_at - self._last).total_seconds()) <= _TOGETHER_S

    def _read(self, lag_s: float) -> ClockReading:
        least_s, supported = _least(self._lags_s)
        settled = supported and len(self._lags_s) >= _NEEDED
        if self._measured_s is not None:
            if abs(least_s - self._measured_s) <= DRIFT_S:
                state = _state_of(self._measured_s)
                return ClockReading(offset_s=self._measured_s, late_s=lag_s - self._measured_s, state=state)
            if not settled:
                return ClockReading(offset_s=least_s, late_s=lag_s - least_s, state=ClockState.SETTLING)
            self._measured_s = None  # it was set since it was asked
        if abs(least_s) <= DRIFT_S:
            return ClockReading(offset_s=min(least_s, 0.0), late_s=lag_s - least_s, state=ClockState.GOOD)
        state = ClockState.CORRECTED if settled else ClockState.SETTLING
        return ClockReading(offset_s=least_s, late_s=lag_s - least_s, state=state)


def _least(lags_s: Iterable[float]) -> tuple[float, bool]:
    """Return the smallest lag that others lie near, so that one wrong time moves nothing, and whether there is one."""
    ordered = sorted(lags_s)
    for k, lag_s in enumerate(ordered[: 1 - _AGREEING]):
        if ordered[k + _AGREEING - 1] - lag_s <= _AGREE_S:
            return lag_s, True
    return ordered[0], False


def _state_of(offset_s: float) -> ClockState:
    return ClockState.GOOD if abs(offset_s) <= DRIFT_S else ClockState.CORRECTED
