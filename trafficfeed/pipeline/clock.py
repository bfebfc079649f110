"""What time alone does to orders: published ones become active, active ones end."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from trafficfeed.closures.orders import Order, OrderState
from trafficfeed.closures.schedules import windows_of
from trafficfeed.errors import OrderConflict
from trafficfeed.pipeline.orders import MACHINE
from trafficfeed.pipeline.timetable import TIMETABLES
from trafficfeed.store.database import Database
from trafficfeed.store.orders import Orders, Step, StoredOrder

_RUNNING: Final = (OrderState.PUBLISHED, OrderState.ACTIVE)
_REACH: Final = timedelta(days=31)
_FARTHEST: Final = timedelta(days=3 * 366)  # a rule that skips longer than this has ended


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReport:
    """What the clock did, by order id.

    `overdue` orders have outlived their estimated end: the condition that ends them is for a person to see, so they
    stay active until they are ended or amended.
    """

    activated: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    overdue: tuple[str, ...] = ()


def apply_clock(database: Database, *, as_of: datetime, city: str | None = None) -> ClockReport:
    """Bring published and active orders to where their windows say that they are at `as_of` (aware).

    Repeating it changes nothing; each order is a transaction of its own.

    Raises
    ------
    SourceUnavailable
        If the database cannot be used.
    OrderInvalid
        If a published order's schedule cannot be read (the checks do not let that happen).
    """
    with database.reading() as connection:
        running = Orders(connection).list(city=city, states=_RUNNING)
    activated: list[str] = []
    ended: list[str] = []
    overdue: list[str] = []
    for stored in running:
        due, late = _due(stored.order, stored.sha256, as_of)
        if late:
            overdue.append(stored.order.id)
        if due is None or not _move(database, stored, due, as_of):
            continue
        (activated if due is OrderState.ACTIVE else ended).append(stored.order.id)
    return ClockReport(activated=tuple(activated), ended=tuple(ended), overdue=tuple(overdue))


def apply_clock_to(database: Database, stored: StoredOrder, *, as_of: datetime) -> StoredOrder:
    """Return one published or active order as `apply_clock` leaves it."""
    due, _ = _due(stored.order, stored.sha256, as_of)
    if stored.state in _RUNNING and due is not None and _move(database, stored, due, as_of):
        with database.reading() as connection:
            return Orders(connection).get(stored.order.id)
    return stored


def next_move(order: Order, sha256: str, *, after: datetime) -> datetime | None:
    """Return when the clock may move a published or active order next; None where no window is in sight."""
    return TIMETABLES.of(order, sha256, until=after + _REACH).next_bound(after)


def _due(order: Order, sha256: str, as_of: datetime) -> tuple[OrderState | None, bool]:
    """Return the state that the windows ask for (None: not begun), and whether an estimated end has passed."""
    times = TIMETABLES.of(order, sha256, until=as_of + _REACH)
    begun = bool(times.bounds) and times.bounds[0] <= as_of
    if (times.bounds and times.bounds[-1] > as_of) or _has_more(order, as_of):
        return (OrderState.ACTIVE if begun else None), False
    last = max(times.all, key=lambda occurrence: occurrence.window.end, default=None)
    late = last is not None and last.end_is_estimate
    return (OrderState.ACTIVE if late else OrderState.ENDED), late


def _has_more(order: Order, as_of: datetime) -> bool:
    """Tell whether a window holds now or begins later; asked only when those in sight are over."""
    return any(windows_of(measure, order.timezone, since=as_of, until=as_of + _FARTHEST) for measure in order.measures)


def _move(database: Database, seen: StoredOrder, to: OrderState, as_of: datetime) -> bool:
    """Take one order to the state that is due; False where it is there, or somebody changed it meanwhile."""
    if seen.state is to:
        return False
    changes = {"finished_at": as_of} if to is OrderState.ENDED else {}
    step = Step(action="clock", to=to, actor=MACHINE, as_of=as_of, changes=changes)
    try:
        with database.transaction() as connection:
            orders = Orders(connection)
            orders.advance(orders.lock(seen.order.id, expected_revision=seen.revision), step)
    except OrderConflict:
        return False  # the next round sees what it has become
    return True
