"""The chance of water of a depth: hazards of rain, of the sea and of water that stands already, added up.

``P = 1 − exp(−(rain + sea + standing))`` with

- rain: ``exp(a + w·features + v·wet + log(gain) − s·depth/usual depth)``: log-linear in what the rain comes to;
- sea: ``log(1 + exp(b + c·z))``, z: how far the sea stands over the site's level plus the depth, over its doubt;
- standing: ``log(1 + exp(d + e·log(now/depth) − f·hours))``.

All weights but a, b, d are ≥ 0: more rain, a higher tide, more water now, a lower threshold never make it less likely.
Weights are fitted at some horizons and read between them by the logarithm of time. This is a complementary log–log
(proportional hazards) model; with a logistic sea term the site's level is where half of the tides flood it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from trafficfeed.flooding.forecasting.rain_features import N_FEATURES

Floats = npt.NDArray[np.float64]

N_WEIGHTS: Final = N_FEATURES + 8
_A, _WET, _SHALLOW, _B, _C, _D, _E, _F = (N_FEATURES + k for k in range(8))
FREE: Final = (_A, _B, _D)
"""Weights that may be negative."""
NO_SEA: Final = -30.0
LEAST_STANDING_M: Final = 0.01


@dataclass(frozen=True, kw_only=True)
class RiskRule:
    """Weights ``(n_horizons, N_WEIGHTS)`` at `horizons_s`, in the order: features, a, v, s, b, c, d, e, f."""

    horizons_s: Sequence[float]
    weights: Floats

    def at(self, after_s: Floats) -> Floats:
        """Return weights ``(n_times, N_WEIGHTS)``; before the first horizon the rain's hazard goes with the time."""
        log, known = np.log(np.maximum(after_s, 60.0)), np.log(np.asarray(self.horizons_s))
        table: Floats = np.stack([np.interp(log, known, column) for column in self.weights.T], axis=-1)
        table[:, _A] += np.minimum(log - known[0], 0.0)
        return table

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers."""
        return {
            "horizons_s": list(self.horizons_s),
            "weights": [[round(float(w), 6) for w in row] for row in self.weights],
        }

    @staticmethod
    def from_json(document: Mapping[str, Any]) -> "RiskRule":
        """Read what `to_json` gave; raises `ValueError` where its shape is wrong."""
        weights = np.array(document["weights"], dtype=np.float64)
        if weights.shape != (len(document["horizons_s"]), N_WEIGHTS):
            raise ValueError(f"a risk rule's weights have shape {weights.shape}")
        return RiskRule(horizons_s=tuple(document["horizons_s"]), weights=weights)


def rain_hazard(weights: Floats, features: Floats, wet: Floats | float) -> Floats:
    """Return the log hazard of rain at a site of gain 1, before depth. `features` ``(..., n_times, N_FEATURES)``."""
    by_rain = np.einsum("...tf,tf->...t", features, weights[:, :N_FEATURES])
    return np.asarray(by_rain + weights[:, _A] + weights[:, _WET] * wet)


def site_hazard(weights: Floats, gain: Floats, usual_m: Floats, depth_m: float) -> Floats:
    """Return what a site adds to the log hazard of rain, ``(n_sites, n_times)``."""
    return np.log(gain)[:, None] - weights[:, _SHALLOW] * (depth_m / usual_m)[:, None]


def sea_hazard(weights: Floats, z: Floats) -> Floats:
    """Return the sea's hazard; `z` ``(..., n_times)``, NaN: it does not reach the site."""
    reach = np.where(np.isfinite(z), weights[:, _B] + weights[:, _C] * np.nan_to_num(z), NO_SEA)
    return np.logaddexp(0.0, reach)


def standing_hazard(weights: Floats, now_m: Floats, depth_m: float, after_s: Floats) -> Floats:
    """Return the hazard of water that stands already. `now_m` ``(..., 1)`` m; below 1 cm and NaN: none."""
    stands = np.nan_to_num(now_m) > LEAST_STANDING_M
    ratio = np.log(np.where(stands, now_m, 1.0) / depth_m)
    reach = weights[:, _D] + weights[:, _E] * ratio - weights[:, _F] * after_s / 3600.0
    return np.logaddexp(0.0, np.where(stands, reach, NO_SEA))


def _shipped(rows: Mapping[float, Sequence[float]]) -> RiskRule:
    return RiskRule(horizons_s=tuple(rows), weights=np.array(list(rows.values()), dtype=np.float64))


WITHIN: Final = _shipped(
    {
        3600.0: (0.3, 0.5, 0.3, 0.3, 0.4, -9.6, 0.2, 2.0, -2.0, 1.8, 1.0, 5.0, 0.0),
        21600.0: (0.2, 0.5, 0.3, 0.3, 0.5, -8.8, 0.2, 2.0, -1.0, 2.1, 0.6, 5.0, 0.0),
        86400.0: (0.2, 0.5, 0.3, 0.3, 0.5, -8.3, 0.3, 2.0, -0.9, 2.1, 0.9, 4.0, 0.0),
        259200.0: (0.2, 0.5, 0.2, 0.3, 0.5, -7.8, 0.3, 2.0, -0.8, 2.1, 0.9, 4.0, 0.0),
    }
)
"""Where a city's own cannot be fitted, and what fits are drawn to: round numbers of the order of New York's floods."""

AT_TIME: Final = _shipped(
    {
        3600.0: (0.3, 0.3, 0.3, 0.3, 0.6, -10.5, 0.2, 2.0, -2.0, 1.8, 0.0, 3.0, 0.5),
        86400.0: (0.3, 0.3, 0.2, 0.3, 0.6, -10.2, 0.2, 2.0, -2.0, 1.8, -3.0, 1.0, 0.1),
    }
)
"""The same for the water at a time instead of until it."""
