"""What time alone does to orders: published ones become active, active ones end."""

from collections.abc import Iterable
from contextlib import suppress
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
_AT_ONCE: Final = 50  # in one transaction: officers wait for it
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

    Repeating it changes nothing.

    Raises
    ------
    SourceUnavailable
        If the database cannot be used.
    OrderInvalid
        If a published order's schedule cannot be read (the checks do not let that happen).
    """
    with database.reading() as connection:
        running = Orders(connection).list(city=city, states=_RUNNING)
    due = {stored.order.id: _due(stored.order, stored.sha256, as_of) for stored in running}
    moving = [(stored, to) for stored in running if (to := due[stored.order.id][0]) not in {None, stored.state}]
    moved: list[tuple[str, OrderState]] = []
    for at in range(0, len(moving), _AT_ONCE):
        moved += _move(database, moving[at : at + _AT_ONCE], as_of)
    return ClockReport(
        activated=tuple(order_id for order_id, to in moved if to is OrderState.ACTIVE),
        ended=tuple(order_id for order_id, to in moved if to is OrderState.ENDED),
        overdue=tuple(order_id for order_id, (_, late) in due.items() if late),
    )


def apply_clock_to(database: Database, stored: StoredOrder, *, as_of: datetime) -> StoredOrder:
    """Return one published or active order as `apply_clock` leaves it."""
    due, _ = _due(stored.order, stored.sha256, as_of)
    if stored.state in _RUNNING and due not in {None, stored.state} and _move(database, [(stored, due)], as_of):
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


def _move(
    database: Database, moving: Iterable[tuple[StoredOrder, OrderState | None]], as_of: datetime
) -> list[tuple[str, OrderState]]:
    """Take orders to the states that are due, in one transaction; return those that nobody had changed meanwhile."""
    moved: list[tuple[str, OrderState]] = []
    with database.transaction() as connection:
        orders = Orders(connection)
        for seen, to in moving:
            if to is None:
                continue
            changes = {"finished_at": as_of} if to is OrderState.ENDED else {}
            step = Step(action="clock", to=to, actor=MACHINE, as_of=as_of, changes=changes)
            with suppress(OrderConflict):  # the next round sees what it has become
                orders.advance(orders.lock(seen.order.id, expected_revision=seen.revision), step)
                moved.append((seen.order.id, to))
    return moved
