"""When an order holds: all its windows, worked out once per order version, and the next instant that matters."""

import threading
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final

from trafficfeed.closures.orders import Order
from trafficfeed.closures.schedules import Occurrence, Occurrences, windows_of
from trafficfeed.errors import OrderInvalid
from trafficfeed.findings import Finding

_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_AHEAD: Final = timedelta(days=45)  # worked out beyond what is asked, so that a service asks again but rarely
_MOST: Final = 8192


@dataclass(frozen=True, kw_only=True)
class Timetable:
    """The windows of an order's measures from their first on, as far as `until`; `faults` where a schedule has some."""

    by_measure: Mapping[str, Occurrences]
    until: datetime
    faults: tuple[Finding, ...] = ()

    @cached_property
    def all(self) -> tuple[Occurrence, ...]:
        """Every window of the order, by start."""
        found = [occurrence for occurrences in self.by_measure.values() for occurrence in occurrences]
        return tuple(sorted(found, key=lambda occurrence: occurrence.window.start))

    @cached_property
    def bounds(self) -> tuple[datetime, ...]:
        """Every instant at which a window starts or ends, in order."""
        return tuple(sorted({t for one in self.all for t in (one.window.start, one.window.end)}))

    def between(self, since: datetime, until: datetime) -> dict[str, Occurrences]:
        """Return the windows of each measure that overlap ``[since, until)``."""
        return {
            measure_id: found[bisect_right(found, since, key=_end) : bisect_left(found, until, key=_start)]
            for measure_id, found in self.by_measure.items()  # windows of one measure never overlap
        }

    def next_bound(self, after: datetime) -> datetime | None:
        """Return the first start or end of a window later than `after`; None where there is none in sight."""
        at = bisect_right(self.bounds, after)
        return self.bounds[at] if at < len(self.bounds) else None


class Timetables:
    """The timetables of order versions by their content, the least used forgotten first."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Timetable] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, order: Order, sha256: str, *, until: datetime) -> Timetable:
        """Return the timetable of `order`, whose content has the hash `sha256`, to `until` or beyond."""
        found = self._known.get(sha256)
        if found is None or found.until < until:
            found = timetable(order, until=until + _AHEAD)
        with self._lock:
            self._known[sha256] = found
            self._known.move_to_end(sha256)
            if len(self._known) > _MOST:
                self._known.popitem(last=False)
        return found


def timetable(order: Order, *, until: datetime) -> Timetable:
    """Work out the windows of `order` that start before `until` (aware)."""
    by_measure: dict[str, Occurrences] = {}
    faults: list[Finding] = []
    for measure in order.measures:
        try:
            by_measure[measure.id] = windows_of(measure, order.timezone, since=_BEGINNING, until=until)
        except OrderInvalid as fault:
            by_measure[measure.id] = ()
            faults += fault.findings
    return Timetable(by_measure=by_measure, until=until, faults=tuple(faults))


def _start(occurrence: Occurrence) -> datetime:
    return occurrence.window.start


def _end(occurrence: Occurrence) -> datetime:
    return occurrence.window.end


TIMETABLES: Final = Timetables()
"""Those of this process."""
