"""All that can be said of one run from its onset on: what holds from which elapsed second, should it last so long."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trafficfeed.signals.forecast import Method


class Step(NamedTuple):
    """What holds from `from_s` until the next step; seconds since the run's onset.

    `probability` is that the best candidate is right to a second. `likely_s` is that one where a countdown is allowed,
    the median elsewhere.
    """

    from_s: float
    method: Method
    likely_s: float
    low_s: float
    median_s: float
    high_s: float
    earliest_s: float
    latest_s: float
    probability: float
    countdown: bool
    cases: int


class Outlook(NamedTuple):
    """Steps as columns of shape (n,), in the order of `from_s`, which begins with 0."""

    from_s: NDArray[np.float64]
    likely_s: NDArray[np.float64]
    quantiles_s: NDArray[np.float64]  # (n, 3): P10, P50, P90
    bounds_s: NDArray[np.float64]  # (n, 2): earliest and latest end that is known of
    probability: NDArray[np.float64]
    countdown: NDArray[np.bool_]
    cases: NDArray[np.intp]
    by_position: NDArray[np.bool_]  # whether analogues in the cycle support it

    def step(self, elapsed_s: float) -> Step | None:
        """Return what holds at an elapsed time; None where nothing can be said."""
        k = int(np.searchsorted(self.from_s, elapsed_s, side="right")) - 1
        if k < 0 or not self.cases[k]:
            return None
        method = Method.ANALOGUES if self.by_position[k] else Method.SURVIVAL
        low, median, high = self.quantiles_s[k].tolist()
        earliest, latest = self.bounds_s[k].tolist()
        return Step(
            from_s=float(self.from_s[k]),
            method=method,
            likely_s=float(self.likely_s[k] if self.countdown[k] else median),
            low_s=low,
            median_s=median,
            high_s=high,
            earliest_s=earliest,
            latest_s=latest,
            probability=float(self.probability[k]),
            countdown=bool(self.countdown[k]),
            cases=int(self.cases[k]),
        )

    def next_change_s(self, elapsed_s: float) -> float | None:
        """Return the elapsed time at which it next says something else; None if it does not."""
        k = int(np.searchsorted(self.from_s, elapsed_s, side="right"))
        return float(self.from_s[k]) if k < len(self.from_s) else None
