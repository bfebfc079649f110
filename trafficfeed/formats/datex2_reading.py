"""A DATEX II situation publication back to the facts that the semantic rules look at."""

from collections.abc import Iterator

from trafficfeed.formats.datex2_xml import NAMESPACES, TYPE, Element, name_of
from trafficfeed.formats.records import (
    Clock,
    Feed,
    LaneState,
    Line,
    Record,
    Shape,
    Stated,
    latitude_first,
    refuse,
)
from trafficfeed.formats.xml_reading import local_name, path_of, read_xml, text_at

_CLOSING = frozenset(
    {
        "carriagewayClosures",
        "closedPermanentlyForTheWinter",
        "intermittentShortTermClosures",
        "overnightClosures",
        "roadClosed",
    }
)
_ENDING = frozenset(
    {
        "ConstructionWorks",
        "GeneralNetworkManagement",
        "MaintenanceWorks",
        "ReroutingManagement",
        "RoadOrCarriagewayOrLaneManagement",
        "SpeedManagement",
    }
)
_WATER = frozenset({"flooding", "flashFloods"})
_CARS = frozenset({"anyVehicle", "car", "carOrLightVehicle", "largeCar", "passengerCar", "smallCar"})
_SPEC = "com:validityTimeSpecification"


def read_datex2(data: bytes) -> Feed:
    """Read a DATEX II situation publication, version 3; it may stand in a message container.

    Raises
    ------
    FeedNonConformant
        If it is not XML, or has no situation publication of version 3.
    """
    root = read_xml(data)
    publication = _publication(root)
    outside = "" if publication is root else f"{path_of(publication)}/"
    situations = _numbered(publication, "sit:situation", outside)
    return Feed(
        standard="datex2",
        published=_stated(publication, f"{outside}", "com:publicationTime"),
        records=tuple(
            _record(path, record, situation.get("id", ""))
            for inside, situation in situations
            for path, record in _numbered(situation, "sit:situationRecord", f"{inside}/")
        ),
        clock=Clock.UTC_ADVISED,
        language=publication.get("lang", ""),
    )


def _publication(root: Element) -> Element:
    found = next(root.iter("{*}payload", "{*}payloadPublication"), None)
    if found is None:
        refuse("the document has no DATEX II payload")
    if _class_of(found) != "SituationPublication":
        refuse(f"the payload is of class {_class_of(found) or 'none'}, not a SituationPublication")
    if NAMESPACES["sit"] not in found.nsmap.values() and found.find("{*}situation") is not None:
        refuse("the publication is not of DATEX II version 3", mend="publish version 3, of which we know 3.5")
    return found


def _record(path: str, record: Element, situation_id: str) -> Record:
    validity, kind = record.find(name_of("sit:validity")), _class_of(record)
    subtype = _management_type(record, kind)
    spec, inside = f"sit:validity/{_SPEC}", f"{path}/"
    times = ("sit:situationRecordCreationTime", "sit:situationRecordVersionTime")
    status = _text(validity, "com:validityStatus") or ""
    return Record(
        path=path,
        id=record.get("id", ""),
        start=_stated(record, inside, f"{spec}/com:overallStartTime"),
        end=_stated(record, inside, f"{spec}/com:overallEndTime"),
        times=(*(_stated(record, inside, name) for name in times), *_periods(inside, record)),
        created=_text(record, times[0]),
        updated=_text(record, times[1]),
        lines=tuple(_lines(inside, record)),
        compass=_compass(record),
        kind=kind,
        subtype=subtype,
        closes=subtype in _CLOSING and _is_for_cars(record),
        needs_end=kind in _ENDING,
        street=_text(record, ".//loc:roadName"),
        description=_text(record, "sit:generalPublicComment/sit:comment/com:values/com:value"),
        lanes=tuple(_lanes(inside, record)),
        lanes_total=_number(_text(record, "sit:locationReference//loc:originalNumberOfLanes")),
        group=situation_id,
        links=tuple(
            ("managed-cause", reference.get("id", ""))
            for reference in record.iterfind(_path("sit:cause/sit:managedCause/sit:objectReference"))
        ),
        version=(f"{path}/@version", record.get("version")),
        status=status,
        cancelled=status == "suspended",
        depth=_stated(record, inside, "sit:depth") if subtype in _WATER else None,
        languages=tuple(sorted({value.get("lang", "") for value in record.iter(name_of("com:value"))} - {""})),
    )


