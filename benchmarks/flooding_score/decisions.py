"""Replays floods minute by minute through the decisions, the nowcast as their forecast; counts what went wrong.

- A clear is unsafe where a site is stepped down (closure to hazard, hazard or closure to clear) while the truth is
  15 cm or more ("above"), or reaches 15 cm within the next 15 min ("again").
- A real closure is a run of floods (one site, less than two hours apart) that reaches 30 cm. Closures are counted by
  episode; needless are those of which the truth does not reach 30 cm.
- Warning time is from the first hazard or closure of a run until the truth first is 15 cm deep; a false alarm is an
  episode in which it never is; `..._below_10cm` counts those in which not even the hazard came that was warned of.
- Floods that the nowcast was fitted on are told without the flood itself.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.flooding_score.decisions_runs import FAULTS, Fault, Run, runs
from benchmarks.flooding_score.files import Record, read_record
from benchmarks.flooding_score.nowcast import predictions, traces
from trafficfeed.flooding.deciding import Decider
from trafficfeed.flooding.decisions import Basis, Decision, DecisionRule, Level
from trafficfeed.flooding.forecast import THRESHOLDS_M, CityForecast, Method
from trafficfeed.flooding.forecasting.clearing import clear_times
from trafficfeed.flooding.forecasting.nowcast import NowcastParameters, ensemble
from trafficfeed.flooding.forecasting.nowcast_analogues import AFTER_S, Ensemble, weighted_quantile
from trafficfeed.flooding.forecasting.nowcast_fitting import FloodTrace, fit, of_kind
from trafficfeed.flooding.forecasting.nowcast_situation import Situation, TideCurve, situation
from trafficfeed.flooding.observations import Quality, Reading
from trafficfeed.flooding.quality import judge
from trafficfeed.flooding.sites import Site, SiteRoad, SiteSource

Floats = npt.NDArray[np.float64]

WET_M: Final = 0.15
REAL_M: Final = 0.30
HAZARD_M: Final = 0.10
_AGAIN: Final = 15  # min
_STEPS: Final = 13  # of AFTER_S: the first hour
_WINDOW: Final = 34  # readings that a decision gets
_HISTORY: Final = 100
_STALE_S: Final = 1200.0


@dataclass(frozen=True, kw_only=True)
class Outlooks:
    """Forecasts of one run by minute: index into the arrays, -1 dry, -2 silent, or too few past floods."""

    of: npt.NDArray[np.int64]
    within: Floats  # (3, n, _STEPS)
    exceedance: Floats
    band: Floats  # (3, n, _STEPS)
    clear_s: Floats  # (3, n)


@dataclass(slots=True)
class Tally:
    """What is counted over runs."""

    runs: int = 0
    real: int = 0
    real_closed: int = 0
    closures: int = 0
    needless: int = 0
    awaiting: int = 0
    clears: int = 0
    closed_min: int = 0
    needless_min: int = 0
    after_clear_min: list[float] = field(default_factory=list)
    above: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    warned_min: dict[bool, list[float]] = field(default_factory=lambda: {False: [], True: []})
    before_30_min: list[float] = field(default_factory=list)
    alarms: int = 0
    false_alarms: int = 0
    idle_alarms: int = 0
    foretold_alarms: int = 0
    foretold_false: int = 0


def score(
    record: Record,
    train_until: float,
    *,
    rule: DecisionRule | None = None,
    faults: Sequence[str] = tuple(FAULTS),
    faulty_share: float = 0.125,
) -> dict[str, Any]:
    """Return the counts over all floods and over those after `train_until` (epoch s), sound and with each fault.

    With a fault only a share of the runs that reach 15 cm is replayed, evenly picked.
    """
    floods, tides = traces(record), predictions(record)
    parameters = fit(floods, tides, train_until)
    replayed = runs(floods)
    curves = {name: TideCurve(tide) for name, tide in tides.items()}
    deep = [run for run in replayed if run.truth_m.max() >= WET_M]
    told: dict[str, Any] = {}
    for name in faults:
        chosen = replayed if name == "sound" else deep[:: max(round(1 / faulty_share), 1)]
        all_of, later = Tally(), Tally()
        own = _own(floods, train_until)
        for number, run in enumerate(chosen):
            curve = curves.get(run.tide)
            rng = np.random.default_rng([number, len(name)])
            steps = list(replay(run, parameters, curve, own, FAULTS[name], rng, rule or DecisionRule()))
            for tally in (all_of, later) if run.times[0] > train_until else (all_of,):
                count(tally, run, steps)
        told[name] = {"all": summed(all_of), "after_training": summed(later)}
    return told


def _own(floods: Sequence[FloodTrace], until: float) -> dict[int, int]:
    known = [flood for flood in floods if flood.times[-1] <= until]
    return {id(flood): i for tidal in (False, True) for i, flood in enumerate(of_kind(known, tidal=tidal))}


def replay(
    run: Run,
    parameters: NowcastParameters,
    curve: TideCurve | None,
    own: Mapping[int, int],
    fault: Fault,
    rng: np.random.Generator,
    rule: DecisionRule,
) -> Iterator[tuple[int, Decision]]:
    """Yield the minute's index and what is decided in it."""
    read_m = fault(run, rng)
    by_minute = _received(run, read_m, judged=fault is not FAULTS["sound"])
    outlooks = _outlooks(run, by_minute, parameters, curve, own)
    site = Site(
        id=run.site.lower(), name="", lon=0.0, lat=0.0, source=SiteSource.SENSOR, tidal=run.tidal,
        roads=(SiteRoad(edge="e"),), sensors=(run.site,),
    )  # fmt: skip
    decider, before = Decider(rule), None
    last_wet = int(np.flatnonzero(run.truth_m > 0).max(initial=0))
    held: dict[str, Reading] = {}
    for minute, now in enumerate(run.times):
        as_of = datetime.fromtimestamp(now, UTC)
        for one in by_minute[minute]:
            held[one.id] = one
        while len(held) > _WINDOW:
            held.pop(next(iter(held)))
        before = decider.decide(site, before, tuple(held.values()), _forecast(outlooks, minute, site.id, as_of), as_of)
        yield minute, before
        if before.level is Level.CLEAR and minute > last_wet:
            return


