"""At which stand of the sea each site floods, and how much after the tide: told from its floods and its dry tides."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import log_ndtr

from trafficfeed.flooding.forecasting.history import History
from trafficfeed.flooding.forecasting.sea import HOUR_S, SeaRule, smooth_anomaly
from trafficfeed.flooding.forecasting.tides import TideTable

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
TIDE_S = 12.42 * HOUR_S
_LEVELS_M: Floats = np.linspace(-2.0, 6.0, 321)
_PROVEN_FLOODS = 3
_PROVEN_IN_STEP = 0.7  # length of the mean phase: 0 any time of the tide, 1 always the same
_IN_STEP_S = 2.5 * HOUR_S
_ROUNDS = 3
_WATCHED_S = 30 * 86400.0
_FADING = 0.25
_CAP = 4.5  # a flood that the sea cannot explain tells at most so much


@dataclass(frozen=True, kw_only=True)
class SeaLevels:
    """Per site ``(n_sites,)``: level and its doubt, m; lag after the tide, s; whether its floods keep step with it.

    `by_sea` ``(n_floods,)`` tells which floods of the history came with the tide. NaN level: no tide is known there.
    """

    level_m: Floats
    error_m: Floats
    lag_s: Floats
    proven: Bools
    by_sea: Bools


def fit_levels(history: History, tide: TideTable, rule: SeaRule) -> SeaLevels:
    """Fit level and lag per site, shrunk to what the city's proven sites show; in turn with the sea's anomaly."""
    lag, proven, by_sea = _steps(history, tide, rule)
    candidates = np.flatnonzero((proven | (history.tidal == 1)) & tide.known)
    level, error = np.full(history.n_sites, np.nan), np.full(history.n_sites, np.nan)
    if not proven.any():
        return SeaLevels(level_m=level, error_m=error, lag_s=lag, proven=proven, by_sea=by_sea)
    at_sea = history.chosen(by_sea)
    crest = tide.highest(at_sea.site, at_sea.peak - _IN_STEP_S, at_sea.peak + _IN_STEP_S)
    for site in np.flatnonzero(proven):
        level[site] = np.median((crest - at_sea.depth_m)[at_sea.site == site])
    error[proven] = rule.error_m
    hours = np.arange(history.watched_from[candidates].min(), history.watched_until.max(), HOUR_S)
    known = proven.copy()
    for _ in range(_ROUNDS):
        mean, sd = _anomaly(at_sea, tide, hours, np.flatnonzero(proven), level, error, lag, rule)
        level, mean = level - mean.mean(), mean - mean.mean()
        prior = _prior(level[known], error[known])
        for site in candidates:
            level[site], error[site] = _level(at_sea, tide, hours, int(site), lag[site], mean, sd, prior, rule)
        known[candidates] = (history.watched_until - history.watched_from)[candidates] >= _WATCHED_S
    return SeaLevels(level_m=level, error_m=error, lag_s=lag, proven=proven, by_sea=by_sea)


def _prior(level: Floats, error: Floats) -> tuple[float, float]:
    """Return mean and spread of levels: of the proven sites at first, then of all, which stay dry for most part."""
    return float(np.mean(level)), max(float(np.sqrt(np.var(level) + np.mean(error**2))), 0.2)


def _steps(history: History, tide: TideTable, rule: SeaRule) -> tuple[Floats, Bools, Bools]:
    """Return lag, proven per site and by_sea per flood, from when in the tide the floods stood highest."""
    after = tide.after_high_water(history.site, history.peak)
    turn = np.exp(2j * np.pi * after / TIDE_S)
    known = np.isfinite(after)
    lag, proven = np.full(history.n_sites, rule.lag_s), np.zeros(history.n_sites, dtype=np.bool_)
    for site in np.unique(history.site[known]):
        mine = known & (history.site == site)
        mean = turn[mine].mean()
        enough = mine.sum() >= _PROVEN_FLOODS and history.tidal[site] != 0
        if enough and abs(mean) ** 2 - (1 - abs(mean) ** 2) / mine.sum() >= _PROVEN_IN_STEP**2:
            proven[site] = True
            lag[site] = np.angle(mean) / (2 * np.pi) * TIDE_S
    if proven.any():
        lag[~proven] = np.median(lag[proven])
    off = np.abs(np.angle(np.where(known, turn, 1.0) * np.exp(-2j * np.pi * lag[history.site] / TIDE_S)))
    by_sea = known & proven[history.site] & (off / (2 * np.pi) * TIDE_S <= _IN_STEP_S)
    return lag, proven, by_sea


def usable_tide(tide: TideTable, hours: Floats, sites: npt.NDArray[np.int64], lag_s: Floats) -> Floats:
    """Return ``(n_hours, n_sites)`` tide as it acts in the street, m; NaN while it falls: then the drain tells."""
    at = tide.level(sites, hours[:, None] - lag_s[sites])
    before = tide.level(sites, hours[:, None] - lag_s[sites] - HOUR_S)
    return np.where(at >= before, at, np.nan)


def _anomaly(
    floods: History, tide: TideTable, hours: Floats, sites: npt.NDArray[np.int64], level: Floats, error: Floats,
    lag: Floats, rule: SeaRule,
) -> tuple[Floats, Floats]:  # fmt: skip
    excess = usable_tide(tide, hours, sites, lag) - level[sites]
    state = smooth_anomaly(excess, floods.depth_at(hours, sites), error[sites], rule)
    return state.mean_m, state.sd_m


def _level(
    floods: History, tide: TideTable, hours: Floats, site: int, lag_s: float, mean: Floats, sd: Floats,
    prior: tuple[float, float], rule: SeaRule,
) -> tuple[float, float]:  # fmt: skip
    at = usable_tide(tide, hours, np.array([site]), np.full(site + 1, lag_s))[:, 0] + mean
    depth = floods.depth_at(hours, np.array([site]))[:, 0]
    doubt = np.hypot(rule.error_m, sd)
    crest = np.isfinite(at) & ~np.isfinite(np.append(at[1:], np.nan))
    tells = np.isfinite(at) & np.isfinite(depth) & ((depth > 0) | (crest & (at + 3 * doubt > prior[0] - 3 * prior[1])))
    at, depth, doubt = at[tells, None], depth[tells, None], doubt[tells, None]
    reach = (at - _LEVELS_M - depth) / doubt
    log = np.where(depth > 0, -0.5 * reach**2 - np.log(doubt), log_ndtr(-reach))
    log = np.maximum(log, -_CAP).sum(axis=0) * _FADING - 0.5 * ((_LEVELS_M - prior[0]) / prior[1]) ** 2
    chance = np.exp(log - log.max())
    chance /= chance.sum()
    fitted = float(chance @ _LEVELS_M)
    return fitted, float(np.sqrt(max(chance @ _LEVELS_M**2 - fitted**2, 1e-4)))
