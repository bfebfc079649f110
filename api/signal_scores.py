"""Signal scores as pages need them: one junction's from what is kept, the city's from the newest scorecard."""

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from trafficfeed.errors import TrafficFeedError
from trafficfeed.formats.signal_scorecard import FILE_NAME
from trafficfeed.pipeline.signal_scorecards import DAYS, FEED
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.signals.accuracy.tally import Tally, merged
from trafficfeed.signals.accuracy.watch import GroupDay
from trafficfeed.store.objects import ObjectStore
from trafficfeed.store.signal_scores import SignalScores

_FRESH: Final = timedelta(seconds=60)
_MOST_KEPT: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class JunctionScores:
    """The tallies of one junction's groups in the last days; nothing in it where nothing was scored."""

    tallies: Mapping[GroupDay, Tally]

    @property
    def total(self) -> Tally:
        """All of it."""
        return merged(self.tallies.values())

    @property
    def by_day(self) -> dict[date, Tally]:
        """All groups, by local day."""
        return {day: self._sum(own for own in self.tallies if own.day == day) for day in self._days()}

    def of(self, group: int) -> Tally:
        """One group, all days."""
        return self._sum(own for own in self.tallies if own.key.group == group)

    def _sum(self, keys: Iterable[GroupDay]) -> Tally:
        return merged(self.tallies[key] for key in keys)

    def _days(self) -> list[date]:
        return sorted({own.day for own in self.tallies})


class KeptScores:
    """Reads scores, each at most once a minute; what cannot be read is not shown, and the lamps still are."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._lock = threading.Lock()
        self._junctions: dict[str, tuple[datetime, JunctionScores]] = {}
        self._overall: tuple[int, Mapping[str, Any]] = (0, {})

    def junction(self, id: str, *, zone: ZoneInfo, now: datetime) -> JunctionScores:
        """Return the scores of one junction in the last days, counted in `zone`."""
        with self._lock:
            kept = self._junctions.get(id)
            if kept is None or not timedelta(0) <= now - kept[0] < _FRESH:
                if len(self._junctions) >= _MOST_KEPT:
                    self._junctions.clear()
                kept = self._junctions[id] = (now, self._read(id, now.astimezone(zone).date()))
            return kept[1]

    def overall(self) -> Mapping[str, Any]:
        """Return what the newest released scorecard says of the whole city; empty before the first."""
        releases = ReleaseStore(self._objects, FEED)
        with self._lock:
            try:
                newest = releases.newest()
                if newest and newest != self._overall[0]:
                    card = json.loads(releases.load(newest).documents[FILE_NAME].data)
                    self._overall = (newest, {**card["overall"], "days": card["days"]})
            except TrafficFeedError:
                return {}
            return self._overall[1]

    def _read(self, id: str, last: date) -> JunctionScores:
        days = [last - timedelta(days=back) for back in range(DAYS)]
        try:
            return JunctionScores(tallies=SignalScores(self._objects).tallies(days, intersection=id))
        except TrafficFeedError:
            return JunctionScores(tallies={})
