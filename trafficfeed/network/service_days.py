"""Which services of a timetable run on a day, and when a service day begins."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyService:
    """A row of ``calendar.txt``: the weekdays (Monday 0) on which a service runs, from day to day, both included."""

    service_id: str
    weekdays: frozenset[int]
    first: date
    last: date

    @classmethod
    def of(cls, row: Mapping[str, str]) -> "WeeklyService":
        """Read a row; raises ValueError for a date that is none."""
        return cls(
            service_id=row["service_id"],
            weekdays=frozenset(n for n, name in enumerate(_WEEKDAYS) if row[name].strip() == "1"),
            first=day_of(row["start_date"]),
            last=day_of(row["end_date"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDays:
    """The days of all services: weekly ones, and by day those added and taken away (``calendar_dates.txt``)."""

    weekly: tuple[WeeklyService, ...] = ()
    added: Mapping[date, frozenset[str]] = field(default_factory=dict)
    removed: Mapping[date, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, calendar: Iterable[Mapping[str, str]], exceptions: Iterable[Mapping[str, str]]) -> "ServiceDays":
        """Read the rows of both files; raises ValueError for a date that is none."""
        changes: dict[str, dict[date, set[str]]] = {"1": defaultdict(set), "2": defaultdict(set)}
        for row in exceptions:
            if row["exception_type"] in changes:
                changes[row["exception_type"]][day_of(row["date"])].add(row["service_id"])
        added, removed = ({day: frozenset(ids) for day, ids in changes[kind].items()} for kind in ("1", "2"))
        return cls(weekly=tuple(WeeklyService.of(row) for row in calendar), added=added, removed=removed)

    def running(self, day: date) -> frozenset[str]:
        """Return the ids of the services that run on `day`."""
        regular = {s.service_id for s in self.weekly if s.first <= day <= s.last and day.weekday() in s.weekdays}
        return frozenset(regular - self.removed.get(day, frozenset()) | self.added.get(day, frozenset()))


def day_of(text: str) -> date:
    """Read ``20261205``; raises ValueError where it is no date."""
    return date.fromisoformat(text.strip())


def start_of(day: date, timezone: str) -> datetime:
    """Return the instant from which the times of a service day count: noon less 12 h, so that no hour is lost or twice.

    Source: GTFS reference, field type Time.
    """
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(timezone))
    return datetime.fromtimestamp(noon.timestamp() - timedelta(hours=12).total_seconds(), tz=ZoneInfo(timezone))
