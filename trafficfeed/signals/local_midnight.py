"""Local midnights, which fixed plans count from: each day's own, 23 or 25 hours apart where clocks are changed."""

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple


class LocalDay(NamedTuple):
    """A local day, from its midnight to the next; seconds since the epoch."""

    begin: float
    end: float

    @property
    def length_s(self) -> float:
        """Its length: 86,400 s but for the days on which clocks are changed."""
        return self.end - self.begin


class LocalDays:
    """The days of one zone; an instant of the day that was asked for last costs a comparison."""

    __slots__ = ("_last", "_zone")

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._last = LocalDay(0.0, 0.0)

    def at(self, at: float) -> LocalDay:
        """Return the local day that an instant falls in; seconds since the epoch."""
        if not self._last.begin <= at < self._last.end:
            day = datetime.fromtimestamp(at, UTC).astimezone(self._zone).replace(tzinfo=None, fold=0)
            begin = day.replace(hour=0, minute=0, second=0, microsecond=0)
            end = begin + timedelta(days=1)
            self._last = LocalDay(*(one.replace(tzinfo=self._zone).timestamp() for one in (begin, end)))
        return self._last


@lru_cache(maxsize=64)
def days_of(zone: tzinfo) -> LocalDays:
    """Return the days of a zone, the same object for all who ask."""
    return LocalDays(zone)