def _received(run: Run, read_m: Floats, *, judged: bool) -> list[list[Reading]]:
    """Return by minute the readings that came in, and those that were judged anew."""
    received: list[list[Reading]] = []
    history: list[Reading] = []
    for now, depth in zip(run.times, read_m, strict=True):
        if not np.isfinite(depth):
            received.append([])
            continue
        at = datetime.fromtimestamp(now, UTC)
        one = Reading(
            id=f"{run.site}@{now:.0f}", sensor=run.site, observed_at=at, received_at=at, depth_m=float(depth),
            quality=Quality.UNCHECKED if judged else Quality.GOOD,
        )  # fmt: skip
        if not judged:
            received.append([one])
            continue
        said = judge([one], {run.site: history[-_HISTORY:]}, received_at=at)
        anew = {old.id: old for old in said.again}
        history = [anew.get(old.id, old) for old in history] if anew else history
        history.extend(said.readings)
        received.append([*said.again, *said.readings])
    return received


def _outlooks(
    run: Run,
    by_minute: Sequence[Sequence[Reading]],
    parameters: NowcastParameters,
    curve: TideCurve | None,
    own: Mapping[int, int],
) -> Outlooks:
    good: dict[float, float] = {}
    of = np.full(len(run.times), -2, dtype=np.int64)
    situations: list[Situation] = []
    at: list[float] = []
    for minute, now in enumerate(run.times):
        for one in by_minute[minute]:
            if one.quality is Quality.GOOD:
                good[one.observed_at.timestamp()] = one.depth_m
            else:
                good.pop(one.observed_at.timestamp(), None)
        times = np.array(sorted(good))
        if len(times) == 0 or now - times[-1] > _STALE_S:
            continue
        seen = situation(times, np.array([good[t] for t in times]), float(now))
        of[minute] = -1 if seen is None else len(situations)
        if seen is not None:
            situations.append(seen)
            at.append(float(now))
    if not situations:
        return _untold(of)
    middles = np.array([(one.times[0] + one.times[-1]) / 2 for one in run.floods])
    besides = np.array([own.get(id(run.floods[int(np.argmin(np.abs(middles - t)))]), -1) for t in at])
    tide_m = curve.outlook(np.array(at)) if curve and run.tidal else None
    paths = ensemble(parameters, [run.site] * len(at), situations, tidal=run.tidal, tide_m=tide_m, besides=besides)
    if paths is None:
        return _untold(np.where(of >= 0, -2, of))
    return _summed(of, paths)


