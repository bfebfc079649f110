import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from trafficfeed.errors import ScenarioInvalid, SimulationFailed
from trafficfeed.network.vehicle_classes import VehicleClass
from trafficfeed.simulation.interventions import EdgeClosure, LaneClosure, SpeedChange
from trafficfeed.simulation.results import Fate, RunResult
from trafficfeed.simulation.runs import cached, run, run_many
from trafficfeed.simulation.scenario import RunSpec, Scenario

CLOSED = EdgeClosure(
    cause="works", edges=("C2D2",), permitted=frozenset({VehicleClass.EMERGENCY}), begin_s=600.0, end_s=1200.0
)


def same(one: RunResult, other: RunResult) -> bool:
    columns = ("wanted_depart_s", "depart_s", "arrival_s", "edge_entered", "edge_time_loss_s", "edge_max_queue_m")
    return (
        all(np.array_equal(getattr(one, c), getattr(other, c), equal_nan=True) for c in columns)
        and tuple(one.vehicle_id) == tuple(other.vehicle_id)
        and tuple(one.fate) == tuple(other.fate)
        and tuple(one.edge_id) == tuple(other.edge_id)
        and dict(one.counts) == dict(other.counts)
    )


def test_a_run_is_the_same_again_and_after_reading_it_back(scenario: Scenario, tmp_path: Path) -> None:
    spec = RunSpec(scenario=replace(scenario, interventions=(CLOSED,)), tier="micro", seed=7)
    first = run(spec, runs=tmp_path / "a", time_limit_s=120)
    assert same(first, run(spec, runs=tmp_path / "b", time_limit_s=120))
    found = cached(spec, runs=tmp_path / "a")
    assert found is not None
    assert same(first, found)
    assert list(first.vehicle_id) == sorted(first.vehicle_id)


def test_another_seed_is_another_run_with_the_same_vehicles(scenario: Scenario, tmp_path: Path) -> None:
    one, two = run_many(
        [RunSpec(scenario=scenario, tier="micro", seed=s) for s in (1, 2)], runs=tmp_path, workers=2, time_limit_s=120
    )
    assert tuple(one.vehicle_id) == tuple(two.vehicle_id)
    assert not np.array_equal(one.trip_s, two.trip_s)


def test_base_and_plan_have_the_same_vehicles_departures_and_knowledge_and_the_same_past(
    scenario: Scenario, tmp_path: Path
) -> None:
    base, plan = run_many(
        [RunSpec(scenario=s, tier="micro", seed=1) for s in (scenario, replace(scenario, interventions=(CLOSED,)))],
        runs=tmp_path,
        workers=2,
        time_limit_s=120,
    )
    assert tuple(base.vehicle_id) == tuple(plan.vehicle_id)
    assert np.array_equal(base.wanted_depart_s, plan.wanted_depart_s)
    assert np.array_equal(base.informed, plan.informed)
    past = base.arrival_s < CLOSED.begin_s
    assert past.sum() > 50
    assert np.array_equal(base.arrival_s[past], plan.arrival_s[past])
    assert np.nanmean(plan.trip_s) > np.nanmean(base.trip_s)


def test_a_spec_survives_json_and_its_key_does_not_depend_on_the_folder(scenario: Scenario, tmp_path: Path) -> None:
    spec = RunSpec(scenario=replace(scenario, interventions=(CLOSED,)), tier="meso", seed=3)
    again = RunSpec.from_json(json.loads(json.dumps(spec.to_json())))
    assert again.key == spec.key
    assert again.scenario.interventions[0].permitted == CLOSED.permitted
    net, routes = tmp_path / "elsewhere.net.xml", tmp_path / "other.rou.xml"
    net.write_bytes(scenario.net_path.read_bytes())
    routes.write_bytes(scenario.route_paths[0].read_bytes())
    moved = replace(spec.scenario, net_path=net, route_paths=(routes,))
    assert RunSpec(scenario=moved, tier="meso", seed=3).key == spec.key


def test_every_input_changes_the_key(scenario: Scenario, tmp_path: Path) -> None:
    spec = RunSpec(scenario=scenario, tier="meso", seed=1)
    routes = tmp_path / "other.rou.xml"
    routes.write_bytes(scenario.route_paths[0].read_bytes() + b"<!-- changed -->")
    others = [
        replace(spec, seed=2),
        replace(spec, tier="micro"),
        *(
            replace(spec, scenario=replace(scenario, **change))
            for change in (
                {"interventions": (CLOSED,)},
                {"interventions": (replace(CLOSED, permitted=frozenset()),)},
                {"informed_share": 0.25},
                {"end_s": 1700.0},
                {"until_s": 3500.0},
                {"emergency_probes": 3},
                {"route_paths": (routes,)},
                {"meso": scenario.meso.model_copy(update={"minor_penalty_s": 2.0})},
            )
        ),
    ]
    assert len({s.key for s in [spec, *others]}) == len(others) + 1


