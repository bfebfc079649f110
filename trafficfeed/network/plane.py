"""The road graph on a flat plane in metres: shapes, spatial index, headings, and each edge's other direction."""

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from shapely import STRtree

from trafficfeed.network.road_graph import FloatArray, RoadGraph

_A = 6378137.0  # WGS-84 semi-major axis, m
_E2 = 6.69437999014e-3  # WGS-84 first eccentricity squared


class Plane:
    """A local equirectangular plane about the graph's centre: x east, y north, metres.

    The scale is exact at the centre's latitude (WGS-84 radii of curvature). East-west distances are off by 0.01 % a
    kilometre north or south at 60° (0.3 % in a city 60 km across), which a search within 50 m does not notice.

    Attributes
    ----------
    lines
        ``(n_edges,)`` shapely LineStrings.
    node_xy
        ``(n_nodes, 2) float64``.
    """

    def __init__(self, graph: RoadGraph) -> None:
        self._graph = graph
        west, south, east, north = shapely.total_bounds(graph.geometry) if len(graph) else (0.0, 0.0, 0.0, 0.0)
        self._origin = np.array([(west + east) / 2, (south + north) / 2])
        lat = np.radians(self._origin[1])
        w = np.sqrt(1 - _E2 * np.sin(lat) ** 2)
        self._scale = np.radians(1.0) * np.array([_A / w * np.cos(lat), _A * (1 - _E2) / w**3])
        self.lines = shapely.transform(graph.geometry, self.to_xy)
        self.node_xy = self.to_xy(graph.node_lonlat)

    def to_xy(self, lonlat: npt.ArrayLike) -> FloatArray:
        """Return metres east and north of the centre, from ``(..., 2)`` lon, lat."""
        return np.asarray((np.asarray(lonlat, dtype=np.float64) - self._origin) * self._scale)

    def to_lonlat(self, xy: npt.ArrayLike) -> FloatArray:
        """Return lon, lat from ``(..., 2)`` metres."""
        return np.asarray(np.asarray(xy, dtype=np.float64) / self._scale + self._origin)

    def place(self, xy: npt.ArrayLike) -> str:
        """Return a position for a message: ``lon,lat`` to 5 decimals (1 m)."""
        lon, lat = self.to_lonlat(xy)
        return f"{lon:.5f},{lat:.5f}"

    @cached_property
    def tree(self) -> STRtree:
        """Spatial index over `lines`."""
        return STRtree(self.lines)

    @cached_property
    def _ends(self) -> tuple[FloatArray, FloatArray]:
        coords, edge = shapely.get_coordinates(self.lines, return_index=True)
        first = np.searchsorted(edge, np.arange(len(self.lines)))
        last = np.append(first[1:], len(edge)) - 1
        start = coords[np.minimum(first + 1, last)] - coords[first]
        end = coords[last] - coords[np.maximum(last - 1, first)]
        return np.arctan2(start[:, 1], start[:, 0]), np.arctan2(end[:, 1], end[:, 0])

    @property
    def heading_out(self) -> FloatArray:
        """``(n_edges,)`` radians, mathematical: the direction in which an edge begins."""
        return self._ends[0]

    @property
    def heading_in(self) -> FloatArray:
        """``(n_edges,)`` radians: the direction in which an edge ends."""
        return self._ends[1]

    @cached_property
    def opposite(self) -> npt.NDArray[np.int32]:
        """``(n_edges,) int32``: the edge between the same junctions the other way, -1 for a one-way street.

        The two must be of like length (within 15 m or 20 %); of several the one nearest in length is taken.
        """
        graph = self._graph
        n = np.int64(len(graph.node_ids) + 1)
        there = graph.from_node.astype(np.int64) * n + graph.to_node
        back = graph.to_node.astype(np.int64) * n + graph.from_node
        order = np.argsort(there, kind="stable")
        low, high = np.searchsorted(there[order], back), np.searchsorted(there[order], back, side="right")
        result = np.full(len(graph), -1, dtype=np.int32)
        for step in range(int((high - low).max(initial=0))):
            rows = np.flatnonzero(low + step < high)
            self._keep_nearer(result, rows, order[low[rows] + step])
        return result

    def _keep_nearer(self, result: npt.NDArray[np.int32], rows: Any, candidates: Any) -> None:
        length = self._graph.length_m
        gap = np.abs(length[rows] - length[candidates])
        fits = (gap <= np.maximum(15.0, 0.2 * length[rows])) & (rows != candidates)
        had = result[rows]
        nearer = (had < 0) | (gap < np.abs(length[rows] - length[had]))
        take = fits & nearer
        result[rows[take]] = candidates[take]


def plane_of(graph: RoadGraph) -> Plane:
    """Return the graph's plane, made once."""
    plane = graph.derived.get("plane")
    if not isinstance(plane, Plane):
        plane = graph.derived["plane"] = Plane(graph)
    return plane


def turn_angle(plane: Plane, edge: int, follower: int) -> float:
    """Return by how much a driver turns from `edge` into `follower`, radians, 0 (straight on) to π."""
    difference = plane.heading_out[follower] - plane.heading_in[edge]
    return float(abs((difference + np.pi) % (2 * np.pi) - np.pi))
