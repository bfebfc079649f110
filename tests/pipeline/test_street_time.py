"""Orders begin and end on their minute without Airflow, whoever looks; a look with nothing due does nothing."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from made_closures import closure, order_of

from trafficfeed.closures.orders import OrderState
from trafficfeed.pipeline.orders import end_order, store_emergency
from trafficfeed.pipeline.releasing import FEED
from trafficfeed.pipeline.street_time import StreetTime, nothing_is_due
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.settings import Settings
from trafficfeed.store.audit import AuditLog
from trafficfeed.store.database import Database, open_database
from trafficfeed.store.objects import ObjectStore
from trafficfeed.store.orders import Orders

NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
BEGIN = datetime(2026, 12, 1, 2, 2, tzinfo=UTC)
END = datetime(2026, 12, 1, 2, 10, tzinfo=UTC)


@pytest.fixture
def database(configured: Settings, cities: Path) -> Database:
    """A store with one order that holds from BEGIN to END, approved."""
    found = open_database(configured.database_url)
    store_emergency(found, order_of(closure(cities)), (), actor="chief", as_of=NOW, reason="a test")
    return found


def _state(database: Database) -> OrderState:
    with database.reading() as connection:
        return Orders(connection).get("grid-works").state


def test_each_look_says_when_to_look_again_and_the_order_moves_then(configured: Settings, database: Database) -> None:
    time = StreetTime(configured)
    assert time.look(database, NOW).next_due == BEGIN
    assert _state(database) is OrderState.PUBLISHED

    assert time.look(database, BEGIN).moved.activated == ("grid-works",)
    assert time.look(database, END - timedelta(microseconds=1)).next_due == END
    assert _state(database) is OrderState.ACTIVE

    look = time.look(database, END)
    assert look.moved.ended == ("grid-works",)
    assert look.released is not None and look.released.record_ids("grid-works"), "served for an hour as ended"


def test_what_begins_at_once_is_active_after_one_look(configured: Settings, database: Database) -> None:
    StreetTime(configured).look(database, BEGIN + timedelta(minutes=1))
    assert _state(database) is OrderState.ACTIVE


def test_a_look_with_nothing_due_only_says_that_the_feed_was_checked(configured: Settings, database: Database) -> None:
    time = StreetTime(configured)
    time.look(database, NOW)
    later = NOW + timedelta(seconds=30)
    assert time.look(database, later).released is None
    assert ReleaseStore(ObjectStore(configured.objects_url), FEED).checked_at() == later


def test_a_change_by_another_process_is_seen_at_the_next_look(configured: Settings, database: Database) -> None:
    time = StreetTime(configured)
    time.look(database, NOW)
    end_order(database, "grid-works", actor="ann", as_of=NOW, reason="not needed")
    assert time.look(database, NOW + timedelta(seconds=1)).released is not None


def test_of_two_that_let_time_pass_one_moves_the_order_and_both_serve_the_same(
    configured: Settings, database: Database
) -> None:
    one, other = StreetTime(configured), StreetTime(configured)
    for at in (NOW, BEGIN, END):
        looks = [one.look(database, at), other.look(database, at)]
        moved = [look.moved for look in looks]
        assert sum(bool(step.activated or step.ended) for step in moved) == (at is not NOW)
    with database.reading() as connection:
        steps = [entry.to_state for entry in AuditLog(connection).of_order("grid-works") if entry.action == "clock"]
    assert steps == [OrderState.ACTIVE, OrderState.ENDED]


def test_a_process_that_has_just_started_is_told_that_nothing_is_due(configured: Settings, database: Database) -> None:
    assert not nothing_is_due(configured, database, NOW), "nobody has looked yet"
    StreetTime(configured).look(database, NOW)
    assert nothing_is_due(configured, database, NOW)
    assert not nothing_is_due(configured, database, BEGIN), "the order begins"

    end_order(database, "grid-works", actor="chief", as_of=NOW, reason="a test")
    assert not nothing_is_due(configured, database, NOW), "the order was changed"
    StreetTime(configured).look(database, NOW)
    assert nothing_is_due(configured, database, NOW)
    elsewhere = configured.model_copy(update={"public_url": "https://other.example"})
    assert not nothing_is_due(elsewhere, database, NOW), "other settings make other documents"
