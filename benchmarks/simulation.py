"""What evaluating a closure costs beyond SUMO itself, and how near meso comes to micro: ratios within one run.

    python -m benchmarks.simulation [--json] [--stretch SECONDS] [CITY ...]

Cities: bologna_acosta and ingolstadt21 (taken from ../shared and sumo-rl), and any folder of sumo_scenarios/.
Wall-clock ratios need an idle machine; CPU ratios are given beside them and hardly depend on it.
"""

import argparse
import importlib.util
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from trafficfeed.network.city import City, CityFile, DemandSection, NetworkSection
from trafficfeed.network.graph_cache import load_graph
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.sumo_net import read_net
from trafficfeed.network.vehicle_classes import VehicleClass
from trafficfeed.settings import REPOSITORY, Settings, Thresholds
from trafficfeed.simulation.calibration import fit_meso, fitting_stretch, mean_trips
from trafficfeed.simulation.evaluate import Question, conclude
from trafficfeed.simulation.interventions import EdgeClosure
from trafficfeed.simulation.preparation import prepare
from trafficfeed.simulation.runs import run, sumo_arguments
from trafficfeed.simulation.scenario import RunSpec
from trafficfeed.simulation.sumo_process import run_program
from trafficfeed.simulation.tiers import pair_specs

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
LIMIT_S = 3600.0
PAIRS = 5
WARM_UP_S = 300.0
SHARED = Path(os.environ.get("TRAFFICFEED_SHARED", REPOSITORY.parent / "shared"))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cities", nargs="*", default=["bologna_acosta", "ingolstadt21", "helsinki"])
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--stretch", type=float, default=1800.0, help="seconds of demand that are driven")
    arguments = parser.parse_args()
    results = {}
    for name in arguments.cities:
        city = city_of(name, arguments.stretch)
        if city is None:
            print(f"{name}: not there, left out", file=sys.stderr)
            continue
        results[name] = measure(city)
        if not arguments.json:
            print_city(name, results[name])
    if arguments.json:
        print(json.dumps(results, indent=2))