def _management_type(record: Element, kind: str) -> str | None:
    """Return what the record's class calls its type: ``roadOrCarriagewayOrLaneManagementType`` and its like."""
    return _text(record, f"sit:{kind[:1].lower()}{kind[1:]}Type") if kind.isidentifier() else None


def _is_for_cars(record: Element) -> bool:
    """Tell whether the record is for all vehicles, or for cars among others."""
    vehicles = record.findall(name_of("sit:forVehiclesWithCharacteristicsOf"))
    types = {element.text for one in vehicles for element in one.iter(name_of("com:vehicleType"))}
    return not vehicles or bool(types & _CARS)


def _periods(inside: str, record: Element) -> Iterator[Stated]:
    spec = record.find(_path(f"sit:validity/{_SPEC}"))
    if spec is None:
        return
    for kind in ("com:validPeriod", "com:exceptionPeriod"):
        for path, period in _numbered(spec, kind, f"{inside}validity/validityTimeSpecification/"):
            for name in ("com:startOfPeriod", "com:endOfPeriod"):
                if _text(period, name) is not None:
                    yield _stated(period, f"{path}/", name)


def _lines(inside: str, record: Element) -> Iterator[Line]:
    """Yield the record's own coordinates, then those of the ways round."""
    for name, is_detour in (("sit:locationReference", False), ("sit:alternativeRoute", True)):
        for path, place in _numbered(record, name, inside):
            for line in place.iter(name_of("loc:gmlLineString"), name_of("loc:exterior")):
                is_ring = local_name(line) == "exterior"
                yield Line(
                    path=f"{path}/{_below(line, place)}/posList",
                    coordinates=latitude_first(_text(line, "loc:posList")),
                    is_detour=is_detour,
                    shape=Shape.AREA if is_ring else Shape.LINE,
                    latitude_first=True,
                )
            yield from _points(path, place, is_detour)


def _points(path: str, place: Element, is_detour: bool) -> Iterator[Line]:
    for point in place.iter(name_of("loc:pointCoordinates")):
        text = " ".join(_text(point, f"loc:{axis}") or "?" for axis in ("latitude", "longitude"))
        yield Line(
            path=f"{path}/{_below(point, place)}",
            coordinates=latitude_first(text),
            is_detour=is_detour,
            shape=Shape.POINTS,
            latitude_first=True,
        )


def _lanes(inside: str, record: Element) -> Iterator[LaneState]:
    for path, place in _numbered(record, "sit:locationReference", inside):
        for number in place.iter(name_of("loc:laneNumber")):
            yield LaneState(path=f"{path}/{_below(number, place)}", number=_number(number.text), closed=True)


def _compass(record: Element) -> str:
    directions = record.findall(name_of("sit:applicableForTrafficDirection"))
    return (directions[0].text or "").lower() if len(directions) == 1 else ""


def _class_of(element: Element) -> str:
    return element.get(TYPE, "").rpartition(":")[2]


def _stated(element: Element, inside: str, path: str) -> Stated:
    words = "/".join(step.partition(":")[2] for step in path.split("/"))
    return f"{inside}{words}", _text(element, path)


def _text(element: Element | None, path: str) -> str | None:
    return None if element is None else text_at(element, path, NAMESPACES)


def _path(path: str) -> str:
    return "/".join(name_of(step) for step in path.split("/"))


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.strip().isdecimal() else None


def _numbered(parent: Element, name: str, inside: str) -> list[tuple[str, Element]]:
    """Return the children called `name` with their paths, numbered from 1 where there are several."""
    found = parent.findall(name_of(name))
    local = name.partition(":")[2]
    return [(f"{inside}{local}[{n}]" if len(found) > 1 else f"{inside}{local}", one) for n, one in enumerate(found, 1)]


def _below(element: Element, top: Element) -> str:
    """Return the path from `top`, without its own name, to `element`."""
    steps: list[str] = []
    while element is not top and (parent := element.getparent()) is not None:
        like = parent.findall(element.tag)
        number = f"[{like.index(element) + 1}]" if len(like) > 1 else ""
        steps.append(f"{local_name(element)}{number}")
        element = parent
    return "/".join(reversed(steps))
