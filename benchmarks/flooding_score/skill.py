"""Scores the chance of 10 cm within 6 and 24 h at each sensor and issue, beside rain alone and climatology.

Training: everything until the day given, and nothing after it: sites, weights, calibration, thresholds, climatology.
Test: issues from that day on. A pair counts where the sensor hung there for the whole horizon. It flooded if it was
10 cm deep at any time after the issue and until the horizon, by the readings of the flood.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.flooding_score.files import Record
from benchmarks.flooding_score.metrics import Scored, figures, gain_of, without
from benchmarks.flooding_score.yardsticks import Pairs, climatology, rain_alone
from trafficfeed.flooding.forecasting import climatology as usual
from trafficfeed.flooding.forecasting.fitting import SCORED, fit
from trafficfeed.flooding.forecasting.history import History
from trafficfeed.flooding.forecasting.parameters import FloodParameters
from trafficfeed.flooding.forecasting.past_issues import IssueLog, PastIssues
from trafficfeed.flooding.forecasting.rain_sensitivity import storms
from trafficfeed.flooding.forecasting.risk_rows import foretold
from trafficfeed.flooding.forecasting.site_arrays import arrays
from trafficfeed.flooding.forecasting.tides import TideTable, tide_table

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DEEP_M = 0.10
STORM_GAP_S = 24 * 3600.0
_WEEK_S = 7 * 86400.0


@dataclass(frozen=True, kw_only=True)
class Trial:
    """The record as the product takes it, and the parameters fitted until `train_until` (epoch s)."""

    ids: tuple[str, ...]
    history: History
    log: IssueLog
    tide: TideTable
    train_until: float
    test_until: float
    parameters: FloodParameters

    def past(self, *, live: bool) -> PastIssues:
        """Return the issues as the forecaster would have met them."""
        sites = arrays([self.parameters.of(name) for name in self.ids])
        return PastIssues(
            log=self.log, history=self.history, tide=self.tide, sites=sites, sea=self.parameters.sea, live=live
        )

    @cached_property
    def with_readings(self) -> PastIssues:
        """With the readings known at each issue, as in production."""
        return self.past(live=True)

    @cached_property
    def without_readings(self) -> PastIssues:
        """As if no sensor had reported; history alone."""
        return self.past(live=False)


def trial_of(record: Record, train_until: float, test_until: float = np.inf, seed: int = 0) -> Trial:
    """Fit on what was known until `train_until`."""
    history, log = history_of(record), IssueLog(issued=record.rain.issued, rain_mm=record.rain.rain_mm)
    tide = tide_table(
        lon=record.sensors.lon,
        lat=record.sensors.lat,
        stations=[(one.lon, one.lat, one.times, one.level_m) for one in record.tides],
    )
    ids = tuple(record.sensors.ids)
    return Trial(
        ids=ids,
        history=history,
        log=log,
        tide=tide,
        train_until=train_until,
        test_until=test_until,
        parameters=fit(ids, history, log, tide, until=train_until, seed=seed),
    )


def history_of(record: Record) -> History:
    """Return floods and watches; a sensor that was never taken down hangs there until the record's last flood."""
    end = max((flood.end for flood in record.floods), default=-np.inf)
    sensors = record.sensors
    return History(
        watched_from=np.where(np.isfinite(sensors.installed), sensors.installed, np.inf),
        watched_until=np.minimum(np.where(np.isfinite(sensors.removed), sensors.removed, end), end),
        tidal=sensors.tidal,
        site=np.array([flood.sensor for flood in record.floods], dtype=np.int64),
        lines=[(flood.times, flood.depth_m) for flood in record.floods],
    )


def score(trial: Trial, seed: int = 0) -> dict[str, Any]:
    """Return ``horizons``."""
    return {name: _horizon(trial, name, span, seed) for name, span in SCORED.items()}


