"""Where roads dip into hollows: the ground sampled along every edge, and each edge's own low point in each hollow."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from trafficfeed.flooding.terrain.depressions import Depressions
from trafficfeed.flooding.terrain.elevation import Elevation
from trafficfeed.network.plane import plane_of
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.vehicle_classes import VehicleClass, mask_of

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ORDINARY: Final = mask_of(
    {
        VehicleClass.PASSENGER, VehicleClass.TAXI, VehicleClass.BUS, VehicleClass.COACH, VehicleClass.DELIVERY,
        VehicleClass.TRUCK, VehicleClass.TRAILER, VehicleClass.MOTORCYCLE,
    }
)  # fmt: skip
"""Whose roads count: a footway that only an ambulance may use is no road that floods."""

LEAST_WATER_M: Final = 0.05
"""A road that has less water when its hollow is full is not linked: drivers do not notice, surveys do not tell."""

_FINEST_M, _COARSEST_M = 1.0, 5.0  # between samples: as the cells are, within what a street's dip needs


@dataclass(frozen=True, kw_only=True)
class RoadDips:
    """Dips of edges into hollows, one row for each edge and hollow, by hollow and then by edge.

    Attributes
    ----------
    hollow, edge
        ``(n,)`` index of the hollow, and of the edge in the graph.
    low_m
        ``(n,)`` height of the edge's low point in the hollow, m.
    low_lonlat
        ``(n, 2)`` where that is, EPSG:4326.
    from_m, to_m
        ``(n,)`` along the edge's line from its beginning, m: where water stands when the hollow is full.
    sampled, without_height
        How many points of ordinary roads were looked at, and how many of them have no height.
    """

    hollow: Ints
    edge: Ints
    low_m: Floats
    low_lonlat: Floats
    from_m: Floats
    to_m: Floats
    sampled: int
    without_height: int

    def of(self, hollow: int) -> Ints:
        """Return the rows of a hollow."""
        low, high = np.searchsorted(self.hollow, [hollow, hollow + 1])
        return np.arange(low, high)


def road_dips(
    graph: RoadGraph, elevation: Elevation, depressions: Depressions, *, not_on_ground: Collection[int] = ()
) -> RoadDips:
    """Return where ordinary roads dip into `depressions`.

    The ground is read every 1 to 5 m (as fine as the model's cells) along each edge's line, from junction to junction.
    Edges in `not_on_ground` (bridges, tunnels) are left out: the model shows other ground than theirs.
    """
    edges = np.flatnonzero((np.asarray(graph.access) & ORDINARY) != 0)
    edges = edges[~np.isin(edges, np.fromiter(not_on_ground, np.int64, len(not_on_ground)))]
    step = float(np.clip(min(elevation.cell_x_m, elevation.cell_y_m), _FINEST_M, _COARSEST_M))
    row, along, half, xy = _samples(graph, edges, elevation, step)
    cell = elevation.cells(xy)
    inside = cell >= 0
    height = np.where(inside, elevation.height_m.ravel()[np.maximum(cell, 0)], np.nan)
    number = np.where(inside, depressions.label.ravel()[np.maximum(cell, 0)], 0)
    wet = np.flatnonzero(number)
    order = wet[np.lexsort((along[wet], height[wet], edges[row[wet]], number[wet]))]
    key = number[order].astype(np.int64) * len(graph) + edges[row[order]]
    first = np.flatnonzero(np.diff(key, prepend=-1))  # the lowest sample of each edge in each hollow
    low = order[first]
    water = depressions.spill_m[number[low] - 1] - height[low]
    keep = water >= LEAST_WATER_M
    starts, ends = along[order] - half[order], along[order] + half[order]
    from_m = np.minimum.reduceat(starts, first) if len(first) else starts
    to_m = np.maximum.reduceat(ends, first) if len(first) else ends
    return RoadDips(
        hollow=(number[low] - 1)[keep].astype(np.int64),
        edge=edges[row[low]][keep],
        low_m=height[low][keep].astype(np.float64),
        low_lonlat=elevation.to_lonlat(xy[low][keep]),
        from_m=from_m[keep],
        to_m=to_m[keep],
        sampled=len(cell),
        without_height=int(np.isnan(height).sum()),
    )


def _samples(graph: RoadGraph, edges: Ints, elevation: Elevation, step_m: float) -> tuple[Ints, Floats, Floats, Floats]:
    """Return points along the edges: row in `edges`, m along the line, half the distance between two, and x, y."""
    if not len(edges):
        return np.empty(0, np.int64), np.empty(0), np.empty(0), np.empty((0, 2))
    lines = shapely.transform(graph.geometry[edges], elevation.to_xy)
    points, of = shapely.get_coordinates(lines, return_index=True)
    piece = np.hypot(*np.diff(points, axis=0, prepend=points[:1]).T)
    begins = np.flatnonzero(np.diff(of, prepend=-1))
    piece[begins] = 1.0  # a gap between lines, so that one running measure serves all of them
    running = np.cumsum(piece)
    start = running[begins]
    length = np.maximum(running[np.append(begins[1:], len(of)) - 1] - start, 1e-6)
    count = np.maximum(np.ceil(length / step_m), 1).astype(np.int64)
    row = np.repeat(np.arange(len(edges)), count)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    share = (nth + 0.5) / count[row]
    at = start[row] + share * length[row]
    xy = np.column_stack([np.interp(at, running, points[:, axis]) for axis in (0, 1)])
    true_m: npt.NDArray[Any] = shapely.length(plane_of(graph).lines[edges])
    return row, share * true_m[row], 0.5 * true_m[row] / count[row], xy
