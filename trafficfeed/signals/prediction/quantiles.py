"""P10, P50 and P90 of the end: the analogues' own spread, corrected so that what they say comes true as often."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from trafficfeed.signals.prediction.evidence import Asked

FITTED: Final = Path(__file__).with_name("quantile_rule.npz")
PROBABILITIES: Final = (0.2, 0.4, 0.6, 0.75, 0.85, 0.95)
CASES: Final = (2, 4, 8)
HORIZONS_S: Final = (5.0, 15.0, 40.0)
_HALF_S: Final = 0.5  # a lamp is seen once a second: an end belongs to a second, and lies anywhere in it


class Spread:
    """The distribution of the end at each instant, a second's breadth about each analogue; seconds since the onset."""

    __slots__ = ("_knots_s", "_shares")

    def __init__(self, asked: Asked, trust: NDArray[np.float64]) -> None:
        """Mix the sets, each by its `trust`, shape (sets,), whatever its size."""
        of_set = asked.mass.sum(axis=2, keepdims=True)
        mixed = (asked.mass * (trust[:, None] / np.maximum(of_set, 1e-9))).sum(axis=1)
        given = np.isfinite(asked.values_s)
        values, mixed = asked.values_s[given], mixed[:, given]
        self._knots_s = np.unique(np.concatenate([values - _HALF_S, values + _HALF_S]).round(1))
        below = np.clip(self._knots_s[:, None] - values + _HALF_S, 0.0, 1.0)
        self._shares = (mixed @ below.T) / np.maximum(mixed.sum(axis=1, keepdims=True), 1e-9)

    def at(self, levels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the quantile at each instant's own level, shape (n,)."""
        rows = np.arange(len(levels))
        wanted = np.clip(levels, 1e-6, 1.0 - 1e-6)
        above = (self._shares >= wanted[:, None]).argmax(axis=1).clip(1)
        low, high = self._shares[rows, above - 1], self._shares[rows, above]
        part = np.clip((wanted - low) / np.maximum(high - low, 1e-9), 0.0, 1.0)
        knots = self._knots_s
        return np.asarray(knots[above - 1] + part * (knots[above] - knots[above - 1]))

    def ends_at(self, k: int) -> tuple[float, float]:
        """Return between which ends the distribution at instant k lies."""
        shares = self._shares[k]
        first = int(np.searchsorted(shares, 1e-9, side="right")) - 1
        last = int(np.searchsorted(shares, 1.0 - 1e-9))
        return float(self._knots_s[max(first, 0)]), float(self._knots_s[min(last, len(shares) - 1)])

    def share_before(self, k: int, end_s: float) -> float:
        """Return the share of the distribution at instant k that lies before an end."""
        return float(np.interp(end_s, self._knots_s, self._shares[k], left=0.0, right=1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantileRule:
    """The levels of the analogues' spread that are P10 and P90 in truth, and margins beyond what they have seen.

    `levels` and `margins_s` have shape (7, 4, 4, 2): by probability, cases and horizon class; low and high.
    """

    levels: NDArray[np.float64]
    margins_s: NDArray[np.float64]

    @classmethod
    def plain(cls) -> Self:
        """Take the spread at its word."""
        shape = (len(PROBABILITIES) + 1, len(CASES) + 1, len(HORIZONS_S) + 1)
        return cls(levels=np.tile(np.array([0.1, 0.9]), (*shape, 1)), margins_s=np.zeros((*shape, 2)))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as parts:
            return cls(levels=parts["levels"], margins_s=parts["margins_s"])

    def save(self, path: Path) -> None:
        """Write the numbers."""
        np.savez_compressed(path, levels=self.levels, margins_s=self.margins_s)

    def quantiles(
        self, spread: Spread, at_s: NDArray[np.float64], probability: NDArray[np.float64], cases: NDArray[np.intp]
    ) -> NDArray[np.float64]:
        """Return P10, P50 and P90 at each instant, none before it; shape (n, 3), seconds since the onset."""
        median = spread.at(np.full(len(at_s), 0.5))
        of = classes(probability, cases, median - at_s)
        low = spread.at(self.levels[(*of, 0)]) - self.margins_s[(*of, 0)]
        high = spread.at(self.levels[(*of, 1)]) + self.margins_s[(*of, 1)]
        ends = np.column_stack([np.minimum(low, median), median, np.maximum(high, median)])
        return np.asarray(np.maximum(ends, at_s[:, None]))


@cache
def fitted_quantiles() -> QuantileRule:
    """Return the rule that comes with the package; how it was fitted is in docs/signals.md."""
    return QuantileRule.read(FITTED)


def classes(
    probability: NDArray[np.float64], cases: NDArray[np.intp], to_end_s: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return the class of each instant, along each axis of the rule."""
    return (
        np.searchsorted(PROBABILITIES, probability, side="right"),
        np.searchsorted(CASES, cases, side="right"),
        np.searchsorted(HORIZONS_S, to_end_s, side="right"),
    )
