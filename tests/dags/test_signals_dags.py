"""The signal DAGs: they load, say when they run, and release a topology that the real SUMO lets through."""

import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from trafficfeed.network.sumo_binary import binary, sumo_home
from trafficfeed.pipeline import signals
from trafficfeed.pipeline.cities import BuildOptions, build_city
from trafficfeed.pipeline.released_topology import released_topology
from trafficfeed.settings import Settings, settings
from trafficfeed.simulation.certificate import Verdict
from trafficfeed.store.objects import ObjectStore

DAGS = Path(__file__).parents[2] / "dags"

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def dags(airflow_database: Path) -> dict[str, Any]:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(DAGS)
    assert bag.import_errors == {}
    return {name: dag for name, dag in bag.dags.items() if name.startswith("signals")}


@pytest.fixture(scope="module")
def configured(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A town of three signals in a row, and ten minutes of cars along them."""
    cities, state = tmp_path_factory.mktemp("cities"), tmp_path_factory.mktemp("state")
    net = cities / "grid.net.xml"
    subprocess.run(
        [
            *(binary("netgenerate"), "--grid", "--grid.x-number", "3", "--grid.y-number", "1", "--grid.length", "400"),
            *("--grid.attach-length", "400", "--default-junction-type", "traffic_light", "-o", net),
        ],
        env={"SUMO_HOME": str(sumo_home())},
        check=True,
        capture_output=True,
    )
    edges = " ".join(a + b for a, b in pairwise(["left0", "A0", "B0", "C0", "right0"]))
    cars = "".join(f'<vehicle id="c{t}" depart="{t}"><route edges="{edges}"/></vehicle>' for t in range(900, 1500, 9))
    (cities / "cars.rou.xml").write_text(f"<routes>{cars}</routes>", "utf-8")
    options = BuildOptions(title="Row", timezone="Europe/Paris", routes=(cities / "cars.rou.xml",), fit=False)
    build_city("row", net=net, cities_dir=cities, options=options)
    return Settings(state_dir=state, cities_dir=cities, city="row", airflow_port=9)


@pytest.fixture(autouse=True)
def in_force(configured: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in configured.environment().items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()


def test_they_say_what_they_do_and_when(dags: dict[str, Any]) -> None:
    assert set(dags) == {"signals_static", "signals_refit", "signals_quality"}
    for dag in dags.values():
        assert "signals" in dag.tags
        assert dag.doc_md
        assert dag.max_active_runs == 1
        assert all(task.retries >= 1 for task in dag.tasks)


def test_only_the_gate_takes_a_slot_of_sumos_pool(dags: dict[str, Any]) -> None:
    pools = {task.task_id: task.pool for dag in dags.values() for task in dag.tasks}
    assert {name for name, pool in pools.items() if pool == "sumo"} == {"gate"}


def test_a_night_releases_a_topology_that_the_gate_lets_through_and_the_next_drives_nothing(
    dags: dict[str, Any], configured: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = dags["signals_static"].test()

    assert str(run.state) == "success"
    objects = ObjectStore(configured.objects_url)
    topology = released_topology(objects)
    assert topology is not None
    assert len(topology.intersections) >= 3
    (certificate,) = signals.gate_certificates(objects)
    assert certificate.verdict is Verdict.PUBLISH
    assert certificate.inputs["topology"] == topology.version
    assert certificate.metrics["stops_change"].high < 0

    monkeypatch.setattr(signals, "run_gate", _not_again)
    assert str(dags["signals_static"].test().state) == "success"


def test_a_topology_that_the_gate_holds_is_not_released(configured: Settings) -> None:
    built = signals.topology_step()
    before = released_topology(ObjectStore(configured.objects_url))
    held = {"version": built["version"], "certificate": "x", "verdict": "hold", "reasons": ["stops: +3 %"]}

    assert signals.release_topology_step(held) == {"released": False, "held": ["stops: +3 %"]}
    assert released_topology(ObjectStore(configured.objects_url)) == before


def test_scorecards_are_released_though_nothing_was_scored(dags: dict[str, Any]) -> None:
    assert str(dags["signals_quality"].test().state) == "success"


def test_a_refit_on_too_short_a_log_changes_nothing(dags: dict[str, Any]) -> None:
    assert str(dags["signals_refit"].test().state) == "success"
    assert signals.refit_step()["fitted"] is False


def _not_again(*_given: Any, **_named: Any) -> None:
    raise AssertionError("the same question was driven twice")
