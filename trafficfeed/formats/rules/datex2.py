"""DATEX II: classes and their types, versions, and a validity status that the times bear out."""

from collections.abc import Iterator
from types import MappingProxyType

from trafficfeed.findings import Severity
from trafficfeed.formats.rules.rule import Fault, Yardstick, rule
from trafficfeed.formats.rules.times import instant, now_of

_LANE_TYPES = """
carPoolLaneInOperation carriagewayClosures clearALaneForEmergencyVehicles clearALaneForSnowploughsAndGrittingVehicles
closedPermanentlyForTheWinter contraflow doNotUseSpecifiedLanesOrCarriageways hardShoulderRunningInOperation
hardShoulderRunningNotInOperation heightRestrictionInOperation intermittentShortTermClosures keepToTheLeft
keepToTheRight laneClosures lanesDeviated narrowLanes newRoadworksLayout overnightClosures roadCleared roadClosed
rollingRoadBlock rushHourLaneInOperation singleAlternateLineTraffic tidalFlowLaneInOperation turnAroundInOperation
useOfSpecifiedLanesOrCarriagewaysAllowed useSpecifiedLanesOrCarriageways vehicleStorageInOperation
weightRestrictionInOperation other _extended
"""
_SPEED_TYPES = """
activeSpeedControlInOperation doNotSlowdownUnnecessarily observeSpeedLimit policeSpeedChecksInOperation reduceYourSpeed
speedRestrictionInOperation other _extended
"""
_NETWORK_TYPES = """
bridgeSwingInOperation convoyService obstacleSignalling rampMeteringInOperation temporaryTrafficLights tollGatesOpen
trafficBeingManuallyDirected trafficHeld other _extended
"""
_TYPES = MappingProxyType(
    {
        "RoadOrCarriagewayOrLaneManagement": frozenset(_LANE_TYPES.split()),
        "SpeedManagement": frozenset(_SPEED_TYPES.split()),
        "GeneralNetworkManagement": frozenset(_NETWORK_TYPES.split()),
    }
)
_DEMANDED = frozenset({"RoadOrCarriagewayOrLaneManagement", "GeneralNetworkManagement"})


@rule("datex2.type", "datex2", mend="take the type from the enumeration of the record's own class")
def type_matches_class(yard: Yardstick) -> Iterator[Fault]:
    """A network management bears a type, and one of its own class.

    Source: DATEX II 3.5, DATEXII_3_Situation.xsd, ...ManagementTypeEnum of each class.
    """
    for record in yard.feed.records:
        known = _TYPES.get(record.kind)
        if known is None:
            continue
        if record.subtype is None:
            if record.kind in _DEMANDED:
                yield Fault(record.path, f"is a {record.kind} without its type")
        elif record.subtype not in known:
            yield Fault(record.path, f"{record.subtype!r} is no type of {record.kind}")


@rule("datex2.lanes", "datex2", mend="list lanes with laneClosures, none of a closed road")
def closes_all_lanes_or_lists_them(yard: Yardstick) -> Iterator[Fault]:
    """A closed road does not leave some of its lanes open.

    Source: DATEX II 3.5, RoadOrCarriagewayOrLaneManagementTypeEnum: roadClosed against laneClosures.
    """
    for record in yard.feed.records:
        listed = {lane.number for lane in record.lanes}
        if record.subtype == "roadClosed" and listed and record.lanes_total and len(listed) < record.lanes_total:
            yield Fault(record.path, f"is closed, but lists {len(listed)} of {record.lanes_total} lanes")


@rule("datex2.version", "datex2", mend="count the versions of the record from 1")
def has_a_version(yard: Yardstick) -> Iterator[Fault]:
    """A situation record has a version.

    Source: DATEX II 3.5, SituationRecord.version (required): readers take what has a version they know for unchanged.
    """
    for record in yard.feed.records:
        if record.version is not None and not str(record.version[1] or "").strip():
            yield Fault(record.version[0], "has no version")


@rule("datex2.status", "datex2", mend="write definedByValidityTimeSpec, and let the times speak")
def status_agrees_with_the_times(yard: Yardstick) -> Iterator[Fault]:
    """What is ``active`` has started, what is ``planned`` has not.

    Source: DATEX II 3.5, ValidityStatusEnum: both hold "regardless of the definition of the validity time
    specification", so that a record active before its start shuts the road at once.
    """
    now = now_of(yard)
    for record in yard.feed.records:
        start, end = instant(record.start[1]), instant(record.end[1])
        if now is None or record.status not in ("active", "planned"):
            continue
        if record.status == "active" and start and start > now:
            yield Fault(record.path, f"is active, though it starts at {record.start[1]}")
        elif record.status == "active" and end and end <= now:
            yield Fault(record.path, f"is active, though it ended at {record.end[1]}", Severity.WARNING)
        elif record.status == "planned" and start and start <= now and (end is None or end > now):
            yield Fault(record.path, f"is planned, though it started at {record.start[1]}")


RULES = (type_matches_class, closes_all_lanes_or_lists_them, has_a_version, status_agrees_with_the_times)
