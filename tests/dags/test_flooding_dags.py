"""The flooding DAGs: they load, say when they run, and close a road of the water that was taken in."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from made_floods import flooded_town, told
from made_gridtown import build_gridtown

from trafficfeed.flooding.decisions import Level
from trafficfeed.pipeline import flooding
from trafficfeed.pipeline.flood_forecasts import FloodForecasts
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.settings import Settings, settings
from trafficfeed.simulation.certificate import from_json
from trafficfeed.store.database import open_database
from trafficfeed.store.flood_decisions import FloodDecisions
from trafficfeed.store.objects import ObjectStore

DAGS = Path(__file__).parents[2] / "dags"
NOW = datetime.now(UTC).replace(microsecond=0)

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def dags(airflow_database: Path) -> dict[str, Any]:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(DAGS)
    assert bag.import_errors == {}
    return {name: dag for name, dag in bag.dags.items() if name.startswith("flooding")}


@pytest.fixture(scope="module")
def configured(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    built = build_gridtown(tmp_path_factory.mktemp("built"))
    cities = flooded_town(built, tmp_path_factory.mktemp("cities"))
    return Settings(state_dir=tmp_path_factory.mktemp("state"), cities_dir=cities, city="gridtown", airflow_port=9)


@pytest.fixture(autouse=True)
def in_force(configured: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in configured.environment().items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()


def test_they_say_what_they_do_and_only_sumo_takes_its_pool(dags: dict[str, Any]) -> None:
    assert set(dags) == {"flooding_assess", "flooding_simulate", "flooding_refit"}
    pools = {task.task_id: task.pool for dag in dags.values() for task in dag.tasks}
    assert {name for name, pool in pools.items() if pool == "sumo"} == {"simulate"}
    for dag in dags.values():
        assert dag.doc_md
        assert dag.max_active_runs == 1
    assert dags["flooding_assess"].schedule == timedelta(minutes=5)


def test_a_round_in_a_storm_closes_the_road_and_scores_it(dags: dict[str, Any], configured: Settings) -> None:
    database = open_database(configured.database_url)
    told(configured, database, [0.05, 0.12, 0.22, 0.33, 0.34], at=NOW - timedelta(seconds=30))
    run = dags["flooding_assess"].test()
    assert str(run.state) == "success"
    objects = ObjectStore(configured.objects_url)
    assert FloodForecasts(objects, "gridtown").newest(NOW + timedelta(hours=1)) is not None
    with database.reading() as connection:
        decided = FloodDecisions(connection, "gridtown").latest()
    assert decided["underpass"].level is Level.CLOSED
    assert ReleaseStore(objects, flooding.SCORES).current() is not None
    assert flooding.due_step()["why"] == "1 sites are not clear"


def test_what_is_closed_is_driven_once_and_found_the_next_time(configured: Settings) -> None:
    first = flooding.simulate_step()
    assert first["driven"]
    kept = ObjectStore(configured.objects_url).read(f"flooding/gridtown/trials/{first['certificate']}.json")
    assert kept is not None
    assert from_json(kept).inputs["subject"]["closed"] == ["underpass"]


def test_in_the_calm_nothing_is_assessed_twice_an_hour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAFFICFEED_STATE_DIR", str(tmp_path))
    settings.cache_clear()
    assert flooding.due_step()["due"]
    flooding.forecast_step()
    assert flooding.due_step() == {"due": False, "why": ""}
