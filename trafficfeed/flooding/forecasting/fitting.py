"""A city's and its sites' parameters from what is on record until a day: floods, rain issues and tides."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from trafficfeed.flooding.forecasting.calibration import Platt, best_threshold, fit_platt
from trafficfeed.flooding.forecasting.climatology import COUNTED_M, rates
from trafficfeed.flooding.forecasting.history import History
from trafficfeed.flooding.forecasting.parameters import FloodParameters, SiteParameters
from trafficfeed.flooding.forecasting.past_issues import IssueLog, PastIssues
from trafficfeed.flooding.forecasting.rain_sensitivity import RainSensitivity, fit_sensitivity
from trafficfeed.flooding.forecasting.reservoir_fitting import fit_reservoirs
from trafficfeed.flooding.forecasting.risk import AT_TIME, WITHIN, RiskRule
from trafficfeed.flooding.forecasting.risk_fitting import RiskRows, fit_weights
from trafficfeed.flooding.forecasting.risk_rows import Sampler
from trafficfeed.flooding.forecasting.sea import SeaRule
from trafficfeed.flooding.forecasting.sea_levels import SeaLevels, fit_levels
from trafficfeed.flooding.forecasting.site_arrays import arrays
from trafficfeed.flooding.forecasting.tides import TideTable

Floats = npt.NDArray[np.float64]

LEAST_FLOODS: Final = 20
"""With fewer floods on record the shipped weights hold: no risk rule can be fitted on them."""
SCORED: Final = {"6h": 21600.0, "24h": 86400.0}
"""Horizons that thresholds are fixed for."""
_HELD_BACK: Final = 1 / 3


def fit(
    ids: Sequence[str], history: History, log: IssueLog | None, tide: TideTable, *, until: float, seed: int = 0
) -> FloodParameters:
    """Fit everything on what was over and known at `until` (epoch s).

    Parameters
    ----------
    ids
        Sites, in the order of the history.
    log
        Rain issues at the city; None: sites are fitted, the shipped weights hold.
    """
    known = history.until(until)
    issued = log.until(until) if log is not None and (log.issued < until).any() else None
    sites, rain = fit_sites(ids, known, issued, tide, until)
    if issued is None or len(known.site) < LEAST_FLOODS:
        return sites
    sampler = _sampler(sites, rain, ids, known, issued, tide, until, seed)
    fitted = replace(
        sites,
        within=_rule(WITHIN, sampler.within, WITHIN.horizons_s),
        at_time=_rule(AT_TIME, sampler.at, AT_TIME.horizons_s),
    )
    return _calibrated(fitted, ids, known, issued, tide, until, seed)


def fit_sites(
    ids: Sequence[str], known: History, log: IssueLog | None, tide: TideTable, until: float
) -> tuple[FloodParameters, RainSensitivity]:
    """Fit the sites alone; the shipped weights hold."""
    sea = SeaRule()
    levels = fit_levels(known, tide, sea)
    rain = fit_sensitivity(known.chosen(~levels.by_sea))
    sites, new = _sites(known, levels, rain, log)
    parameters = FloodParameters(
        sea=sea,
        new_site=new,
        sites=dict(zip(ids, sites, strict=True)),
        fitted_until=datetime.fromtimestamp(until, UTC),
        floods=len(known.site),
    )
    return parameters, rain


def _sampler(
    sites: FloodParameters, rain: RainSensitivity, ids: Sequence[str], known: History, log: IssueLog, tide: TideTable,
    until: float, seed: int, since: float = -np.inf,
) -> Sampler:  # fmt: skip
    rows = arrays([sites.of(name) for name in ids])
    past = PastIssues(log=log, history=known, tide=tide, sites=rows, sea=sites.sea)
    return Sampler(past=past, rain=rain, since=since, until=until, seed=seed)


def _rule(shipped: RiskRule, rows: Callable[[float], RiskRows], horizons_s: Sequence[float]) -> RiskRule:
    """Fit a rule at some horizons, drawn to the shipped one."""
    priors = shipped.at(np.asarray(horizons_s))
    weights = [fit_weights(rows(h), prior, h) for h, prior in zip(horizons_s, priors, strict=True)]
    return RiskRule(horizons_s=tuple(horizons_s), weights=np.stack(weights))


def _calibrated(
    fitted: FloodParameters, ids: Sequence[str], known: History, log: IssueLog, tide: TideTable, until: float, seed: int
) -> FloodParameters:
    """Return the parameters with calibration and thresholds told from forecasts that were made ahead.

    The last third of the record is forecast with what could be fitted before it: chances of the very floods that a
    rule was fitted on are too good. With too few floods in it they are left as they are.
    """
    since = log.issued[0] + (1.0 - _HELD_BACK) * (until - log.issued[0])
    before = known.until(since)
    if len(before.site) < LEAST_FLOODS:
        return fitted
    early, rain = fit_sites(ids, before, log.until(since), tide, since)
    rule = _rule(
        WITHIN, _sampler(early, rain, ids, before, log.until(since), tide, since, seed).within, tuple(SCORED.values())
    )
    ahead = _sampler(early, rain, ids, known, log, tide, until, seed, since)
    lines, thresholds = [], {}
    for name, horizon in SCORED.items():
        chance, flooded, weight = ahead.foretold(rule, horizon, COUNTED_M)
        if flooded.sum() < LEAST_FLOODS:
            return fitted
        a, b = fit_platt(chance, flooded, weight)
        line = Platt(horizons_s=(horizon,), a=(a,), b=(b,))
        lines.append((a, b))
        thresholds[name] = best_threshold(line.apply(chance[:, None], np.array([horizon]))[:, 0], flooded, weight)[0]
    platt = Platt(horizons_s=tuple(SCORED.values()), a=[a for a, _ in lines], b=[b for _, b in lines])
    return replace(fitted, platt=platt, thresholds=thresholds)


def _sites(
    known: History, levels: SeaLevels, rain: RainSensitivity, log: IssueLog | None
) -> tuple[list[SiteParameters], SiteParameters]:
    rate, lasts, city_rate, city_lasts = rates(known)
    store = fit_reservoirs(known.chosen(~levels.by_sea), log)
    floods = known.per_site()
    sites = [
        SiteParameters(
            rain_gain=float(rain.gain[i]),
            rain_depth_m=float(rain.depth_m[i]),
            drain_mmph=float(store.drain_mmph[i]),
            level_m=float(levels.level_m[i]),
            level_error_m=float(np.nan_to_num(levels.error_m[i], nan=0.3)),
            lag_s=float(levels.lag_s[i]),
            keeps_step=bool(levels.proven[i]),
            rate_ph=float(rate[i]),
            lasts_s=float(lasts[i]),
            floods=int(floods[i]),
        )
        for i in range(known.n_sites)
    ]
    new = SiteParameters(
        rain_depth_m=rain.city_depth_m,
        drain_mmph=store.city_drain_mmph,
        rate_ph=city_rate,
        lasts_s=city_lasts,
    )
    return sites, new
