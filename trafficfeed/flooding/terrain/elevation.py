"""An elevation model in memory: heights on a north-up grid of a metric CRS."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj

from trafficfeed.findings import Finding

Heights = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Elevation:
    """Heights of the ground, row 0 in the north, column 0 in the west.

    Attributes
    ----------
    height_m
        ``(rows, columns) float32``, m in the model's own vertical datum; NaN where there is none.
    crs
        Projected, in metres, true to area within a percent.
    west, north
        Outer corner of the first cell, m in `crs`.
    cell_x_m, cell_y_m
        Size of a cell, m, both positive.
    label
        What must be shown wherever something made from it is shown ("synthetic terrain"); "" for nothing.
    findings
        What is doubtful about it, or has been done to it.
    """

    height_m: Heights
    crs: str
    west: float
    north: float
    cell_x_m: float
    cell_y_m: float
    label: str = ""
    findings: Sequence[Finding] = ()

    @property
    def cell_m2(self) -> float:
        """Area of a cell, m²."""
        return self.cell_x_m * self.cell_y_m

    @cached_property
    def _to_crs(self) -> pyproj.Transformer:
        return pyproj.Transformer.from_crs("EPSG:4326", self.crs, always_xy=True)

    def to_xy(self, lonlat: npt.ArrayLike) -> Floats:
        """Return ``(n, 2)`` m in `crs` of EPSG:4326 lon, lat ``(n, 2)``."""
        points = np.asarray(lonlat, dtype=np.float64).reshape(-1, 2)
        return np.column_stack(self._to_crs.transform(points[:, 0], points[:, 1]))

    def to_lonlat(self, xy: npt.ArrayLike) -> Floats:
        """Return ``(n, 2)`` EPSG:4326 lon, lat of m in `crs` ``(n, 2)``."""
        points = np.asarray(xy, dtype=np.float64).reshape(-1, 2)
        return np.column_stack(self._to_crs.transform(points[:, 0], points[:, 1], direction="INVERSE"))

    def cells(self, xy: Floats) -> Ints:
        """Return the flat index of the cell at each of ``(n, 2)`` points, -1 outside the grid."""
        rows, columns = self.height_m.shape
        column = np.floor((xy[:, 0] - self.west) / self.cell_x_m)
        row = np.floor((self.north - xy[:, 1]) / self.cell_y_m)
        inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
        return np.where(inside, row * columns + column, -1).astype(np.int64)

    def centres(self, cells: npt.NDArray[Any]) -> Floats:
        """Return the middles ``(n, 2)`` of cells by their flat indices, m in `crs`."""
        row, column = np.divmod(cells, self.height_m.shape[1])
        return np.column_stack([self.west + (column + 0.5) * self.cell_x_m, self.north - (row + 0.5) * self.cell_y_m])

    def place(self, cell: int) -> str:
        """Return a cell's position for a message: ``lon,lat`` to 5 decimals."""
        lon, lat = self.to_lonlat(self.centres(np.array([cell])))[0]
        return f"{lon:.5f},{lat:.5f}"
