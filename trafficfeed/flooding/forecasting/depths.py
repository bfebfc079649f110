"""Depths with their band, and times to flood and to clear, from chances on a ladder of depths."""

from typing import Final

import numpy as np
import numpy.typing as npt

from trafficfeed.flooding.forecast import HORIZONS_S

Floats = npt.NDArray[np.float64]

LADDER_M: Final = (0.02, 0.05, 0.10, 0.15, 0.20, 0.30, 0.45, 0.60, 0.90, 1.30)
LEVELS: Final = (0.10, 0.50, 0.90)


def quantiles(ladder: Floats) -> tuple[Floats, Floats, Floats]:
    """Return P10, P50, P90 ``(n_sites, n_times)``, m, of chances ``(n_ladder, n_sites, n_times)`` that never rise.

    Between two depths the chance is taken to fall in a straight line; 0 where even 2 cm are too unlikely.
    """
    falling = np.minimum.accumulate(ladder, axis=0)
    found = [_depth_at(falling, 1.0 - level) for level in LEVELS]
    return found[0], found[1], found[2]


def _depth_at(falling: Floats, chance: float) -> Floats:
    depths = np.array(LADDER_M)
    reached = (falling >= chance).sum(axis=0)
    below = np.clip(reached - 1, 0, len(depths) - 1)
    above = np.clip(reached, 0, len(depths) - 1)
    at_below = np.take_along_axis(falling, below[None], axis=0)[0]
    at_above = np.take_along_axis(falling, above[None], axis=0)[0]
    share = np.where(at_below > at_above, (at_below - chance) / np.maximum(at_below - at_above, 1e-12), 0.0)
    depth = depths[below] + np.clip(share, 0.0, 1.0) * (depths[above] - depths[below])
    return np.where(np.isnan(falling[0]), np.nan, np.where(reached == 0, 0.0, depth))


def flood_times(within: Floats) -> Floats:
    """Return P10, P50, P90 ``(n_sites, 3)`` of the time until a depth is reached, of the chance that it has been."""
    return np.stack([_first(within, level) for level in LEVELS], axis=1)


def _first(within: Floats, level: float) -> Floats:
    reached = within >= level
    first = HORIZONS_S[reached.argmax(axis=1)]
    return np.where(np.isnan(within[:, 0]), np.nan, np.where(reached.any(axis=1), first, np.inf))


def clear_times(exceedance: Floats) -> Floats:
    """Return P10, P50, P90 ``(n_sites, 3)`` of the time after which a depth is not exceeded any more; 0: never is."""
    return np.stack([_last(exceedance, 1.0 - level) for level in LEVELS], axis=1)


def _last(exceedance: Floats, chance: float) -> Floats:
    over = np.nan_to_num(exceedance) >= chance
    after = len(HORIZONS_S) - over[:, ::-1].argmax(axis=1)
    ends = np.append(HORIZONS_S, np.inf)[after]
    return np.where(np.isnan(exceedance[:, 0]), np.nan, np.where(over.any(axis=1), ends, 0.0))
