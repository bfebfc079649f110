"""What can be reached, and left, on the road graph by one vehicle class."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from trafficfeed.network.moves import Turn, allowed_turns, closed_mask, found_from, matrix_of, moves_of
from trafficfeed.network.plane import plane_of
from trafficfeed.network.road_graph import IntArray, RoadGraph
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
    matrix = _open_matrix(graph, vehicle_class, shut, closed_turns)
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


def _open_matrix(
    graph: RoadGraph, vehicle_class: VehicleClass, shut: Mask, closed_turns: Collection[Turn]
) -> csr_array:
    """Return the matrix of what is open, with one vertex more: the world outside, joined to the rim."""
    before, after = _moves_and_rim(graph, vehicle_class)
    closed = np.append(shut, False)
    keep = ~(closed[before] | closed[after])
    keep &= allowed_turns(before, after, closed_turns, len(graph))
    return matrix_of(before[keep], after[keep], np.ones(int(keep.sum())), len(graph) + 1)


def _moves_and_rim(graph: RoadGraph, vehicle_class: VehicleClass) -> tuple[IntArray, IntArray]:
    """A class's moves with those from the rim to the outside and back, sorted by the edge they leave."""
    moves = moves_of(graph, vehicle_class)
    kept = graph.derived.get(("rim", moves))
    if not isinstance(kept, tuple):
        mine = (graph.access & vehicle_class.bit) != 0
        onward = plane_of(graph).opposite[moves.before] != moves.after  # turning round is no way on
        ends = mine & (np.bincount(moves.before[onward], minlength=len(graph)) == 0)
        begins = mine & (np.bincount(moves.after[onward], minlength=len(graph)) == 0)
        ends[ends] = _near_hull(graph, graph.to_node[ends])
        begins[begins] = _near_hull(graph, graph.from_node[begins])
        out, back = np.flatnonzero(ends), np.flatnonzero(begins)
        before = np.concatenate([moves.before, out, np.full(len(back), len(graph))])
        after = np.concatenate([moves.after, np.full(len(out), len(graph)), back])
        order = np.argsort(before, kind="stable")
        kept = graph.derived["rim", moves] = (before[order].astype(np.int32), after[order].astype(np.int32))
    return kept


def _near_hull(graph: RoadGraph, nodes: IntArray) -> Mask:
    xy = plane_of(graph).node_xy
    hull = shapely.convex_hull(shapely.multipoints(xy))
    rim = hull.exterior if isinstance(hull, shapely.Polygon) else hull
    return np.asarray(shapely.distance(shapely.points(xy[nodes]), rim) <= _RIM_M)
