"""Stage–volume curves of many hollows at once: sorted cells and sums, no loop over cells."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STAGES = 17
_BEND = 1.5  # stages lie closer near the ground, where the area grows fastest


@dataclass(frozen=True, kw_only=True)
class HollowCells:
    """The cells of hollows, by hollow and then by height, with running sums: what volumes are read from.

    Attributes
    ----------
    full_m
        ``(n_hollows,)`` depth at the spill, m above the lowest cell.
    key
        ``(n_cells,)`` hollow plus half the height as a share of `full_m`: ascending, one search serves all hollows.
    summed_m
        ``(n_cells + 1,)`` running sum of heights above each hollow's lowest cell.
    cell_m2
        Area of a cell.
    """

    full_m: Floats
    key: Floats
    summed_m: Floats
    cell_m2: float

    @classmethod
    def of(
        cls, label: npt.NDArray[np.int32], above_low_m: npt.NDArray[np.floating], full_m: Floats, *, cell_m2: float
    ) -> "HollowCells":
        """Sort cells: ``(n_cells,)`` hollow of each (from 0) and its height above the hollow's lowest, in any order."""
        key = label + 0.5 * np.minimum(above_low_m / full_m[label], 1.0)
        order = np.argsort(key)
        summed = np.concatenate([[0.0], np.cumsum(above_low_m[order], dtype=np.float64)])
        return cls(full_m=full_m, key=key[order], summed_m=summed, cell_m2=cell_m2)

    def volumes(self, hollow: Ints, depth_m: Floats) -> Floats:
        """Return what hollows ``(n,)`` hold at depths ``(n, stages)`` above their lowest cells, m³: exact sums."""
        first = np.searchsorted(self.key, hollow, side="left")[:, None]
        wanted = hollow[:, None] + 0.5 * np.minimum(depth_m / self.full_m[hollow][:, None], 1.0)
        below = np.searchsorted(self.key, wanted, side="right")
        volume = (below - first) * depth_m - (self.summed_m[below] - self.summed_m[first])
        return np.maximum.accumulate(np.maximum(volume * self.cell_m2, 0.0), axis=1)

    def curves(self, hollow: Ints, *, above_low_m: Floats, stages: int = STAGES) -> tuple[Floats, Floats]:
        """Return depths above a height in each hollow, and what it holds at them, ``(n, stages)``, m and m³.

        Parameters
        ----------
        hollow
            ``(n,)``.
        above_low_m
            ``(n,)`` from where depths count, m above the lowest cell, below the spill.
        stages
            How many; the first depth is 0, the last the spill's.
        """
        room = self.full_m[hollow] - above_low_m
        depth = room[:, None] * np.linspace(0.0, 1.0, stages) ** _BEND
        return depth, self.volumes(hollow, above_low_m[:, None] + depth)
