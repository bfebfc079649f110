"""MAPEM and MapData read into the topology: lanes, moves, groups, and the conflicts that their lines tell."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import count
from math import atan2, degrees
from typing import Any, Final

import numpy as np

from trafficfeed.errors import SourceMalformed
from trafficfeed.formats.its_asn1 import decode
from trafficfeed.formats.local_plane import Centimetres, to_centimetres, to_lonlat
from trafficfeed.formats.map_lanes import is_ingress, manoeuvres_in, vehicles_in
from trafficfeed.formats.mapem import SPEED_MPS
from trafficfeed.network.naming import compass
from trafficfeed.signals.geometric_conflicts import conflicts_of
from trafficfeed.signals.topology import Intersection, Manoeuvre, SignalConnection, SignalGroup, SignalLane, Topology
from trafficfeed.signals.topology_document import content_hash

_UNITS = 10_000_000
_USUAL_WIDTH_CM = 300
_OUR_ID: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")
_LIMITS: Final = ("vehicleMaxSpeed", "unknown")
_STRAIGHT_DEG, _BACK_DEG = 30.0, 150.0


def topology_from_mapem(data: bytes, *, made_at: datetime, city: str = "", bare: bool = False) -> Topology:
    """Return the topology of one MAPEM.

    Conflicts are told from geometry, as MAP has no matrix; there are no plans. An intersection is called by the id in
    its name where we wrote it, else ``map-<region>-<number>``.

    Parameters
    ----------
    data
        UPER, with its ITS header, or a bare MapData where `bare`.
    made_at
        Aware: when it was received.
    city
        The city's name.

    Raises
    ------
    SourceMalformed
        If it is cut short, no MAPEM, or holds no intersection.
    """
    value = decode("MapData", data) if bare else decode("MAPEM", data)["map"]
    return topology_from_map(value, made_at=made_at, city=city)


def topology_from_map(value: Mapping[str, Any], *, made_at: datetime, city: str = "") -> Topology:
    """Return the topology of a decoded MapData; as `topology_from_mapem`."""
    geometries = value.get("intersections", ())
    if not geometries:
        raise SourceMalformed("the MAP holds no intersection: give one that describes signalised junctions")
    found = {one.id: one for one in map(_intersection, geometries)}
    return Topology(
        city=city, version=content_hash(found.values()), source="MAPEM", made_at=made_at, intersections=found
    )


def _intersection(geometry: Mapping[str, Any]) -> Intersection:
    number, region = geometry["id"]["id"], geometry["id"].get("region", 0)
    name = geometry.get("name", "")
    reference = (geometry["refPoint"]["long"] / _UNITS, geometry["refPoint"]["lat"] / _UNITS)
    lines = _lines(geometry["laneSet"], reference)
    lanes = tuple(
        _lane(lane, geometry, lines[lane["laneID"]]) for lane in geometry["laneSet"] if lane["laneID"] in lines
    )
    connections = tuple(_connections(geometry["laneSet"], {lane.id: lane for lane in lanes}))
    id = name if _OUR_ID.fullmatch(name) else f"map-{region}-{number}"
    return Intersection(
        id=id,
        number=number,
        region=region,
        name=name or id,
        lonlat=reference,
        lanes=lanes,
        connections=connections,
        groups=tuple(_groups(lanes, connections)),
        conflicts=conflicts_of(lanes, connections),
        revision=geometry["revision"],
    )


def _lines(
    lanes: Iterable[Mapping[str, Any]], reference: tuple[float, float]
) -> dict[int, Sequence[tuple[float, float]]]:
    """Return the line of each lane that has one; computed lanes are their reference lane's, moved."""
    points: dict[int, Centimetres] = {}
    computed: list[tuple[int, Mapping[str, Any]]] = []
    for lane in lanes:
        kind, content = lane["nodeList"]
        if kind == "nodes":
            points[lane["laneID"]] = _walked(content, reference)
        elif kind == "computed":
            computed.append((lane["laneID"], content))
    for number, content in computed:
        if content["referenceLaneId"] in points:
            moved = [content["offsetXaxis"][1], content["offsetYaxis"][1]]
            points[number] = points[content["referenceLaneId"]] + np.array(moved, dtype=np.int64)
    return {number: to_lonlat(line, reference) for number, line in points.items() if len(line) > 1}


def _walked(nodes: Iterable[Mapping[str, Any]], reference: tuple[float, float]) -> Centimetres:
    at = np.zeros(2, dtype=np.int64)
    places = []
    for node in nodes:
        kind, delta = node["delta"]
        if kind == "node-LatLon":
            at = to_centimetres([(delta["lon"] / _UNITS, delta["lat"] / _UNITS)], reference)[0]
        elif "x" in delta:
            at = at + np.array([delta["x"], delta["y"]], dtype=np.int64)
        places.append(at)
    return np.array(places, dtype=np.int64).reshape(-1, 2)


