"""What drains at each site, by least squares on its rain floods: m per mm of water held, m per hour of falling."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trafficfeed.flooding.forecasting.history import History
from trafficfeed.flooding.forecasting.past_issues import IssueLog
from trafficfeed.flooding.forecasting.rain_features import RAIN_CAP_MM
from trafficfeed.flooding.forecasting.reservoir import fill

Floats = npt.NDArray[np.float64]

CITY_DRAIN_MMPH = 2.0
"""Where nothing can be fitted: the drain of a flooded, half-clogged gully."""
_PRIOR_FLOODS = 4.0
_BEFORE_H = 6
_LEAST_MM = 1.0
_LEAST_FLOODS = 5
_DRAINS_MMPH = (0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True, kw_only=True)
class Reservoirs:
    """`drain_mmph` ``(n_sites,)``, and the city's."""

    drain_mmph: Floats
    city_drain_mmph: float


def fit_reservoirs(rain_floods: History, log: IssueLog | None) -> Reservoirs:
    """Fit depth on what the reservoir held, ``d = g·w``, and the drain by how fast it fell, ``d = g·c·t``.

    Rain is that of the issues' first hours: the best that is known of what fell. Each site is drawn to the city as if
    it had had four more floods like the city's.
    """
    n = rain_floods.n_sites
    held = {} if log is None else {drain: held_at_peak(rain_floods, log, drain) for drain in _DRAINS_MMPH}
    if not held or (held[CITY_DRAIN_MMPH] > _LEAST_MM).sum() < _LEAST_FLOODS:
        return Reservoirs(drain_mmph=np.full(n, CITY_DRAIN_MMPH), city_drain_mmph=CITY_DRAIN_MMPH)
    city_drain = min(held, key=lambda drain: _left_over(held[drain], rain_floods.depth_m))
    told = held[city_drain] > _LEAST_MM
    gain, city_gain = _pooled(rain_floods.site[told], held[city_drain][told], rain_floods.depth_m[told], n)
    falls = np.clip(rain_floods.end - rain_floods.peak, 600.0, 6 * 3600.0) / 3600.0
    rate, city_rate = _pooled(rain_floods.site, falls, rain_floods.depth_m, n)
    return Reservoirs(
        drain_mmph=city_drain * np.clip((rate / gain) / (city_rate / city_gain), 1 / 3, 3.0),
        city_drain_mmph=city_drain,
    )


def _left_over(held_mm: Floats, depth_m: Floats) -> float:
    """Return the sum of squares that ``d = g·w`` leaves, over all floods."""
    return float(((depth_m - held_mm * (held_mm @ depth_m) / max(float(held_mm @ held_mm), 1e-9)) ** 2).sum())


def held_at_peak(rain_floods: History, log: IssueLog, drain_mmph: float) -> Floats:
    """Return what the reservoir held at the deepest of each flood, mm; 0 where no issue is on record."""
    row = np.searchsorted(log.issued, rain_floods.peak + 3600.0) - 1
    there = (row >= 0) & (rain_floods.peak + 3600.0 - log.issued[np.maximum(row, 0)] <= 7200.0)
    rain = np.minimum(log.fallen[np.maximum(row, 0)][:, -_BEFORE_H - 1 :], RAIN_CAP_MM)
    held = fill(rain, np.full(len(row), drain_mmph), np.full(rain.shape[1], 3600.0)).max(axis=-1, initial=0.0)
    return np.where(there, held, 0.0)


def _pooled(site: npt.NDArray[np.int64], x: Floats, y: Floats, n: int) -> tuple[Floats, float]:
    """Return slopes of y = slope·x by least squares per site, and the city's."""
    city = float((x @ y) / max(float(x @ x), 1e-9))
    like = _PRIOR_FLOODS * float(np.mean(x**2))
    return (np.bincount(site, x * y, n) + like * city) / (np.bincount(site, x * x, n) + like), city
