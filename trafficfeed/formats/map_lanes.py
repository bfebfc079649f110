"""MAP's words for lanes: who may use them, which way, and what may be done at their end, to and from ours."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from trafficfeed.signals.topology import Manoeuvre, SignalLane

BitString = tuple[int, int]  # value, number of bits; bit 0 is the first on the left

MANOEUVRE_BITS: Final = {Manoeuvre.STRAIGHT: 0, Manoeuvre.LEFT: 1, Manoeuvre.RIGHT: 2, Manoeuvre.U_TURN: 3}
_MANOEUVRES, _SHARING, _DIRECTIONS, _VEHICLE, _OTHER = 12, 10, 2, 8, 16  # bits of each string
_INGRESS, _EGRESS = 0, 1
_CAR, _BUS, _TAXI, _ON_FOOT, _BICYCLE, _ON_RAILS = 3, 4, 5, 6, 7, 8  # LaneSharing
_BUS_ONLY, _TAXI_ONLY = 3, 4  # LaneAttributes-Vehicle
_LIGHT_RAIL = 2  # LaneAttributes-TrackedVehicle
_RAILS: Final = frozenset({"tram", "rail", "rail_urban"})
_BUSES: Final = frozenset({"bus", "coach"})


def bits(numbers: Iterable[int], length: int) -> BitString:
    """Return a bit string with `numbers` set."""
    value = 0
    for number in numbers:
        value |= 1 << length - 1 - number
    return value, length


def is_set(string: BitString, number: int) -> bool:
    """Return whether a bit is set; bits beyond the string are not."""
    value, length = string
    return number < length and bool(value >> length - 1 - number & 1)


def manoeuvre_bits(manoeuvres: Iterable[Manoeuvre]) -> BitString:
    """Return AllowedManeuvers."""
    return bits({MANOEUVRE_BITS[manoeuvre] for manoeuvre in manoeuvres}, _MANOEUVRES)


def manoeuvres_in(string: BitString | None) -> tuple[Manoeuvre, ...]:
    """Return the manoeuvres that AllowedManeuvers names."""
    return tuple(m for m, bit in MANOEUVRE_BITS.items() if string is not None and is_set(string, bit))


def attributes_of(lane: SignalLane) -> dict[str, Any]:
    """Return LaneAttributes of a lane."""
    vehicles = set(lane.vehicles)
    on_foot = vehicles == {"pedestrian"}
    direction = (_INGRESS, _EGRESS) if on_foot else (_INGRESS if lane.ingress else _EGRESS,)
    shared = {
        _CAR: "passenger" in vehicles,
        _BUS: bool(vehicles & _BUSES),
        _TAXI: "taxi" in vehicles,
        _ON_FOOT: "pedestrian" in vehicles,
        _BICYCLE: "bicycle" in vehicles,
        _ON_RAILS: bool(vehicles & _RAILS),
    }
    return {
        "directionalUse": bits(direction, _DIRECTIONS),
        "sharedWith": bits((bit for bit, admitted in shared.items() if admitted), _SHARING),
        "laneType": _lane_type(vehicles),
    }


def _lane_type(vehicles: set[str]) -> tuple[str, BitString]:
    if vehicles == {"pedestrian"}:
        return "crosswalk", bits((), _OTHER)
    if vehicles and vehicles <= _RAILS:
        return "trackedVehicle", bits((_LIGHT_RAIL,), _OTHER)
    if vehicles == {"bicycle"}:
        return "bikeLane", bits((), _OTHER)
    if "passenger" in vehicles or not vehicles & (_BUSES | {"taxi"}):
        return "vehicle", bits((), _VEHICLE)
    return "vehicle", bits((_BUS_ONLY,) if vehicles & _BUSES else (_TAXI_ONLY,), _VEHICLE)


def vehicles_in(attributes: Any) -> Sequence[str]:
    """Return the vehicle classes, by SUMO's names, that LaneAttributes admit."""
    kind, string = attributes["laneType"]
    shared = attributes["sharedWith"]
    if kind in ("crosswalk", "sidewalk"):
        return ("pedestrian",)
    if kind == "bikeLane":
        return ("bicycle",)
    if kind == "trackedVehicle":
        return ("tram",)
    only_bus, only_taxi = (
        kind == "vehicle" and is_set(string, _BUS_ONLY),
        kind == "vehicle" and is_set(string, _TAXI_ONLY),
    )
    admitted = {
        "passenger": not (only_bus or only_taxi),
        "taxi": not only_bus or is_set(shared, _TAXI),
        "bus": not only_taxi or is_set(shared, _BUS),
        "bicycle": is_set(shared, _BICYCLE),
        "tram": is_set(shared, _ON_RAILS),
    }
    return tuple(name for name, one in admitted.items() if one)


def is_ingress(attributes: Any, *, leads_on: bool) -> bool:
    """Return whether traffic comes in on the lane; where it runs both ways, whether moves begin on it (`leads_on`)."""
    direction = attributes["directionalUse"]
    inward, outward = is_set(direction, _INGRESS), is_set(direction, _EGRESS)
    return leads_on if inward == outward else inward
