"""The fastest route for a vehicle class, and the detour around a closed section."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from trafficfeed.network.moves import (
    Moves,
    Turn,
    after_edge,
    before_edge,
    closed_mask,
    found_from,
    moves_of,
    routing_matrix,
)
from trafficfeed.network.plane import plane_of
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.vehicle_classes import VehicleClass

_FIRST_LIMIT_S = 60.0
_MOST_STEPS_BACK = 20
_KEPT_NETWORKS = 4


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
