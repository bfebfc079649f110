"""How often each site floods, whatever the weather: empirical-Bayes rates, and the chance that follows of them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from trafficfeed.flooding.forecasting.history import History
from trafficfeed.flooding.forecasting.rain_sensitivity import likeliest_shape

Floats = npt.NDArray[np.float64]

COUNTED_M = 0.10
"""Floods that reach this are counted."""
_LASTS_PRIOR = 3.0
_NO_FLOOD_YET = 0.3
_SCALE_M = 0.12


def rates(history: History) -> tuple[Floats, Floats, float, float]:
    """Return floods of 10 cm per watched hour and how long they last, s, per site and for the city.

    Counts are negative binomial: gamma rates, shape by likelihood. A city without a flood yet counts as 0.3 of one.
    """
    deep = history.chosen(history.depth_m >= COUNTED_M)
    hours = np.maximum(history.watched_until - history.watched_from, 0.0) / 3600.0
    hours = np.where(np.isfinite(hours), hours, 0.0)
    counted = deep.per_site()
    city = max(float(counted.sum()), _NO_FLOOD_YET) / max(float(hours.sum()), 1.0)
    shape = likeliest_shape(counted, city * hours)
    lasts = np.clip(deep.end - deep.start, 600.0, 86400.0)
    city_lasts = float(np.median(lasts)) if len(lasts) else 5400.0
    mean_lasts = (deep.per_site(lasts) + _LASTS_PRIOR * city_lasts) / (counted + _LASTS_PRIOR)
    return (counted + shape) / (hours + shape / city), mean_lasts, city, city_lasts


def chance(rate_ph: Floats, lasts_s: Floats, depths_m: Sequence[float], after_s: Floats, *, within: bool) -> Floats:
    """Return the probability of depths, ``(n_depths, n_sites, n_times)``: until, or at, times from now.

    Depths are exponential beyond 10 cm (12 cm on the mean, the order of New York's).
    """
    span = (np.asarray(after_s) if within else np.zeros(len(after_s))) + lasts_s[:, None]
    deeper = np.exp(-(np.asarray(depths_m) - COUNTED_M) / _SCALE_M)
    return -np.expm1(-(rate_ph[:, None] * span / 3600.0)[None] * deeper[:, None, None])
