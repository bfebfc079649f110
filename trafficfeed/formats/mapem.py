"""ETSI MAPEM in UPER: the lanes, moves and signal groups of one intersection, its lines as offsets in centimetres.

Source: ETSI TS 103 301 (MAPEM), ISO TS 19091 (MapData, IntersectionGeometry). The name carries our public id.
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from trafficfeed.formats.its_asn1 import encode as encode_message
from trafficfeed.formats.local_plane import to_centimetres
from trafficfeed.formats.map_lanes import attributes_of, manoeuvre_bits
from trafficfeed.signals.topology import Intersection, SignalConnection, SignalLane

MEDIA_TYPE: Final = "application/octet-stream"
PROTOCOL_VERSION: Final = 2
MESSAGE_ID: Final = 5
SPEED_MPS: Final = 0.02  # Velocity counts in these

_MOST_NAME, _MOST_NODES = 63, 63
_MOST_APPROACH, _MOST_CONNECTION_ID, _MOST_SPEED = 15, 255, 8190
_NODES = (("node-XY1", 10), ("node-XY2", 11), ("node-XY3", 12), ("node-XY4", 13), ("node-XY5", 14), ("node-XY6", 16))
_UNITS = 10_000_000
_USUAL_WIDTH_CM = 320


def encode(one: Intersection, *, station: int = 0) -> bytes:
    """Return the MAPEM of an intersection; `station` is the sender's ``StationID``, 32 bits.

    Raises
    ------
    FeedNonConformant
        If it has more lanes, groups or moves than MAP has room for (`check_intersection` says which).
    """
    return encode_message("MAPEM", message_of(one, station=station))


def message_of(one: Intersection, *, station: int = 0) -> dict[str, Any]:
    """Return the whole message, header included, as the value that an ASN.1 encoder takes."""
    header = {"protocolVersion": PROTOCOL_VERSION, "messageID": MESSAGE_ID, "stationID": station}
    return {"header": header, "map": value_of(one)}


def value_of(one: Intersection) -> dict[str, Any]:
    """Return the MapData of an intersection as the value that an ASN.1 encoder takes."""
    width_cm = _most([round(lane.width_m * 100) for lane in one.lanes]) or _USUAL_WIDTH_CM
    speed = _most([units for lane in one.lanes if (units := _speed(lane)) is not None])
    leaving: dict[int, list[SignalConnection]] = {}
    for connection in one.connections:
        leaving.setdefault(connection.from_lane, []).append(connection)
    geometry: dict[str, Any] = {
        "name": ascii_text(one.id) or "intersection",
        "id": {"region": one.region, "id": one.number},
        "revision": one.revision,
        "refPoint": {"lat": round(one.lonlat[1] * _UNITS), "long": round(one.lonlat[0] * _UNITS)},
        "laneWidth": width_cm,
        "laneSet": [_lane(one, lane, leaving.get(lane.id, ()), width_cm, speed) for lane in one.lanes],
    }
    if speed is not None:
        geometry["speedLimits"] = [{"type": "vehicleMaxSpeed", "speed": speed}]
    return {"msgIssueRevision": one.revision, "layerType": "intersectionData", "intersections": [geometry]}


def ascii_text(text: str) -> str:
    """Return a text as IA5 of at most 63 characters: accents dropped, what has no letter left out."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return " ".join("".join(c for c in plain if c.isprintable()).split())[:_MOST_NAME]


def _lane(
    one: Intersection, lane: SignalLane, moves: Sequence[SignalConnection], width_cm: int, speed: int | None
) -> dict[str, Any]:
    own: dict[str, Any] = {}
    if (wider := round(lane.width_m * 100) - width_cm) != 0:
        own["dWidth"] = max(-512, min(511, wider))
    if (limit := _speed(lane)) is not None and limit != speed:
        own["data"] = [("speedLimits", [{"type": "vehicleMaxSpeed", "speed": limit}])]
    value: dict[str, Any] = {"laneID": lane.id}
    if name := ascii_text(lane.street):
        value["name"] = name
    if lane.approach <= _MOST_APPROACH:
        value["ingressApproach" if lane.ingress else "egressApproach"] = lane.approach
    value["laneAttributes"] = attributes_of(lane)
    if moves:
        value["maneuvers"] = manoeuvre_bits(move.manoeuvre for move in moves)
    value["nodeList"] = ("nodes", _nodes(lane.line, one.lonlat, own))
    if moves:
        value["connectsTo"] = [_move(move) for move in moves]
    return value


def _move(move: SignalConnection) -> dict[str, Any]:
    return {
        "connectingLane": {"lane": move.to_lane, "maneuver": manoeuvre_bits([move.manoeuvre])},
        **({"signalGroup": move.group} if move.group is not None else {}),
        **({"connectionID": move.id} if move.id <= _MOST_CONNECTION_ID else {}),
    }


def _nodes(
    line: Sequence[tuple[float, float]], reference: tuple[float, float], own: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return a line as steps from the reference point on, each rounded with what is left over from those before."""
    places = _thinned(line)
    points = to_centimetres(places, reference)
    steps = np.diff(points, axis=0, prepend=np.zeros((1, 2), dtype=np.int64)).tolist()
    kept = [(x, y, at) for n, ((x, y), at) in enumerate(zip(steps, places, strict=True)) if n < 2 or x or y]
    nodes: list[dict[str, Any]] = [{"delta": _delta(x, y, at)} for x, y, at in kept]
    return [nodes[0] | {"attributes": own}, *nodes[1:]] if own else nodes


def _delta(x: int, y: int, lonlat: tuple[float, float]) -> tuple[str, dict[str, int]]:
    for name, length in _NODES:
        half = 1 << length - 1
        if -half <= min(x, y) and max(x, y) < half:
            return name, {"x": x, "y": y}
    return "node-LatLon", {"lon": round(lonlat[0] * _UNITS), "lat": round(lonlat[1] * _UNITS)}


def _thinned(line: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """Return a line of at most 63 points, its ends kept."""
    if len(line) <= _MOST_NODES:
        return line
    return [line[round(n)] for n in np.linspace(0, len(line) - 1, _MOST_NODES)]


def _speed(lane: SignalLane) -> int | None:
    """Return the limit in units of 0.02 m/s, never more than it is."""
    return None if lane.speed_limit_mps is None else min(int(lane.speed_limit_mps / SPEED_MPS + 1e-6), _MOST_SPEED)


def _most(values: Sequence[int]) -> int | None:
    return Counter(values).most_common(1)[0][0] if values else None
