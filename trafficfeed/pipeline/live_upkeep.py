"""What a live city is looked after by once a minute: the rule that the nightly refit left, a new topology."""

import asyncio
import logging
from typing import Final

from trafficfeed.errors import TrafficFeedError
from trafficfeed.pipeline.live_city import LiveCity
from trafficfeed.pipeline.released_topology import FEED
from trafficfeed.pipeline.signal_refit import rule_in_force
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.signals.prediction.countdown_rule import CountdownRule, fitted_rule
from trafficfeed.store.objects import ObjectStore

EVERY_S: Final = 60.0

_log = logging.getLogger(__name__)


def rule_or_shipped(objects: ObjectStore) -> CountdownRule:
    """Return the rule in force; where what is kept cannot be read, the one that comes with the package, and say so."""
    try:
        return rule_in_force(objects)
    except TrafficFeedError as error:
        _log.error("the city's countdown rule: %s; the one of the package is used", error)
        return fitted_rule()


class Upkeep:
    """Looks after one live city, on the event loop that it runs on."""

    def __init__(self, city: LiveCity, objects: ObjectStore, every_s: float = EVERY_S) -> None:
        self._city = city
        self._objects = objects
        self._every_s = every_s
        self._served = self._newest_release()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(self._every_s)
            await self.look()

    async def look(self) -> None:
        """Take a rule that was fitted since; say once that a topology was released since. What fails is tried again."""
        try:
            rule = await asyncio.to_thread(rule_in_force, self._objects)
            newest = await asyncio.to_thread(self._newest_release)
        except TrafficFeedError as error:
            _log.error("live signals: %s; the countdown rule of before is kept", error)
            return
        if rule.countdown_from != self._city.rule.countdown_from:
            _log.warning("countdowns from a probability of %.3f on, by the last refit", rule.countdown_from)
            self._city.use_rule(rule)
        if newest != self._served:
            _log.warning("signal topology %s was released; it is served from the next start on", newest)
            self._served = newest

    def _newest_release(self) -> int:
        return ReleaseStore(self._objects, FEED).newest()
