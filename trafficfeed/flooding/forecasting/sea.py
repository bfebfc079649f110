"""How far the sea stands off its predicted tide, told from which streets it reaches: a hidden state, filtered hourly.

Predicted tides know no wind and no pressure. Yet every tidal site is a gauge: where it floods by `d`, the sea stands
at the site's level plus `d`; where it stays dry, below it. The anomaly is an Ornstein–Uhlenbeck process (mean 0: the
sites' levels take up its mean), held as probabilities on a grid, so that dry sites count as the bounds they are.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import log_ndtr

Floats = npt.NDArray[np.float64]
HOUR_S = 3600.0
GRID_M: Floats = np.linspace(-1.2, 2.0, 65)
_FADING = 0.25  # hourly readings of one site are nearly one reading: their weight in the likelihood


@dataclass(frozen=True, slots=True, kw_only=True)
class SeaRule:
    """`sd_m` and `memory_s` of the anomaly; `error_m`: by how much a site's depth strays from sea minus level.

    `lag_s`: how much later than the predicted tide the water stands highest in the street.
    """

    sd_m: float = 0.24
    memory_s: float = 40 * HOUR_S
    error_m: float = 0.10
    lag_s: float = 1800.0

    def fades(self, ahead_s: Floats | float) -> Floats:
        """Return what is left of an anomaly after a time, 0..1."""
        return np.exp(-np.asarray(ahead_s, dtype=np.float64) / self.memory_s)


@dataclass(frozen=True, kw_only=True)
class SeaState:
    """The anomaly at each hour after the readings of that hour: `mean_m`, `sd_m` ``(n_hours,)``."""

    mean_m: Floats
    sd_m: Floats


def filter_anomaly(excess_m: Floats, depth_m: Floats, site_error_m: Floats, rule: SeaRule) -> SeaState:
    """Return the anomaly hour by hour, each told from that hour's readings and those before it.

    Parameters
    ----------
    excess_m
        ``(n_hours, n_sites)`` predicted tide minus the site's level, m; NaN: not to be used (falling tide, no tide).
    depth_m
        ``(n_hours, n_sites)`` depth read, 0 dry; NaN: no reading.
    site_error_m
        ``(n_sites,)`` doubt of each site's level.
    """
    n_hours = len(excess_m)
    forward = _transition(rule)
    stationary = _normal(GRID_M, rule.sd_m)
    mean, sd = np.empty(n_hours), np.empty(n_hours)
    at = stationary
    error = np.hypot(rule.error_m, site_error_m)
    for hour in range(n_hours):
        at = forward @ at
        tells = np.isfinite(excess_m[hour]) & np.isfinite(depth_m[hour])
        tells &= (depth_m[hour] > 0) | (excess_m[hour] > -1.2)
        if tells.any():
            at = at * _likelihood(excess_m[hour, tells], depth_m[hour, tells], error[tells])
            at = at / at.sum()
        mean[hour] = at @ GRID_M
        sd[hour] = np.sqrt(max(at @ GRID_M**2 - mean[hour] ** 2, 1e-4))
    return SeaState(mean_m=mean, sd_m=sd)


def smooth_anomaly(excess_m: Floats, depth_m: Floats, site_error_m: Floats, rule: SeaRule) -> SeaState:
    """Return the anomaly told from all hours, before and after: for fitting only, never for a forecast."""
    ahead = filter_anomaly(excess_m, depth_m, site_error_m, rule)
    back = filter_anomaly(excess_m[::-1], depth_m[::-1], site_error_m, rule)
    before = 1.0 / ahead.sd_m**2
    after = 1.0 / back.sd_m[::-1] ** 2
    weight = np.maximum(before + after - 1.0 / rule.sd_m**2, 1.0 / rule.sd_m**2)
    return SeaState(mean_m=(ahead.mean_m * before + back.mean_m[::-1] * after) / weight, sd_m=1.0 / np.sqrt(weight))


def ahead(mean_m: Floats, sd_m: Floats, after_s: Floats | float, rule: SeaRule) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of the anomaly some time later; shapes broadcast."""
    kept = rule.fades(after_s)
    return mean_m * kept, np.sqrt(sd_m**2 * kept**2 + rule.sd_m**2 * (1.0 - kept**2))


def _likelihood(excess_m: Floats, depth_m: Floats, error_m: Floats) -> Floats:
    reach = (excess_m[:, None] + GRID_M - depth_m[:, None]) / error_m[:, None]
    log = np.where((depth_m > 0)[:, None], -0.5 * np.minimum(reach**2, 9.0), log_ndtr(-reach))
    total = np.maximum(log, -8.0).sum(axis=0) * _FADING
    return np.asarray(np.exp(total - total.max()))


def _transition(rule: SeaRule) -> Floats:
    kept = float(rule.fades(HOUR_S))
    spread = max(rule.sd_m * np.sqrt(1.0 - kept**2), 0.4 * (GRID_M[1] - GRID_M[0]))
    table = np.exp(-0.5 * ((GRID_M[:, None] - kept * GRID_M[None, :]) / spread) ** 2)
    return np.asarray(table / table.sum(axis=0))


def _normal(at: Floats, sd: float) -> Floats:
    density = np.exp(-0.5 * (at / sd) ** 2)
    return np.asarray(density / density.sum())
