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
_FIRST_LIMIT_S = 300.0
_MOST_STEPS_BACK = 20

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arcs:
    """Moves of one class, sorted by `before`; the cost is the time on `after` and the turn into it."""

    before: IntArray
    after: IntArray
    cost_s: FloatArray


def _arcs_of(graph: RoadGraph, vehicle_class: VehicleClass) -> _Arcs:
    key = ("arcs", vehicle_class)
    kept = graph.derived.get(key)
    if not isinstance(kept, _Arcs):
        kept = graph.derived[key] = _made_arcs(graph, vehicle_class)
    return kept


def _made_arcs(graph: RoadGraph, vehicle_class: VehicleClass) -> _Arcs:
    bit = vehicle_class.bit
    before, after, cost = _all_arcs(graph)
    allowed = (graph.access & bit) != 0
    moves = ((_turn_masks(graph) & bit) != 0) & allowed[before] & allowed[after]
    return _Arcs(before=before[moves], after=after[moves], cost_s=cost[moves])


def _turn_order(graph: RoadGraph) -> npt.NDArray[np.intp]:
    return np.lexsort((graph.turn_to, graph.turn_from))


def _turn_masks(graph: RoadGraph) -> IntArray:
    return np.asarray(graph.turn_access[_turn_order(graph)])


def _all_arcs(graph: RoadGraph) -> tuple[IntArray, IntArray, FloatArray]:
    kept = graph.derived.get("arcs")
    if not isinstance(kept, tuple):
        plane = plane_of(graph)
        order = _turn_order(graph)
        before, after = graph.turn_from[order], graph.turn_to[order]
        angle = plane.heading_out[after] - plane.heading_in[before]
        angle = np.abs((angle + np.pi) % (2 * np.pi) - np.pi)
        turning = np.select([angle < np.radians(30), angle < np.radians(150)], [0.0, _TURN_S], _U_TURN_S)
        cost = travel_time_s(graph)[after] + turning + _SIGNAL_S * graph.node_signalised[graph.to_node[before]]
        kept = graph.derived["arcs"] = (before, after, cost)
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
    arcs = _arcs_of(graph, vehicle_class)
    shut = closed_mask(graph, closed)
    keep = ~(shut[arcs.before] | shut[arcs.after])
    if closed_turns:
        n = np.int64(len(graph))
        banned = np.array([a * n + b for a, b in closed_turns], dtype=np.int64)
        keep &= ~np.isin(arcs.before * n + arcs.after, banned)
    before, after, cost = arcs.before[keep], arcs.after[keep], arcs.cost_s[keep]
    starts = np.searchsorted(before, np.arange(len(graph) + 1)).astype(np.int32)
    return csr_array((cost, after, starts), shape=(len(graph), len(graph)))


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
    begin = _moved_away(graph, entries, left.leads_on, vehicle_class, shut, ahead=False)
    end = _moved_away(graph, exits, left.led_to, vehicle_class, shut, ahead=True)
    first = _FIRST_LIMIT_S + 4 * float(travel_time_s(graph)[list(edges)].sum())
    for limit in (first, np.inf):
        route = shortest(graph, left.matrix, sorted(begin), sorted(end), limit)
        if route is not None and len(route.edges) > 2:
            return _detour(graph, edges, route, begin, end)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _OpenNetwork:
    """What is left to a class, and per edge whether the bulk of it can be driven to, and from."""

    shut: npt.NDArray[np.bool_]
    turns: frozenset[Turn]
    matrix: csr_array
    leads_on: npt.NDArray[np.bool_]
    led_to: npt.NDArray[np.bool_]


def _open_network(
    graph: RoadGraph, shut: npt.NDArray[np.bool_], vehicle_class: VehicleClass, turns: frozenset[Turn]
) -> _OpenNetwork:
    """Return the open network; the last one of each class is kept, for the sections of one closure share it."""
    kept = graph.derived.get(("open", vehicle_class))
    if isinstance(kept, _OpenNetwork) and kept.turns == turns and np.array_equal(kept.shut, shut):
        return kept
    matrix = routing_matrix(graph, vehicle_class, shut, turns)
    _, label = connected_components(matrix, directed=True, connection="strong")
    start = int(np.flatnonzero(label == np.bincount(label).argmax())[0])
    made = _OpenNetwork(
        shut=shut,
        turns=turns,
        matrix=matrix,
        leads_on=found_from(matrix.T.tocsr(), start),
        led_to=found_from(matrix, start),
    )
    graph.derived["open", vehicle_class] = made
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
    last = float(travel_time_s(graph)[route.edges[-1]])
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
    arcs = _arcs_of(graph, vehicle_class)
    low, high = np.searchsorted(arcs.before, [edge, edge + 1])
    return [int(e) for e in arcs.after[low:high]]


def before_edge(graph: RoadGraph, edge: int, vehicle_class: VehicleClass) -> list[int]:
    """Return the edges from which a class may come to `edge`."""
    order, after = _arcs_by_after(graph, vehicle_class)
    low, high = np.searchsorted(after, [edge, edge + 1])
    return [int(e) for e in _arcs_of(graph, vehicle_class).before[order[low:high]]]


def _arcs_by_after(graph: RoadGraph, vehicle_class: VehicleClass) -> tuple[npt.NDArray[np.intp], IntArray]:
    key = ("arcs by after", vehicle_class)
    kept = graph.derived.get(key)
    if not isinstance(kept, tuple):
        arcs = _arcs_of(graph, vehicle_class)
        order = np.argsort(arcs.after, kind="stable")
        kept = graph.derived[key] = (order, arcs.after[order])
    return kept


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
