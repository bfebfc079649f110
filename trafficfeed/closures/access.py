"""Who may still pass where a measure holds, by vehicle class."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from trafficfeed.closures.lanes import closed_lanes, traffic_lanes
from trafficfeed.closures.orders import (
    Closure,
    Exemption,
    Hazard,
    LanesClosed,
    Measure,
    Metering,
    OneWay,
    Rule,
    SpeedLimit,
    TurnBan,
    VehicleRestriction,
)
from trafficfeed.network.road_graph import IntArray, RoadGraph
from trafficfeed.network.sections import Resolved
from trafficfeed.network.vehicle_classes import VehicleClass


@dataclass(frozen=True, slots=True, kw_only=True)
class NominalVehicle:
    """The size that a class counts as, where a limit is set; t and m."""

    weight_t: float
    height_m: float
    width_m: float
    length_m: float


NOMINAL = {
    VehicleClass.PASSENGER: NominalVehicle(weight_t=2.0, height_m=1.6, width_m=1.9, length_m=5.0),
    VehicleClass.TAXI: NominalVehicle(weight_t=2.0, height_m=1.6, width_m=1.9, length_m=5.0),
    VehicleClass.CUSTOM1: NominalVehicle(weight_t=2.0, height_m=1.6, width_m=1.9, length_m=5.0),
    VehicleClass.AUTHORITY: NominalVehicle(weight_t=2.5, height_m=2.0, width_m=2.0, length_m=5.5),
    VehicleClass.MOTORCYCLE: NominalVehicle(weight_t=0.3, height_m=1.5, width_m=0.9, length_m=2.2),
    VehicleClass.BICYCLE: NominalVehicle(weight_t=0.1, height_m=1.8, width_m=0.7, length_m=1.8),
    VehicleClass.DELIVERY: NominalVehicle(weight_t=3.5, height_m=2.7, width_m=2.1, length_m=6.5),
    VehicleClass.EMERGENCY: NominalVehicle(weight_t=16.0, height_m=3.3, width_m=2.5, length_m=9.0),
    VehicleClass.BUS: NominalVehicle(weight_t=18.0, height_m=3.2, width_m=2.55, length_m=12.0),
    VehicleClass.COACH: NominalVehicle(weight_t=19.5, height_m=3.8, width_m=2.55, length_m=13.5),
    VehicleClass.TRUCK: NominalVehicle(weight_t=18.0, height_m=4.0, width_m=2.55, length_m=12.0),
    VehicleClass.TRAILER: NominalVehicle(weight_t=40.0, height_m=4.0, width_m=2.55, length_m=16.5),
}
"""Heavy vehicles by the maxima of Directive 96/53/EC, annex I; an emergency vehicle counts as a fire engine."""

_EXEMPT = {
    Exemption.EMERGENCY: {VehicleClass.EMERGENCY, VehicleClass.AUTHORITY},
    Exemption.BUS: {VehicleClass.BUS, VehicleClass.COACH},
    Exemption.TAXI: {VehicleClass.TAXI},
    Exemption.DELIVERY: {VehicleClass.DELIVERY},
    Exemption.BICYCLE: {VehicleClass.BICYCLE},
    Exemption.RESIDENTS: {VehicleClass.CUSTOM1},
    Exemption.PERMIT: {VehicleClass.CUSTOM1},
}
_ALL = frozenset(VehicleClass)


def permitted_classes(rule: Rule, exceptions: Collection[Exemption]) -> frozenset[VehicleClass]:
    """Return the classes that may still use what `rule` acts on: the closed lanes, the closed direction, the move.

    Residents and permit holders are ``CUSTOM1``. A speed limit, a metered release and a hazard let everybody pass.
    Exceptions always hold, against a limit of weight or height too: an officer who closes a low bridge has to leave
    them out.
    """
    exempt = frozenset(c for exemption in exceptions for c in _EXEMPT[exemption])
    match rule:
        case SpeedLimit() | Metering() | Hazard():
            return _ALL
        case Closure() | LanesClosed() | OneWay() | TurnBan():
            return exempt
        case VehicleRestriction():
            return exempt | _within(rule)


def _within(rule: VehicleRestriction) -> frozenset[VehicleClass]:
    allowed = frozenset(rule.only) if rule.only else _ALL
    allowed -= frozenset(rule.banned)
    if rule.permit is not None:
        allowed &= {VehicleClass.CUSTOM1}
    return frozenset(c for c in allowed if _fits(NOMINAL[c], rule))


def _fits(vehicle: NominalVehicle, rule: VehicleRestriction) -> bool:
    pairs = (
        (vehicle.weight_t, rule.max_weight_t),
        (vehicle.height_m, rule.max_height_m),
        (vehicle.width_m, rule.max_width_m),
        (vehicle.length_m, rule.max_length_m),
    )
    return all(limit is None or size <= limit for size, limit in pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shut:
    """What a measure shuts to one class: edges (indices, sorted) and moves."""

    edges: IntArray
    turns: frozenset[tuple[int, int]] = frozenset()

    def __bool__(self) -> bool:
        return bool(len(self.edges) or self.turns)


def all_shut(shuts: Iterable[Shut]) -> Shut:
    """Return what several measures shut together."""
    each = list(shuts)
    edges = np.unique(np.concatenate([np.empty(0, dtype=np.int32), *(shut.edges for shut in each)]))
    return Shut(edges=edges, turns=frozenset[tuple[int, int]]().union(*(shut.turns for shut in each)))


def shut_to(graph: RoadGraph, measure: Measure, resolved: Resolved, vehicle_class: VehicleClass) -> Shut:
    """Return what `measure` shuts to a class; with lanes closed, the edges on which no lane is left to it."""
    if vehicle_class in permitted_classes(measure.rule, measure.exceptions):
        return Shut(edges=np.empty(0, dtype=np.int32))
    edges = [e for s in resolved.sections for e in s.edges]
    return Shut(edges=_shut_edges(graph, edges, measure.rule, vehicle_class), turns=frozenset(resolved.turns))


def shut_along(
    graph: RoadGraph,
    edges: Sequence[int],
    rule: Rule,
    exceptions: Collection[Exemption],
    vehicle_class: VehicleClass,
) -> Shut:
    """Return what a rule shuts to a class along consecutive `edges`; a ban to turn acts between the first and last."""
    if not edges or vehicle_class in permitted_classes(rule, exceptions):
        return Shut(edges=np.empty(0, dtype=np.int32))
    if isinstance(rule, TurnBan):
        return Shut(edges=np.empty(0, dtype=np.int32), turns=frozenset({(edges[0], edges[-1])}))
    return Shut(edges=_shut_edges(graph, edges, rule, vehicle_class))


def _shut_edges(graph: RoadGraph, acted_on: Sequence[int], rule: Rule, vehicle_class: VehicleClass) -> IntArray:
    edges = np.unique(np.array(acted_on, dtype=np.int32))
    edges = edges[(graph.access[edges] & _lets_in(vehicle_class)) != 0]
    if isinstance(rule, LanesClosed):
        edges = np.array([e for e in edges if not _lane_left(graph, int(e), rule, vehicle_class)], dtype=np.int32)
    return np.asarray(edges)


def _lane_left(graph: RoadGraph, edge: int, rule: LanesClosed, vehicle_class: VehicleClass) -> bool:
    shut, let_in = closed_lanes(graph, edge, rule.lanes), _lets_in(vehicle_class)
    return any(mask & let_in for lane, mask in enumerate(graph.lane_access[edge]) if lane not in shut)


def _lets_in(vehicle_class: VehicleClass) -> int:
    """The lanes that a class may use; who holds a permit drives a car, and may use what cars may use."""
    permit_holder = vehicle_class is VehicleClass.CUSTOM1
    return vehicle_class.bit | (VehicleClass.PASSENGER.bit if permit_holder else 0)


def lanes_closed_everywhere(graph: RoadGraph, edge: int, rule: LanesClosed) -> bool:
    """Tell whether `rule` closes every lane of an edge that admits any motor vehicle."""
    return len(closed_lanes(graph, edge, rule.lanes)) == len(traffic_lanes(graph, edge))
