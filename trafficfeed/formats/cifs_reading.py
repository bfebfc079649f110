"""A Waze CIFS document, XML or JSON, back to the facts that the semantic rules look at."""

from collections.abc import Mapping
from typing import Any

from trafficfeed.formats.json_reading import mapping, objects, read_json, text
from trafficfeed.formats.records import Clock, Feed, LaneState, Line, Record, Stated, latitude_first, refuse
from trafficfeed.formats.xml_reading import Element, local_name, read_xml

_OPEN = ("OPEN", "OPENED", "OPEN_LANE")
_TIMES = ("creationtime", "updatetime")


def read_cifs(data: bytes) -> Feed:
    """Read a CIFS feed in XML.

    Raises
    ------
    FeedNonConformant
        If it is not XML, or its root is not ``incidents``.
    """
    root = read_xml(data)
    if local_name(root) != "incidents":
        refuse(f"the document's root is {local_name(root)}, not incidents")
    stamp = root.get("timestamp")
    return Feed(
        standard="cifs",
        published=None if stamp is None else ("@timestamp", stamp),
        records=tuple(
            _record(f"incident[{number}]", "/", mapping(_content(incident)))
            for number, incident in enumerate(root.findall("incident"), 1)
        ),
        clock=Clock.OFFSET,
    )


def read_cifs_json(data: bytes) -> Feed:
    """Read a CIFS feed in JSON.

    Raises
    ------
    FeedNonConformant
        If it is not JSON with a list of ``incidents``.
    """
    incidents = read_json(data).get("incidents")
    if not isinstance(incidents, list):
        refuse("the document has no list of incidents")
    records = (
        _record(f"incidents[{number}].incident", ".", mapping(mapping(item).get("incident")))
        for number, item in enumerate(incidents)
    )
    return Feed(standard="cifs-json", published=None, records=tuple(records), clock=Clock.OFFSET)


def _record(path: str, step: str, incident: Mapping[str, Any]) -> Record:
    def stated(name: str) -> Stated:
        return f"{path}{step}{name}", incident.get(name)

    kind, schedule = text(incident.get("type")), mapping(incident.get("schedule"))
    at, place = _place(path, step, incident)
    return Record(
        path=path,
        id=text(incident.get("id")),
        start=stated("starttime"),
        end=stated("endtime"),
        times=tuple(stated(name) for name in _TIMES if incident.get(name) is not None),
        created=incident.get("creationtime"),
        updated=incident.get("updatetime"),
        lines=(_line(f"{at}{step}polyline", place.get("polyline")),),
        both_directions=place.get("direction") == "BOTH_DIRECTIONS",
        kind=kind,
        subtype=incident.get("subtype"),
        closes=kind == "ROAD_CLOSED",
        needs_end=kind == "ROAD_CLOSED",
        street=_said(place.get("street")),
        description=_said(incident.get("description")),
        lanes=_lanes(f"{path}{step}lanes{step}lane", incident.get("lanes"), first=1 if step == "/" else 0),
        schedule=tuple(schedule.items()),
        schedule_path=f"{path}{step}schedule",
        group=text(mapping(incident.get("parent_event")).get("id")),
    )


def _place(path: str, step: str, incident: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return where street, polyline and direction stand: in the incident, or in the deprecated ``location``."""
    location = mapping(incident.get("location"))
    return (f"{path}{step}location", location) if location and "polyline" not in incident else (path, incident)


def _said(value: Any) -> str | None:
    return None if value is None else text(value)


def _line(path: str, polyline: Any) -> Line:
    return Line(path=path, coordinates=latitude_first(polyline, separators=" "), latitude_first=True)


def _lanes(path: str, lanes: Any, *, first: int) -> tuple[LaneState, ...]:
    listed = lanes if isinstance(lanes, list) else mapping(lanes).get("lane")
    return tuple(
        LaneState(path=f"{path}[{number}]", number=lane.get("order"), closed=lane.get("status") not in _OPEN)
        for number, lane in enumerate(objects(listed if isinstance(listed, list) else [listed]), first)
    )


def _content(element: Element) -> Any:
    """Return an element's text, or its attributes and children by name; several of one name are a list."""
    if not len(element) and not element.attrib:
        return (element.text or "").strip()
    content: dict[str, Any] = {str(name): value for name, value in element.attrib.items()}
    for child in element:
        name, value = local_name(child), _content(child)
        if name not in content:
            content[name] = value
        else:
            earlier = content[name]
            content[name] = [*earlier, value] if isinstance(earlier, list) else [earlier, value]
    return content
