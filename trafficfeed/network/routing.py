"""Routes on the road graph for one vehicle class, with edges and turns closed; and the detour around a section."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components, dijkstra

from trafficfeed.network.plane import plane_of
from trafficfeed.network.road_graph import FloatArray, IntArray, RoadGraph
from trafficfeed.network.vehicle_classes import VehicleClass

_TURN_S = 3.0  # a turn of 30° to 150°
_U_TURN_S = 15.0
_SIGNAL_S = 5.0
_FIRST_LIMIT_S = 60.0
_MOST_STEPS_BACK = 20
_KEPT_NETWORKS = 4

Turn = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Edges in travel order, with length in metres and free-flow time in seconds (turns included)."""

    edges: tuple[int, ...]
    length_m: float
    time_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Detour:
    """A way around closed edges, from the junction where one must leave to where one is back on the street.

    `replaces_m` is the length of the direct way between the same two junctions, `factor` the detour's share of it.
    """

    edges: tuple[int, ...]
    length_m: float
    time_s: float
    replaces_m: float

    @property
    def factor(self) -> float:
        """How many times as long as the direct way."""
        return self.length_m / max(self.replaces_m, 1.0)


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


def shortest(
    graph: RoadGraph, matrix: csr_array, sources: Sequence[int], targets: Sequence[int], limit_s: float = np.inf
) -> Route | None:
    """Return the fastest route from any of `sources` to any of `targets`, both ends included; None where there is none.

    The time leaves the first edge out.
    """
    if not len(sources) or not len(targets):
        return None
    time, before, _ = dijkstra(matrix, indices=list(sources), min_only=True, return_predecessors=True, limit=limit_s)
    best = min(targets, key=lambda t: float(time[t]))
    if not np.isfinite(time[best]):
        return None
    path = [int(best)]
    while (previous := int(before[path[-1]])) >= 0:
        path.append(previous)
    path.reverse()
    return Route(edges=tuple(path), length_m=float(graph.length_m[path].sum()), time_s=float(time[best]))


def detour_around(
    graph: RoadGraph,
    edges: Sequence[int],
    closed: Iterable[int],
    vehicle_class: VehicleClass,
    closed_turns: Collection[Turn] = (),
) -> Detour | None:
    """Return the fastest way around a section, from its start to its end.

    Where a driver cannot get away from the section's first junction, the detour begins at the last junction before it
    where that is possible; likewise at the end.

    Parameters
    ----------
    graph
        The road graph.
    edges
        The section's edges in travel order; they count as closed.
    closed
        Other closed edges, indices or a mask.
    vehicle_class
        Whose detour.
    closed_turns
        Moves that are closed.

    Returns
    -------
    Detour or None
        None where there is no way around, or nobody of the class can drive through the section as it is.
    """
    shut = closed_mask(graph, closed).copy()
    shut[list(edges)] = True
    entries, exits = gates(graph, edges, shut, vehicle_class)
    if not entries or not exits:
        return None
    left = _open_network(graph, shut, vehicle_class, frozenset(closed_turns))
    key = tuple(edges)
    if key not in left.detours:
        begin = _moved_away(graph, entries, left.leads_on, vehicle_class, shut, ahead=False)
        end = _moved_away(graph, exits, left.led_to, vehicle_class, shut, ahead=True)
        left.detours[key] = _fastest(graph, edges, left.matrix, begin, end)
    return left.detours[key]


def _fastest(
    graph: RoadGraph, edges: Sequence[int], matrix: csr_array, begin: dict[int, float], end: dict[int, float]
) -> Detour | None:
    """Search near the section first, then farther away, then everywhere."""
    direct = float((graph.length_m[list(edges)] / np.maximum(graph.speed_mps[list(edges)], 0.1)).sum())
    for limit in (_FIRST_LIMIT_S + 2.5 * direct, 5 * _FIRST_LIMIT_S + 5 * direct, np.inf):
        route = shortest(graph, matrix, sorted(begin), sorted(end), limit)
        if route is not None and len(route.edges) > 2:
            return _detour(graph, edges, route, begin, end)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _OpenNetwork:
    """What is left to a class, per edge whether the bulk of it can be driven to, and from, and the detours found."""

    moves: Moves
    shut: npt.NDArray[np.bool_]
    turns: frozenset[Turn]
    matrix: csr_array
    leads_on: npt.NDArray[np.bool_]
    led_to: npt.NDArray[np.bool_]
    detours: dict[tuple[int, ...], Detour | None]


