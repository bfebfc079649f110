"""How deep it will be at each site and when: quantiles and probabilities on one axis of times, or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

THRESHOLDS_M: Final = (0.10, 0.15, 0.30)
"""Depths whose probabilities are forecast: a hazard, where small cars float, where a road is closed."""

HORIZONS_S: Final = np.array([*range(0, 7200, 300), *range(7200, 72 * 3600 + 1, 3600)], dtype=np.float64)
"""``(95,)`` s from the issue: every 5 min up to 2 h, hourly up to 72 h."""


class Method(StrEnum):
    """What a site's forecast rests on, best first."""

    ASSIMILATED = "assimilated"  # readings, the reservoir and the rain forecast
    RESERVOIR = "reservoir"  # the reservoir and the rain forecast, no reading that is fresh
    THRESHOLD = "threshold"  # rain and tide against thresholds: too little is known of the place
    CLIMATOLOGY = "climatology"  # how often it floods, nothing else was at hand
    NONE = "none"  # abstains


@dataclass(frozen=True, kw_only=True)
class CityForecast:
    """Water at `sites` in the hours from `issued_at` on.

    Attributes
    ----------
    issued_at
        Aware UTC.
    sites
        ``(n_sites,)`` site ids.
    horizons_s
        ``(n_times,)`` seconds from the issue, strictly increasing from 0.
    p10_m, p50_m, p90_m
        ``(n_sites, n_times) float64`` quantiles of the depth above the site's low point, m; 0 is dry. NaN: abstains.
    exceedance
        ``(n_thresholds, n_sites, n_times)`` probability that it is at least `THRESHOLDS_M` deep at the time.
    within
        The same, that it has been so at any instant from the issue until the time: never falls with time.
    method
        ``(n_sites,)``.
    confidence
        ``(n_sites,)`` 0..1: how well such forecasts held at this site, or in the city where the site is new.
    to_flood_s, to_clear_s
        ``(n_sites, 3)`` P10, P50, P90 of the time until 15 cm are reached, and until it is below 15 cm for good; inf:
        not within the horizon, 0: it is so now, NaN: nothing can be said.
    inputs
        What it was made of, by kind: ids or digests of readings, rain issues, tides, parameters.
    """

    issued_at: datetime
    sites: Sequence[str]
    horizons_s: Floats
    p10_m: Floats
    p50_m: Floats
    p90_m: Floats
    exceedance: Floats
    within: Floats
    method: Sequence[Method]
    confidence: Floats
    to_flood_s: Floats
    to_clear_s: Floats
    inputs: dict[str, str]

    def row(self, site: str) -> int:
        """Return the row of a site; raises `ValueError` where it is not forecast."""
        return list(self.sites).index(site)

    def chance(self, site: str, threshold_m: float, *, within: timedelta) -> float:
        """Return the probability that `threshold_m` (one of `THRESHOLDS_M`) is reached in the time; NaN: abstains."""
        column = int(np.searchsorted(self.horizons_s, within.total_seconds() + 1e-6)) - 1
        return float(self.within[THRESHOLDS_M.index(threshold_m), self.row(site), max(column, 0)])
