"""A city's and its sites' parameters from what is on record until a day: floods, rain issues and tides."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from trafficfeed.flooding.forecasting.climatology import rates
from trafficfeed.flooding.forecasting.history import History
from trafficfeed.flooding.forecasting.parameters import FloodParameters, SiteParameters
from trafficfeed.flooding.forecasting.past_issues import IssueLog, PastIssues
from trafficfeed.flooding.forecasting.rain_sensitivity import RainSensitivity, fit_sensitivity
from trafficfeed.flooding.forecasting.reservoir_fitting import fit_reservoirs
from trafficfeed.flooding.forecasting.risk import AT_TIME, WITHIN, RiskRule
from trafficfeed.flooding.forecasting.risk_fitting import fit_weights
from trafficfeed.flooding.forecasting.risk_rows import Sampler
from trafficfeed.flooding.forecasting.sea import SeaRule
from trafficfeed.flooding.forecasting.sea_levels import SeaLevels, fit_levels
from trafficfeed.flooding.forecasting.site_arrays import arrays
from trafficfeed.flooding.forecasting.tides import TideTable

Floats = npt.NDArray[np.float64]

LEAST_FLOODS = 20
"""With fewer floods on record the shipped weights hold: no risk rule can be fitted on them."""


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
    sea = SeaRule()
    levels = fit_levels(known, tide, sea)
    rain = fit_sensitivity(known.chosen(~levels.by_sea))
    issued = (
        None
        if log is None
        else IssueLog(issued=log.issued[log.issued < until], rain_mm=log.rain_mm[log.issued < until])
    )
    sites, new = _sites(known, levels, rain, issued)
    fitted = FloodParameters(
        sea=sea,
        new_site=new,
        sites=dict(zip(ids, sites, strict=True)),
        fitted_until=datetime.fromtimestamp(until, UTC),
        floods=len(known.site),
    )
    if issued is None or not len(issued.issued) or len(known.site) < LEAST_FLOODS:
        return fitted
    past = PastIssues(log=issued, history=known, tide=tide, sites=arrays(sites), sea=sea)
    return fit_risk(fitted, past, rain, until, seed)


def fit_risk(
    fitted: FloodParameters, past: PastIssues, rain: RainSensitivity, until: float, seed: int
) -> FloodParameters:
    """Return the parameters with weights fitted on past issues whose horizon was over at `until`."""
    sampler = Sampler(past=past, rain=rain, until=until, seed=seed)
    within = [
        fit_weights(sampler.within(h), prior, h) for h, prior in zip(WITHIN.horizons_s, WITHIN.weights, strict=True)
    ]
    at_time = [
        fit_weights(sampler.at(h), prior, h) for h, prior in zip(AT_TIME.horizons_s, AT_TIME.weights, strict=True)
    ]
    return replace(
        fitted,
        within=RiskRule(horizons_s=WITHIN.horizons_s, weights=np.stack(within)),
        at_time=RiskRule(horizons_s=AT_TIME.horizons_s, weights=np.stack(at_time)),
    )


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
            depth_per_mm=float(store.depth_per_mm[i]),
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
        depth_per_mm=store.city_depth_per_mm,
        drain_mmph=store.city_drain_mmph,
        rate_ph=city_rate,
        lasts_s=city_lasts,
    )
    return sites, new
