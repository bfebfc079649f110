"""The closure DAGs: they load, say what they are, and run from end to end with the real SUMO."""

import ast
import copy
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from made_gridtown import SHORT, build_gridtown, closed_street

from trafficfeed.closures.document import parse_order
from trafficfeed.closures.orders import OrderState
from trafficfeed.pipeline import closures, orders
from trafficfeed.settings import Settings, settings
from trafficfeed.store.audit import AuditLog
from trafficfeed.store.database import Database, open_database
from trafficfeed.store.orders import Orders

DAGS = Path(__file__).parents[2] / "dags"

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def dags(airflow_database: Path) -> dict[str, Any]:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(DAGS)
    assert bag.import_errors == {}
    return {name: dag for name, dag in bag.dags.items() if name.startswith("closures")}


@pytest.fixture(scope="module")
def configured(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Gridtown, with Airflow's REST interface unreachable: the tasks are run in this process."""
    cities = build_gridtown(tmp_path_factory.mktemp("cities"))
    state = tmp_path_factory.mktemp("state")
    return Settings(state_dir=state, cities_dir=cities, city="gridtown", airflow_port=9, simulation=SHORT)


@pytest.fixture
def database(configured: Settings, monkeypatch: pytest.MonkeyPatch) -> Database:
    for name, value in configured.environment().items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    monkeypatch.setattr(closures, "settings", settings)
    return open_database(configured.database_url)


def _submit(database: Database, configured: Settings, order_id: str) -> None:
    order = parse_order(json.dumps(closed_street(configured.cities_dir, order_id)), name=order_id)
    orders.create_order(database, order, actor="officer", as_of=closures.now())
    assert closures.check_step(order_id, 1)["proceed"]
    orders.approve_order(database, order_id, actor="chief", as_of=closures.now())
    orders.submit_order(database, order_id, actor="officer", as_of=closures.now())


def _state(database: Database, order_id: str) -> OrderState:
    with database.reading() as connection:
        return Orders(connection).get(order_id).state


def test_both_dags_load_with_a_description_and_tags(dags: dict[str, Any]) -> None:
    assert set(dags) == {"closures_validate", "closures_reconcile"}
    for dag in dags.values():
        assert "closures" in dag.tags
        assert dag.doc_md
        assert dag.max_active_runs == 1


def test_no_task_gives_up_at_the_first_failure_and_a_validation_says_its_own(dags: dict[str, Any]) -> None:
    assert all(task.retries >= 1 for dag in dags.values() for task in dag.tasks)
    assert all(task.on_failure_callback for task in dags["closures_validate"].tasks)


def test_simulations_are_limited_by_their_pool(dags: dict[str, Any]) -> None:
    pools = {task.task_id: task.pool for task in dags["closures_validate"].tasks}
    assert {name for name, pool in pools.items() if pool == "sumo"} == {"run_pair", "conclude"}


@pytest.mark.parametrize("conf", [{"order_id": "../etc", "version": 1}, {"order_id": "works", "version": 0}, {}])
def test_the_form_refuses_what_is_no_order_version(dags: dict[str, Any], conf: dict[str, Any]) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    params = copy.deepcopy(dags["closures_validate"].params)
    with pytest.raises(ParamValidationError):
        params.update(conf)
        params.validate()


@pytest.mark.parametrize("path", sorted(DAGS.glob("*.py")), ids=lambda path: path.name)
def test_a_dag_file_imports_airflow_alone_until_a_task_runs(path: Path) -> None:
    roots = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            roots.add(str(node.module).split(".")[0])
    assert roots <= sys.stdlib_module_names | {"airflow", "defaults"}


def test_a_submitted_order_is_released_by_its_run(
    dags: dict[str, Any], database: Database, configured: Settings
) -> None:
    _submit(database, configured, "grid-works")

    run = dags["closures_validate"].test(run_conf={"order_id": "grid-works", "version": 1})

    assert str(run.state) == "success"
    assert _state(database, "grid-works") is OrderState.PUBLISHED


def test_a_version_that_was_replaced_is_skipped_and_nothing_is_simulated(
    dags: dict[str, Any], database: Database, configured: Settings
) -> None:
    _submit(database, configured, "grid-replaced")
    orders.cancel_order(database, "grid-replaced", actor="officer", as_of=closures.now(), reason="rain")

    run = dags["closures_validate"].test(run_conf={"order_id": "grid-replaced", "version": 1})

    states = {task.task_id: str(task.state) for task in run.get_task_instances()}
    assert states["check"] == "success"
    assert {state for task, state in states.items() if task != "check"} == {"skipped"}


def test_a_failure_reaches_the_orders_audit_log_and_is_not_repeated_where_that_cannot_help(
    dags: dict[str, Any], database: Database, configured: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _submit(database, configured, "grid-broken")
    monkeypatch.setenv("TRAFFICFEED_CITIES_DIR", str(_without_demand(configured)))
    settings.cache_clear()

    run = dags["closures_validate"].test(run_conf={"order_id": "grid-broken", "version": 1})

    assert str(run.state) == "failed"
    with database.reading() as connection:
        failures = [e for e in AuditLog(connection).of_order("grid-broken") if e.action == "failure"]
    assert failures
    assert "closures_validate." in failures[0].detail["message"]


def test_a_round_of_reconciling_succeeds_though_airflow_cannot_be_asked(
    dags: dict[str, Any], database: Database
) -> None:
    run = dags["closures_reconcile"].test()
    assert str(run.state) == "success"


def _without_demand(configured: Settings) -> Path:
    """Return a copy of the cities whose demand has gone."""
    broken = configured.state_dir / "broken_cities"
    shutil.copytree(configured.cities_dir, broken)
    for path in (broken / "gridtown" / "demand").iterdir():
        path.unlink()
    return broken
