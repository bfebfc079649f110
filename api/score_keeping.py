"""While the lamps are live: their scores are written down each minute, and released if nobody else does it."""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Final

from api.deps import Services
from trafficfeed.errors import TrafficFeedError
from trafficfeed.pipeline.signal_scorecards import FEED, keep_scores, release_scorecard, resume_demotions, take_scores
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.signals.accuracy.watch import Snapshot

KEEP_S: Final = 60.0
RELEASE_AFTER: Final = timedelta(minutes=65)

_log = logging.getLogger(__name__)


class ScoreKeeping:
    """Keeps the scores of one process; the files are named by when it started."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._process = services.clock().strftime("%Y%m%dT%H%M%S.%f")

    async def run(self) -> None:
        """Resume the demotions of the process before, then keep scores until cancelled, and once more then."""
        live = self._services.live
        if live is None:
            return
        await self._resume()
        try:
            while True:
                await asyncio.sleep(KEEP_S)
                await self.keep()
        finally:
            self._write(self._take(), self._services.clock())

    async def keep(self) -> None:
        """Write down what has been scored, and release it when it is time."""
        await asyncio.to_thread(self._write, self._take(), self._services.clock())

    async def _resume(self) -> None:
        live = self._services.live
        assert live is not None
        try:
            demotions = await asyncio.to_thread(resume_demotions, self._services.objects)
        except TrafficFeedError as error:
            _log.error("demotions of signals could not be resumed: %s", error)
        else:
            live.city.accuracy.demotions = demotions

    def _take(self) -> Snapshot | None:
        """Copy the scores, on the loop that they are made on."""
        live = self._services.live
        if live is None:
            return None
        return take_scores(live.city.accuracy, zone=self._services.zone, as_of=self._services.clock())

    def _is_due(self, now: datetime) -> bool:
        """Tell whether the newest scorecard is old: the pipeline releases one each hour too, where it runs."""
        newest = next(iter(ReleaseStore(self._services.objects, FEED).manifests(limit=1)), None)
        return newest is None or now - newest.published_at >= RELEASE_AFTER

    def _write(self, taken: Snapshot | None, now: datetime) -> None:
        services = self._services
        if taken is None:
            return
        try:
            keep_scores(services.objects, taken, zone=services.zone, process=self._process)
            if taken.tallies and self._is_due(now):
                simulated = services.settings.signals == "virtual"
                release_scorecard(
                    services.objects, city=services.city.name, zone=services.zone, as_of=now, simulated=simulated
                )
        except TrafficFeedError as error:
            _log.error("the scores of signals could not be kept: %s", error)
