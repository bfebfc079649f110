"""How fast water leaves a street: one rate for each site, drawn towards the city's where few floods tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DEFAULT_PER_S: Final = 1.0 / 3600.0
"""Where no flood was ever recorded: to a third in an hour."""

_AHEAD_S: Final = 1800.0
_LEAST_M: Final = 0.03
_PRIOR_FLOODS: Final = 3.0
_AFTER_PEAK_S: Final = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recession:
    """Rates, 1/s: depth falls as ``exp(-rate * t)``; `pooled_per_s` holds for sites that are not named."""

    pooled_per_s: float = DEFAULT_PER_S
    per_s: Mapping[str, float]

    def rate(self, site: str) -> float:
        """Return a site's rate, 1/s."""
        return self.per_s.get(site, self.pooled_per_s)


def fit_recession(traces: Sequence[tuple[str, Floats, Floats]]) -> Recession:
    """Fit rates to recorded floods, each a site, ``(n,)`` times in s and ``(n,)`` depths in m.

    A flood's rate is the median over the instants after its deepest of how much is left half an hour later; a site's
    is the mean of its floods' and of three of the city's median.
    """
    rates: dict[str, list[float]] = {}
    for site, times, depth_m in traces:
        rate = _flood_rate(times, depth_m)
        if rate is not None:
            rates.setdefault(site, []).append(rate)
    if not rates:
        return Recession(per_s={})
    pooled = float(np.median([rate for floods in rates.values() for rate in floods]))
    shrunk = {
        site: (sum(floods) + _PRIOR_FLOODS * pooled) / (len(floods) + _PRIOR_FLOODS) for site, floods in rates.items()
    }
    return Recession(pooled_per_s=pooled, per_s=shrunk)


def _flood_rate(times: Floats, depth_m: Floats) -> float | None:
    peak = float(times[int(np.argmax(depth_m))])
    at = np.arange(peak + _AFTER_PEAK_S, float(times[-1]), 300.0)
    if len(at) == 0:
        return None
    now = np.interp(at, times, depth_m)
    later = np.maximum(np.interp(at + _AHEAD_S, times, depth_m, right=0.0), 0.003)
    told = now > _LEAST_M
    return float(np.median(np.log(now[told] / later[told]))) / _AHEAD_S if told.any() else None
