"""Vehicles whose start, destination or stops are shut: what the plan does with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from lxml import etree
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import breadth_first_order, connected_components, dijkstra
from scipy.spatial import cKDTree

from trafficfeed.network.vehicle_classes import VehicleClass
from trafficfeed.simulation.departures import Demand, Vehicle
from trafficfeed.simulation.interventions import EdgeClosure
from trafficfeed.simulation.sumo_network import SumoNetwork

_SLACK = 2.0
_SLACK_S = 120.0
_MOST_TREES = 500  # of 0.2 MB each on 50,000 edges
_CLASSES = frozenset(str(c) for c in VehicleClass)


@dataclass(frozen=True, slots=True, kw_only=True)
class Displaced:
    """The plan's demand: the same vehicles, and which of them begin or end elsewhere or miss stops."""

    demand: Demand
    ended_short: frozenset[str]
    rerouted: frozenset[str]
    stops_skipped: int


def displace(
    demand: Demand, network: SumoNetwork, closures: Sequence[EdgeClosure], stop_edges: Mapping[str, str]
) -> Displaced:
    """Give every vehicle that cannot start, end or stop where it wants the nearest place where it can.

    A start or destination inside a closure that does not permit the vehicle's class, at the time when the vehicle is
    there, or cut off from the rest of the network by it, moves to the nearest open street that is not (the way between
    them is walked). A vehicle with stops (a bus) is led round the closure by the shortest way between its other stops.
    Residents, whose start or destination lies inside a closure that permits ``custom1``, keep both and get a permit.

    Parameters
    ----------
    stop_edges
        The edge of each stopping place (bus stop …) by its id.
    """
    work = _Work(network=network, closures=closures, stop_edges=stop_edges)
    vehicles = [work.treated(v) for v in demand.vehicles]
    types = dict(demand.types)
    for name, original in sorted(work.permit_types.items()):
        types[name] = _permit_type(name, original, demand.types.get(original))
    return Displaced(
        demand=Demand(types=types, vehicles=vehicles),
        ended_short=frozenset(work.ended_short),
        rerouted=frozenset(work.rerouted),
        stops_skipped=work.stops_skipped,
    )


