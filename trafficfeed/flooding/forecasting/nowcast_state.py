"""How alike two floods in progress are: their situation as a point, near to the points of situations like it."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from trafficfeed.flooding.forecasting.nowcast_situation import Situation

Floats = npt.NDArray[np.float64]

_WEIGHTS = np.array([2.0, 1.0, 1.0, 1.0, 1.0, 1.2, 0.7, 0.5, 1.0])
_TIDE_WEIGHTS = np.array([3.0, 0.8, 0.4, 0.5])
_NEAR_S = 60.0
_AFAR_S = 600.0


def states(situations: Sequence[Situation], rates_per_s: Floats) -> Floats:
    """Return ``(n, 9)`` points: depth, four rises, depth below the peak, times since peak and begin, recession rate.

    Depths count by their root, times and rates by their logarithm: 2 cm matter at 5 cm, not at 60 cm.
    """
    table = np.array(
        [(s.depth_m, *s.rise_m, s.below_peak_m, s.since_peak_s, s.since_begin_s) for s in situations], dtype=np.float64
    ).reshape(len(situations), 8)
    columns = [
        _root(table[:, :6]),
        np.log1p(np.maximum(table[:, 6:7], 0.0) / _NEAR_S),
        np.log1p(np.maximum(table[:, 7:8], 0.0) / _AFAR_S),
    ]
    rates = [[rate_state(float(rate))] for rate in rates_per_s]
    return np.hstack([np.hstack(columns) * _WEIGHTS[:-1], np.array(rates).reshape(-1, 1)])


def rate_state(rate_per_s: float) -> float:
    """Return the last column of `states`: what a recession rate makes of it."""
    return float(np.log(max(rate_per_s, 1e-6)) * _WEIGHTS[-1])


def tide_states(outlook_m: Floats) -> Floats:
    """Return ``(n, 4)`` points of tide outlooks: level above the mean, its change in 30, 60 and 20 min."""
    return np.asarray(np.hstack([outlook_m[:, :1], _root(outlook_m[:, 1:])]) * _TIDE_WEIGHTS)


def _root(depth_m: Floats) -> Floats:
    return np.sign(depth_m) * np.sqrt(np.abs(depth_m) * 100.0)
