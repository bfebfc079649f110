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
_LEARNING: Final = 0.5  # share of the pace that forecasts may take; lamps do not wait for the rest
_AT_A_TIME: Final = 4
_LOOKOUT: Final = timedelta(seconds=0.25)

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

    def take(self, events: Iterable[LampEvent]) -> None:
        """Take what the door let through."""
        self.live.take(events)

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            began = perf_counter()
            self.beat()
            await asyncio.sleep(max(self._pace_s - (perf_counter() - began), 0.1 * self._pace_s))

    def beat(self) -> None:
        """Publish what is new by now."""
        now = self._clock()
        if self._looked_out is None or now - self._looked_out >= _LOOKOUT:
            self._looked_out = now
            for intersection in self._silent(now):
                _log.warning("%s has fallen silent: its lamps are stale", intersection)
                self.live.fall_silent(intersection, now)
        until = perf_counter() + _LEARNING * self._pace_s
        while self.live.learn(_AT_A_TIME) and perf_counter() < until:
            pass
        if changes := self.live.changes(now):
            self._bus.publish(Batch(made_at=now, updates=[Update(change, now, self._fragments) for change in changes]))
