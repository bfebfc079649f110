"""What the last readings of a gauge say of a flood in progress: how deep, how fast, since when, at which tide."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

from trafficfeed.flooding.observations import TidePrediction

Floats = npt.NDArray[np.float64]

DRY_M: Final = 0.02
"""Up to here a gauge may stray while the street is dry."""

DRY_SPELL_S: Final = 1200.0
"""So long below `DRY_M`, and one flood is over; water after it is the next."""

_BACK_S: Final = (300.0, 600.0, 1200.0, 2400.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A flood in progress as its gauge knows it; depths m, times s.

    `rise_m`: how much deeper it is than 5, 10, 20 and 40 min ago. `below_peak_m`, `since_peak_s`, `since_begin_s`: of
    this flood so far.
    """

    depth_m: float
    age_s: float
    rise_m: tuple[float, ...]
    below_peak_m: float
    since_peak_s: float
    since_begin_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TideOutlook:
    """Predicted tide from an instant on, m: `level_m` above its mean; how it changes in the next 30 and 60 min."""

    level_m: float
    in_30_min_m: float
    in_60_min_m: float
    in_20_min_m: float


def situation(times: Floats, depth_m: Floats, as_of: float) -> Situation | None:
    """Return what the readings up to an instant say; None where they say that the street is dry, or nothing.

    Parameters
    ----------
    times, depth_m
        ``(n,)`` epoch s, rising, and m. Readings after `as_of` are not looked at.
    """
    known = int(np.searchsorted(times, as_of, side="right"))
    times, depth_m = times[:known], depth_m[:known]
    begin = _begin(times, depth_m, as_of)
    if begin is None:
        return None
    flood = depth_m[begin:]
    peak = len(flood) - 1 - int(np.argmax(flood[::-1]))
    now = float(depth_m[-1])
    before = np.interp([as_of - back for back in _BACK_S], times, depth_m)
    return Situation(
        depth_m=now,
        age_s=as_of - float(times[-1]),
        rise_m=tuple(float(now - one) for one in before),
        below_peak_m=float(flood[peak]) - now,
        since_peak_s=as_of - float(times[begin + peak]),
        since_begin_s=as_of - float(times[begin]),
    )


def _begin(times: Floats, depth_m: Floats, as_of: float) -> int | None:
    """Return the first reading of the flood in progress: the first after the last dry spell."""
    wet = np.flatnonzero(depth_m > DRY_M)
    if len(wet) == 0 or (wet[-1] < len(times) - 1 and as_of - times[wet[-1]] > DRY_SPELL_S):
        return None
    apart = np.diff(wet) > 1  # dry readings lie between
    breaks = np.flatnonzero(apart & (np.diff(times[wet]) > DRY_SPELL_S))
    first = int(wet[breaks[-1] + 1]) if len(breaks) else int(wet[0])
    return max(first - 1, 0)


class TideCurve:
    """A station's prediction, read at any instant: hourly values joined by a cubic spline."""

    def __init__(self, tide: TidePrediction) -> None:
        self._level = CubicSpline(tide.times, tide.level_m, extrapolate=False)
        self._mean_m = float(np.mean(tide.level_m))

    def outlook(self, at: Floats) -> Floats:
        """Return ``(n, 4)`` level above the mean and its change in 30, 60 and 20 min, m; NaN beyond the prediction."""
        now = np.asarray(self._level(at), dtype=np.float64)
        ahead = [np.asarray(self._level(at + s), dtype=np.float64) - now for s in (1800.0, 3600.0)]
        slope = np.asarray(self._level(at + 600.0) - self._level(at - 600.0), dtype=np.float64)
        return np.stack([now - self._mean_m, *ahead, slope], axis=1)