def _untold(of: npt.NDArray[np.int64]) -> Outlooks:
    empty = np.empty((3, 0, _STEPS))
    return Outlooks(of=of, within=empty, exceedance=empty, band=empty, clear_s=np.empty((3, 0)))


def _summed(of: npt.NDArray[np.int64], paths: Ensemble) -> Outlooks:
    near = paths.paths_m[:, :, :_STEPS]
    highest = np.maximum.accumulate(near, axis=2)
    clear = clear_times(AFTER_S, paths.paths_m, WET_M)
    levels = (0.1, 0.5, 0.9)
    weights = paths.weights
    return Outlooks(
        of=of,
        within=np.stack([np.einsum("nk,nkt->nt", weights, highest >= limit) for limit in THRESHOLDS_M]),
        exceedance=np.stack([np.einsum("nk,nkt->nt", weights, near >= limit) for limit in THRESHOLDS_M]),
        band=np.stack([weighted_quantile(near, weights[:, :, None], level) for level in levels]),
        clear_s=np.stack([weighted_quantile(clear, weights, level) for level in levels]),
    )


def _forecast(told: Outlooks, minute: int, site: str, as_of: datetime) -> CityForecast | None:
    row = int(told.of[minute])
    if row == -2:
        return None
    nothing = np.zeros((3, 1, _STEPS))
    band = nothing if row < 0 else told.band[:, row : row + 1]
    clear = np.zeros((1, 3)) if row < 0 else told.clear_s[:, row][None]
    return CityForecast(
        issued_at=as_of,
        sites=(site,),
        horizons_s=AFTER_S[:_STEPS],
        p10_m=band[0],
        p50_m=band[1],
        p90_m=band[2],
        exceedance=nothing if row < 0 else told.exceedance[:, row : row + 1],
        within=nothing if row < 0 else told.within[:, row : row + 1],
        method=(Method.ASSIMILATED,),
        confidence=np.ones(1),
        to_flood_s=np.full((1, 3), np.nan),
        to_clear_s=clear,
        inputs={},
    )


def count(tally: Tally, run: Run, steps: Sequence[tuple[int, Decision]]) -> None:
    """Add a run's decisions to the counts."""
    truth = run.truth_m
    tally.runs += 1
    levels = [decision.level for _, decision in steps]
    _count_clears(tally, run, levels)
    closed = np.array([d.level is Level.CLOSED and not d.awaits_approval for _, d in steps])
    _count_closures(tally, run, closed, steps)
    wet = np.flatnonzero(truth >= WET_M)
    first = next((d for _, d in steps if d.level is not Level.CLEAR), None)
    if len(wet):
        warned = next((i for i, level in enumerate(levels) if level is not Level.CLEAR), len(levels))
        tally.warned_min[run.tidal].append(float(wet[0] - warned))
    if first is None:
        return
    episodes: dict[str, list[int]] = {}
    for i, decision in steps:
        if decision.episode:
            episodes.setdefault(decision.episode, []).append(i)
    for rows in episodes.values():
        false = bool(truth[rows[0] : rows[-1] + 1].max() < WET_M)
        foretold = steps[rows[0]][1].basis is Basis.FORECAST
        tally.alarms += 1
        tally.false_alarms += false
        tally.idle_alarms += bool(truth[rows[0] : rows[-1] + 1].max() < HAZARD_M)
        tally.foretold_alarms += foretold
        tally.foretold_false += foretold and false


