"""An order's whole way by the steps that Airflow's tasks call, with the real SUMO and no Airflow."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from made_closures import NIGHT, closure, order_of

from trafficfeed.closures.orders import OrderState
from trafficfeed.pipeline import closures, orders
from trafficfeed.pipeline.checking import in_force
from trafficfeed.pipeline.releasing import FEED
from trafficfeed.pipeline.workspace import find_city, ground_of
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.settings import Settings
from trafficfeed.store.audit import AuditLog
from trafficfeed.store.database import Database, open_database
from trafficfeed.store.objects import ObjectStore
from trafficfeed.store.orders import Orders

AS_OF = datetime(2026, 11, 22, 12, tzinfo=UTC)
DURING = datetime(2026, 12, 1, 2, 5, tzinfo=UTC)
AFTER = datetime(2026, 12, 1, 2, 30, tzinfo=UTC)


class _Desk:
    """The steps with a clock that the test sets."""

    def __init__(self, configured: Settings, patch: pytest.MonkeyPatch) -> None:
        self.settings = configured
        self.now = AS_OF
        patch.setattr(closures, "settings", lambda: configured)
        patch.setattr(closures, "now", lambda: self.now)
        self.database: Database = open_database(configured.database_url)

    def submit(self, document: dict[str, Any]) -> None:
        order = order_of(document)
        orders.create_order(self.database, order, actor="officer", as_of=self.now)
        closures.check_step(order.id, 1)
        orders.approve_order(self.database, order.id, actor="chief", as_of=self.now)
        orders.submit_order(self.database, order.id, actor="officer", as_of=self.now)

    def state(self, order_id: str) -> OrderState:
        with self.database.reading() as connection:
            return Orders(connection).get(order_id).state

    def features(self) -> list[dict[str, Any]]:
        release = ReleaseStore(ObjectStore(self.settings.objects_url), FEED).current()
        assert release is not None
        features: list[dict[str, Any]] = json.loads(release.documents["closures.geojson"].data)["features"]
        return features


@pytest.fixture
def desk(configured: Settings, monkeypatch: pytest.MonkeyPatch) -> _Desk:
    return _Desk(configured, monkeypatch)


def test_an_order_goes_from_submitted_to_served_and_each_step_may_run_twice(desk: _Desk, cities: Path) -> None:
    desk.submit(closure(cities))
    for _ in range(2):
        assert closures.check_step("grid-works", 1)["proceed"]
    requests = closures.plan_step("grid-works", 1)
    assert len(requests) == desk.settings.thresholds.min_pairs
    for request in json.loads(json.dumps(requests)):  # as Airflow hands them on
        assert closures.run_step(request).endswith("done")

    first = closures.conclude_step("grid-works", 1)
    assert first["verdict"] == "publish"
    assert closures.conclude_step("grid-works", 1)["certificate"] == first["certificate"]
    released = closures.release_step()

    assert desk.state("grid-works") is OrderState.PUBLISHED
    assert released["orders"]["grid-works"]["certificate"] == first["certificate"]
    assert desk.features()[0]["properties"]["validation"] == "passed"


def test_the_same_facts_are_the_same_release_and_only_the_heartbeat_moves(desk: _Desk, cities: Path) -> None:
    desk.submit(closure(cities))
    closures.validate("grid-works", 1)
    first = closures.release_step()

    desk.now += timedelta(minutes=5)
    second = closures.release_step()

    assert (second["release"], second["number"]) == (first["release"], first["number"])
    assert ReleaseStore(ObjectStore(desk.settings.objects_url), FEED).checked_at() == desk.now


def test_time_activates_and_ends_an_order_and_its_record_stays_an_hour(desk: _Desk, cities: Path) -> None:
    desk.submit(closure(cities))
    closures.validate("grid-works", 1)

    desk.now = DURING
    assert closures.reconcile_step()["activated"] == ["grid-works"]
    desk.now = AFTER
    assert closures.reconcile_step()["ended"] == ["grid-works"]
    assert len(desk.features()) == 1

    desk.now = AFTER + timedelta(hours=2)
    closures.reconcile_step()
    assert desk.features() == []


def test_a_closure_with_an_open_end_stays_closed_when_its_estimate_passes_until_somebody_ends_it(
    desk: _Desk, cities: Path
) -> None:
    document = closure(cities)
    period = {"start": NIGHT["start"], "until": {"en": "until the pipe is mended"}, "estimated_end": NIGHT["end"]}
    document["measures"][0]["when"] = {"periods": [period]}
    desk.submit(document)
    closures.validate("grid-works", 1)

    desk.now = AFTER
    assert closures.reconcile_step()["overdue"] == ["grid-works"]
    assert _end(desk) > AFTER + timedelta(minutes=15)
    ground = ground_of(find_city("gridtown", cities))
    [standing] = in_force(desk.database, ground, settings=desk.settings, as_of=AFTER)
    assert [one.window.contains(AFTER) for one in standing.occurrences["closure"]] == [True], "others are checked on it"

    desk.now = AFTER + timedelta(days=2)
    closures.reconcile_step()
    assert _end(desk) > desk.now

    orders.end_order(desk.database, "grid-works", actor="officer", as_of=desk.now, reason="the pipe is mended")
    closures.release_step()
    assert _end(desk) == desk.now


def _end(desk: _Desk) -> datetime:
    [feature] = desk.features()
    return datetime.fromisoformat(feature["properties"]["end"])


def test_a_cancelled_order_is_served_as_cancelled_before_it_goes(desk: _Desk, cities: Path) -> None:
    desk.submit(closure(cities))
    closures.validate("grid-works", 1)

    orders.cancel_order(desk.database, "grid-works", actor="officer", as_of=desk.now, reason="rain")
    closures.release_step()

    [feature] = desk.features()
    assert feature["properties"]["cancelled"] is True


def test_an_emergency_is_served_as_pending_and_later_carries_its_certificate(desk: _Desk, cities: Path) -> None:
    order = order_of(closure(cities, reason="emergency"))
    orders.create_order(desk.database, order, actor="officer", as_of=desk.now)
    closures.check_step(order.id, 1)
    orders.approve_order(
        desk.database, order.id, actor="chief", as_of=desk.now, override_reason="burst main, water on the road"
    )
    closures.release_step()
    assert desk.features()[0]["properties"]["validation"] == "pending"

    closures.validate("grid-works", 1)

    assert desk.features()[0]["properties"]["validation"] == "passed"


def test_airflow_being_down_stops_neither_the_clock_nor_the_release(desk: _Desk, cities: Path) -> None:
    desk.submit(closure(cities))

    outcome = closures.reconcile_step()

    assert "Airflow" in str(outcome["asked_again"])
    assert outcome["number"] == 1


def test_a_version_that_was_amended_meanwhile_is_not_simulated(desk: _Desk, cities: Path) -> None:
    desk.submit(closure(cities))
    changed = order_of(closure(cities, title={"en": "Other works"}))
    with desk.database.reading() as connection:
        revision = Orders(connection).get("grid-works").revision
    orders.amend_order(desk.database, changed, expected_revision=revision, actor="officer", as_of=desk.now)

    assert closures.check_step("grid-works", 1) == {"proceed": False, "why": "version 2 has taken its place"}


def test_what_is_served_is_simulated_though_it_was_amended_and_the_checks_find_errors_by_now(
    desk: _Desk, cities: Path
) -> None:
    order = order_of(closure(cities, reason="emergency"))
    orders.create_order(desk.database, order, actor="officer", as_of=desk.now)
    closures.check_step(order.id, 1)
    approved = orders.approve_order(
        desk.database, order.id, actor="chief", as_of=desk.now, override_reason="burst main"
    )
    desk.now = AFTER + timedelta(days=2)  # it has no window left, which is an error
    assert closures.check_step(order.id, 1)["proceed"]

    closures.release_step()
    changed = order_of(closure(cities, reason="emergency", title={"en": "Other works"}))
    orders.amend_order(desk.database, changed, expected_revision=approved.revision + 1, actor="officer", as_of=desk.now)
    assert closures.check_step(order.id, 1)["proceed"]
    assert not closures.check_step(order.id, 2)["proceed"]


def test_a_failure_is_written_where_the_orders_author_looks(desk: _Desk, cities: Path) -> None:
    desk.submit(closure(cities))
    closures.record_failure("grid-works", 1, "run_pair: the disk is full")
    with desk.database.reading() as connection:
        last = AuditLog(connection).of_order("grid-works")[-1]
    assert (last.action, last.detail) == ("failure", {"message": "run_pair: the disk is full"})


def test_a_version_that_is_withheld_leaves_the_published_one_in_the_feed(desk: _Desk, cities: Path) -> None:
    desk.submit(closure(cities))
    closures.validate("grid-works", 1)
    elsewhere = [{"kind": "line", "coordinates": [[2.35, 48.85], [2.36, 48.85]]}]
    document = closure(cities)
    document["measures"][0]["where"] = elsewhere
    with desk.database.reading() as connection:
        revision = Orders(connection).get("grid-works").revision
    orders.amend_order(desk.database, order_of(document), expected_revision=revision, actor="officer", as_of=desk.now)
    orders.record_check(desk.database, "grid-works", 2, (), as_of=desk.now)  # as on the network of another day
    orders.approve_order(desk.database, "grid-works", actor="chief", as_of=desk.now, override_reason="burst main")

    outcome = closures.release_step()

    assert list(outcome["withheld"]) == ["grid-works"]
    assert outcome["orders"]["grid-works"]["version"] == 1
    assert desk.state("grid-works") is OrderState.APPROVED
    assert len(desk.features()) == 1