def _horizon(trial: Trial, name: str, span: float, seed: int) -> dict[str, Any]:
    deepest = trial.history.deepest(trial.log.issued, 0.0, span)
    train = _pairs(deepest, trial.log.issued + span <= trial.train_until)
    in_test = (trial.log.issued >= trial.train_until) & (trial.log.issued + span <= trial.test_until)
    test = _pairs(deepest, in_test)
    if not len(test.site):
        return {"pairs": 0, "note": "no issue after the training slice at which a sensor hung"}
    rates = _rates(trial, span)
    reference = rates[test.site]
    block = _blocks(trial, test, span)
    told = _told(trial, trial.with_readings, test, name, span)
    blind = _told(trial, trial.without_readings, test, name, span)
    by_rain, measure = rain_alone(trial.log, round(span / 3600.0), train, test)
    by_rate = climatology(rates, train, test)
    biggest = block == np.argmax(np.bincount(block, test.flooded))
    dry_now = trial.with_readings.now_m[test.issue, test.site] <= 0
    base = float(train.flooded.mean()) if len(train.flooded) else float("nan")
    return {
        **figures(told, test.flooded, reference, block, seed),
        "brier_skill_over_base_rate": _skill_over(told, test, base),
        "pairs": len(test.site),
        "flooded": int(test.flooded.sum()),
        "base_rate": float(test.flooded.mean()),
        "base_rate_train": base,
        "mean_chance": float(np.mean(told.chance)) if told.chance is not None else None,
        "storms": len(np.unique(block[test.flooded])),
        "without_readings": figures(blind, test.flooded, reference, block, seed),
        "dry_at_issue": without(told, test.flooded, reference, ~dry_now),
        "by_kind": _by_kind(trial, told, test, reference),
        "biggest_storm": {
            "share": gain_of(told, test.flooded, reference, biggest),
            "without_it": without(told, test.flooded, reference, biggest),
            "without_it_rain_alone": without(by_rain, test.flooded, reference, biggest),
        },
        "rain_alone": {"measure": measure, **figures(by_rain, test.flooded, reference, block, seed)},
        "climatology": figures(by_rate, test.flooded, reference, block, seed),
        "reliability": _reliability(told, test),
    }


def _pairs(deepest: Floats, issues: npt.NDArray[np.bool_]) -> Pairs:
    site, issue = np.nonzero(np.isfinite(deepest) & issues)
    return Pairs(site=site, issue=issue, flooded=deepest[site, issue] >= DEEP_M)


def _told(trial: Trial, past: PastIssues, test: Pairs, name: str, span: float) -> Scored:
    raw = foretold(past, trial.parameters.within, test.site, test.issue, span, DEEP_M)
    raw = np.where(np.isfinite(raw), raw, _rates(trial, span)[test.site])
    chance = trial.parameters.platt.apply(raw[:, None], np.array([span]))[:, 0]
    return Scored(score=chance, threshold=trial.parameters.thresholds[name], chance=chance)


def _rates(trial: Trial, span: float) -> Floats:
    sites = trial.with_readings.sites
    return usual.chance(sites.rate_ph, sites.lasts_s, [DEEP_M], np.array([span]), within=True)[0, :, 0]


def _blocks(trial: Trial, test: Pairs, span: float) -> Ints:
    """Return the storm of each pair: floods with no dry day between; issues outside any by the week."""
    deep = trial.history.chosen(trial.history.depth_m >= DEEP_M)
    order = np.argsort(deep.start)
    start, end = deep.start[order], np.maximum.accumulate(deep.end[order])
    issued = trial.log.issued[test.issue]
    block = np.floor(issued / _WEEK_S).astype(np.int64) + 10_000_000
    for number, rows in enumerate(storms(start, STORM_GAP_S)):
        block[(issued >= start[rows[0]] - span) & (issued <= end[rows[-1]])] = number
    return np.unique(block, return_inverse=True)[1].astype(np.int64)


def _skill_over(told: Scored, test: Pairs, base: float) -> float:
    assert told.chance is not None
    own, reference = np.mean((told.chance - test.flooded) ** 2), np.mean((base - test.flooded) ** 2)
    return round(float(1.0 - own / reference), 4) if reference > 0 else float("nan")


def _by_kind(trial: Trial, told: Scored, test: Pairs, reference: Floats) -> dict[str, Any]:
    step, tidal = trial.with_readings.sites.keeps_step, trial.history.tidal == 1
    kinds = {"in_step_with_the_tide": step, "said_to_be_tidal": tidal & ~step, "inland": ~tidal & ~step}
    found = {}
    for kind, sites in kinds.items():
        mine = sites[test.site]
        if mine.any():
            found[kind] = {"sensors": int(sites.sum()), "flooded": int(test.flooded[mine].sum())} | without(
                told, test.flooded, reference, ~mine
            )
    return found


def _reliability(told: Scored, test: Pairs) -> list[dict[str, float]]:
    assert told.chance is not None
    edges = np.array([0.0, 0.001, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0 + 1e-9])
    place = np.digitize(told.chance, edges) - 1
    return [
        {
            "from": float(edges[k]),
            "pairs": int((place == k).sum()),
            "foretold": round(float(told.chance[place == k].mean()), 4),
            "came": round(float(test.flooded[place == k].mean()), 4),
        }
        for k in range(len(edges) - 1)
        if (place == k).any()
    ]