def _count_clears(tally: Tally, run: Run, levels: Sequence[Level]) -> None:
    rank = {Level.CLEAR: 0, Level.HAZARD: 1, Level.CLOSED: 2}
    for i in range(1, len(levels)):
        if rank[levels[i]] >= rank[levels[i - 1]]:
            continue
        tally.clears += 1
        name = f"{run.site} {datetime.fromtimestamp(run.times[i], UTC):%Y-%m-%dT%H:%M} {levels[i - 1]}->{levels[i]}"
        if run.truth_m[i] >= WET_M:
            tally.above.append(f"{name} at {run.truth_m[i] * 100:.0f} cm")
        elif run.truth_m[i : i + _AGAIN + 1].max() >= WET_M:
            tally.again.append(f"{name} then {run.truth_m[i : i + _AGAIN + 1].max() * 100:.0f} cm")


def _count_closures(
    tally: Tally, run: Run, closed: npt.NDArray[np.bool_], steps: Sequence[tuple[int, Decision]]
) -> None:
    truth = run.truth_m
    real = bool(truth.max() >= REAL_M)
    tally.real += real
    tally.real_closed += real and bool(closed.any())
    tally.closed_min += int(closed.sum())
    begins = np.flatnonzero(closed & ~np.r_[False, closed[:-1]])
    for begin in begins:
        rest = np.flatnonzero(~closed[begin:])
        end = int(begin) + (int(rest[0]) if len(rest) else len(closed) - int(begin))
        needed = bool(truth[begin : end + 1].max() >= REAL_M)
        tally.closures += 1
        tally.needless += not needed
        tally.needless_min += 0 if needed else end - int(begin)
        if needed:
            deep = np.flatnonzero(truth[: end + 1] >= WET_M)
            tally.after_clear_min.append(float(end - deep[-1]))
            tally.before_30_min.append(float(np.flatnonzero(truth >= REAL_M)[0] - begin))


def summed(tally: Tally) -> dict[str, Any]:
    """Return the figures of a tally."""
    return {
        "runs": tally.runs,
        "clears": tally.clears,
        "clears_above_15cm": len(tally.above),
        "clears_then_above_15cm_within_15min": len(tally.again),
        "unsafe_clears": [*tally.above, *tally.again][:40],
        "real_closures": tally.real,
        "real_closed": tally.real_closed,
        "published_closures": tally.closures,
        "closures_per_real": _ratio(tally.closures, tally.real),
        "needless_closures": tally.needless,
        "needless_closed_min": tally.needless_min,
        "closed_min": tally.closed_min,
        "median_min_closed_before_30cm": _median(tally.before_30_min),
        "median_min_from_15cm_to_reopened": _median(tally.after_clear_min),
        "median_warning_min_before_15cm": {
            "pluvial": _median(tally.warned_min[False]),
            "tidal": _median(tally.warned_min[True]),
            "all": _median([*tally.warned_min[False], *tally.warned_min[True]]),
        },
        "warned_before_15cm": _ratio(
            sum(lead > 0 for its in tally.warned_min.values() for lead in its),
            sum(len(its) for its in tally.warned_min.values()),
        ),
        "false_alarm_ratio": _ratio(tally.false_alarms, tally.alarms),
        "false_alarm_ratio_below_10cm": _ratio(tally.idle_alarms, tally.alarms),
        "false_alarm_ratio_foretold": _ratio(tally.foretold_false, tally.foretold_alarms),
        "alarms": tally.alarms,
        "alarms_foretold": tally.foretold_alarms,
    }


def _ratio(part: float, whole: float) -> float | None:
    return round(part / whole, 3) if whole else None


def _median(numbers: Sequence[float]) -> float | None:
    return round(float(np.median(numbers)), 1) if numbers else None


def main() -> None:
    """Score from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("events", "sensors", "forecasts", "tides"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--train-until", required=True, help="day, UTC")
    parser.add_argument("--faults", default=",".join(FAULTS), help="which, of " + ", ".join(FAULTS))
    parser.add_argument("--cost-ratio", type=float, default=DecisionRule().cost_ratio)
    args = parser.parse_args()
    record = read_record(args.events, args.sensors, args.forecasts, args.tides)
    train = float(np.datetime64(args.train_until, "s").astype(np.int64))
    rule = DecisionRule(cost_ratio=args.cost_ratio)
    print(json.dumps(score(record, train, rule=rule, faults=args.faults.split(",")), indent=1))


if __name__ == "__main__":
    main()
