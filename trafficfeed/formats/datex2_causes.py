"""Why a DATEX II record holds: the cause on each record, and the works or the public event that an order is about."""

from collections.abc import Sequence
from copy import deepcopy
from functools import lru_cache
from types import MappingProxyType

from trafficfeed.closures.orders import Reason
from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.formats.datex2_times import add_validity_of
from trafficfeed.formats.datex2_xml import (
    TYPE,
    Element,
    add,
    add_texts,
    add_typed,
    name_of,
    parent_of_pieces,
    pieces_in,
    read_pieces,
)

_CAUSES = MappingProxyType(
    {
        Reason.ROADWORKS: ("roadMaintenance", "roadMaintenanceType", "roadworks"),
        Reason.PUBLIC_EVENT: ("publicEvent", "publicEventType", "other"),
        Reason.SPORT: ("publicEvent", "publicEventType", "sportsMeeting"),
        Reason.EMERGENCY: ("authorityOperation", "", ""),
        Reason.ACCIDENT: ("accident", "accidentType", "accident"),
        Reason.FLOODING: ("environmentalObstruction", "environmentalObstructionType", "flooding"),
        Reason.SECURITY: ("authorityOperation", "", ""),
        Reason.TRAFFIC_MANAGEMENT: ("networkManagement", "", ""),
        Reason.OTHER: ("other", "", ""),
    }
)
_RECORDS = MappingProxyType(
    {
        Reason.ROADWORKS: "sit:MaintenanceWorks",
        Reason.PUBLIC_EVENT: "sit:PublicEvent",
        Reason.SPORT: "sit:PublicEvent",
    }
)


def cause_class(reason: Reason) -> str | None:
    """Return the class of the record that an order of this reason has of its cause; None: it has none."""
    return _RECORDS.get(reason)


def cause_id(event: RoadEvent) -> str:
    """Return the id of the record of the cause, one an order."""
    return f"{event.order_id}.cause"


def obstruction_id(event: RoadEvent) -> str:
    """Return the id of the record of what is on the road: of the water, or of a hazard."""
    return f"{event.id}.{'hazard' if event.water is None else 'water'}"


def add_cause(record: Element, event: RoadEvent, version: str) -> None:
    """Append the cause of `event`: in words, by its type, and by reference to the order's record of it."""
    kind, detail, detailed = _CAUSES[event.reason]
    cause = add(record, "sit:cause")
    add_texts(cause, "sit:causeDescription", event.title)
    add(cause, "sit:causeType", kind)
    if detail:
        add(add(cause, "sit:detailedCauseType"), f"sit:{detail}", detailed)
    if cause_class(event.reason):
        add_reference(cause, "sit:managedCause", cause_id(event), version)
    elif event.water is not None:
        add_reference(cause, "sit:managedCause", obstruction_id(event), version)


def add_reference(parent: Element, name: str, record_id: str, version: str) -> None:
    """Append a reference to another record of the document."""
    add(add(parent, name), "sit:objectReference", id=record_id, version=version, targetClass="sit:SituationRecord")


def add_cause_type(record: Element, event: RoadEvent) -> None:
    """Append what the class of the record of the cause asks for."""
    _, detail, detailed = _CAUSES[event.reason]
    add(record, f"sit:{detail}", detailed)


@lru_cache(maxsize=4096)
def merged(records: tuple[bytes, ...]) -> bytes:
    """Return the one record of an order's cause from those of its events: all their places, all their periods.

    The head and texts are those of the newest; its validity lists each distinct period once. Kept, for most orders of a
    release are as they were in the one before.
    """
    if len(records) == 1:
        return records[0]
    found = list(read_pieces(b"".join(records)))
    first = max(found, key=lambda record: int(record.get("version", "0")))
    periods = sorted({period for record in found for period in _periods(record)})
    _replace_validity(first, periods)
    _replace_location(first, found)
    whole = parent_of_pieces()
    whole.append(first)
    return pieces_in(whole)


def _periods(record: Element) -> list[tuple[str, str]]:
    path = f"{name_of('sit:validity')}/{name_of('com:validityTimeSpecification')}/"
    start, end = (record.findtext(path + name_of(f"com:overall{name}Time")) or "" for name in ("Start", "End"))
    return [(start, end)]


def _replace_validity(record: Element, periods: Sequence[tuple[str, str]]) -> None:
    old = record.find(name_of("sit:validity"))
    assert old is not None
    suspended = old.findtext(name_of("com:validityStatus")) == "suspended"
    add_validity_of(record, periods, suspended=suspended)
    record.replace(old, record[-1])


def _replace_location(record: Element, records: Sequence[Element]) -> None:
    places = [one.find(name_of("sit:locationReference")) for one in records]
    distinct = {_key(place): place for place in places if place is not None}
    old = record.find(name_of("sit:locationReference"))
    if len(distinct) < 2 or old is None:
        return
    group = add_typed(record, "sit:locationReference", "loc:LocationGroupByList")
    for place in distinct.values():
        inner = add_typed(group, "loc:locationContainedInGroup", str(place.get(TYPE)))
        inner.extend([deepcopy(child) for child in place])
    record.replace(old, group)


def _key(place: Element) -> str:
    return "|".join(f"{child.tag}={child.text or ''}" for child in place.iter())
