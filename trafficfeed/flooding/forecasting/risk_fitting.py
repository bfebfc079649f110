"""The weights of the risk rule from what followed past issues: maximum likelihood, drawn to the shipped weights."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from trafficfeed.flooding.forecasting.rain_features import N_FEATURES
from trafficfeed.flooding.forecasting.risk import FREE, LEAST_STANDING_M, N_WEIGHTS, NO_SEA

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

FIT_DEPTHS_M: tuple[float, ...] = (0.05, 0.10, 0.15, 0.30)
_DRAWN = 2.0
"""Strength with which weights are drawn to the shipped ones, per unit² of weight."""
_MOST = 12.0


@dataclass(frozen=True, kw_only=True)
class RiskRows:
    """Past site–issue pairs of one horizon.

    `features` ``(n, N_FEATURES)``; `wet`, `log_gain`, `usual_m`, `now_m`, `deepest_m` (what followed), `weight`
    ``(n,)``; `reach` ``(n, n_depths)`` z for `FIT_DEPTHS_M`.
    """

    features: Floats
    wet: Floats
    log_gain: Floats
    usual_m: Floats
    now_m: Floats
    deepest_m: Floats
    weight: Floats
    reach: Floats


@dataclass(frozen=True, kw_only=True)
class _Design:
    """The three hazards' regressors, a row for each pair and depth."""

    rain: Floats
    offset: Floats
    sea: Floats
    reached: Bools
    standing: Floats
    stands: Bools
    flooded: Bools
    weight: Floats


def fit_weights(rows: RiskRows, prior: Floats, after_s: float) -> Floats:
    """Return the weights ``(N_WEIGHTS,)`` for one horizon, s; `prior` where the rows say nothing."""
    design = _design(rows)
    bounds = [(None, None) if k in FREE else (0.0, _MOST) for k in range(N_WEIGHTS)]
    result = minimize(
        _cost,
        prior.copy(),
        args=(design, prior, after_s),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 120},
    )
    return np.asarray(result.x, dtype=np.float64)


def _design(rows: RiskRows) -> _Design:
    depths = np.array(FIT_DEPTHS_M)
    n, d = len(rows.wet), len(depths)
    depth = np.tile(depths, n)
    rain = np.column_stack(
        [
            np.repeat(rows.features, d, axis=0),
            np.ones(n * d),
            np.repeat(rows.wet, d, axis=0),
            -depth / np.repeat(rows.usual_m, d, axis=0),
        ]
    )
    reach = rows.reach.reshape(-1)
    reached = np.isfinite(reach)
    now = np.repeat(np.nan_to_num(rows.now_m), d, axis=0)
    stands = now > LEAST_STANDING_M
    return _Design(
        rain=rain,
        offset=np.repeat(rows.log_gain, d, axis=0),
        sea=np.where(reached, reach, 0.0),
        reached=reached,
        standing=np.log(np.where(stands, now, depth) / depth),
        stands=stands,
        flooded=np.repeat(rows.deepest_m, d, axis=0) >= depth,
        weight=np.repeat(rows.weight, d, axis=0),
    )


def _cost(weights: Floats, design: _Design, prior: Floats, after_s: float) -> tuple[float, Floats]:
    n = N_FEATURES
    rain = np.exp(np.clip(design.rain @ weights[: n + 3] + design.offset, -40.0, 3.0))
    at_sea = np.where(design.reached, weights[n + 3] + weights[n + 4] * design.sea, NO_SEA)
    there = weights[n + 5] + weights[n + 6] * design.standing - weights[n + 7] * after_s / 3600.0
    there = np.where(design.stands, there, NO_SEA)
    hazard = rain + np.logaddexp(0.0, at_sea) + np.logaddexp(0.0, there) + 1e-12
    miss = -np.expm1(-hazard)
    cost = design.weight * np.where(design.flooded, -np.log(miss), hazard)
    slope = design.weight * np.where(design.flooded, -np.exp(-hazard) / miss, 1.0)
    by_sea, by_there = slope / (1.0 + np.exp(-at_sea)), slope / (1.0 + np.exp(-there))
    gradient = np.concatenate(
        [
            (slope * rain) @ design.rain,
            [by_sea @ design.reached, by_sea @ design.sea],
            [by_there @ design.stands, by_there @ design.standing, -by_there.sum() * after_s / 3600.0],
        ]
    )
    off = weights - prior
    return float(cost.sum() + 0.5 * _DRAWN * off @ off), gradient + _DRAWN * off
