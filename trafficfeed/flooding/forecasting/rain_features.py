"""What a rain forecast comes to for a site: sums and peaks until each hour, what fell before, what the reservoir holds.

None of them falls with time or with rain, so that chances made of them with weights ≥ 0 cannot fall either.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from trafficfeed.flooding.forecasting.reservoir import fill

Floats = npt.NDArray[np.float64]

FALLEN_H: Final = 12
"""Hours of rain before the issue that are looked at."""
RAIN_CAP_MM: Final = 100.0
"""More than this in an hour is the model's error; the record of one hour in cities at sea level is about that."""
N_FEATURES: Final = 5
_ANTECEDENT_H: Final = 3
_AHEAD_H: Final = 2
_SUM_H: Final = 24


def until(
    rain_mm: Floats, fallen_mm: Floats, drain_mmph: Floats, blocked: npt.NDArray[np.bool_] | None = None
) -> Floats:
    """Return features of the time from the issue until each hour.

    Parameters
    ----------
    rain_mm
        ``(..., n_hours)`` mm in each hour from the issue on.
    fallen_mm
        ``(..., FALLEN_H)`` mm in the hours before, the latest last.
    drain_mmph
        ``(...)``, see `reservoir.fill`; `blocked` ``(..., n_hours)`` too.

    Returns
    -------
    ``(..., n_hours + 1, N_FEATURES)``: log(1 + mm) of the wettest hour, the wettest 24 h, the last 3 h before the
    issue, the sum until 2 h later, and the reservoir's highest.
    """
    rain = np.minimum(rain_mm, RAIN_CAP_MM)
    held = _held(rain, fallen_mm, drain_mmph, blocked)
    total = np.concatenate([np.zeros((*rain.shape[:-1], 1)), np.cumsum(rain, axis=-1)], axis=-1)
    n = rain.shape[-1]
    later = _latest(total, np.arange(n + 1) + _AHEAD_H, np.arange(n + 1))
    wettest = np.concatenate([np.zeros((*rain.shape[:-1], 1)), np.maximum.accumulate(rain, axis=-1)], axis=-1)
    return _stack(wettest, _highest_sum(total), _before(fallen_mm), later, np.maximum.accumulate(held, axis=-1))


def around(
    rain_mm: Floats, fallen_mm: Floats, drain_mmph: Floats, blocked: npt.NDArray[np.bool_] | None = None
) -> Floats:
    """Return features of the water at each hour itself: rain from 2 h before until 1 h after, and the reservoir then.

    Takes and returns shapes as `until` does; rain of the last 3 h, the last 12 h, the hours before the issue and
    around take its places.
    """
    rain = np.minimum(rain_mm, RAIN_CAP_MM)
    held = _held(rain, fallen_mm, drain_mmph, blocked)
    n = rain.shape[-1]
    before = np.broadcast_to(np.minimum(fallen_mm, RAIN_CAP_MM), (*rain.shape[:-1], FALLEN_H))
    line = np.concatenate([before, rain], axis=-1)
    total = np.concatenate([np.zeros((*rain.shape[:-1], 1)), np.cumsum(line, axis=-1)], axis=-1)
    now = FALLEN_H + np.arange(n + 1)
    three, twelve = total[..., now] - total[..., now - 3], total[..., now] - total[..., now - 12]
    near = _latest(total, now + 1, now) - total[..., now - 2]
    return _stack(three, twelve, _before(fallen_mm), near, held)


def lagged_mean(newest_mm: Floats, older_mm: list[Floats]) -> Floats:
    """Return the mean of issues over the hours of the newest; `older_mm`: the same hours of earlier ones, NaN: none.

    An extreme that one issue alone has is mostly its error; what several agree on is mostly rain.
    """
    stack = np.minimum(np.stack([newest_mm, *older_mm]), RAIN_CAP_MM)
    known = np.isfinite(stack)
    count = known.sum(axis=0)
    mean = np.where(known, stack, 0.0).sum(axis=0) / np.maximum(count, 1)
    return np.where(np.isfinite(newest_mm), mean, np.nan)


def _latest(total: Floats, wanted: npt.NDArray[np.int64], least: npt.NDArray[np.int64]) -> Floats:
    """Return sums until the wanted hours; where the rain is known no further, until the last hour before that is."""
    found = total[..., least]
    for ahead in range(1, int((wanted - least).max()) + 1):
        further = total[..., np.minimum(least + ahead, total.shape[-1] - 1)]
        found = np.where(np.isfinite(further), further, found)
    return found


def _held(rain: Floats, fallen_mm: Floats, drain_mmph: Floats, blocked: npt.NDArray[np.bool_] | None) -> Floats:
    left = fill(np.minimum(fallen_mm, RAIN_CAP_MM), drain_mmph, np.full(fallen_mm.shape[-1], 3600.0))[..., -1]
    return fill(rain, drain_mmph, np.full(rain.shape[-1], 3600.0), blocked=blocked, at_first_mm=left)


def _before(fallen_mm: Floats) -> Floats:
    return np.asarray(np.minimum(fallen_mm[..., -_ANTECEDENT_H:], RAIN_CAP_MM).sum(axis=-1)[..., None])


def _highest_sum(total: Floats) -> Floats:
    span = np.concatenate(
        [total[..., :_SUM_H], total[..., _SUM_H:] - total[..., : max(total.shape[-1] - _SUM_H, 0)]], -1
    )
    return np.maximum.accumulate(span, axis=-1)


def _stack(*columns: Floats) -> Floats:
    return np.asarray(np.log1p(np.maximum(np.stack(np.broadcast_arrays(*columns), axis=-1), 0.0)))
