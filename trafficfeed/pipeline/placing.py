"""Where stored orders lie on the road graph: matched once per order version and graph."""

import threading
from collections import OrderedDict
from datetime import datetime
from typing import Final
from weakref import WeakKeyDictionary

from trafficfeed.closures.orders import Order
from trafficfeed.closures.resolution import resolve
from trafficfeed.findings import Finding
from trafficfeed.network.sections import Resolved
from trafficfeed.pipeline.assessment import Assessment
from trafficfeed.pipeline.timetable import TIMETABLES
from trafficfeed.pipeline.workspace import Ground
from trafficfeed.store.orders import StoredOrder

Placed = tuple[tuple[Resolved, ...], tuple[Finding, ...]]
_MOST: Final = 8192


class Placings:
    """The places of order versions on one graph by the orders' content, the least used forgotten first."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Placed] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, order: Order, sha256: str, ground: Ground) -> Placed:
        """Return the places of `order`, whose content has the hash `sha256`, and what could not be matched."""
        found = self._known.get(sha256) or resolve(order, ground.graph)
        with self._lock:
            self._known[sha256] = found
            self._known.move_to_end(sha256)
            if len(self._known) > _MOST:
                self._known.popitem(last=False)
        return found


_PLACINGS: WeakKeyDictionary[Ground, Placings] = WeakKeyDictionary()


def locate_stored(stored: StoredOrder, ground: Ground, *, since: datetime, until: datetime) -> Assessment:
    """Return what `locate` does for a stored order, from memory where it was asked for before."""
    resolved, findings = _PLACINGS.setdefault(ground, Placings()).of(stored.order, stored.sha256, ground)
    times = TIMETABLES.of(stored.order, stored.sha256, until=until)
    return Assessment(
        order=stored.order,
        resolved=resolved,
        occurrences=times.between(since, until),
        findings=(*findings, *times.faults),
    )
