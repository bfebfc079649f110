"""The live hub: at a steady pace, what was heard from the street goes through the predictor and out on the bus."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from time import perf_counter
from typing import Final

from trafficfeed.publishing.bus import Batch, Bus, Fragments, Update
from trafficfeed.signals.events import LampEvent
from trafficfeed.signals.live import LiveSignals

PACE_S: Final = 0.04
_MOST_LEARNING: Final = 0.5  # share of the pace that forecasts may take; lamps do not wait for the rest
_LEAST_LEARNING: Final = 0.02
_LATE: Final = 0.3  # of the pace: a beat that begins later shows that there is more to do than time for it
_MOST_CHANGES: Final = 1000  # intersections in a batch: more would hold up what comes in for too long
_LOOKOUT: Final = timedelta(seconds=0.25)
_NAMED: Final = 5

_log = logging.getLogger(__name__)


class LiveHub:
    """Runs on one event loop, and is called from that loop alone."""

    def __init__(
        self,
        live: LiveSignals,
        bus: Bus,
        clock: Callable[[], datetime],
        *,
        pace_s: float = PACE_S,
        silent: Callable[[datetime], Sequence[str]] = lambda _: (),
    ) -> None:
        """Make it.

        Parameters
        ----------
        live
            The city's lamps.
        bus
            Where the batches go.
        clock
            Returns the time, aware UTC.
        pace_s
            Time between batches: what comes within it goes out as one.
        silent
            Returns the intersections that have fallen silent since it was last asked (``Intake.look``).
        """
        self.live = live
        self._bus = bus
        self._clock = clock
        self._pace_s = pace_s
        self._silent = silent
        self._fragments = Fragments()
        self._looked_out: datetime | None = None
        self._put_off = False
        self._learning = _MOST_LEARNING

    def take(self, events: Iterable[LampEvent]) -> None:
        """Take what the door let through."""
        self.live.take(events)

    async def run(self) -> None:
        """Publish until cancelled."""
        due = perf_counter()
        while True:
            began = perf_counter()
            self._divide(late_s=began - due)
            self.beat()
            ended = perf_counter()
            due = max(began + self._pace_s, ended + 0.1 * self._pace_s)
            await asyncio.sleep(due - ended)

    def beat(self) -> None:
        """Publish what is new by now."""
        now = self._clock()
        if self._looked_out is None or now - self._looked_out >= _LOOKOUT:
            self._looked_out, self._put_off = now, False
            if silent := self._silent(now):
                named = ", ".join(silent[:_NAMED]) + (" and more" if len(silent) > _NAMED else "")
                _log.warning("%d fallen silent, their lamps are stale: %s", len(silent), named)
            for intersection in silent:
                self.live.fall_silent(intersection, now)
        until = perf_counter() + self._learning * self._pace_s
        while self.live.learn(1) and perf_counter() < until:
            pass
        if changes := self.live.changes(now, _MOST_CHANGES):
            self._bus.publish(Batch(made_at=now, updates=[Update(change, now, self._fragments) for change in changes]))

    def _divide(self, late_s: float) -> None:
        """Give forecasts less time at once where beats come late, and by and by more again where they do not.

        Where this process itself was held up, what was said meanwhile is read before anybody is taken to be silent.
        """
        if timedelta(seconds=late_s) > _LOOKOUT and not self._put_off:
            self._looked_out, self._put_off = self._clock(), True
        if late_s > _LATE * self._pace_s:
            self._learning = max(0.7 * self._learning, _LEAST_LEARNING)
        else:
            self._learning = min(self._learning + 0.01, _MOST_LEARNING)