def measure(city: City) -> dict[str, Any]:
    """Return the figures of one city."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        fit, fit_wall, fit_cpu = timed(lambda: fit_meso(city, runs=folder / "fit"))
        city = City(city.folder, city.file.model_copy(update={"meso": fit}))
        graph = load_graph(city.graph_folder) if city.graph_folder.is_dir() else read_net(city.net_path)
        question = question_of(city, graph, folder)
        return {
            "edges": len(graph),
            **fit_figures(city, folder, fit_wall=fit_wall, fit_cpu=fit_cpu),
            **tier_figures(question, folder),
            **evaluation_figures(question, graph, folder),
        }


def question_of(city: City, graph: RoadGraph, folder: Path) -> Question:
    """Return a closure of a street with middling traffic; the pairs are fixed, so that both sides drive the same."""
    settings = Settings(thresholds=Thresholds(min_pairs=PAIRS, max_pairs=PAIRS))
    settings.simulation.warm_up_s, settings.simulation.cool_down_s = WARM_UP_S, 1800.0
    demand = city.file.demand
    begin_s, end_s = demand.begin_s + WARM_UP_S, demand.end_s
    some = closure(graph.edge_ids[0], begin_s, end_s)
    asked = Question(city=city, interventions=[some], settings=settings, confirm="meso")
    base = run(RunSpec(scenario=asked.scenarios()[0], tier="meso", seed=1), runs=folder / "first", time_limit_s=LIMIT_S)
    by_flow = [base.edge_id[i] for i in np.argsort(-base.edge_entered, kind="stable") if base.edge_id[i] in graph.index]
    return replace(asked, interventions=[closure(by_flow[len(by_flow) // 4], begin_s, end_s)])


def closure(edge: str, begin_s: float, end_s: float) -> EdgeClosure:
    permitted = frozenset({VehicleClass.EMERGENCY})
    return EdgeClosure(cause="benchmark", edges=(edge,), permitted=permitted, begin_s=begin_s, end_s=end_s)


def fit_figures(city: City, folder: Path, *, fit_wall: float, fit_cpu: float) -> dict[str, Any]:
    """Meso against micro on the uncongested stretch, with a seed that was not fitted."""
    scenario = replace(fitting_stretch(city), meso=city.file.meso)
    seed = city.file.meso.held_out_seeds[0] + 1
    meso, meso_wall, meso_cpu = timed(lambda: drive(RunSpec(scenario=scenario, tier="meso", seed=seed), folder / "fit"))
    micro, micro_wall, micro_cpu = timed(
        lambda: drive(RunSpec(scenario=scenario, tier="micro", seed=seed), folder / "fit")
    )
    meso_trip, micro_trip = mean_trips(meso, micro)
    return {
        "fit_wall_s": fit_wall,
        "fit_cpu_s": fit_cpu,
        "uncongested_trip_meso_s": meso_trip,
        "uncongested_trip_micro_s": micro_trip,
        "uncongested_trip_ratio": meso_trip / micro_trip,
        "uncongested_micro_over_meso_wall": micro_wall / meso_wall,
        "uncongested_micro_over_meso_cpu": micro_cpu / meso_cpu,
    }


def tier_figures(question: Question, folder: Path) -> dict[str, Any]:
    """Micro against meso on the whole stretch, and base and plan together against base alone; bare SUMO each."""
    base, plan = question.scenarios()
    specs = pair_specs(base, plan, "meso", [1])
    for spec in specs:
        prepare(spec.scenario, folder / "prepared")
    micro = RunSpec(scenario=base, tier="micro", seed=1)
    _, alone_wall, alone_cpu = timed(lambda: bare([specs[0]], folder))
    _, both_wall, _ = timed(lambda: bare(specs, folder))
    _, micro_wall, micro_cpu = timed(lambda: bare([micro], folder))
    return {
        "pair_over_base_wall": both_wall / alone_wall,
        "micro_over_meso_wall": micro_wall / alone_wall,
        "micro_over_meso_cpu": micro_cpu / alone_cpu,
    }


def evaluation_figures(question: Question, graph: RoadGraph, folder: Path) -> dict[str, Any]:
    """The whole evaluation against the same runs by bare SUMO, and again from the cache."""
    base, plan = question.scenarios()
    seed = question.city.file.seed
    specs = pair_specs(base, plan, "meso", range(seed, seed + PAIRS))
    for scenario in (base, plan):
        prepare(scenario, folder / "prepared")
    _, bare_wall, bare_cpu = timed(lambda: bare(specs, folder))

    def evaluate() -> Any:
        return conclude(question, graph=graph, runs=folder / "runs", as_of=AS_OF)

    certificate, whole_wall, whole_cpu = timed(evaluate)
    again, cached_wall, cached_cpu = timed(evaluate)
    counted = certificate.accounting["plan"]
    return {
        "vehicles": counted["demand"] // PAIRS,
        "verdict": certificate.verdict.value,
        "bare_wall_s": bare_wall,
        "evaluation_over_bare_wall": whole_wall / bare_wall,
        "evaluation_over_bare_cpu": whole_cpu / bare_cpu,
        "cached_speed_up_wall": whole_wall / cached_wall,
        "cached_speed_up_cpu": whole_cpu / cached_cpu,
        "cached_identical": again == certificate,
        "accounted_share": accounted(certificate.accounting, specs, folder),
    }


def accounted(accounting: Any, specs: Sequence[RunSpec], folder: Path) -> float:
    """Return the share of the demand's vehicles, as prepared for SUMO, whose fate the certificate knows."""
    expected = sum(len(prepare(spec.scenario, folder / "prepared").vehicle_id) for spec in specs)
    fates = sum(n for side in accounting.values() for fate, n in side.items() if fate != "demand")
    return float(fates / expected)