def test_a_run_beyond_its_time_limit_is_killed_and_leaves_no_result(scenario: Scenario, tmp_path: Path) -> None:
    spec = RunSpec(scenario=scenario, tier="micro", seed=1)
    with pytest.raises(SimulationFailed, match="time limit"):
        run(spec, runs=tmp_path, time_limit_s=0.05)
    assert cached(spec, runs=tmp_path) is None
    assert not list(tmp_path.glob(".draft*"))
    assert not _simulators(tmp_path)


def test_what_sumo_says_when_it_fails_is_in_the_message(scenario: Scenario, tmp_path: Path) -> None:
    broken = tmp_path / "broken.rou.xml"
    broken.write_text('<routes><vehicle id="x" depart="0" departLane="nine"><route edges="A2B2"/></vehicle></routes>')
    spec = RunSpec(scenario=replace(scenario, route_paths=(broken,), emergency_probes=0), tier="micro", seed=1)
    with pytest.raises(SimulationFailed, match="departLane"):
        run(spec, runs=tmp_path / "runs", time_limit_s=60)


def test_a_stretch_without_vehicles_is_refused(scenario: Scenario, tmp_path: Path) -> None:
    empty = replace(scenario, begin_s=50_000.0, end_s=50_100.0, until_s=50_200.0)
    with pytest.raises(ScenarioInvalid, match="no vehicle departs"):
        run(RunSpec(scenario=empty, tier="meso", seed=1), runs=tmp_path, time_limit_s=60)


def test_meso_refuses_what_it_cannot_show(scenario: Scenario, tmp_path: Path) -> None:
    lane = LaneClosure(cause="x", edge="C2D2", lanes=(0,), permitted=frozenset(), begin_s=0.0, end_s=900.0)
    with pytest.raises(ScenarioInvalid, match="micro"):
        run(
            RunSpec(scenario=replace(scenario, interventions=(lane,)), tier="meso", seed=1),
            runs=tmp_path,
            time_limit_s=60,
        )


def test_progress_counts_cached_runs_too_and_results_keep_their_order(scenario: Scenario, tmp_path: Path) -> None:
    specs = [RunSpec(scenario=scenario, tier="meso", seed=s) for s in (3, 1, 2)]
    run(specs[1], runs=tmp_path, time_limit_s=60)
    said: list[tuple[int, int]] = []
    results = run_many(
        specs, runs=tmp_path, workers=2, time_limit_s=60, progress=lambda done, of: said.append((done, of))
    )
    assert [r.seed for r in results] == [3, 1, 2]
    assert said[-1] == (3, 3)


def test_a_jam_that_never_clears_is_a_result(tmp_path: Path, scenario: Scenario) -> None:
    across = tuple(f"{a}{r}{b}{r}" for r in range(6) for a, b in ("CD", "DC"))
    crawl = SpeedChange(cause="ice", edges=across, speed_mps=0.05, begin_s=0.0, end_s=3600.0)
    spec = RunSpec(scenario=replace(scenario, interventions=(crawl,)), tier="micro", seed=1)
    result = run(spec, runs=tmp_path, time_limit_s=120)
    assert len(result.fate) == 320
    assert sum(f in (Fate.UNFINISHED, Fate.NEVER_DEPARTED, Fate.TELEPORTED) for f in result.fate) > 100


def test_those_whom_a_closure_cuts_off_end_short_and_are_counted(tmp_path: Path, scenario: Scenario) -> None:
    across = tuple(f"{a}{r}{b}{r}" for r in range(6) for a, b in ("CD", "DC"))
    wall = EdgeClosure(cause="wall", edges=across, permitted=frozenset(), begin_s=0.0, end_s=3600.0)
    spec = RunSpec(scenario=replace(scenario, interventions=(wall,)), tier="meso", seed=1)
    result = run(spec, runs=tmp_path, time_limit_s=120)
    assert len(result.fate) == 320
    assert sum(f is Fate.ENDED_SHORT for f in result.fate) > 200


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_simulator_outlives_the_process_that_started_it(
    scenario: Scenario, traffic: Path, tmp_path: Path, how: signal.Signals
) -> None:
    endless = tmp_path / "endless.rou.xml"
    endless.write_text(
        '<routes><flow id="f" begin="0" end="200000" period="1" from="A2B2" to="E2F2"/></routes>', "utf-8"
    )
    long = replace(scenario, route_paths=(endless,), end_s=200_000.0, until_s=400_000.0, emergency_probes=0)
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps(RunSpec(scenario=long, tier="micro", seed=1).to_json()))
    code = textwrap.dedent(
        f"""
        import json
        from pathlib import Path
        from trafficfeed.simulation.runs import run_many
        from trafficfeed.simulation.scenario import RunSpec
        spec = RunSpec.from_json(json.loads(Path({str(spec)!r}).read_text()))
        run_many([spec], runs=Path({str(tmp_path / "runs")!r}), workers=1, time_limit_s=3600)
        """
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    try:
        assert _until(lambda: bool(_simulators(tmp_path)), 60), "the simulator never started"
        os.kill(parent.pid, how)
        parent.wait(timeout=30)
        assert _until(lambda: not _simulators(tmp_path), 10), "an orphan is left"
    finally:
        parent.kill()


def _simulators(folder: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] == "sumo" and any(str(folder) in part for part in process.info["cmdline"] or ())
    ]


def _until(condition, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return False