def _open_network(
    graph: RoadGraph, shut: npt.NDArray[np.bool_], vehicle_class: VehicleClass, turns: frozenset[Turn]
) -> _OpenNetwork:
    """Return the open network; the last few are kept, for sections of one closure and classes alike share them."""
    moves = moves_of(graph, vehicle_class)
    recent: list[_OpenNetwork] = graph.derived.setdefault("open", [])
    for kept in recent:
        if kept.moves is moves and kept.turns == turns and np.array_equal(kept.shut, shut):
            return kept
    matrix = routing_matrix(graph, vehicle_class, shut, turns)
    _, label = connected_components(matrix, directed=True, connection="strong")
    start = int(np.flatnonzero(label == np.bincount(label).argmax())[0])
    made = _OpenNetwork(
        moves=moves,
        shut=shut,
        turns=turns,
        matrix=matrix,
        leads_on=found_from(matrix.T.tocsr(), start),
        led_to=found_from(matrix, start),
        detours={},
    )
    graph.derived["open"] = [made, *recent[: _KEPT_NETWORKS - 1]]
    return made


def found_from(matrix: csr_array, start: int) -> npt.NDArray[np.bool_]:
    """Return which vertices of a matrix can be reached from `start`: ``(n,) bool``."""
    found = np.zeros(matrix.shape[0], dtype=np.bool_)
    found[breadth_first_order(matrix, start, directed=True, return_predecessors=False)] = True
    return found


def _detour(
    graph: RoadGraph, edges: Sequence[int], route: Route, begin: dict[int, float], end: dict[int, float]
) -> Detour:
    inner = route.edges[1:-1]
    direct = float(graph.length_m[list(edges)].sum()) + begin[route.edges[0]] + end[route.edges[-1]]
    last = float(graph.length_m[route.edges[-1]] / max(graph.speed_mps[route.edges[-1]], 0.1))
    return Detour(
        edges=inner,
        length_m=float(graph.length_m[list(inner)].sum()),
        time_s=max(route.time_s - last, 0.0),
        replaces_m=direct,
    )


def gates(
    graph: RoadGraph, edges: Sequence[int], closed: Iterable[int], vehicle_class: VehicleClass
) -> tuple[list[int], list[int]]:
    """Return the open edges that lead into a section and those that lead on from it, for one class.

    Both are empty where the class may not drive through the whole section in the first place. The section's own other
    direction is neither.
    """
    if not ((graph.access[list(edges)] & vehicle_class.bit) != 0).all():
        return [], []
    opposite, shut = plane_of(graph).opposite, closed_mask(graph, closed)
    entries = [e for e in before_edge(graph, edges[0], vehicle_class) if not shut[e] and e != opposite[edges[0]]]
    exits = [e for e in after_edge(graph, edges[-1], vehicle_class) if not shut[e] and e != opposite[edges[-1]]]
    return entries, exits


def after_edge(graph: RoadGraph, edge: int, vehicle_class: VehicleClass) -> list[int]:
    """Return the edges that a class may go on to from `edge`."""
    moves = moves_of(graph, vehicle_class)
    return [int(e) for e in moves.after[moves.first_before[edge] : moves.first_before[edge + 1]]]


def before_edge(graph: RoadGraph, edge: int, vehicle_class: VehicleClass) -> list[int]:
    """Return the edges from which a class may come to `edge`."""
    moves = moves_of(graph, vehicle_class)
    rows = moves.by_after[moves.first_after[edge] : moves.first_after[edge + 1]]
    return [int(e) for e in moves.before[rows]]


def _moved_away(
    graph: RoadGraph,
    gate: Sequence[int],
    good: npt.NDArray[np.bool_],
    vehicle_class: VehicleClass,
    shut: npt.NDArray[np.bool_],
    *,
    ahead: bool,
) -> dict[int, float]:
    """Move the gates away from the section until all are `good`; by edge, the metres moved."""
    step = after_edge if ahead else before_edge
    result: dict[int, float] = {}
    seen = set(gate)
    waiting = dict.fromkeys(gate, 0.0)
    for _ in range(_MOST_STEPS_BACK):
        result.update({e: m for e, m in waiting.items() if good[e]})
        if result:
            break  # the junction nearest to the section is where one leaves
        further = {
            e: m + float(graph.length_m[edge])
            for edge, m in waiting.items()
            for e in step(graph, edge, vehicle_class)
            if not shut[e] and e not in seen
        }
        seen.update(further)
        waiting = further
    return result
