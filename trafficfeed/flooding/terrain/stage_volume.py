"""Stage–volume curves of many hollows at once: sorted cells and sums, no loop over cells."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int32]

STAGES = 17
_BEND = 1.5  # stages lie closer near the ground, where the area grows fastest


def stage_volumes(
    label: Labels, above_low_m: npt.NDArray[np.floating], full_m: Floats, *, cell_m2: float, stages: int = STAGES
) -> tuple[Floats, Floats]:
    """Return depths and volumes ``(n_hollows, stages)``, m above each hollow's lowest cell and m³.

    The volumes are exact at those depths (sum over the cells); the first depth is 0, the last the spill.

    Parameters
    ----------
    label
        ``(n_cells,)`` hollow of each cell, 0 to n_hollows - 1, in any order.
    above_low_m
        ``(n_cells,)`` height of each cell above its hollow's lowest.
    full_m
        ``(n_hollows,)`` depth at the spill, more than 0.
    cell_m2
        Area of a cell.
    stages
        How many.
    """
    depth = full_m[:, None] * np.linspace(0.0, 1.0, stages) ** _BEND
    depth[:, -1] = full_m
    relative = np.minimum(above_low_m / full_m[label], 1.0)
    key = label + 0.5 * relative  # hollow first, then height: one search serves all
    order = np.argsort(key)
    key = key[order]
    count = np.arange(len(key) + 1)
    height = np.concatenate([[0.0], np.cumsum(above_low_m[order])])
    hollow = np.arange(len(full_m))
    first = np.searchsorted(key, hollow, side="left")[:, None]
    wanted = hollow[:, None] + 0.5 * (depth / full_m[:, None])
    below = np.searchsorted(key, wanted, side="right")
    volume = (count[below] - count[first]) * depth - (height[below] - height[first])
    return depth, np.maximum.accumulate(np.maximum(volume * cell_m2, 0.0), axis=1)
