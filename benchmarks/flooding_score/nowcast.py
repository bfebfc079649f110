"""Scores the next hour: depth at 15, 30 and 60 min and time to clear, beside holding and receding at one rate.

What is scored, at every kind of site (pluvial: the tide does not reach it; tidal: it does):

- Instants: every 5 min of each flood, from the first that has a reading of 2.5 cm (1 inch) behind it until the flood's
  last reading. What a method gets of the flood is its readings up to the instant, and nothing of later ones.
- Truth: the line between readings; 0 after the last.
- Time to clear: at the instants of these at which it is 15 cm deep or more, the time until it is below for good.
- Where the gauge has read 2 cm or less for 20 min, or too few floods are on record, the nowcast says nothing: scored as
  if it held the last reading.
- Hold: as deep as now. Recession: as now while it rose in the last 10 min, else falling at one rate for all sites, the
  one with the least error on the training floods.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.flooding_score.files import Record, read_record
from trafficfeed.flooding.forecasting.clearing import clear_times
from trafficfeed.flooding.forecasting.nowcast import NowcastParameters, ensemble
from trafficfeed.flooding.forecasting.nowcast_analogues import AFTER_S, weighted_quantile
from trafficfeed.flooding.forecasting.nowcast_fitting import FloodTrace, fit, instants, of_kind, storms
from trafficfeed.flooding.forecasting.nowcast_situation import Situation, TideCurve
from trafficfeed.flooding.forecasting.recession import DEFAULT_PER_S
from trafficfeed.flooding.observations import TidePrediction

Floats = npt.NDArray[np.float64]

EVERY_S: Final = 300.0
FROM_M: Final = 0.0254
CLEAR_M: Final = 0.15
MINUTES: Final = (15, 30, 60)
LEVELS: Final = (0.1, 0.5, 0.9)
STEPS: Final = np.searchsorted(AFTER_S, np.array(MINUTES) * 60.0)
_RATES_PER_MIN: Final = np.geomspace(1 / 400, 1 / 10, 30)
_CHUNK: Final = 4000
_DRAWS: Final = 400
_PAST_PEAK_S: Final = 600.0
_SOON_S: Final = 7200.0


@dataclass(frozen=True, kw_only=True)
class Instants:
    """What is scored of floods of one kind; `(n,)` each unless said; depths m, times s."""

    sites: Sequence[str]
    seen: Sequence[Situation | None]
    now_m: Floats
    came_m: Floats  # (n, n_steps)
    clears_s: Floats  # NaN: not 15 cm deep now
    tide_m: Floats  # (n, 4)
    storm: npt.NDArray[np.int64]


def traces(record: Record) -> list[FloodTrace]:
    """Return the floods as the nowcast's fit takes them; floods without a station are told without a tide."""
    sensors = record.sensors
    return [
        FloodTrace(
            site=sensors.ids[flood.sensor],
            tidal=bool(sensors.tidal[flood.sensor] == 1.0),
            times=flood.times,
            depth_m=flood.depth_m,
            tide=record.tides[record.station[flood.sensor]].name if record.station[flood.sensor] >= 0 else "",
        )
        for flood in record.floods
    ]


def predictions(record: Record) -> dict[str, TidePrediction]:
    """Return the tide stations by name."""
    return {
        tide.name: TidePrediction(
            station=tide.name, lon=tide.lon, lat=tide.lat, times=tide.times, level_m=tide.level_m, meta={}
        )
        for tide in record.tides
    }


def gathered(floods: Sequence[FloodTrace], curves: Mapping[str, TideCurve]) -> Instants:
    """Return the instants of floods that are scored."""
    sites: list[str] = []
    seen: list[Situation | None] = []
    came, clears, tide, storm = [np.empty((0, len(AFTER_S)))], [np.empty(0)], [np.empty((0, 4))], [np.empty(0, int)]
    for flood, of in zip(floods, storms(floods), strict=True):
        at, situations, ahead = instants(flood, EVERY_S)
        deep = flood.times[flood.depth_m >= FROM_M]
        if len(deep) == 0 or len(at) == 0:
            continue
        scored = at >= deep[0]
        end = clear_times(flood.times - flood.times[0], flood.depth_m[None], CLEAR_M)[0] + flood.times[0]
        if not np.isfinite(end):
            end = flood.times[-1]
        sites += [flood.site] * int(scored.sum())
        seen += [one for one, is_in in zip(situations, scored, strict=True) if is_in]
        came.append(ahead[scored])
        wet = ahead[scored, 0] >= CLEAR_M
        clears.append(np.where(wet & (end > at[scored]), end - at[scored], np.nan))
        curve = curves.get(flood.tide)
        tide.append(curve.outlook(at[scored]) if curve else np.full((int(scored.sum()), 4), np.nan))
        storm.append(np.full(int(scored.sum()), of))
    return Instants(
        sites=sites,
        seen=seen,
        now_m=np.vstack(came)[:, 0],
        came_m=np.vstack(came),
        clears_s=np.concatenate(clears),
        tide_m=np.vstack(tide),
        storm=np.concatenate(storm),
    )