@dataclass(slots=True, kw_only=True)
class _Work:
    network: SumoNetwork
    closures: Sequence[EdgeClosure]
    stop_edges: Mapping[str, str]
    ended_short: set[str] = field(default_factory=set)
    rerouted: set[str] = field(default_factory=set)
    stops_skipped: int = 0
    permit_types: dict[str, str] = field(default_factory=dict)
    _open: dict[tuple[str, frozenset[int]], "_OpenStreets"] = field(default_factory=dict)

    def treated(self, vehicle: Vehicle) -> Vehicle:
        start, end = self._span(vehicle)
        against = frozenset(
            i
            for i, c in enumerate(self.closures)
            if vehicle.vehicle_class not in c.permitted and c.begin_s < end and start < c.end_s
        )
        if not against or vehicle.vehicle_class not in _CLASSES:
            return vehicle
        at_origin = self._shut(vehicle.origin, against, start, start + 1.0)
        at_end = self._shut(vehicle.destination, against, *self._arrival(vehicle))
        if not (at_origin and at_end):
            lost_origin, lost_end = self._cut_off(vehicle, against)
            at_origin, at_end = at_origin or lost_origin, at_end or lost_end
        if at_origin or at_end:
            resident = self._resident(vehicle, against)
            return resident if resident is not None else self._moved(vehicle, against, at_origin, at_end)
        if vehicle.has_stops and vehicle.edges:
            return self._led_round(vehicle, against)
        return vehicle

    def _free_flow_s(self, vehicle: Vehicle) -> float:
        known = [self.network.index[e] for e in vehicle.edges if e in self.network.index]
        return float(np.sum(self.network.length_m[known] / np.maximum(self.network.speed_mps[known], 0.1)))

    def _span(self, vehicle: Vehicle) -> tuple[float, float]:
        return vehicle.depart_s, self._arrival(vehicle)[1]

    def _arrival(self, vehicle: Vehicle) -> tuple[float, float]:
        """Return between which times it probably arrives; a trip without a route is taken to drive for 10 min."""
        driving = self._free_flow_s(vehicle) if vehicle.edges else 600.0
        earliest = vehicle.depart_s + driving + _stopping_s(vehicle)
        return earliest, earliest + (_SLACK - 1.0) * driving + _SLACK_S

    def _shut(self, edge: str, against: frozenset[int], begin: float, end: float) -> bool:
        return any(
            edge in self.closures[i].edges and self.closures[i].begin_s < end and begin < self.closures[i].end_s
            for i in against
        )

    def _cut_off(self, vehicle: Vehicle, against: frozenset[int]) -> tuple[bool, bool]:
        """Tell whether closures on its way leave its start without a way out, and its destination without a way in."""
        arrival = self._arrival(vehicle)[0]
        met = frozenset(i for i in against if self.closures[i].begin_s <= arrival < self.closures[i].end_s)
        closed = {e for i in met for e in self.closures[i].edges}
        if not met or (vehicle.edges and closed.isdisjoint(vehicle.edges)):
            return False, False
        before, now = self._streets(vehicle, frozenset()), self._streets(vehicle, met)
        start, goal = (self.network.index.get(e, -1) for e in (vehicle.origin, vehicle.destination))
        return (
            bool(before.leads[start] and not now.leads[start]) if start >= 0 else False,
            bool(before.reached[goal] and not now.reached[goal]) if goal >= 0 else False,
        )

    def _resident(self, vehicle: Vehicle, against: frozenset[int]) -> Vehicle | None:
        ends = (vehicle.origin, vehicle.destination)
        touched = [self.closures[i] for i in against if any(e in self.closures[i].edges for e in ends)]
        barred = not touched or any(VehicleClass.CUSTOM1 not in c.permitted for c in touched)
        if vehicle.vehicle_class != "passenger" or barred:
            return None
        admitted = self.network.admits("custom1")
        if not all(admitted[self.network.index[e]] for e in vehicle.edges if e in self.network.index):
            return None
        name = f"{vehicle.type_id}:permit"
        self.permit_types[name] = vehicle.type_id
        return replace(vehicle, type_id=name, vehicle_class="custom1")

    def _streets(self, vehicle: Vehicle, against: frozenset[int]) -> "_OpenStreets":
        key = (vehicle.vehicle_class, against)
        if key not in self._open:
            closed = {e for i in against for e in self.closures[i].edges}
            self._open[key] = _OpenStreets(self.network, vehicle.vehicle_class, closed)
        return self._open[key]

    def _moved(self, vehicle: Vehicle, against: frozenset[int], at_origin: bool, at_end: bool) -> Vehicle:
        streets = self._streets(vehicle, against)
        index = self.network.index
        origin, other_origin = index.get(vehicle.origin, -1), streets.nearest(vehicle.origin)
        target, other_target = index.get(vehicle.destination, -1), streets.nearest(vehicle.destination)
        first = (other_origin if at_origin else origin, other_target if at_end else target)
        choices = (first, (first[0], other_target), (other_origin, other_target))
        route = next((way for start, goal in choices if (way := streets.route(start, goal))), ())
        if not route:  # no way round: it meets the barrier, and that is a result
            return vehicle
        self.ended_short.add(vehicle.id)
        self.stops_skipped += sum(child.startswith("<stop") for child in vehicle.children)
        drop = {"from", "to", "via", "departPos", "departLane", "arrivalPos", "arrivalLane", "departSpeed"}
        kept = {k: v for k, v in vehicle.attributes.items() if k not in drop}
        params = tuple(c for c in vehicle.children if not c.startswith("<stop"))
        return replace(vehicle, edges=route, attributes={"departLane": "best", **kept}, children=params)

    def _led_round(self, vehicle: Vehicle, against: frozenset[int]) -> Vehicle:
        closed = {e for i in against for e in self.closures[i].edges}
        if closed.isdisjoint(vehicle.edges):
            return vehicle
        stops = [(c, _stop_edge(c, self.stop_edges)) for c in vehicle.children if c.startswith("<stop")]
        kept = [(child, edge) for child, edge in stops if edge not in closed]
        points = [vehicle.origin, *(edge for _, edge in kept), vehicle.destination]
        route = self._through(points, vehicle, self._streets(vehicle, against), closed)
        if route is None:
            return vehicle
        self.rerouted.add(vehicle.id)
        self.stops_skipped += len(stops) - len(kept)
        others = tuple(c for c in vehicle.children if not c.startswith("<stop"))
        return replace(vehicle, edges=route, children=tuple(child for child, _ in kept) + others)

    def _through(
        self, points: Sequence[str], vehicle: Vehicle, streets: "_OpenStreets", closed: set[str]
    ) -> tuple[str, ...] | None:
        """Return a way through `points`: the vehicle's own between two of them where it is open, else the shortest."""
        route: list[str] = [points[0]]
        place = 0
        for start, goal in pairwise(points):
            later = next((i for i in range(place, len(vehicle.edges)) if vehicle.edges[i] == goal), None)
            if later is None:
                return None
            own = vehicle.edges[place : later + 1]
            leg: Sequence[str] = own
            if not closed.isdisjoint(own):
                leg = streets.route(self.network.index.get(start, -1), self.network.index.get(goal, -1))
            if not leg:
                return None
            route.extend(leg[1:])
            place = later
        return tuple(route)


