"""The moves that a vehicle class may make from edge to edge, and the matrix of those that are not closed."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order

from trafficfeed.network.plane import plane_of
from trafficfeed.network.road_graph import FloatArray, IntArray, RoadGraph
from trafficfeed.network.vehicle_classes import VehicleClass

_TURN_S = 3.0  # a turn of 30° to 150°
_U_TURN_S = 15.0
_SIGNAL_S = 5.0

Turn = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moves:
    """The moves from edge to edge that a class may make, sorted by `before`; ``(n_moves,)`` each.

    `cost_s` is the free-flow time on `after` and the turn into it. The moves from edge i are
    ``first_before[i]:first_before[i + 1]``, those to it the same stretch of `by_after`, an ordering by `after`. Classes
    with the same access share one object.
    """

    before: IntArray
    after: IntArray
    cost_s: FloatArray
    first_before: npt.NDArray[np.intp]
    by_after: npt.NDArray[np.intp]
    first_after: npt.NDArray[np.intp]


def moves_of(graph: RoadGraph, vehicle_class: VehicleClass) -> Moves:
    """Return a class's moves, made once for each way in which classes are let in."""
    key = ("moves", vehicle_class)
    kept = graph.derived.get(key)
    if isinstance(kept, Moves):
        return kept
    turn_from, turn_to, turn_access, cost = _all_moves(graph)
    allowed = (graph.access & vehicle_class.bit) != 0
    may = ((turn_access & vehicle_class.bit) != 0) & allowed[turn_from] & allowed[turn_to]
    shared = ("moves", hash((np.packbits(may).tobytes(), np.packbits(allowed).tobytes())))
    made = graph.derived.get(shared)
    if not isinstance(made, Moves):
        made = Moves(
            before=turn_from[may],
            after=turn_to[may],
            cost_s=cost[may],
            first_before=_firsts(turn_from[may], len(graph)),
            by_after=np.argsort(turn_to[may], kind="stable"),
            first_after=_firsts(turn_to[may], len(graph)),
        )
        graph.derived[shared] = made
    graph.derived[key] = made
    return made


def _firsts(edge: IntArray, size: int) -> npt.NDArray[np.intp]:
    return np.append(0, np.cumsum(np.bincount(edge, minlength=size)))


def _all_moves(graph: RoadGraph) -> tuple[IntArray, IntArray, IntArray, FloatArray]:
    kept = graph.derived.get("moves")
    if not isinstance(kept, tuple):
        plane = plane_of(graph)
        order = np.lexsort((graph.turn_to, graph.turn_from))
        before, after = graph.turn_from[order], graph.turn_to[order]
        angle = plane.heading_out[after] - plane.heading_in[before]
        angle = np.abs((angle + np.pi) % (2 * np.pi) - np.pi)
        turning = np.select([angle < np.radians(30), angle < np.radians(150)], [0.0, _TURN_S], _U_TURN_S)
        cost = travel_time_s(graph)[after] + turning + _SIGNAL_S * graph.node_signalised[graph.to_node[before]]
        kept = graph.derived["moves"] = (before, after, graph.turn_access[order], cost)
    return kept


def travel_time_s(graph: RoadGraph) -> FloatArray:
    """Return the free-flow time on each edge: ``(n_edges,) float64``, s."""
    return np.maximum(graph.length_m, 0.1) / np.maximum(graph.speed_mps, 0.1)


def closed_mask(graph: RoadGraph, closed: Iterable[int]) -> npt.NDArray[np.bool_]:
    """Return ``(n_edges,) bool``, True at the indices in `closed`; a mask is returned as it is."""
    if isinstance(closed, np.ndarray) and closed.dtype == np.bool_:
        return closed
    mask = np.zeros(len(graph), dtype=np.bool_)
    mask[np.fromiter(closed, dtype=np.int64)] = True
    return mask


def routing_matrix(
    graph: RoadGraph,
    vehicle_class: VehicleClass,
    closed: Iterable[int] = (),
    closed_turns: Collection[Turn] = (),
) -> csr_array:
    """Return the edge-to-edge matrix of one class: row to column, seconds.

    An entry is the free-flow time on the *column's* edge plus the turn into it, so a distance leaves the first edge's
    own time out.

    Parameters
    ----------
    graph
        The road graph.
    vehicle_class
        Only its edges and moves are in.
    closed
        Edge indices (or a ``(n_edges,) bool`` mask) that are taken out.
    closed_turns
        Moves (edge, edge) that are taken out.
    """
    moves = moves_of(graph, vehicle_class)
    shut = closed_mask(graph, closed)
    keep = ~(shut[moves.before] | shut[moves.after])
    keep &= allowed_turns(moves.before, moves.after, closed_turns, len(graph))
    return matrix_of(moves.before[keep], moves.after[keep], moves.cost_s[keep], len(graph))


def allowed_turns(
    before: IntArray, after: IntArray, closed_turns: Collection[Turn], size: int
) -> npt.NDArray[np.bool_]:
    """Return which of the moves are not among `closed_turns`: ``(n_moves,) bool``."""
    if not closed_turns:
        return np.ones(len(before), dtype=np.bool_)
    n = np.int64(size)
    banned = np.array([a * n + b for a, b in closed_turns], dtype=np.int64)
    return ~np.isin(before * n + after, banned)


def matrix_of(before: IntArray, after: IntArray, cost: FloatArray, size: int) -> csr_array:
    """Return a square matrix from entries that are sorted by row."""
    starts = np.zeros(size + 1, dtype=np.int32)
    np.cumsum(np.bincount(before, minlength=size), out=starts[1:])
    return csr_array((cost, after, starts), shape=(size, size))


def found_from(matrix: csr_array, start: int) -> npt.NDArray[np.bool_]:
    """Return which vertices of a matrix can be reached from `start`: ``(n,) bool``."""
    found = np.zeros(matrix.shape[0], dtype=np.bool_)
    found[breadth_first_order(matrix, start, directed=True, return_predecessors=False)] = True
    return found


def after_edge(graph: RoadGraph, edge: int, vehicle_class: VehicleClass) -> list[int]:
    """Return the edges that a class may go on to from `edge`."""
    moves = moves_of(graph, vehicle_class)
    return [int(e) for e in moves.after[moves.first_before[edge] : moves.first_before[edge + 1]]]


def before_edge(graph: RoadGraph, edge: int, vehicle_class: VehicleClass) -> list[int]:
    """Return the edges from which a class may come to `edge`."""
    moves = moves_of(graph, vehicle_class)
    rows = moves.by_after[moves.first_after[edge] : moves.first_after[edge + 1]]
    return [int(e) for e in moves.before[rows]]
