"""Where little is known: rain and tide against thresholds; where no forecast is at hand, how often it floods at all."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from trafficfeed.flooding.forecasting.outlook import Outlook

Floats = npt.NDArray[np.float64]

RAIN_THRESHOLDS_MM: Final = {1: 25.0, 3: 40.0, 6: 55.0, 24: 90.0}
"""Rain in so many hours from which streets flood: about the 2-year storm of temperate coastal cities.

Source: NOAA Atlas 14, volume 10, Central Park (40.78 N, 73.97 W), 2-year: 1 h 35 mm, 3 h 52 mm, 6 h 64 mm, 24 h 86 mm;
short storms taken lower, since gullies are built for less and are found clogged.
"""
_CHANCE_AT_THRESHOLD: Final = 0.15
"""Of 10 cm at a listed site in rain of the threshold: even in such storms most of them stay dry."""
_STEEPNESS: Final = 2.5
_STILL_FALLING: Final = 4.0
"""Rain of many hours counts for so many times the last hour's at most: what fell before is gone, or is read."""
_SHALLOW_M: Final = 0.12
_SEA_WIDTH_M: Final = 0.15
_FIRST_M: Final = 0.10


def threshold_chance(look: Outlook, depths_m: Sequence[float], hours: Floats, *, within: bool) -> Floats:
    """Return chances by thresholds, ``(n_depths, n_sites, n_times)``; NaN where no rain is foretold.

    `hours` ``(n_times,)`` from the issue. The ratio of rain to threshold is that of the worst duration; chances are
    those of a power law of it, of the sea a logistic of its stand over the outfall, 0.15 m wide.
    """
    ratio = _ratio(look, within=within)
    after = np.clip(np.ceil(hours).astype(np.int64), 0, look.n_hours)
    rain = np.where(hours <= look.n_hours, ratio[..., after], np.nan)
    hazard = -np.log1p(-_CHANCE_AT_THRESHOLD) * rain**_STEEPNESS
    over = _over_outfall(look, within=within)[:, after]
    result = []
    for depth in depths_m:
        by_rain = hazard * np.exp(-(depth - _FIRST_M) / _SHALLOW_M)
        each = -np.expm1(-(by_rain + np.logaddexp(0.0, (over - depth) / _SEA_WIDTH_M)))
        members = each.reshape(-1, *each.shape[-2:])
        count = np.isfinite(members).sum(axis=0)
        result.append(np.where(count > 0, np.nansum(members, axis=0) / np.maximum(count, 1), np.nan))
    return np.stack(result)


def _ratio(look: Outlook, *, within: bool) -> Floats:
    fallen = np.broadcast_to(look.fallen_mm, (*look.rain_mm.shape[:-1], look.fallen_mm.shape[-1]))
    line = np.concatenate([fallen, look.rain_mm], axis=-1)
    total = np.concatenate([np.zeros((*line.shape[:-1], 1)), np.cumsum(line, axis=-1)], axis=-1)
    now = fallen.shape[-1] + np.arange(look.n_hours + 1)
    of = [(total[..., now] - total[..., np.maximum(now - n, 0)]) / mm for n, mm in RAIN_THRESHOLDS_MM.items()]
    worst = np.minimum(np.max(np.stack(of), axis=0), _STILL_FALLING * of[0])
    return np.maximum.accumulate(worst, axis=-1) if within else worst


def _over_outfall(look: Outlook, *, within: bool) -> Floats:
    stand = look.crest_m if within else look.tide_m
    over = stand - np.where(np.isfinite(look.level_m), look.level_m, look.outfall_m)[:, None]
    over = np.where(np.isfinite(over), over, -9.0)
    return np.maximum.accumulate(over, axis=-1) if within else over
