"""Where synthetic trips begin and end: homes, activities and the gates to the outside."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from trafficfeed.network.places import PlaceKind, Places
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.vehicle_classes import VehicleClass

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
# how much of a street's length is lived on, and how much people go there to do, by road class
_LIVED_ON = {
    **dict.fromkeys(("residential", "living_street", "unclassified"), 1.0),
    "tertiary": 0.6,
    "secondary": 0.35,
    "primary": 0.15,
    "service": 0.3,
}
_GONE_TO = {
    **dict.fromkeys(("tertiary", "secondary"), 1.0),
    "primary": 0.6,
    "residential": 0.4,
    "unclassified": 0.5,
    "living_street": 0.4,
    "pedestrian": 0.3,
    "service": 0.4,
}
_GATE = {
    **dict.fromkeys(("motorway", "motorway_link", "trunk", "trunk_link"), 3.0),
    **dict.fromkeys(("primary", "primary_link"), 2.0),
    **dict.fromkeys(("secondary", "secondary_link"), 1.2),
    **dict.fromkeys(("tertiary", "tertiary_link"), 0.6),
    **dict.fromkeys(("residential", "living_street", "service"), 0.03),
}
_METRES_OF = {
    PlaceKind.ADDRESS: 25.0,
    PlaceKind.CAR_PARK: 300.0,
    PlaceKind.HOSPITAL: 1500.0,
    PlaceKind.FIRE_STATION: 0.0,
}
_SHORTEST_M = 15.0
_TYPICAL_TRIP_M = 5000.0
_TOWN_MPS = 13.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Ends of one kind: ``(n,)`` edge indices, their weights (sum 1), and whether each is a gate."""

    edge: IntArray
    weight: FloatArray
    gate: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Where trips may begin and end.

    `homes` and `activities` are usable both as origins and as destinations; `gates_in` are origins only and
    `gates_out` destinations only. `outside_share` of all trip ends lie at gates.
    """

    homes: Weights
    activities: Weights
    gates_in: Weights
    gates_out: Weights
    outside_share: float

    @property
    def gates(self) -> int:
        """How many edges lead in from outside or out to it."""
        return len(self.gates_in.edge) + len(self.gates_out.edge)


def ends_of(graph: RoadGraph, places: Places) -> Ends:
    """Weigh every edge of `graph` as an end of trips by car."""
    drivable = (graph.access & VehicleClass.PASSENGER.bit) > 0
    core, leads_in, leads_out = _reach(graph, drivable)
    lengths = np.where(graph.length_m >= _SHORTEST_M, np.minimum(graph.length_m, 400.0), 0.0)
    homes = lengths * _by_class(graph, _LIVED_ON, fast=0.0)
    activities = lengths * _by_class(graph, _GONE_TO, fast=0.05)
    for kind, edge in zip(places.kind, places.edge.tolist(), strict=True):
        if edge >= 0:
            homes[edge] += _METRES_OF[kind] if kind is PlaceKind.ADDRESS else 0.0
            activities[edge] += _METRES_OF[kind]
    entering, leaving = _gates(graph, drivable)
    gates_in = _weights(entering * leads_in, gate=True)
    gates_out = _weights(leaving * leads_out, gate=True)
    reach_m = float(np.linalg.norm(np.ptp(_plane(graph), axis=0))) if len(graph.node_ids) else 0.0
    outside = _TYPICAL_TRIP_M / (_TYPICAL_TRIP_M + reach_m)
    return Ends(
        homes=_weights(np.where(core, homes, 0.0), gate=False),
        activities=_weights(np.where(core, activities, 0.0), gate=False),
        gates_in=gates_in,
        gates_out=gates_out,
        outside_share=outside if len(gates_in.edge) and len(gates_out.edge) else 0.0,
    )


def _weights(values: FloatArray, *, gate: bool) -> Weights:
    edge = np.flatnonzero(values > 0)
    chosen = values[edge]
    return Weights(edge=edge, weight=chosen / max(chosen.sum(), 1e-12), gate=np.full(len(edge), gate))


def _by_class(graph: RoadGraph, table: dict[str, float], *, fast: float) -> FloatArray:
    """Return ``(n_edges,)`` the table's value; by speed where the class is unknown."""
    unknown = np.interp(graph.speed_mps, [8.0, 14.0, 17.0, 23.0], [0.8, 1.0, 0.4, fast])
    values = np.array([table.get(h, fast) if h else np.nan for h in graph.highway], np.float64)
    return np.where(np.isnan(values), unknown, values)


def _reach(
    graph: RoadGraph, drivable: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return ``(n_edges,) bool`` each: the part where all is reachable from all, what leads there, where it leads."""
    usable = (graph.turn_access & VehicleClass.PASSENGER.bit) > 0
    usable &= drivable[graph.turn_from] & drivable[graph.turn_to]
    size = len(graph)
    moves = csr_matrix((np.ones(usable.sum()), (graph.turn_from[usable], graph.turn_to[usable])), shape=(size, size))
    _, part = connected_components(moves, directed=True, connection="strong")
    core = drivable & (part == np.argmax(np.bincount(part[drivable], minlength=1))) if drivable.any() else drivable
    return core, core | _spread(moves.T.tocsr(), core), core | _spread(moves, core)


def _spread(moves: csr_matrix, start: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return ``(n_edges,) bool``: what can be reached from `start`."""
    reached, size = start.copy(), -1
    while reached.sum() != size:
        size = int(reached.sum())
        reached |= (moves.T @ reached.astype(np.float64)) > 0
    return reached


def _gates(graph: RoadGraph, drivable: npt.NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Return ``(n_edges,)`` the weight of each edge as an entry and as an exit of the network.

    A gate's outer node is joined to one other node at most, and lies near the outline of the network.
    """
    count = len(graph.node_ids)
    start, end = graph.from_node[drivable], graph.to_node[drivable]
    pairs = np.unique(np.concatenate([np.stack([start, end], 1), np.stack([end, start], 1)]), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    neighbours = np.bincount(pairs[:, 0], minlength=count)
    comes_in = np.bincount(end, minlength=count) > 0
    goes_out = np.bincount(start, minlength=count) > 0
    outer = (neighbours <= 1) | ~comes_in | ~goes_out
    points = _plane(graph)
    extent = max(float(np.linalg.norm(np.ptp(points, axis=0))), 1.0)
    border = np.minimum(points - points.min(axis=0), points.max(axis=0) - points).min(axis=1)
    near = np.exp(-((border / (0.12 * extent)) ** 2)) * outer
    by_class = np.array([_GATE.get(h, 0.3) for h in graph.highway])
    weight = by_class * graph.lane_count * (graph.speed_mps / _TOWN_MPS) ** 1.5 * drivable
    return weight * near[graph.from_node], weight * near[graph.to_node]


def _plane(graph: RoadGraph) -> FloatArray:
    """Return ``(n_nodes, 2)`` metres on a plane that touches the middle of the city: good enough for distances."""
    lonlat = graph.node_lonlat
    middle = np.radians(float(np.mean(lonlat[:, 1]))) if len(lonlat) else 0.0
    scale = np.array([111_320.0 * np.cos(middle), 111_320.0])
    plane: FloatArray = lonlat * scale
    return plane