class _OpenStreets:
    """The streets that one vehicle class may use while certain edges are closed.

    `leads` and `reached` ``(n_edges,) bool`` tell from which edges the rest of the network can be reached, and which
    can be reached from it.
    """

    def __init__(self, network: SumoNetwork, vehicle_class: str, closed: set[str]) -> None:
        self._network = network
        self._admitted: npt.NDArray[np.bool_] = network.admits(vehicle_class)
        self._admitted[[network.index[e] for e in closed if e in network.index]] = False
        self._graph: csr_matrix = network.routing_matrix(self._admitted)
        _, component = connected_components(self._graph, directed=True, connection="strong")
        sizes = np.bincount(component[self._admitted]) if self._admitted.any() else np.zeros(1, int)
        usable = self._admitted & (component == int(np.argmax(sizes)))
        self._usable = np.flatnonzero(usable)
        self.leads = self._spread(self._graph.T.tocsr())
        self.reached = self._spread(self._graph)
        self._tree = cKDTree(network.middle[self._usable]) if len(self._usable) else None
        self._trees: dict[int, npt.NDArray[np.int32]] = {}

    def _spread(self, graph: csr_matrix) -> npt.NDArray[np.bool_]:
        """Return ``(n_edges,) bool``: what can be reached in `graph` from the part where all is reachable from all."""
        reached = np.zeros(graph.shape[0], np.bool_)
        if len(self._usable):
            reached[breadth_first_order(graph, int(self._usable[0]), return_predecessors=False)] = True
        return reached

    def nearest(self, edge: str) -> int:
        """Return the usable edge nearest to `edge`, -1 where there is none."""
        if self._tree is None or edge not in self._network.index:
            return -1
        _, place = self._tree.query(self._network.middle[self._network.index[edge]])
        return int(self._usable[int(place)])

    def route(self, origin: int, target: int) -> tuple[str, ...]:
        """Return the fastest way (free flow) from edge to edge, () where there is none."""
        if origin < 0 or target < 0:
            return ()
        if origin not in self._trees:
            if len(self._trees) >= _MOST_TREES:
                self._trees.clear()
            _, trees = dijkstra(self._graph, indices=[origin], return_predecessors=True)
            self._trees[origin] = trees[0]
        way = [target]
        while way[-1] != origin:
            before = int(self._trees[origin][way[-1]])
            if before < 0:
                return ()
            way.append(before)
        return tuple(self._network.edge_ids[e] for e in reversed(way))


def _stopping_s(vehicle: Vehicle) -> float:
    total = 0.0
    for child in vehicle.children:
        if child.startswith("<stop"):
            total += float(etree.fromstring(child).get("duration", "20"))
    return total


def _stop_edge(child: str, stop_edges: Mapping[str, str]) -> str:
    stop = etree.fromstring(child)
    for key in ("busStop", "trainStop", "containerStop", "parkingArea", "chargingStation"):
        if place := stop.get(key):
            return stop_edges.get(place, "")
    return stop.get("edge") or stop.get("lane", "").rpartition("_")[0]


def _permit_type(name: str, original: str, xml: str | None) -> str:
    element = etree.fromstring(xml) if xml is not None else etree.Element("vType", id=original)
    element.set("id", name)
    element.set("vClass", "custom1")
    return etree.tostring(element, encoding="unicode")
