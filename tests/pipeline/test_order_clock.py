from datetime import UTC, datetime, timedelta

import pytest
from made_orders import made_order, with_periods, with_schedule

from trafficfeed.closures.orders import Order, OrderState
from trafficfeed.pipeline.clock import ClockReport, apply_clock
from trafficfeed.pipeline.orders import (
    amend_order,
    approve_order,
    create_order,
    end_order,
    mark_published,
    record_check,
)
from trafficfeed.store.audit import AuditLog
from trafficfeed.store.database import Database, open_database
from trafficfeed.store.orders import Orders

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
ONE_NIGHT = {"start": "2026-12-05T22:00", "end": "2026-12-06T05:00"}  # 20:00 to 03:00 UTC
OPEN_END = {
    "start": "2026-12-05T22:00",
    "until": {"en": "until the crowd has left"},
    "estimated_end": "2026-12-06T01:00",
}


@pytest.fixture
def database(tmp_path: object) -> Database:
    return open_database(f"sqlite:///{tmp_path}/a.db")


def _publish(database: Database, order: Order) -> None:
    create_order(database, order, actor="ann", as_of=NOW)
    record_check(database, order.id, 1, [], as_of=NOW)
    approve_order(database, order.id, actor="bob", as_of=NOW, override_reason="a test")
    mark_published(database, order.id, 1, release="r", as_of=NOW)


def _at(database: Database, text: str) -> tuple[ClockReport, OrderState]:
    report = apply_clock(database, as_of=datetime.fromisoformat(text), city="anywhere")
    with database.reading() as connection:
        return report, Orders(connection).get("water-main").state


@pytest.mark.parametrize(
    ("at", "state"),
    [
        ("2026-12-05T19:59:59.999999Z", OrderState.PUBLISHED),
        ("2026-12-05T20:00:00Z", OrderState.ACTIVE),
        ("2026-12-06T02:59:59.999999Z", OrderState.ACTIVE),
        ("2026-12-06T03:00:00Z", OrderState.ENDED),
        ("2027-12-06T03:00:00Z", OrderState.ENDED),
    ],
)
def test_windows_are_half_open(database: Database, at: str, state: OrderState) -> None:
    _publish(database, with_periods(ONE_NIGHT))
    assert _at(database, at)[1] is state


def test_the_clock_says_what_it_did_once_and_leaves_it_in_the_log(database: Database) -> None:
    _publish(database, with_periods(ONE_NIGHT))
    assert _at(database, "2026-12-05T21:00:00Z")[0] == ClockReport(activated=("water-main",))
    assert _at(database, "2026-12-05T21:01:00Z")[0] == ClockReport()
    assert _at(database, "2026-12-06T04:00:00Z")[0] == ClockReport(ended=("water-main",))
    assert _at(database, "2026-12-06T04:01:00Z")[0] == ClockReport()
    with database.reading() as connection:
        lines = AuditLog(connection).of_order("water-main")[-2:]
        assert Orders(connection).get("water-main").finished_at == datetime(2026, 12, 6, 4, tzinfo=UTC)
    assert [(line.action, line.to_state) for line in lines] == [("clock", "active"), ("clock", "ended")]


def test_between_the_windows_of_night_works_the_order_stays_active_to_the_last(database: Database) -> None:
    rule = {"first": ONE_NIGHT, "rrule": "FREQ=WEEKLY;COUNT=3"}
    _publish(database, with_schedule({"recurrences": [rule]}))
    assert _at(database, "2026-12-09T12:00:00Z")[1] is OrderState.ACTIVE
    assert _at(database, "2026-12-20T02:59:00Z")[1] is OrderState.ACTIVE
    assert _at(database, "2026-12-20T03:00:00Z")[1] is OrderState.ENDED


def test_a_second_window_far_away_keeps_an_order_active(database: Database) -> None:
    _publish(database, with_periods(ONE_NIGHT, {"start": "2027-12-05T22:00", "end": "2027-12-06T05:00"}))
    assert _at(database, "2027-06-01T00:00:00Z")[1] is OrderState.ACTIVE


def test_an_estimated_end_does_not_end_an_order_a_person_does(database: Database) -> None:
    _publish(database, with_periods(OPEN_END))
    report, state = _at(database, "2026-12-06T08:00:00Z")
    assert (report.overdue, state) == (("water-main",), OrderState.ACTIVE)
    end_order(database, "water-main", actor="ann", as_of=NOW, reason="the crowd has left")
    assert _at(database, "2026-12-06T09:00:00Z") == (ClockReport(), OrderState.ENDED)


def test_what_is_not_published_does_not_move(database: Database) -> None:
    create_order(database, with_periods(ONE_NIGHT), actor="ann", as_of=NOW)
    assert _at(database, "2027-01-01T00:00:00Z") == (ClockReport(), OrderState.DRAFT)


def test_an_order_under_amendment_is_left_to_its_editor(database: Database) -> None:
    _publish(database, with_periods(ONE_NIGHT))
    with database.reading() as connection:
        revision = Orders(connection).get("water-main").revision
    amend_order(database, made_order(), expected_revision=revision, actor="ann", as_of=NOW)
    assert _at(database, "2027-01-01T00:00:00Z") == (ClockReport(), OrderState.DRAFT)


def test_other_cities_are_left_alone(database: Database) -> None:
    _publish(database, with_periods(ONE_NIGHT))
    assert apply_clock(database, as_of=NOW + timedelta(days=9), city="elsewhere") == ClockReport()