def hold(at: Instants) -> Floats:
    """Return ``(n, n_steps)``: as deep as now."""
    return np.repeat(at.now_m[:, None], len(AFTER_S), axis=1)


def recession(at: Instants, rate_per_s: float) -> Floats:
    """Return ``(n, n_steps)``: as now while it rises, else falling at a rate."""
    rising = np.array([one is not None and one.rise_m[1] > 0 for one in at.seen])
    falls = np.exp(-rate_per_s * AFTER_S)
    return at.now_m[:, None] * np.where(rising[:, None], 1.0, falls)


def pooled_rate(at: Instants) -> float:
    """Return the rate with the least error over the three horizons, 1/s; one in an hour where nothing tells."""
    if not at.seen:
        return DEFAULT_PER_S
    errors = [np.abs(recession(at, rate / 60) - at.came_m)[:, STEPS].mean() for rate in _RATES_PER_MIN]
    return float(_RATES_PER_MIN[int(np.argmin(errors))] / 60)


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the nowcast said: ``(3, n, n_steps)`` depths at P10, P50, P90, and ``(3, n)`` times to clear, s."""

    depth_m: Floats
    clears_s: Floats


def nowcast(
    at: Instants, parameters: NowcastParameters, *, tidal: bool, besides: npt.NDArray[np.int64] | None = None
) -> Told:
    """Return what the nowcast says at the instants; `besides` ``(n,)``: what is not looked at, as `Analogues.flood`."""
    depth_m, clears_s = np.repeat(hold(at)[None], 3, axis=0), np.zeros((3, len(at.seen)))
    wet = [i for i, one in enumerate(at.seen) if one is not None]
    for begin in range(0, len(wet), _CHUNK):
        rows = wet[begin : begin + _CHUNK]
        seen = [one for one in (at.seen[i] for i in rows) if one is not None]
        paths = ensemble(
            parameters,
            [at.sites[i] for i in rows],
            seen,
            tidal=tidal,
            tide_m=at.tide_m[rows],
            besides=None if besides is None else besides[rows],
        )
        if paths is None:
            continue
        depth_m[:, rows] = paths.quantiles(LEVELS)
        ends = clear_times(AFTER_S, paths.paths_m, CLEAR_M)
        clears_s[:, rows] = np.stack([weighted_quantile(ends, paths.weights, level) for level in LEVELS])
    return Told(depth_m=depth_m, clears_s=clears_s)


def score(record: Record, train_until: float, test_until: float = np.inf) -> dict[str, Any]:
    """Return the figures by kind of site, trained on floods over by `train_until`, tested on later ones (epoch s)."""
    floods, curves = traces(record), {name: TideCurve(tide) for name, tide in predictions(record).items()}
    parameters = fit(floods, predictions(record), train_until)
    figures: dict[str, Any] = {}
    for kind, tidal in (("pluvial", False), ("tidal", True)):
        mine = [flood for flood in floods if flood.tidal is tidal]
        train = gathered([flood for flood in mine if flood.times[-1] <= train_until], curves)
        test = [flood for flood in mine if train_until < flood.times[0] < test_until]
        at = gathered(test, curves)
        figures[kind] = _figures(at, len(test), pooled_rate(train), nowcast(at, parameters, tidal=tidal))
    return figures


def score_leaving_storms_out(record: Record) -> dict[str, Any]:
    """Return the figures over all floods, each told by those of all other storms; the recession is fitted on all.

    For years of few floods: the two storms with half of the deep water are tested too, which no one slice of time does.
    """
    tides = predictions(record)
    floods, curves = traces(record), {name: TideCurve(tide) for name, tide in tides.items()}
    parameters = fit(floods, tides)
    figures: dict[str, Any] = {}
    for kind, tidal in (("pluvial", False), ("tidal", True)):
        mine = of_kind(floods, tidal=tidal)
        at, past, storm = gathered(mine, curves), parameters.kind(tidal), storms(mine)
        if not at.seen:
            continue
        by_storm = replace(past, flood=storm[past.flood])
        blind = replace(parameters, tidal=by_storm) if tidal else replace(parameters, rain=by_storm)
        said = nowcast(at, blind, tidal=tidal, besides=at.storm)
        figures[kind] = _figures(at, len(mine), pooled_rate(at), said)
    return figures


def _figures(at: Instants, floods: int, rate: float, said: Told) -> dict[str, Any]:
    if not at.seen:
        return {"floods": floods, "instants": 0}
    inside = (said.depth_m[0] <= at.came_m + 1e-9) & (at.came_m <= said.depth_m[2] + 1e-9)
    return {
        "floods": floods,
        "storms": len(np.unique(at.storm)),
        "instants": len(at.seen),
        "mae_cm": {
            "hold": _by_minute(hold(at), at),
            "recession": _by_minute(recession(at, rate), at),
            "nowcast": _by_minute(said.depth_m[1], at),
            "nowcast_90": _interval(at, lambda rows: np.abs(said.depth_m[1] - at.came_m)[rows][:, STEPS].mean(0)),
        },
        "coverage_p10_p90": dict(zip(map(str, MINUTES), np.round(inside.mean(axis=0)[STEPS], 3).tolist(), strict=True)),
        "recession_halves_min": round(float(np.log(2) / rate / 60), 1),
        "time_to_clear": _clearing(at, said, rate),
    }


def _by_minute(said_m: Floats, at: Instants) -> dict[str, float]:
    errors = np.abs(said_m - at.came_m).mean(axis=0)[STEPS] * 100
    return {str(minute): round(float(error), 2) for minute, error in zip(MINUTES, errors, strict=True)}


def _clearing(at: Instants, said: Told, rate: float) -> dict[str, Any]:
    wet = np.isfinite(at.clears_s)
    past_peak = np.array([one is not None and one.since_peak_s >= _PAST_PEAK_S for one in at.seen])
    soon = at.clears_s <= _SOON_S
    return {
        "all": _clear_errors(at, said, rate, wet),
        "10_min_past_the_deepest": _clear_errors(at, said, rate, wet & past_peak),
        "clear_within_2h": _clear_errors(at, said, rate, wet & soon),
    }


def _clear_errors(
    at: Instants, said: Told, rate: float, rows: npt.NDArray[np.bool_]
) -> dict[str, float | dict[str, float]]:
    if not rows.any():
        return {"instants": 0}
    truth = at.clears_s[rows] / 60
    by_rate = np.abs(np.log(at.now_m[rows] / CLEAR_M) / rate / 60 - truth)
    low, middle, high = np.minimum(said.clears_s[:, rows], AFTER_S[-1]) / 60
    error = np.abs(middle - truth)
    return {
        "instants": int(rows.sum()),
        "mean_min": round(float(truth.mean()), 1),
        "mae_min": {"recession": round(float(by_rate.mean()), 1), "nowcast": round(float(error.mean()), 1)},
        "median_error_min": {
            "recession": round(float(np.median(by_rate)), 1),
            "nowcast": round(float(np.median(error)), 1),
        },
        "coverage_p10_p90": round(float(((low <= truth) & (truth <= high)).mean()), 3),
    }


def _interval(at: Instants, mean_m: Callable[[npt.NDArray[np.int64]], Floats]) -> dict[str, list[float]]:
    """Return the 5 % and 95 % of a mean over storms drawn anew, cm, by minute."""
    rng = np.random.default_rng(1)
    rows = [np.flatnonzero(at.storm == one) for one in np.unique(at.storm)]
    drawn = [mean_m(np.concatenate([rows[i] for i in rng.integers(0, len(rows), len(rows))])) for _ in range(_DRAWS)]
    edges = np.round(np.quantile(np.array(drawn) * 100, [0.05, 0.95], axis=0), 2)
    return {str(minute): edges[:, k].tolist() for k, minute in enumerate(MINUTES)}


def main() -> None:
    """Score from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("events", "sensors", "forecasts", "tides"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--train-until", help="day, UTC; without it each storm is told by all others")
    parser.add_argument("--test-until", default="2100-01-01", help="day, UTC")
    args = parser.parse_args()
    record = read_record(args.events, args.sensors, args.forecasts, args.tides)
    if args.train_until is None:
        print(json.dumps(score_leaving_storms_out(record), indent=1))
        return
    train, test = (float(np.datetime64(day, "s").astype(np.int64)) for day in (args.train_until, args.test_until))
    print(json.dumps(score(record, train, test), indent=1))


if __name__ == "__main__":
    main()