def bare(specs: Sequence[RunSpec], folder: Path) -> None:
    """Run SUMO itself with the same files, options and outputs, two at a time, and read nothing."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(lambda spec: _bare(spec, folder), specs))


def _bare(spec: RunSpec, folder: Path) -> None:
    prepared = prepare(spec.scenario, folder / "prepared")
    with tempfile.TemporaryDirectory(dir=folder) as out:
        run_program("sumo", sumo_arguments(spec, prepared, Path(out)), folder=Path(out), time_limit_s=LIMIT_S)


def drive(spec: RunSpec, runs: Path) -> Any:
    return run(spec, runs=runs, time_limit_s=LIMIT_S)


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Return what `work` returns, its wall-clock time and its CPU time with its child processes, s."""
    wall, cpu = time.perf_counter(), _cpu_s()
    result = work()
    return result, time.perf_counter() - wall, _cpu_s() - cpu


def _cpu_s() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def city_of(name: str, stretch_s: float) -> City | None:
    """Return a city with `stretch_s` of its demand, None where its files are not there."""
    if name == "bologna_acosta":
        folder = SHARED / "data" / "networks" / name
        net, routes, begin_s = "acosta_buslanes.net.xml", ("acosta.rou.xml", "acosta_busses.rou.xml"), 0.0
        additional = ("acosta_vtypes.add.xml", "acosta_bus_stops.add.xml", "acosta_tls.add.xml")
    elif name == "ingolstadt21":
        spec = importlib.util.find_spec("sumo_rl")
        if spec is None or not spec.submodule_search_locations:
            return None
        folder = Path(next(iter(spec.submodule_search_locations))) / "nets" / "RESCO" / name
        net, routes, begin_s, additional = f"{name}.net.xml", (f"{name}.rou.xml",), 57600.0, ()
    else:
        return _built_city(name, stretch_s)
    if not folder.is_dir():
        return None
    demand = DemandSection(
        route_files=routes,
        additional_files=additional,
        kind="hour",
        begin_s=begin_s,
        end_s=begin_s + stretch_s,
        method="as published",
    )
    network = NetworkSection(net_file=net, source="net", crs="EPSG:32632")
    file = CityFile(name=name, title=name, timezone="UTC", licence="", attribution="", network=network, demand=demand)
    return City(folder, file)


def _built_city(name: str, stretch_s: float) -> City | None:
    folder = REPOSITORY / "sumo_scenarios" / name
    if not (folder / "city.toml").is_file():
        return None
    city = City.load(folder)
    demand = city.file.demand
    if not demand.route_files or not city.net_path.is_file():
        return None
    begin_s = demand.begin_s if demand.kind == "hour" else max(demand.begin_s, 8 * 3600.0)
    cut = demand.model_copy(
        update={"kind": "hour", "begin_s": begin_s, "end_s": min(demand.end_s, begin_s + stretch_s)}
    )
    return City(folder, city.file.model_copy(update={"demand": cut}))


def print_city(name: str, figures: dict[str, Any]) -> None:
    print(f"{name}: {figures['edges']:,} edges, {figures['vehicles']:,} vehicles, verdict {figures['verdict']}")
    rows = (
        ("evaluation over bare sumo (goal ≤ 1.15)", "evaluation_over_bare_wall", "evaluation_over_bare_cpu"),
        ("base and plan over base alone (≤ 1.25)", "pair_over_base_wall", None),
        ("micro over meso, uncongested (≥ 10)", "uncongested_micro_over_meso_wall", "uncongested_micro_over_meso_cpu"),
        ("micro over meso, whole stretch, rerouting", "micro_over_meso_wall", "micro_over_meso_cpu"),
        ("mean trip meso over micro (0.9 to 1.1)", "uncongested_trip_ratio", None),
        ("first over cached evaluation (≥ 100)", "cached_speed_up_wall", "cached_speed_up_cpu"),
        ("vehicles accounted for (1)", "accounted_share", None),
    )
    for label, wall, cpu in rows:
        beside = f"  (CPU {figures[cpu]:.2f})" if cpu else ""
        print(f"  {label:45} {figures[wall]:8.2f}{beside}")
    print(f"  fit of the mesoscopic model: {figures['fit_wall_s']:.1f} s, CPU {figures['fit_cpu_s']:.1f} s", flush=True)


if __name__ == "__main__":
    main()
