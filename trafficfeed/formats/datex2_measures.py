"""What a rule is in DATEX II: the class of network management, its type, and the vehicles that it is for."""

from collections.abc import Iterable, Sequence
from types import MappingProxyType

from trafficfeed.closures.orders import (
    Closure,
    Exemption,
    LanesClosed,
    Metering,
    OneWay,
    SpeedLimit,
    VehicleRestriction,
)
from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.formats.datex2_xml import Element, add
from trafficfeed.network.vehicle_classes import VehicleClass

_LANES = "sit:RoadOrCarriagewayOrLaneManagement"
_LANES_TYPE = "sit:roadOrCarriagewayOrLaneManagementType"

_TYPES = MappingProxyType(
    {
        VehicleClass.PASSENGER: "car",
        VehicleClass.DELIVERY: "lightCommercialVehicle",
        VehicleClass.TRUCK: "lorry",
        VehicleClass.BUS: "bus",
        VehicleClass.TRAILER: "vehicleWithTrailer",
        VehicleClass.MOTORCYCLE: "motorcycle",
        VehicleClass.BICYCLE: "bicycle",
    }
)
_USAGES = MappingProxyType({VehicleClass.TAXI: "taxi", VehicleClass.EMERGENCY: "emergencyServices"})
_EXEMPT = MappingProxyType(
    {
        Exemption.BUS: VehicleClass.BUS,
        Exemption.DELIVERY: VehicleClass.DELIVERY,
        Exemption.BICYCLE: VehicleClass.BICYCLE,
        Exemption.TAXI: VehicleClass.TAXI,
        Exemption.EMERGENCY: VehicleClass.EMERGENCY,
    }
)


def management_class(event: RoadEvent) -> str:
    """Return the ``xsi:type`` of the record of `event`."""
    if isinstance(event.rule, SpeedLimit):
        return "sit:SpeedManagement"
    if isinstance(event.rule, Metering):
        return "sit:GeneralNetworkManagement"
    return _LANES


def add_management(record: Element, event: RoadEvent) -> None:
    """Append what the class of `event` adds to a network management: its type, or the speed limit.

    Source: DATEX II 3.5, DATEXII_3_Situation.xsd, RoadOrCarriagewayOrLaneManagementTypeEnum and its like.
    """
    rule = event.rule
    if isinstance(rule, SpeedLimit):
        add(record, "sit:speedManagementType", "speedRestrictionInOperation")
        add(record, "sit:temporarySpeedLimit", rule.limit_kmh)
    elif isinstance(rule, Metering):
        add(record, "sit:generalNetworkManagementType", "temporaryTrafficLights")
    else:
        add(record, _LANES_TYPE, management_type(event))


def management_type(event: RoadEvent) -> str:
    """Return the RoadOrCarriagewayOrLaneManagementTypeEnum of `event`; ``other`` where the standard has no word.

    A height or weight limit alone is a restriction in operation. A road shut to some vehicles only is ``roadClosed``
    for those (the enumeration: "closed to vehicles with the specified characteristics or all, if none defined").
    """
    rule = event.rule
    if is_shut(event):
        return "roadClosed"
    if isinstance(rule, LanesClosed) and event.lanes_closed:
        return "laneClosures"
    if isinstance(rule, VehicleRestriction):
        if rule.max_height_m is not None:
            return "heightRestrictionInOperation"
        if rule.max_weight_t is not None:
            return "weightRestrictionInOperation"
        return "roadClosed"
    return "other"


def is_shut(event: RoadEvent) -> bool:
    """Tell whether the road is closed in the event's direction, be it to some classes of vehicles only."""
    rule = event.rule
    if isinstance(rule, VehicleRestriction):
        return bool(rule.banned or rule.only or rule.permit)
    if isinstance(rule, LanesClosed):
        return 0 < event.lanes_total <= len(event.lanes_closed)
    return isinstance(rule, Closure | OneWay)


def lanes_restricted(event: RoadEvent) -> int | None:
    """Return how many lanes are restricted; None where that is not what the rule is about."""
    if isinstance(event.rule, LanesClosed):
        return len(event.lanes_closed)
    return event.lanes_total if isinstance(event.rule, Closure | OneWay) else None


def add_vehicles(record: Element, event: RoadEvent) -> None:
    """Append the vehicles that a restriction is for; nothing for a rule that is for all."""
    rule = event.rule
    if not isinstance(rule, VehicleRestriction):
        return
    kept_out = list(_kept_out(rule, event.exceptions))
    if types := [_TYPES[one] for one in kept_out if one in _TYPES]:
        vehicles = add(record, "sit:forVehiclesWithCharacteristicsOf")
        for name in types:
            add(vehicles, "com:vehicleType", name)
    for usage in (_USAGES[one] for one in kept_out if one in _USAGES):
        add(add(record, "sit:forVehiclesWithCharacteristicsOf"), "com:vehicleUsage", usage)
    _add_sizes(record, rule)


def _kept_out(rule: VehicleRestriction, exceptions: Sequence[Exemption]) -> Iterable[VehicleClass]:
    """Yield the classes that may not pass: those banned, or all but those let in; never one that is exempt.

    With `only`, taxis and emergency vehicles are not named: they are cars, and the text says who may pass.
    """
    exempt = {_EXEMPT[one] for one in exceptions if one in _EXEMPT}
    named = rule.banned or (tuple(one for one in _TYPES if one not in rule.only) if rule.only else ())
    if rule.only and VehicleClass.TRUCK in rule.only:
        exempt.add(VehicleClass.TRAILER)  # who lets lorries in lets their trailers in
    return (one for one in VehicleClass if one in named and one not in exempt)


def _add_sizes(record: Element, rule: VehicleRestriction) -> None:
    """Append one set of characteristics for each limit: a vehicle beyond any of them is kept out."""
    for name, value_name, value in (
        ("grossWeight", "grossVehicleWeight", rule.max_weight_t),
        ("height", "vehicleHeight", rule.max_height_m),
        ("length", "vehicleLength", rule.max_length_m),
        ("width", "vehicleWidth", rule.max_width_m),
    ):
        if value is None:
            continue
        vehicles = add(record, "sit:forVehiclesWithCharacteristicsOf")
        characteristic = add(vehicles, f"com:{name}Characteristic")
        add(characteristic, "com:comparisonOperator", "greaterThan")
        add(characteristic, f"com:{value_name}", f"{value:g}")
        if name == "grossWeight":
            add(characteristic, "com:typeOfWeight", "actual")
