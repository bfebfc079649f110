"""What part of the world a schematic map shows, and how it lies on the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from trafficfeed.network.road_graph import FloatArray, RoadGraph

WIDTH = 1000.0
"""The map's width in user units."""

_EARTH_M_PER_DEGREE = 111_194.93  # mean radius 6,371,008.8 m
_SHORTEST_SIDE_M = 900.0
_ASPECTS = (0.78, 1.45)  # width / height


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The part of the world that the map shows: bounds in EPSG:4326 degrees, projected equirectangularly."""

    west: float
    south: float
    east: float
    north: float

    @cached_property
    def units_per_degree(self) -> FloatArray:
        """``(2,)``: user units per degree of longitude and of latitude (negative: y grows downwards)."""
        per_lon = WIDTH / (self.east - self.west)
        return np.array([per_lon, -per_lon / np.cos(np.radians((self.south + self.north) / 2))])

    @property
    def height(self) -> float:
        """The map's height in user units."""
        return float((self.south - self.north) * self.units_per_degree[1])

    @property
    def metres_per_unit(self) -> float:
        """Metres on the ground per user unit."""
        return float(_EARTH_M_PER_DEGREE / -self.units_per_degree[1])

    def project(self, lonlat: npt.ArrayLike) -> FloatArray:
        """Return ``(n, 2)`` user units of ``(n, 2)`` lon, lat."""
        return (np.asarray(lonlat, dtype=np.float64) - (self.west, self.north)) * self.units_per_degree


def frame_of(graph: RoadGraph, lines: Sequence[Sequence[tuple[float, float]]]) -> Frame:
    """Choose what to show: `lines` (lon, lat) with their surroundings, or the whole network where there are none."""
    whole = np.concatenate([graph.node_lonlat.min(axis=0), graph.node_lonlat.max(axis=0)])
    stretch = float(np.cos(np.radians((whole[1] + whole[3]) / 2)))  # a degree of longitude, in degrees of latitude
    scale = np.array([stretch, 1.0])
    low, high = whole[:2] * scale, whole[2:] * scale
    if lines:
        points = np.concatenate([np.asarray(line) for line in lines]) * scale
        side = max(float(np.ptp(points, axis=0).max()), _SHORTEST_SIDE_M / _EARTH_M_PER_DEGREE)
        low = np.maximum(points.min(axis=0) - 0.35 * side, np.minimum(low, points.min(axis=0)))
        high = np.minimum(points.max(axis=0) + 0.35 * side, np.maximum(high, points.max(axis=0)))
    size = np.maximum(high - low, 1e-4) * 1.04
    size = np.maximum(size, [size[1] * _ASPECTS[0], size[0] / _ASPECTS[1]])
    middle = (low + high) / 2
    west, south = (middle - size / 2) / scale
    east, north = (middle + size / 2) / scale
    return Frame(west=float(west), south=float(south), east=float(east), north=float(north))
