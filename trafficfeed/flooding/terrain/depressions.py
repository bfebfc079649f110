"""Hollows of an elevation model: what stands in them when they are full, and what drains to them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from trafficfeed.flooding.sites import StageVolume
from trafficfeed.flooding.terrain.elevation import Elevation
from trafficfeed.flooding.terrain.stage_volume import HollowCells
from trafficfeed.progress import Progress, silent

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_WET_M: Final = 0.001  # less is the rounding of heights in float32
_STEPS: Final = 4
_D8: Final = {1: (0, 1), 2: (1, 1), 4: (1, 0), 8: (1, -1), 16: (0, -1), 32: (-1, -1), 64: (-1, 0), 128: (-1, 1)}
"""Row and column steps of flow directions; others mark where water leaves. Source: D8, as pyflwdir codes it."""

_DIGITS: Final = 4  # of depths, m, as the sites' document keeps them
_FIRST_M: Final = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class DepressionLimits:
    """What is too little to be a place where a road floods.

    Attributes
    ----------
    depth_m
        Of water when full. 0.10: what is shallower never makes a hazard (10 to 15 cm), and airborne lidar's own error
        is 5 to 10 cm.
    area_m2
        Of the water when full. 20: a lane's width over a car's length; less is a parked car in the survey, or a kerb.
    volume_m3
        When full. 2: a tenth of a metre on the least area.
    """

    depth_m: float = 0.10
    area_m2: float = 20.0
    volume_m3: float = 2.0


@dataclass(frozen=True, kw_only=True)
class Depressions:
    """Hollows that are deep and wide enough, in the order of their lowest cells (row by row).

    Attributes
    ----------
    label
        ``(rows, columns) int32``: the number of the hollow that a cell lies in, from 1; 0: in none.
    low_cell
        ``(n,)`` flat index of the lowest cell.
    low_m, spill_m
        ``(n,)`` heights of the lowest cell and of the water when it spills, m.
    area_m2, volume_m3
        ``(n,)`` when full.
    catchment_m2
        ``(n,)`` what drains to it before it would drain to another of these hollows; its own area is part of it.
    cells
        Their cells, sorted: what they hold at any depth.
    left_out
        Hollows left out, by why.
    """

    label: npt.NDArray[np.int32]
    low_cell: Ints
    low_m: Floats
    spill_m: Floats
    area_m2: Floats
    volume_m3: Floats
    catchment_m2: Floats
    cells: HollowCells
    left_out: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.low_cell)

    @property
    def depth_m(self) -> Floats:
        """``(n,)`` depth at the lowest cell when full, m."""
        return self.spill_m - self.low_m

    def bowls(self, hollows: Ints, above_low_m: Floats) -> list[StageVolume]:
        """Return stage–volume curves from a height in each hollow up, ``(n,)`` m above its lowest cell.

        What a hollow holds below that height has to fill first: it is the curve's first millimetre.
        """
        depth, volume = self.cells.curves(hollows, above_low_m=above_low_m)
        return [_curve(*row) for row in zip(depth, volume, strict=True)]


def find_depressions(
    elevation: Elevation, limits: DepressionLimits | None = None, progress: Progress | None = None
) -> Depressions:
    """Return the hollows of `elevation` that are larger than `limits`.

    The ground is filled to where water would spill over the lowest rim (priority flood); the model's outer border and
    its open holes let water go. Flow directions over the filled ground give the catchments.

    Source: Wang, Liu 2006, doi:10.1080/13658810500433453, by pyflwdir.
    """
    tell, bounds = progress or silent, limits or DepressionLimits()
    tell("finding hollows", 0, _STEPS)
    filled, directions = _flooded(elevation)
    tell("finding hollows", 1, _STEPS)
    depth = filled - elevation.height_m
    label, numbers = ndimage.label(depth > _WET_M, structure=np.ones((3, 3), dtype=np.int8))
    cells = np.flatnonzero(label)
    of = label.ravel()[cells] - 1
    low_cell, spill, area, volume, left_out = _kept(elevation, bounds, cells, of, depth, filled, numbers)
    label = _renumbered(label, of_kept=label.ravel()[low_cell], numbers=numbers)
    cells = np.flatnonzero(label)
    of = label.ravel()[cells] - 1
    heights = elevation.height_m.ravel()
    low = heights[low_cell].astype(np.float64)
    tell("finding hollows", 2, _STEPS)
    above = heights[cells] - low[of]
    sorted_cells = HollowCells.of(of, above, spill - low, cell_m2=elevation.cell_m2)
    tell("finding hollows", 3, _STEPS)
    catchment = _catchments(directions, label, elevation.cell_m2)
    tell("finding hollows", _STEPS, _STEPS)
    return Depressions(
        label=label,
        low_cell=low_cell,
        low_m=low,
        spill_m=spill,
        area_m2=area,
        volume_m3=volume,
        catchment_m2=catchment,
        cells=sorted_cells,
        left_out=left_out,
    )


def prepare() -> None:
    """Compile what pyflwdir has to compile before its first use (some seconds, once a process)."""
    ground = np.array([[3, 3, 3, 3], [3, 1, 2, 3], [3, 2, 2, 2], [3, 3, 3, 3]], dtype=np.float32)
    tiny = Elevation(height_m=ground, crs="EPSG:32635", west=0.0, north=4.0, cell_x_m=1.0, cell_y_m=1.0)
    find_depressions(tiny, DepressionLimits(depth_m=0, area_m2=0, volume_m3=0))


def _curve(depth_m: Floats, volume_m3: Floats) -> StageVolume:
    depth, volume = np.round(depth_m, _DIGITS), volume_m3
    if volume[0] > 0:
        above = depth > _FIRST_M
        depth = np.concatenate([[0.0, _FIRST_M], depth[above]])
        volume = np.concatenate([[0.0], volume[:1], volume[above]])
    rises = np.diff(depth, prepend=-1.0) > 0
    return StageVolume(depth_m=tuple(depth[rises].tolist()), volume_m3=tuple(volume[rises].tolist()))


def _flooded(elevation: Elevation) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    import pyflwdir

    fill: Callable[..., Any] = pyflwdir.dem.fill_depressions
    filled, directions = fill(elevation.height_m, nodata=np.nan)
    return filled, directions


def _kept(
    elevation: Elevation,
    limits: DepressionLimits,
    cells: Ints,
    of: npt.NDArray[Any],
    depth: npt.NDArray[np.float32],
    filled: npt.NDArray[np.float32],
    numbers: int,
) -> tuple[Ints, Floats, Floats, Floats, dict[str, int]]:
    """Return lowest cell, spill height, area and volume of the hollows within the limits, and why others are not."""
    water = depth.ravel()[cells].astype(np.float64)
    area = np.bincount(of, minlength=numbers) * elevation.cell_m2
    volume = np.bincount(of, weights=water, minlength=numbers) * elevation.cell_m2
    deepest = np.zeros(numbers)
    np.maximum.at(deepest, of, water)
    reasons = {
        "too shallow": deepest < limits.depth_m,
        "too small": (deepest >= limits.depth_m) & ((area < limits.area_m2) | (volume < limits.volume_m3)),
    }
    good = ~(reasons["too shallow"] | reasons["too small"])
    mine = good[of]
    cells, of, water = cells[mine], of[mine], water[mine]
    lowest_last = np.lexsort((-cells, water, of))  # of equally deep cells the first
    last = np.flatnonzero(np.diff(of[lowest_last], append=-1)) if len(of) else np.empty(0, dtype=np.int64)
    low_cell = cells[lowest_last[last]].astype(np.int64)
    order = np.argsort(low_cell)
    numbers_kept = of[lowest_last[last]][order]
    low_cell = low_cell[order]
    spill = filled.ravel()[low_cell].astype(np.float64)
    left_out = {reason: int(rows.sum()) for reason, rows in reasons.items()}
    return low_cell, spill, area[numbers_kept], volume[numbers_kept], left_out


def _renumbered(label: npt.NDArray[Any], *, of_kept: npt.NDArray[Any], numbers: int) -> npt.NDArray[np.int32]:
    number = np.zeros(numbers + 1, dtype=np.int32)
    number[of_kept] = np.arange(1, len(of_kept) + 1)
    renumbered: npt.NDArray[np.int32] = number[label]
    return renumbered


def _catchments(directions: npt.NDArray[np.uint8], label: npt.NDArray[np.int32], cell_m2: float) -> Floats:
    """Give each cell to the first hollow that its water reaches, and measure what each has been given, m².

    Each cell looks twice as far down its way in each round. pyflwdir's own search is no faster, but has to be compiled.
    """
    count = int(label.max(initial=0))
    step = np.zeros(256, dtype=np.int32)
    for code, (row, column) in _D8.items():
        step[code] = row * label.shape[1] + column
    hollow = label.ravel()
    reached = np.arange(hollow.size, dtype=np.int32)
    reached += np.where(hollow > 0, 0, step[directions.ravel()])
    on_the_way = np.arange(hollow.size, dtype=np.int32)
    while len(on_the_way):
        here = reached[on_the_way]
        farther = reached[here]
        moved = farther != here
        on_the_way = on_the_way[moved]
        reached[on_the_way] = farther[moved]
    cells = np.bincount(hollow[reached], minlength=count + 1)[1:]
    return cells.astype(np.float64) * cell_m2