def _lane(lane: Mapping[str, Any], geometry: Mapping[str, Any], line: Sequence[tuple[float, float]]) -> SignalLane:
    own = _first_attributes(lane)
    ingress = is_ingress(lane["laneAttributes"], leads_on=bool(lane.get("connectsTo")))
    limits = next((limits for kind, limits in own.get("data", ()) if kind == "speedLimits"), None)
    width_cm = geometry.get("laneWidth", _USUAL_WIDTH_CM) + own.get("dWidth", 0)
    return SignalLane(
        id=lane["laneID"],
        ingress=ingress,
        approach=lane.get("ingressApproach" if ingress else "egressApproach", 0),
        street=lane.get("name", ""),
        line=tuple(line),
        width_m=width_cm / 100,
        speed_limit_mps=_limit(limits or geometry.get("speedLimits", ())),
        vehicles=tuple(vehicles_in(lane["laneAttributes"])),
    )


def _first_attributes(lane: Mapping[str, Any]) -> Mapping[str, Any]:
    kind, nodes = lane["nodeList"]
    attributes: Mapping[str, Any] = nodes[0].get("attributes", {}) if kind == "nodes" else {}
    return attributes


def _limit(limits: Iterable[Mapping[str, Any]]) -> float | None:
    by_kind = {limit["type"]: limit["speed"] for limit in limits}
    units = next((by_kind[kind] for kind in _LIMITS if kind in by_kind), None)
    return None if units is None or units > 8190 else round(units * SPEED_MPS, 2)  # 8191 is unavailable


def _connections(lanes: Iterable[Mapping[str, Any]], known: Mapping[int, SignalLane]) -> list[SignalConnection]:
    """Return the moves within the intersection; those to a lane of another one lead out of it by no lane of ours."""
    moves = [
        (lane, move)
        for lane in lanes
        for move in lane.get("connectsTo", ())
        if lane["laneID"] in known and move["connectingLane"]["lane"] in known and "remoteIntersection" not in move
    ]
    ids = [move.get("connectionID") for _, move in moves]
    numbered = len({*ids} - {None}) == len(ids)
    fresh = count(1)
    return [
        SignalConnection(
            id=move["connectionID"] if numbered else next(fresh),
            from_lane=lane["laneID"],
            to_lane=move["connectingLane"]["lane"],
            manoeuvre=_manoeuvre(lane, move, known),
            group=move.get("signalGroup") or None,  # 0 says unknown
        )
        for lane, move in moves
    ]


def _manoeuvre(lane: Mapping[str, Any], move: Mapping[str, Any], known: Mapping[int, SignalLane]) -> Manoeuvre:
    """Return what a move does: as it says, as its lane says, else as the lines turn."""
    for said in (manoeuvres_in(move["connectingLane"].get("maneuver")), manoeuvres_in(lane.get("maneuvers"))):
        if len(said) == 1:
            return said[0]
    inward, outward = known[lane["laneID"]].line, known[move["connectingLane"]["lane"]].line
    turned = (_bearing(outward[0], outward[1]) - _bearing(inward[1], inward[0]) + 180.0) % 360.0 - 180.0
    if abs(turned) > _BACK_DEG:
        return Manoeuvre.U_TURN
    if abs(turned) < _STRAIGHT_DEG:
        return Manoeuvre.STRAIGHT
    return Manoeuvre.RIGHT if turned > 0 else Manoeuvre.LEFT


def _groups(lanes: Sequence[SignalLane], connections: Sequence[SignalConnection]) -> list[SignalGroup]:
    by_id = {lane.id: lane for lane in lanes}
    members: dict[int, list[SignalConnection]] = {}
    for move in connections:
        if move.group is not None:
            members.setdefault(move.group, []).append(move)
    return [_group(number, members[number], by_id) for number in sorted(members)]


def _group(number: int, moves: Sequence[SignalConnection], lanes: Mapping[int, SignalLane]) -> SignalGroup:
    lane = lanes[min(move.from_lane for move in moves)]
    (lon, lat), (behind_lon, behind_lat) = lane.line[0], lane.line[1]
    heading = compass((lon - behind_lon) * float(np.cos(np.radians(lat))), lat - behind_lat)
    manoeuvres = tuple(m for m in Manoeuvre if any(move.manoeuvre is m for move in moves))
    words = (lane.street, heading, " and ".join(m.value for m in manoeuvres))
    return SignalGroup(
        id=number,
        name=" ".join(word for word in words if word),
        street=lane.street,
        compass=heading,
        manoeuvres=manoeuvres,
        stop_line=lane.line[0],
    )


def _bearing(a: tuple[float, float], b: tuple[float, float]) -> float:
    east = (b[0] - a[0]) * float(np.cos(np.radians(a[1])))
    return degrees(atan2(east, b[1] - a[1])) % 360.0
