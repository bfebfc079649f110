"""A road event to Waze CIFS incidents, one for each segment: the facts that the XML and the JSON feed share.

Source: Closure and Incident Feed Specification v2 (cifsv2.xsd of 2023-11-07, and the specification's web pages).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from trafficfeed.closures.access import permitted_classes
from trafficfeed.closures.orders import LanesClosed, Reason, TurnBan, VehicleRestriction
from trafficfeed.closures.publication import slug_of
from trafficfeed.closures.road_events import RoadEvent, RoadSegment
from trafficfeed.errors import FeedNonConformant
from trafficfeed.findings import Finding, Severity
from trafficfeed.formats.cifs_schedule import schedule_of
from trafficfeed.formats.feed_info import FeedInfo
from trafficfeed.formats.impact_text import impact_text
from trafficfeed.formats.rule_text import cancelled_text, rule_text, street_text
from trafficfeed.formats.texts import in_language, plain
from trafficfeed.network.vehicle_classes import VehicleClass

Incident = Mapping[str, Any]
"""Elements by name, texts or elements in turn; ``id`` is an attribute in XML."""

_IMPACT_LENGTH: Final = 200
_SHORTEST_ID: Final = 3
_NEVER_BEGAN: Final = timedelta(minutes=1)

_CLOSED = MappingProxyType(
    {
        Reason.ROADWORKS: "ROAD_CLOSED_CONSTRUCTION",
        Reason.PUBLIC_EVENT: "ROAD_CLOSED_EVENT",
        Reason.SPORT: "ROAD_CLOSED_EVENT",
        Reason.EMERGENCY: "ROAD_CLOSED_HAZARD",
        Reason.ACCIDENT: "ROAD_CLOSED_HAZARD",
        Reason.FLOODING: "ROAD_CLOSED_HAZARD",
        Reason.SECURITY: "ROAD_CLOSED_HAZARD",
    }
)
_ON_THE_ROAD: Final = (Reason.ROADWORKS, Reason.FLOODING, Reason.ACCIDENT, Reason.EMERGENCY)
_OPEN = MappingProxyType({Reason.ROADWORKS: "HAZARD_ON_ROAD_CONSTRUCTION", Reason.FLOODING: "HAZARD_WEATHER_FLOOD"})


def incidents_of(event: RoadEvent, feed: FeedInfo) -> tuple[Incident, ...]:
    """Return an incident for each of the event's segments.

    Only what shuts ordinary cars out is a ``ROAD_CLOSED``, which Waze routes around; anything else is a ``HAZARD``, of
    which drivers on the road are told. None for a turn ban, as CIFS speaks of stretches of road, and for what keeps
    lorries or others out without there being anything on the road: it would warn drivers whom it does not concern. None
    for segments where no car may go in the first place.

    Raises
    ------
    FeedNonConformant
        If the coordinates are not WGS-84.
    """
    if feed.datum != "wgs84":
        message = f"CIFS takes WGS-84 coordinates, these are {feed.datum}"
        mend = "convert them before this step"
        finding = Finding(rule="cifs.datum", severity=Severity.ERROR, message=message, mend=mend)
        raise FeedNonConformant(f"{message}: {mend}", [finding])
    if isinstance(event.rule, TurnBan):
        return ()
    incidents: list[Incident] = []
    shared: dict[tuple[int, tuple[int, ...]], dict[str, Any] | None] = {}
    for segment in event.segments or (_whole(event),):
        if not segment.cars:
            continue  # Waze would lay it on the nearest street for cars
        there = _at(event, segment)
        lanes = (there.lanes_total, tuple(there.lanes_closed))
        if lanes not in shared:
            shared[lanes] = _of_event(there, feed)
        if (common := shared[lanes]) is not None:
            street = plain(street_text(segment.street or event.street, feed.language))
            own = {"street": street, "polyline": _polyline(segment.coordinates)}
            incidents.append({"id": f"{event.id}.{segment.key}", **common, **own})
    return tuple(incidents)


def local_text(instant: datetime, timezone: str) -> str:
    """Return an aware instant with the offset that `timezone` (IANA) has then, to the second."""
    return instant.astimezone(ZoneInfo(timezone)).isoformat(timespec="seconds")


def _at(event: RoadEvent, segment: RoadSegment) -> RoadEvent:
    """Return `event` with the lanes of one of its segments."""
    if not segment.lanes_total:
        return event
    return replace(event, lanes_total=segment.lanes_total, lanes_closed=segment.lanes_closed)


def _of_event(event: RoadEvent, feed: FeedInfo) -> dict[str, Any] | None:
    """Return what the incidents of segments with the same lanes share; None where there is nothing to tell cars."""
    closed = _shuts_out_cars(event)
    if not closed and isinstance(event.rule, VehicleRestriction) and event.reason not in _ON_THE_ROAD:
        return None
    subtype = _CLOSED.get(event.reason) if closed else _hazard(event)
    lanes = None if closed else _lane_impact(event, left_hand=feed.left_hand)
    start, end = _period(event)
    schedule = None if event.cancelled else schedule_of(event, ZoneInfo(feed.timezone))
    return {
        "parent_event": {"id": event.order_id.ljust(_SHORTEST_ID, "-")},
        "creationtime": local_text(event.created, feed.timezone),
        "updatetime": local_text(event.updated, feed.timezone),
        "source": _source(event, feed),
        "type": "ROAD_CLOSED" if closed else "HAZARD",
        **({"subtype": subtype} if subtype else {}),
        "description": _description(event, feed.language),
        "direction": "ONE_DIRECTION",
        **({"lane_impact": lanes} if lanes else {}),
        "starttime": local_text(start, feed.timezone),
        "endtime": local_text(end, feed.timezone),
        **({"schedule": schedule} if schedule else {}),
    }


def _shuts_out_cars(event: RoadEvent) -> bool:
    if isinstance(event.rule, LanesClosed):
        return len(event.lanes_closed) >= event.lanes_total
    return VehicleClass.PASSENGER not in permitted_classes(event.rule, event.exceptions)


def _source(event: RoadEvent, feed: FeedInfo) -> dict[str, str]:
    named = {"reference": slug_of(event.authority), "name": plain(event.authority), "url": feed.public_url}
    return {key: text for key, text in named.items() if text}


def _hazard(event: RoadEvent) -> str:
    if isinstance(event.rule, LanesClosed):
        return "HAZARD_ON_ROAD_LANE_CLOSED"
    return _OPEN.get(event.reason, "HAZARD_ON_ROAD")


def _period(event: RoadEvent) -> tuple[datetime, datetime]:
    """Return start and end; a cancelled event ended when it was cancelled.

    One that had not begun is given the minute before: the specification has no word for what never came to be, a
    record that merely went missing would look like a fault, and one that ends before it starts is refused.
    """
    start, end = event.window.start, event.window.end
    if not event.cancelled:
        return start, end
    end = min(end, event.updated)
    return (start if start < end else end - _NEVER_BEGAN), end


def _description(event: RoadEvent, language: str) -> str:
    title = in_language(event.title, language)
    said = [
        f"{cancelled_text(language)}: {title}" if event.cancelled else title,
        "" if event.cancelled else rule_text(event, language),
        in_language(event.until or {}, language),
        impact_text(event, language, limit=_IMPACT_LENGTH),
    ]
    return " ".join(dict.fromkeys(_sentence(text) for text in map(plain, said) if text))


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?。！？" else ".")


def _lane_impact(event: RoadEvent, *, left_hand: bool) -> dict[str, Any] | None:
    """Return how many lanes are closed and on which side; None where they are not all on one side or in the middle."""
    if not isinstance(event.rule, LanesClosed) or not event.lanes_closed:
        return None
    closed, total = sorted(event.lanes_closed), event.lanes_total
    if closed != list(range(closed[0], closed[-1] + 1)):
        return None
    kerb, middle = ("LEFT", "RIGHT") if left_hand else ("RIGHT", "LEFT")
    side = kerb if closed[0] == 1 else middle if closed[-1] == total else "MIDDLE"
    return {"total_closed_lanes": len(closed), "roadside": side}


def _polyline(line: Sequence[tuple[float, float]]) -> str:
    """Return latitude and longitude by turns; a straight line gets a third point, as two often are not matched."""
    points = list(line)
    if len(points) == 2:
        middle = (sum(lon for lon, _ in points) / 2, sum(lat for _, lat in points) / 2)
        points.insert(1, middle)
    return " ".join(f"{lat:.7f} {lon:.7f}" for lon, lat in points)


def _whole(event: RoadEvent) -> RoadSegment:
    return RoadSegment(key="s1", coordinates=event.coordinates, street=event.street)
