"""The approaches of a junction that people direct, and which of them cross; of a real intersection or of the graph."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, product
from math import atan2, cos, degrees, radians
from typing import Final

import numpy as np
import shapely
import shapely.ops

from trafficfeed.errors import OrderInvalid
from trafficfeed.findings import Finding, Severity
from trafficfeed.network.naming import compass
from trafficfeed.network.plane import Plane, plane_of, turn_angle
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.vehicle_classes import MOTOR_CLASSES, mask_of
from trafficfeed.signals.geometric_conflicts import conflicts_of
from trafficfeed.signals.topology import Intersection, Manoeuvre, SignalConnection, SignalGroup, SignalLane
from trafficfeed.signals.virtual import VirtualApproach, VirtualJunction

NEAREST_M: Final = 60.0
_JOINED_M: Final = 30.0  # nodes so near, with no more than that between them, are one junction to who stands on it
_REACH_M: Final = 150.0
_STOP_M: Final = 10.0  # a stop line is so far from the middle
_STRAIGHT: Final = np.radians(35.0)
_U_TURN: Final = np.radians(160.0)
_OPPOSITE_DEG: Final = 45.0
_MOTOR: Final = mask_of(MOTOR_CLASSES)


def junction_of(intersection: Intersection) -> VirtualJunction:
    """Return the approaches of a signalised intersection, clockwise as its topology numbers them.

    Opposite approaches may go together, their turning streams give way; any others whose moves cross may not.

    Raises
    ------
    OrderInvalid
        If no signal group of it is known to rule vehicles.
    """
    lanes = {lane.id: lane for lane in intersection.lanes}
    groups: dict[int, set[int]] = {}
    for move in intersection.connections:
        lane = lanes.get(move.from_lane)
        if move.group is not None and lane is not None and "pedestrian" not in lane.vehicles:
            groups.setdefault(lane.approach, set()).add(move.group)
    if not groups:
        message = f"intersection {intersection.id} has no approach for vehicles"
        raise _refused("junction", message, "give the place as lon, lat instead")
    by_approach = {lane.approach: lane for lane in reversed(intersection.lanes) if lane.ingress}
    approaches = tuple(
        VirtualApproach(id=id, name=_name(by_approach[id], intersection), groups=tuple(sorted(groups[id])))
        for id in sorted(groups)
    )
    shared = _sharing(approaches)
    crossing = _crossing(intersection, groups, by_approach)
    return VirtualJunction(intersection=intersection, approaches=approaches, conflicts=tuple(sorted(crossing - shared)))


def junction_at(graph: RoadGraph, lonlat: tuple[float, float], *, id: str, number: int) -> VirtualJunction:
    """Return the junction nearest to a place, with an approach and a signal group for each street that leads to it.

    Parameters
    ----------
    graph
        The city's.
    lonlat
        EPSG:4326 lon, lat.
    id, number
        Public id and MAP number of the intersection that is made.

    Raises
    ------
    OrderInvalid
        If no junction where streets meet is within 60 m.
    """
    plane = plane_of(graph)
    nodes = _nodes_at(graph, plane, lonlat)
    if not nodes:
        message = f"there is no junction within {NEAREST_M:g} m of {lonlat[0]:.5f},{lonlat[1]:.5f}"
        raise _refused("junction", message, "give lon, lat (in this order) of the middle of the junction")
    inside, arriving, leaving = _arms(graph, plane, nodes)
    moves = _moves(graph, inside, arriving, leaving)
    lanes = _lanes(graph, plane, arriving, leaving)
    number_of = {edge: n for n, edge in enumerate((*arriving, *leaving), 1)}
    connections = tuple(
        SignalConnection(
            id=n,
            from_lane=number_of[a],
            to_lane=number_of[b],
            manoeuvre=_manoeuvre(plane, a, b),
            group=arriving.index(a) + 1,
        )
        for n, (a, b) in enumerate(moves, 1)
    )
    made = Intersection(
        id=id,
        number=number,
        region=0,
        name=_title(graph, arriving, leaving) or id,
        lonlat=tuple(np.round(graph.node_lonlat[nodes].mean(axis=0), 7).tolist()),
        lanes=lanes,
        connections=connections,
        groups=tuple(_group(lane, n, connections) for n, lane in enumerate(lanes[: len(arriving)], 1)),
        conflicts=(),
    )
    ingress = lanes[: len(arriving)]
    # Lines from middle to middle tell nothing of what crosses: only who comes head-on may go at the same time.
    conflicts = tuple((a.approach, b.approach) for a, b in combinations(ingress, 2) if not _opposite(a, b))
    approaches = tuple(
        VirtualApproach(id=lane.approach, name=_name(lane, made), groups=(lane.approach,)) for lane in ingress
    )
    return VirtualJunction(intersection=replace(made, conflicts=conflicts), approaches=approaches, conflicts=conflicts)


def _nodes_at(graph: RoadGraph, plane: Plane, lonlat: tuple[float, float]) -> list[int]:
    """Return the nearest node where streets meet, and those joined to it by edges that end within the same junction."""
    gap = np.hypot(*(plane.node_xy - plane.to_xy(lonlat)).T)
    nearest = [int(n) for n in np.argsort(gap)[:20] if gap[n] <= NEAREST_M]
    centre = next((n for n in nearest if _meets(graph, n)), None)
    if centre is None:
        return []
    short = graph.length_m <= _JOINED_M
    near = {int(n) for n in np.flatnonzero(np.hypot(*(plane.node_xy - plane.node_xy[centre]).T) <= _JOINED_M)}
    joined = {centre}
    for _ in range(3):
        touching = np.isin(graph.from_node, list(joined)) | np.isin(graph.to_node, list(joined))
        for edge in np.flatnonzero(short & touching):
            ends = {int(graph.from_node[edge]), int(graph.to_node[edge])}
            if ends <= near and all(_meets(graph, n) for n in ends):
                joined |= ends
    return sorted(joined)


def _meets(graph: RoadGraph, node: int) -> bool:
    """Tell whether more than one street can be taken at a node, or more than one comes to it."""
    motor = (graph.access & _MOTOR) != 0
    before = graph.from_node[motor & (graph.to_node == node)]
    after = graph.to_node[motor & (graph.from_node == node)]
    return len({*before.tolist(), *after.tolist()} - {node}) > 2


def _arms(graph: RoadGraph, plane: Plane, nodes: Sequence[int]) -> tuple[set[int], list[int], list[int]]:
    """Return the edges inside the junction, those that arrive, and those that leave, both clockwise from north."""
    motor = (graph.access & _MOTOR) != 0
    comes = motor & np.isin(graph.to_node, nodes)
    goes = motor & np.isin(graph.from_node, nodes)
    inside = {int(e) for e in np.flatnonzero(comes & goes)}
    away_in = (90.0 - np.degrees(plane.heading_in) + 180.0) % 360.0
    away_out = (90.0 - np.degrees(plane.heading_out)) % 360.0
    arriving = sorted((int(e) for e in np.flatnonzero(comes & ~goes)), key=lambda e: (round(float(away_in[e]), 1), e))
    leaving = sorted((int(e) for e in np.flatnonzero(goes & ~comes)), key=lambda e: (round(float(away_out[e]), 1), e))
    return inside, arriving, leaving


def _moves(
    graph: RoadGraph, inside: set[int], arriving: Sequence[int], leaving: Sequence[int]
) -> list[tuple[int, int]]:
    """Return the pairs of arms that one may go between, through the edges inside."""
    motor = (graph.turn_access & _MOTOR) != 0
    following: dict[int, list[int]] = {}
    wanted = np.isin(graph.turn_from, [*arriving, *inside]) & motor
    for a, b in zip(graph.turn_from[wanted].tolist(), graph.turn_to[wanted].tolist(), strict=True):
        following.setdefault(a, []).append(b)
    found = []
    for start in arriving:
        reached, waiting = {start}, [start]
        while waiting:
            for edge in following.get(waiting.pop(), ()):
                if edge not in reached:
                    reached.add(edge)
                    if edge in inside:
                        waiting.append(edge)
        found += [(start, end) for end in leaving if end in reached]
    return found


def _lanes(graph: RoadGraph, plane: Plane, arriving: Sequence[int], leaving: Sequence[int]) -> tuple[SignalLane, ...]:
    """Return a lane for each arm: its middle line, from the junction outward."""
    lanes: list[SignalLane] = []
    for ingress, edges in ((True, arriving), (False, leaving)):
        for approach, edge in enumerate(edges, 1):
            line = plane.lines[edge]
            outward = shapely.reverse(line) if ingress else line
            stop = min(_STOP_M, outward.length / 3)
            cut = shapely.ops.substring(outward, stop, min(_REACH_M, outward.length))
            lanes.append(
                SignalLane(
                    id=len(lanes) + 1,
                    ingress=ingress,
                    approach=approach,
                    street=graph.names[edge],
                    line=tuple(map(tuple, np.round(plane.to_lonlat(shapely.get_coordinates(cut)), 7).tolist())),
                    width_m=round(3.2 * float(graph.lane_count[edge]), 1),
                    speed_limit_mps=round(float(graph.speed_mps[edge]), 2),
                )
            )
    return tuple(lanes)


def _group(lane: SignalLane, number: int, connections: Iterable[SignalConnection]) -> SignalGroup:
    dx, dy = _inward(lane)
    manoeuvres = {move.manoeuvre for move in connections if move.group == number}
    return SignalGroup(
        id=number,
        name=f"{lane.street} {compass(dx, dy)}".strip(),
        street=lane.street,
        compass=compass(dx, dy),
        manoeuvres=tuple(one for one in Manoeuvre if one in manoeuvres),
        stop_line=lane.line[0],
    )


def _manoeuvre(plane: Plane, a: int, b: int) -> Manoeuvre:
    angle = turn_angle(plane, a, b)
    if angle <= _STRAIGHT:
        return Manoeuvre.STRAIGHT
    if angle >= _U_TURN:
        return Manoeuvre.U_TURN
    left = np.sin(plane.heading_out[b] - plane.heading_in[a]) > 0
    return Manoeuvre.LEFT if left else Manoeuvre.RIGHT


def _crossing(
    intersection: Intersection, groups: Mapping[int, set[int]], of_approach: Mapping[int, SignalLane]
) -> set[tuple[int, int]]:
    """Return the pairs of approaches that must not go together: by the conflict matrix, and by the lines of moves."""
    vehicles = [lane for lane in intersection.lanes if "pedestrian" not in lane.vehicles]
    approach = {lane.id: lane.approach for lane in vehicles if lane.ingress}
    by_arm = [
        replace(move, group=approach[move.from_lane])
        for move in intersection.connections
        if move.from_lane in approach and move.manoeuvre is not Manoeuvre.U_TURN
    ]
    crossing = set(conflicts_of(vehicles, by_arm)) & set(combinations(sorted(groups), 2))
    known = {*intersection.conflicts, *((b, a) for a, b in intersection.conflicts)}
    crossing |= {(a, b) for a, b in combinations(sorted(groups), 2) if known & set(product(groups[a], groups[b]))}
    straight = [move for move in by_arm if move.manoeuvre is Manoeuvre.STRAIGHT]
    head_on = set(conflicts_of(vehicles, straight))
    return {pair for pair in crossing if pair in head_on or not _opposite(*(of_approach[id] for id in pair))}


def _opposite(a: SignalLane, b: SignalLane) -> bool:
    one, other = (degrees(atan2(*_inward(lane))) for lane in (a, b))
    return abs((one - other) % 360.0 - 180.0) <= _OPPOSITE_DEG


def _sharing(approaches: Sequence[VirtualApproach]) -> set[tuple[int, int]]:
    """Return the pairs of approaches with a group in common: they go together, whatever their lines do."""
    return {(a.id, b.id) for a, b in combinations(approaches, 2) if set(a.groups) & set(b.groups)}


def _inward(lane: SignalLane) -> tuple[float, float]:
    """Return the direction in which traffic comes to the junction, scaled alike east and north."""
    (x0, y0), (x1, y1) = lane.line[0], lane.line[1]
    return (x0 - x1) * cos(radians(y0)), y0 - y1


def _name(lane: SignalLane, intersection: Intersection) -> str:
    heading = compass(*_inward(lane))
    return f"{lane.street} {heading}".strip() if lane.street else f"{heading} at {intersection.name}"


def _title(graph: RoadGraph, arriving: Sequence[int], leaving: Sequence[int]) -> str:
    edges = sorted((*arriving, *leaving), key=lambda e: (-int(graph.lane_count[e]), graph.names[e]))
    return " / ".join(list(dict.fromkeys(graph.names[e] for e in edges if graph.names[e]))[:2])


def _refused(rule: str, message: str, mend: str) -> OrderInvalid:
    finding = Finding(
        rule=f"virtual_signal.{rule}", severity=Severity.ERROR, message=message, where="junction", mend=mend
    )
    return OrderInvalid(f"{message}; {mend}", [finding])
