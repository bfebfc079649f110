"""The demo's orders: submitted once, and to the end where the first start was interrupted."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from made_gridtown import build_gridtown, closed_street

from trafficfeed.closures.orders import OrderState
from trafficfeed.pipeline.closures import now
from trafficfeed.pipeline.orders import cancel_order
from trafficfeed.running import demo
from trafficfeed.settings import Settings
from trafficfeed.store.database import Database, open_database
from trafficfeed.store.orders import Orders, StoredOrder


@pytest.fixture(scope="module")
def configured(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    cities = build_gridtown(tmp_path_factory.mktemp("cities"))
    night = (now() + timedelta(days=9)).date()
    orders = cities / "gridtown" / "orders"
    orders.mkdir(exist_ok=True)
    (orders / "works.json").write_text(json.dumps(closed_street(cities, "grid-works", night=night)), "utf-8")
    return Settings(state_dir=cities / "state", cities_dir=cities, city="gridtown")


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return open_database(f"sqlite:///{tmp_path / 'store.db'}")


def _stored(database: Database) -> StoredOrder:
    with database.reading() as connection:
        return Orders(connection).get("grid-works")


def test_an_order_whose_submission_was_interrupted_is_submitted_at_the_next_start(
    configured: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(demo, "check_stored_order", interrupted)
        demo.submit_demo(configured, database)
    assert _stored(database).state is OrderState.DRAFT

    assert demo.submit_demo(configured, database) == ("grid-works",)
    assert _stored(database).submitted_at is not None


def test_what_an_officer_did_to_a_demo_order_stands(configured: Settings, database: Database) -> None:
    demo.submit_demo(configured, database)
    cancelled = cancel_order(database, "grid-works", actor="ann", as_of=now(), reason="rain")

    demo.submit_demo(configured, database)

    assert _stored(database) == cancelled
