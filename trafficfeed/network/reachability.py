"""What can be reached, and left, on the road graph by one vehicle class."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from trafficfeed.network.plane import plane_of
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.routing import Turn, closed_mask, found_from, routing_matrix
from trafficfeed.network.vehicle_classes import VehicleClass

_RIM_M = 150.0

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Per edge ``(n_edges,) bool``: whether it can be driven to from the bulk of the network, and from it back.

    `core` marks the bulk itself: the largest strongly connected component.
    """

    core: Mask
    reached: Mask
    left: Mask


def reach(
    graph: RoadGraph,
    vehicle_class: VehicleClass,
    closed: Iterable[int] = (),
    closed_turns: Collection[Turn] = (),
) -> Reach:
    """Return what a class can reach and leave with edges and turns closed.

    An extract of a city is cut at its rim, and what is joined outside is not cut off: edges that end at the rim lead on
    to those that begin there. The rim is within 150 m of the network's convex hull.

    Parameters
    ----------
    graph
        The road graph.
    vehicle_class
        The class.
    closed, closed_turns
        As in `routing.routing_matrix`.
    """
    shut = closed_mask(graph, closed) | ((graph.access & vehicle_class.bit) == 0)
    matrix = _with_outside(graph, routing_matrix(graph, vehicle_class, shut, closed_turns), vehicle_class, shut)
    _, label = connected_components(matrix, directed=True, connection="strong")
    size = np.bincount(label[:-1][~shut], minlength=int(label.max()) + 1)
    core = (label == size.argmax())[:-1] & ~shut
    if not core.any():
        nothing = np.zeros(len(graph), dtype=np.bool_)
        return Reach(core=nothing, reached=nothing, left=nothing)
    start = int(np.flatnonzero(core)[0])
    return Reach(
        core=core, reached=found_from(matrix, start)[:-1] & ~shut, left=found_from(matrix.T.tocsr(), start)[:-1] & ~shut
    )


def _with_outside(graph: RoadGraph, matrix: csr_array, vehicle_class: VehicleClass, shut: Mask) -> csr_array:
    """Add one vertex, the world outside, joined to the open edges that end or begin at the rim."""
    ends, begins = _rim(graph, vehicle_class)
    ends, begins = ends[~shut[ends]], begins[~shut[begins]]
    n = len(graph)
    inner = matrix.tocoo()
    row = np.concatenate([inner.row, ends, np.full(len(begins), n)])
    column = np.concatenate([inner.col, np.full(len(ends), n), begins])
    return coo_array((np.ones(len(row)), (row, column)), shape=(n + 1, n + 1)).tocsr()


def _rim(graph: RoadGraph, vehicle_class: VehicleClass) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Edges that end at the rim without going on, and edges that begin there without anything before them."""
    key = ("rim", vehicle_class)
    kept = graph.derived.get(key)
    if not isinstance(kept, tuple):
        matrix = routing_matrix(graph, vehicle_class)
        mine = (graph.access & vehicle_class.bit) != 0
        near = _near_hull(graph)
        ends = np.flatnonzero(mine & (_ways_on(graph, matrix) == 0) & near[graph.to_node])
        begins = np.flatnonzero(mine & (_ways_on(graph, matrix.T.tocsr()) == 0) & near[graph.from_node])
        kept = graph.derived[key] = (ends, begins)
    return kept


def _ways_on(graph: RoadGraph, matrix: csr_array) -> npt.NDArray[np.intp]:
    """Moves from each edge, turning round not counted."""
    inner = matrix.tocoo()
    onward = plane_of(graph).opposite[inner.row] != inner.col
    return np.bincount(inner.row[onward], minlength=len(graph))


def _near_hull(graph: RoadGraph) -> Mask:
    xy = plane_of(graph).node_xy
    hull = shapely.convex_hull(shapely.multipoints(xy)) if len(xy) else shapely.Point()
    rim = hull.exterior if isinstance(hull, shapely.Polygon) else hull
    return np.asarray(shapely.distance(shapely.points(xy), rim) <= _RIM_M)
