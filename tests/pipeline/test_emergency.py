"""An emergency order: checked, stored and released in one step, or refused whole; simulated afterwards."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from made_closures import closure, order_of

from trafficfeed.closures.orders import OrderState
from trafficfeed.errors import OrderConflict, OrderInvalid, OrderNotFound, PublishFailed
from trafficfeed.pipeline import closures, emergency
from trafficfeed.pipeline.emergency import Emergency, publish_emergency
from trafficfeed.pipeline.releasing import FEED
from trafficfeed.pipeline.street_time import StreetTime
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.settings import Settings
from trafficfeed.store.audit import AuditLog
from trafficfeed.store.database import Database, open_database
from trafficfeed.store.objects import ObjectStore
from trafficfeed.store.orders import Orders
from trafficfeed.store.outbox import Outbox

NOW = datetime(2026, 12, 1, 2, 5, tzinfo=UTC)


@pytest.fixture
def database(configured: Settings) -> Database:
    return open_database(configured.database_url)


def _publish(database: Database, configured: Settings, cities: Path, **changes: object) -> Emergency:
    order = order_of(closure(cities, reason="emergency", **changes))
    return publish_emergency(
        database, order, settings=configured, actor="chief", as_of=NOW, reason="burst main, water on the road"
    )


def _validations(configured: Settings) -> list[str]:
    release = ReleaseStore(ObjectStore(configured.objects_url), FEED).current()
    assert release is not None
    features = json.loads(release.documents["closures.geojson"].data)["features"]
    return [feature["properties"]["validation"] for feature in features]


def test_an_emergency_is_active_released_and_pending_and_its_simulation_waits_for_airflow(
    database: Database, configured: Settings, cities: Path
) -> None:
    done = _publish(database, configured, cities)

    assert done.stored.state is OrderState.ACTIVE, "its window has begun"
    assert done.released is not None and done.record_ids == done.released.record_ids("grid-works")
    assert _validations(configured) == ["pending"]
    assert [entry.run_id for entry in Outbox(database, as_of=NOW).pending()] == ["grid-works-1"]
    with database.reading() as connection:
        log = {entry.action: entry for entry in AuditLog(connection).of_order("grid-works")}
    assert log["approve"].detail["override_reason"] == "burst main, water on the road"


def test_its_verdict_is_added_to_the_record_when_the_simulation_has_spoken(
    database: Database, configured: Settings, cities: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closures, "settings", lambda: configured)
    monkeypatch.setattr(closures, "now", lambda: NOW)
    _publish(database, configured, cities)
    closures.conclude_step("grid-works", 1)  # as the run that the outbox asks for does
    StreetTime(configured).look(database, NOW)
    assert _validations(configured) == ["passed"]


def test_an_order_with_errors_is_refused_and_nothing_of_it_is_stored(
    database: Database, configured: Settings, cities: Path
) -> None:
    elsewhere = closure(cities)["measures"][0] | {
        "where": [{"kind": "line", "coordinates": [[2.35, 48.85], [2.36, 48.85]]}]
    }
    with pytest.raises(OrderInvalid) as refusal:
        _publish(database, configured, cities, measures=[elsewhere])
    assert refusal.value.findings
    with database.reading() as connection, pytest.raises(OrderNotFound):
        Orders(connection).get("grid-works")
    assert Outbox(database, as_of=NOW).pending() == ()


def test_an_order_of_the_same_id_is_not_published_twice(database: Database, configured: Settings, cities: Path) -> None:
    _publish(database, configured, cities)
    with pytest.raises(OrderConflict):
        _publish(database, configured, cities)


def test_where_the_release_fails_the_order_is_kept_approved_and_goes_out_with_the_next(
    database: Database, configured: Settings, cities: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_named: object) -> None:
        raise PublishFailed("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(emergency, "release", fail)
        done = _publish(database, configured, cities)
    assert (done.stored.state, done.record_ids, done.trouble) == (OrderState.APPROVED, (), "the disk is full")

    StreetTime(configured).look(database, NOW)
    assert _validations(configured) == ["pending"]
