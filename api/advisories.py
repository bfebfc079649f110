"""Virtual signals in a running API process: what officers entered, here or elsewhere, is streamed within a second."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from api.deps import Services
from trafficfeed.errors import TrafficFeedError
from trafficfeed.publishing.advisory_overlay import AdvisoryOverlay
from trafficfeed.publishing.signal_board import SignalBoard
from trafficfeed.signals.states import IntersectionState
from trafficfeed.signals.topology import Intersection
from trafficfeed.signals.virtual import state_of

POLL_S: Final = 0.25
_SHOWN_AFTER: Final = timedelta(minutes=10)  # its end, a junction without lamps is still told to be unavailable

_log = logging.getLogger(__name__)


class Advisories:
    """Carries virtual signals from the database to the live bus; on the event loop."""

    def __init__(
        self,
        services: Services,
        overlay: AdvisoryOverlay,
        board: SignalBoard,
        is_ours: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """Make it; `is_ours` tells of an intersection's id whether this process publishes it."""
        self.overlay = overlay
        self._is_ours = is_ours
        self._services = services
        self._board = board
        self._one_at_a_time = asyncio.Lock()  # so that nothing older is shown after something newer
        self._directed: frozenset[str] = frozenset()
        self._recent: dict[str, tuple[Intersection, datetime]] = {}

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(POLL_S)

    async def look(self) -> None:
        """Publish what has changed; a database that is out of reach delays what is new, not what ends by itself."""
        async with self._one_at_a_time:
            services = self._services
            try:
                holding = await asyncio.to_thread(lambda: services.virtual_signals.holding(services.clock()))
            except TrafficFeedError as error:
                _log.error("virtual signals cannot be read, those known hold until they end: %s", error)
                holding = self.overlay.still_holding(services.clock())
            now = services.clock()
            self.overlay.show({id: one for id, one in holding.items() if one.is_live(now) and self._is_ours(id)}, now)
            self._remember(now)

    def among(self, known: Mapping[str, Intersection]) -> Mapping[str, Intersection]:
        """Return `known` with the junctions that people direct, or did lately."""
        return {**known, **{id: one for id, (one, _) in self._recent.items()}} if self._recent else known

    def at(self, instant: datetime) -> dict[str, IntersectionState]:
        """Return what was said at an instant of the past; raises SourceUnavailable."""
        held = self._services.virtual_signals.held_at(instant)
        return {id: state_of(one, as_of=instant) for id, one in held.items()}

    def _remember(self, now: datetime) -> None:
        directed = self.overlay.intersections
        for id in self._directed:
            self._recent[id] = (self._recent[id][0], now)  # at least until this very look
        for id, one in directed.items():
            self._recent[id] = (one, now)
        self._directed = frozenset(directed)
        for id, (_, seen) in list(self._recent.items()):
            if now - seen > _SHOWN_AFTER:
                del self._recent[id]
                update = self._board.latest.get(id)
                if update is not None and update.state.advisory:
                    del self._board.latest[id]
