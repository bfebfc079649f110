"""Chances made to hold: Platt's line on the log odds, isotonic steps, and the threshold that was right oftenest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_DRAWN: Final = 500.0
_SMALL: Final = 1e-9


@dataclass(frozen=True, kw_only=True)
class Platt:
    """``log odds → a + b · log odds`` at each of `horizons_s`, read between them by the logarithm of time; b > 0.

    It rises with the chance it is given, so what is monotone stays so.
    """

    horizons_s: Sequence[float] = (21600.0,)
    a: Sequence[float] = (0.0,)
    b: Sequence[float] = (1.0,)

    def apply(self, chance: Floats, after_s: Floats) -> Floats:
        """Return calibrated chances ``(..., n_times)``; 0, 1 and NaN stay."""
        log, known = np.log(np.maximum(after_s, 60.0)), np.log(np.asarray(self.horizons_s))
        a, b = np.interp(log, known, self.a), np.interp(log, known, self.b)
        with np.errstate(divide="ignore", invalid="ignore"):
            odds = np.log(chance) - np.log1p(-chance)
            moved = 1.0 / (1.0 + np.exp(-(a + b * odds)))
        return np.where((chance > 0.0) & (chance < 1.0), moved, chance)

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers."""
        return {name: [float(value) for value in getattr(self, name)] for name in ("horizons_s", "a", "b")}

    @staticmethod
    def from_json(document: Mapping[str, Any]) -> "Platt":
        """Read what `to_json` gave."""
        return Platt(**{name: tuple(document[name]) for name in ("horizons_s", "a", "b")})


def fit_platt(chance: Floats, flooded: Bools, weight: Floats) -> tuple[float, float]:
    """Return a, b by maximum likelihood, drawn to 0 and 1 so that one storm moves little.

    Source: Platt 1999, Probabilistic outputs for support vector machines; here on log odds of a probability.
    """
    kept = np.clip(chance, _SMALL, 1 - _SMALL)
    odds = np.log(kept) - np.log1p(-kept)

    def cost(line: Floats) -> tuple[float, Floats]:
        at = line[0] + line[1] * odds
        slope = weight * (1.0 / (1.0 + np.exp(-at)) - flooded)
        off = line - np.array([0.0, 1.0])
        loss = float((weight * (np.logaddexp(0.0, at) - flooded * at)).sum()) + 0.5 * _DRAWN * float(off @ off)
        return loss, np.array([slope.sum(), slope @ odds]) + _DRAWN * off

    found = minimize(cost, np.array([0.0, 1.0]), jac=True, method="L-BFGS-B", bounds=[(-3.0, 3.0), (0.3, 2.0)])
    return float(found.x[0]), float(found.x[1])


@dataclass(frozen=True, kw_only=True)
class Isotonic:
    """A rising step function of a measure: `at` its values, rising, `chance` what it comes to from there on."""

    at: Floats
    chance: Floats

    def apply(self, measure: Floats) -> Floats:
        """Return chances; below the first value that of the first."""
        return self.chance[np.clip(np.searchsorted(self.at, measure, side="right") - 1, 0, len(self.at) - 1)]


def fit_isotonic(measure: Floats, flooded: Bools, weight: Floats | None = None) -> Isotonic:
    """Fit by pooling adjacent violators. Source: Ayer et al. 1955, doi:10.1214/aoms/1177728423."""
    weights = np.ones(len(measure)) if weight is None else weight
    at, group = np.unique(measure, return_inverse=True)
    total = np.bincount(group, weights)
    blocks: list[list[float]] = []
    for first, mass, sum_ in zip(at, total, np.bincount(group, weights * flooded), strict=True):
        blocks.append([first, mass, sum_])
        while len(blocks) > 1 and blocks[-2][2] * blocks[-1][1] >= blocks[-1][2] * blocks[-2][1]:
            _, mass_after, sum_after = blocks.pop()
            blocks[-1][1] += mass_after
            blocks[-1][2] += sum_after
    table = np.array(blocks)
    return Isotonic(at=table[:, 0], chance=table[:, 2] / table[:, 1])


def best_threshold(chance: Floats, flooded: Bools, weight: Floats | None = None) -> tuple[float, float]:
    """Return the threshold with the highest critical success index, hits / (hits + misses + false alarms), and that."""
    weights = np.ones(len(chance)) if weight is None else weight
    order = np.argsort(-chance, kind="stable")
    hits, warned = np.cumsum((weights * flooded)[order]), np.cumsum(weights[order])
    score = hits / np.maximum(warned + (weights * flooded).sum() - hits, _SMALL)
    ends = np.append(np.diff(chance[order]) != 0, True)
    best = int(np.argmax(np.where(ends, score, -1.0)))
    return float(chance[order][best]), float(score[best])
