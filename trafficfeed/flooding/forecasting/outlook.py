"""All that is known of sites at an issue, as arrays, and the chances that follow; any shape of members and sites.

The forecaster makes one of members × sites, fitting and scoring one of chosen issues in a row: the same code gives the
chances of both.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trafficfeed.flooding.forecasting import rain_features, risk
from trafficfeed.flooding.forecasting.risk import RiskRule
from trafficfeed.flooding.forecasting.sea import HOUR_S, SeaRule, ahead

Floats = npt.NDArray[np.float64]

_TRUSTED_S = 6 * HOUR_S


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """Sites ``(n,)`` at one or several issues, and rain ``(..., n, n_hours)`` with any members before the sites.

    Attributes
    ----------
    rain_mm, fallen_mm
        See `rain_features.until`.
    drain_mmph, outfall_m
        ``(n,)``; tide from which the outfall is blocked, NaN: never.
    tide_m
        ``(n, n_hours + 1)`` predicted tide at each hour, as it acts at the site (lag); NaN: none.
    crest_m
        The same, the highest in the hour that ends then.
    level_m, level_error_m
        ``(n,)`` stand of the sea that floods it; NaN: it does not.
    sea_mean_m, sea_sd_m
        ``(n,)`` anomaly of the sea at the issue.
    now_m
        ``(n,)`` depth at the issue; NaN: no fresh reading.
    wet
        ``(n,)`` log(1 + % of the watched sites that rain has just flooded).
    gain, usual_m
        ``(n,)`` see `SiteParameters`.
    """

    rain_mm: Floats
    fallen_mm: Floats
    drain_mmph: Floats
    outfall_m: Floats
    tide_m: Floats
    crest_m: Floats
    level_m: Floats
    level_error_m: Floats
    sea_mean_m: Floats
    sea_sd_m: Floats
    now_m: Floats
    wet: Floats
    gain: Floats
    usual_m: Floats

    @property
    def n_hours(self) -> int:
        """Hours of rain."""
        return int(self.rain_mm.shape[-1])

    def blocked(self) -> npt.NDArray[np.bool_] | None:
        """Return whether the outfall is blocked in each hour; None: nowhere."""
        if not np.isfinite(self.outfall_m).any():
            return None
        stands = self.crest_m[:, 1:] + self.sea_mean_m[:, None]
        return np.asarray(np.nan_to_num(stands, nan=-np.inf) >= np.nan_to_num(self.outfall_m, nan=np.inf)[:, None])

    def features(self, *, within: bool) -> Floats:
        """Return what the rain comes to, ``(..., n, n_hours + 1, N_FEATURES)``, until each hour or at it."""
        take = rain_features.until if within else rain_features.around
        return take(self.rain_mm, self.fallen_mm, self.drain_mmph, self.blocked())

    def reach(self, depth_m: float, rule: SeaRule, *, within: bool) -> Floats:
        """Return z ``(n, n_hours + 1)``: how far the sea stands over level plus depth, over its doubt."""
        hours = np.arange(self.n_hours + 1, dtype=np.float64) * HOUR_S
        mean, sd = ahead(self.sea_mean_m[:, None], self.sea_sd_m[:, None], hours, rule)
        doubt = np.sqrt(sd**2 + self.level_error_m[:, None] ** 2 + rule.error_m**2)
        tide = self.crest_m if within else self.tide_m
        z = (tide + mean - self.level_m[:, None] - depth_m) / doubt
        if within:
            z = np.maximum.accumulate(np.where(np.isfinite(z), z, -np.inf), axis=-1)
        return np.where(np.isfinite(z), z, np.nan)


def chances(look: Outlook, rule: RiskRule, sea: SeaRule, depths_m: Floats, after_s: Floats, *, within: bool) -> Floats:
    """Return the probability of depths, ``(n_depths, n, n_times)``, mean over members; NaN beyond the rain.

    Members with a gap drop out from the gap on; where none is left nothing is said.
    """
    weights = rule.at(after_s)
    log_rain = risk.rain_hazard(weights, _between(look.features(within=within), after_s, axis=-2), look.wet[:, None])
    log_rain = np.where(np.isfinite(look.rain_mm[..., :1]), log_rain, np.nan)
    rain = np.exp(np.clip(log_rain, -40.0, 40.0)).reshape(-1, *log_rain.shape[-2:])
    result = np.empty((len(depths_m), len(look.gain), len(after_s)))
    for k, depth in enumerate(depths_m):
        z = _between(look.reach(float(depth), sea, within=within), after_s, axis=-1)
        others = risk.sea_hazard(weights, z) + risk.standing_hazard(weights, look.now_m[:, None], float(depth), after_s)
        site = np.exp(risk.site_hazard(weights, look.gain, look.usual_m, float(depth)))
        result[k] = 1.0 - _mean(np.exp(-rain * site)) * np.exp(-others)
    return _rising(result, after_s, rule.horizons_s) if within else result


def _rising(chance: Floats, after_s: Floats, fitted_s: Sequence[float]) -> Floats:
    """Return chances that never fall with time, and at the horizons of 6 h and more are what was fitted there.

    Between those, weights are read between two fits and may overshoot: they are kept between the chances of the two.
    """
    rising = np.maximum.accumulate(chance, axis=-1)
    columns = [int(k) for k in np.flatnonzero(np.isin(after_s, [h for h in fitted_s if h >= _TRUSTED_S]))]
    before, low = 0, np.zeros(chance.shape[:-1])
    for column in columns:
        high = np.maximum(chance[..., column], low)
        part = slice(before, column + 1)
        rising[..., part] = np.clip(rising[..., part], low[..., None], np.where(np.isnan(high), 1.0, high)[..., None])
        rising[..., column] = high
        before, low = column + 1, high
    rising[..., before:] = np.maximum(rising[..., before:], np.nan_to_num(low)[..., None])
    return rising


def _mean(members: Floats) -> Floats:
    total = np.asarray(members.sum(axis=0) / len(members))
    if np.isfinite(total).all():
        return total
    known = np.isfinite(members)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, members, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)


def _between(hourly: Floats, after_s: Floats, axis: int) -> Floats:
    """Read hourly values between the hours; NaN beyond the last."""
    last = hourly.shape[axis] - 1
    at = after_s / HOUR_S
    below = np.clip(np.floor(at).astype(np.int64), 0, last)
    above = np.minimum(below + 1, last)
    share = np.where(at <= last + 1e-9, at - below, np.nan)
    share = np.where(above == below, np.where(np.isnan(share), np.nan, 0.0), share)
    if axis == -2:
        share = share[:, None]
    low, high = np.take(hourly, below, axis=axis), np.take(hourly, above, axis=axis)
    mixed = low * (1.0 - share) + high * share
    return np.where(share == 0.0, low, mixed)
