"""Fitting SUMO's mesoscopic model to the microscopic one, once per network, on an uncongested stretch of its demand.

The mesoscopic model follows the signals' real phases (`junction_control`); what it lacks at junctions without right of
way is fitted as one number, the minor penalty, so that trips take as long on average as in micro.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from trafficfeed.errors import SimulationFailed
from trafficfeed.network.city import City, MesoSection
from trafficfeed.progress import Progress, silent
from trafficfeed.simulation.departures import read_demand
from trafficfeed.simulation.results import RunResult
from trafficfeed.simulation.runs import run_many
from trafficfeed.simulation.scenario import RunSpec, Scenario, Tier

STRETCH_S = 900.0
MOST_VEHICLES = 1500
LEAST_VEHICLES = 150
CLEAR_S = 1800.0
PENALTIES_S = (0.0, 2.0, 4.0, 6.0, 8.0, 10.0)
REFINEMENTS = 2
TRAINING_SEEDS = 1
_GOOD_ENOUGH = 0.02
_SHORTEST_S = 120.0
_ARRIVED = 0.98
_WAITING = 0.2


def fit_meso(
    city: City,
    *,
    runs: Path | None = None,
    workers: int = 2,
    time_limit_s: float = 120.0,
    progress: Progress = silent,
) -> MesoSection:
    """Fit the mesoscopic model of `city` to micro and return its section of `city.toml`.

    On a stretch of the demand (a quarter of an hour, less where it is dense; the network starts empty) micro is run
    with one seed to fit and another held out; the minor penalty is bracketed on a grid and refined by secants. The same
    city gives the same numbers.

    Parameters
    ----------
    runs
        Folder of cached runs; none: a temporary one.
    workers
        SUMO processes at a time.
    time_limit_s
        Wall-clock limit of one run, s.

    Raises
    ------
    ScenarioInvalid, SourceUnavailable, SourceMalformed
        If the city's files cannot be used.
    SimulationFailed
        If SUMO fails, or the demand jams even on the shortest stretch.
    """
    with TemporaryDirectory(prefix="trafficfeed-fit-") as folder:
        bench = _Bench(runs=runs or Path(folder), workers=workers, time_limit_s=time_limit_s, progress=progress)
        seeds = range(city.file.seed, city.file.seed + TRAINING_SEEDS + 1)
        return _fitted(fitting_stretch(city), tuple(seeds), bench)


def fitting_stretch(city: City) -> Scenario:
    """Return the scenario that is fitted on: all drivers keep to their routes, nothing is closed.

    A demand of a day is taken at its hour of median traffic, one that stands for any time from its beginning.

    Raises
    ------
    SourceUnavailable, SourceMalformed
        If the demand cannot be read.
    """
    demand = city.file.demand
    begin_s = demand.begin_s if demand.kind == "hour" else _median_hour(city)
    paths = (*city.additional_paths, *city.route_paths)
    departs = np.array([v.depart_s for v in read_demand(paths, begin_s=begin_s, end_s=demand.end_s).vehicles])
    end_s = min(begin_s + STRETCH_S, demand.end_s)
    if (departs < end_s).sum() < LEAST_VEHICLES:
        enough = np.sort(departs)[min(LEAST_VEHICLES, len(departs)) - 1] + 1.0 if len(departs) else demand.end_s
        end_s = max(end_s, float(np.ceil(enough)))
    if (departs < end_s).sum() > MOST_VEHICLES:
        end_s = max(float(np.floor(np.sort(departs)[MOST_VEHICLES])), begin_s + 1.0)
    return Scenario(
        net_path=city.net_path,
        route_paths=city.route_paths,
        additional_paths=city.additional_paths,
        begin_s=begin_s,
        end_s=end_s,
        until_s=end_s + CLEAR_S,
        informed_share=0.0,
        emergency_probes=0,
    )


def mean_trips(first: RunResult, second: RunResult) -> tuple[float, float]:
    """Return the mean trip, s, of two runs over the vehicles that arrived in both."""
    both = np.isfinite(first.trip_s) & np.isfinite(second.trip_s)
    return float(first.trip_s[both].mean()), float(second.trip_s[both].mean())


@dataclass(frozen=True, kw_only=True)
class _Bench:
    """Where and how runs are made."""

    runs: Path
    workers: int
    time_limit_s: float
    progress: Progress

    def drive(self, scenario: Scenario, tier: Tier, seeds: Sequence[int], what: str) -> list[RunResult]:
        specs = [RunSpec(scenario=scenario, tier=tier, seed=seed) for seed in seeds]
        return run_many(
            specs,
            runs=self.runs,
            workers=self.workers,
            time_limit_s=self.time_limit_s,
            progress=lambda done, total: self.progress(what, done, total),
        )


def _fitted(scenario: Scenario, seeds: Sequence[int], bench: _Bench) -> MesoSection:
    scenario, micro = _uncongested(scenario, seeds, bench)
    training, errors = len(seeds) - 1, dict[float, float]()

    def error(penalty: float, upto: int = training) -> float:
        meso = bench.drive(_with_penalty(scenario, penalty), "meso", seeds[:upto], f"meso, minor penalty {penalty:g} s")
        trips = np.array([mean_trips(a, b) for a, b in zip(meso, micro, strict=False)]).mean(axis=0)
        return float(trips[0] / trips[1]) - 1.0

    for penalty in PENALTIES_S:
        errors[penalty] = error(penalty)
        if errors[penalty] > 0:
            break
    for _ in range(REFINEMENTS):
        between = _secant(errors)
        if between is None or min(map(abs, errors.values())) < _GOOD_ENOUGH:
            break
        errors[between] = error(between)
    best = min(errors, key=lambda penalty: (abs(errors[penalty]), penalty))
    return _section(_with_penalty(scenario, best), seeds, micro, bench)


def _uncongested(scenario: Scenario, seeds: Sequence[int], bench: _Bench) -> tuple[Scenario, list[RunResult]]:
    """Drive micro, on half the stretch again and again while it jams or takes too long."""
    while True:
        length_s = scenario.end_s - scenario.begin_s
        try:
            micro = bench.drive(scenario, "micro", seeds, "micro")
            if all(map(_flows, micro)):
                return scenario, micro
            failure = "it jams"
        except SimulationFailed as error:
            failure = str(error)
        if length_s / 2 < _SHORTEST_S:
            raise SimulationFailed(
                f"micro cannot drive even {length_s:g} s of the demand from empty streets ({failure}): look at the "
                "demand, and at the signals of the network"
            )
        end_s = scenario.begin_s + float(np.floor(length_s / 2))
        scenario = replace(scenario, end_s=end_s, until_s=end_s + CLEAR_S)


def _flows(micro: RunResult) -> bool:
    """Tell whether nearly all arrived, and none waited long to get onto the street."""
    arrived = np.isfinite(micro.trip_s)
    waited = (micro.depart_s - micro.wanted_depart_s)[arrived]
    return bool(arrived.mean() >= _ARRIVED and waited.mean() <= _WAITING * micro.trip_s[arrived].mean())


def _secant(errors: dict[float, float]) -> float | None:
    """Return where the error is zero between the nearest penalties on either side, None where there is none to find."""
    below = max((penalty for penalty, error in errors.items() if error <= 0), default=None)
    above = min((penalty for penalty, error in errors.items() if error > 0), default=None)
    if below is None or above is None or above <= below:
        return None
    share = -errors[below] / (errors[above] - errors[below])
    between = round(below + min(max(share, 0.1), 0.9) * (above - below), 2)
    return None if between in errors else between


def _section(scenario: Scenario, seeds: Sequence[int], micro: Sequence[RunResult], bench: _Bench) -> MesoSection:
    meso = bench.drive(scenario, "meso", seeds, "meso, held-out seed")
    trips = np.array([mean_trips(a, b) for a, b in zip(meso, micro, strict=True)])
    training = trips[:-1].mean(axis=0)
    return scenario.meso.model_copy(
        update={
            "fitted": True,
            "meso_mean_trip_s": round(float(training[0]), 1),
            "micro_mean_trip_s": round(float(training[1]), 1),
            "seeds": tuple(seeds[:-1]),
            "held_out_seeds": tuple(seeds[-1:]),
            "held_out_error": round(float(trips[-1, 0] / trips[-1, 1]) - 1.0, 4),
        }
    )


def _with_penalty(scenario: Scenario, penalty: float) -> Scenario:
    meso = MesoSection(junction_control=True, tls_penalty_s=0.0, tls_flow_penalty=0.0, minor_penalty_s=penalty)
    return replace(scenario, meso=meso)


def _median_hour(city: City) -> float:
    """Return when the hour of median traffic begins, on the demand's clock, s."""
    demand = city.file.demand
    paths = (*city.additional_paths, *city.route_paths)
    vehicles = read_demand(paths, begin_s=demand.begin_s, end_s=demand.end_s).vehicles
    hours = np.bincount([int((v.depart_s - demand.begin_s) // 3600) for v in vehicles], minlength=1)
    busy = np.flatnonzero(hours)
    if not len(busy):
        return demand.begin_s
    middle = busy[np.argsort(hours[busy], kind="stable")[len(busy) // 2]]
    return demand.begin_s + 3600.0 * float(middle)
