"""Run SUMO on its command line, read what it wrote, account for every vehicle, and remember the result by its key."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path

import numpy as np

from trafficfeed.errors import ScenarioInvalid
from trafficfeed.simulation.accounting import check, fates
from trafficfeed.simulation.outputs import Trip, read_counts, read_streets, read_teleports, read_trips
from trafficfeed.simulation.preparation import Prepared, prepare
from trafficfeed.simulation.rerouters import supported_tiers
from trafficfeed.simulation.result_file import read_result, write_result
from trafficfeed.simulation.results import RunResult
from trafficfeed.simulation.scenario import RunSpec
from trafficfeed.simulation.sumo_process import Running, run_program

_RESULT = "result.npz"


def run(spec: RunSpec, *, runs: Path, time_limit_s: float) -> RunResult:
    """Run one spec, or return the result of the same run made before.

    Parameters
    ----------
    runs
        Folder of results, one folder a key; a run appears there whole or not at all.
    time_limit_s
        Wall-clock limit of SUMO, s.

    Raises
    ------
    ScenarioInvalid
        If the tier cannot show the interventions, or the scenario cannot be prepared.
    SimulationFailed
        If SUMO crashed or was killed at its limit, or the vehicles do not add up.
    SourceUnavailable, SourceMalformed
        If one of the city's files is not there, or cannot be read.
    """
    return _run(spec, runs, time_limit_s, None)


def _run(spec: RunSpec, runs: Path, time_limit_s: float, running: Running | None) -> RunResult:
    if (result := cached(spec, runs=runs)) is not None:
        return result
    if spec.tier not in supported_tiers(spec.scenario.interventions):
        raise ScenarioInvalid(f"the {spec.tier} model cannot show these interventions: run them in micro")
    prepared = prepare(spec.scenario, runs / "prepared")
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=runs))
    try:
        result = _simulated(spec, prepared, draft, time_limit_s, running)
        final = draft / "final"
        final.mkdir()
        write_result(final / _RESULT, result)
        _publish(final, runs / spec.key)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return result


def cached(spec: RunSpec, *, runs: Path) -> RunResult | None:
    """Return the result of an earlier run of `spec`, or None."""
    path = runs / spec.key / _RESULT
    return read_result(path) if path.is_file() else None


def run_many(
    specs: Sequence[RunSpec],
    *,
    runs: Path,
    workers: int,
    time_limit_s: float,
    progress: Callable[[int, int], None] | None = None,
) -> list[RunResult]:
    """Run `specs`, `workers` SUMO processes at a time, and return their results in the same order.

    `progress` is called with (done, all) after each. Scenarios are prepared before the first run, so that base and plan
    start together. When one fails or the caller is interrupted, the others are ended and the first error is raised.

    Raises
    ------
    ScenarioInvalid, SimulationFailed, SourceUnavailable, SourceMalformed
        As `run`.
    """
    fresh = [s for s in specs if not (runs / s.key / _RESULT).is_file()]
    for scenario in {s.scenario.key: s.scenario for s in fresh}.values():
        prepare(scenario, runs / "prepared")
    running = Running()
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="sumo") as pool:
        futures = [pool.submit(_run, s, runs, time_limit_s, running) for s in specs]
        waiting = set(futures)
        try:
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_EXCEPTION if progress is None else "FIRST_COMPLETED")
                for future in done:
                    future.result()
                if progress is not None:
                    progress(len(futures) - len(waiting), len(futures))
        except BaseException:  # an interrupt too: leave no simulator behind
            pool.shutdown(wait=False, cancel_futures=True)
            running.end_all()
            raise
    return [future.result() for future in futures]


def _simulated(
    spec: RunSpec, prepared: Prepared, folder: Path, time_limit_s: float, running: Running | None
) -> RunResult:
    queues = folder / "queues.xml" if spec.tier == "micro" else None
    arguments = sumo_arguments(spec, prepared, folder)
    log = run_program("sumo", arguments, folder=folder, time_limit_s=time_limit_s, running=running)
    trips = read_trips(folder / "trips.xml", until_s=spec.scenario.until_s)
    streets = read_streets(folder / "edges.xml", queues)
    teleports = read_teleports(log)
    counts = dict(read_counts(folder / "statistics.xml"))
    fate = fates(prepared.vehicle_id, trips, teleports, ended_short=prepared.ended_short)
    check(prepared.vehicle_id, fate, trips, counts)
    counts["stops_skipped"] = prepared.stops_skipped
    wanted = np.array(prepared.wanted_depart_s)
    nowhere = Trip(depart_s=np.nan, arrival_s=np.nan, vaporized="")
    rows = [trips.get(name, nowhere) for name in prepared.vehicle_id]
    arrival = np.array([row.arrival_s for row in rows])
    return RunResult(
        tier=spec.tier,
        seed=spec.seed,
        vehicle_id=prepared.vehicle_id,
        vehicle_class=prepared.vehicle_class,
        fate=fate,
        wanted_depart_s=wanted,
        depart_s=np.array([row.depart_s for row in rows]),
        arrival_s=arrival,
        trip_s=arrival - wanted,
        informed=np.array(prepared.informed, dtype=np.bool_),
        edge_id=streets.edge_id,
        edge_entered=streets.entered,
        edge_time_loss_s=streets.time_loss_s,
        edge_max_queue_m=streets.max_queue_m,
        counts=counts,
    )


def sumo_arguments(spec: RunSpec, prepared: Prepared, folder: Path) -> list[str]:
    """Return SUMO's command line for `spec`, with its outputs in `folder`."""
    arguments = [
        *("--net-file", str(spec.scenario.net_path), "--route-files", str(prepared.vehicles_path)),
        *("--additional-files", ",".join(map(str, prepared.additional(spec.tier)))),
        *(*spec.options, "--seed", str(spec.seed)),
        *("--tripinfo-output", str(folder / "trips.xml")),
        *("--tripinfo-output.write-unfinished", "--tripinfo-output.write-undeparted"),
        *("--statistic-output", str(folder / "statistics.xml"), "--edgedata-output", str(folder / "edges.xml")),
        *("--no-step-log", "--duration-log.disable", "--xml-validation", "never"),
    ]
    if spec.tier == "micro":
        arguments += ["--queue-output", str(folder / "queues.xml"), "--queue-output.aggregation", "1000000"]
    return arguments


def _publish(draft: Path, target: Path) -> None:
    try:
        draft.rename(target)
    except OSError:
        if not (target / _RESULT).is_file():  # another process was not first
            raise
