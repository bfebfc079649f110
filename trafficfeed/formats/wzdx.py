"""WZDx 4.2 Work Zone Feed: roadworks and their detours, and nothing else."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from trafficfeed.closures.orders import Reason, TurnBan
from trafficfeed.closures.publication import slug_of
from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.errors import FeedNonConformant
from trafficfeed.findings import Finding, Severity
from trafficfeed.formats.feed_info import FeedInfo, utc_text
from trafficfeed.formats.json_documents import as_collection, as_json
from trafficfeed.formats.standard import Fragment, Standard
from trafficfeed.formats.wzdx_impact import lanes, restrictions, speed_limit_kph, unspoken, vehicle_impact
from trafficfeed.formats.wzdx_reading import read_wzdx

FILE_NAME = "wzdx.geojson"
CC0 = "https://creativecommons.org/publicdomain/zero/1.0/"


def fragments(event: RoadEvent, feed: FeedInfo) -> tuple[Fragment, ...]:
    """Return the work zone of `event` and its detour.

    Nothing where the event has another reason than works, or is cancelled: the standard has no place for it.

    Raises
    ------
    FeedNonConformant
        If the coordinates are not WGS-84, which GeoJSON and so WZDx demand.

    Source: WZDx 4.2, RoadEventFeature; RFC 7946, 4.
    """
    if feed.datum != "wgs84":
        message = f"WZDx takes WGS-84 coordinates, these are {feed.datum}"
        mend = "convert them before this step"
        finding = Finding(rule="wzdx.datum", severity=Severity.ERROR, message=message, mend=mend)
        raise FeedNonConformant(f"{message}: {mend}", [finding])
    if event.reason is not Reason.ROADWORKS or event.cancelled:
        return ()
    return tuple(Fragment.of(event, as_json(feature), id=feature["id"]) for feature in _features(event, feed))


def assemble(fragments: Sequence[Fragment], publication_time: datetime, feed: FeedInfo) -> bytes:
    """Return the WorkZoneFeed of `fragments`; `publication_time` becomes the feed's `update_date`."""
    head = {"feed_info": _feed_info(fragments, publication_time, feed), "type": "FeatureCollection"}
    return as_collection(head, "features", fragments)


STANDARD = Standard(
    name="wzdx",
    title="WZDx 4.2: works and detours",
    file_name=FILE_NAME,
    media_type="application/geo+json",
    fragments=fragments,
    assemble=assemble,
    read=read_wzdx,
)
encode = STANDARD.encode


def _feed_info(works: Sequence[Fragment], publication_time: datetime, feed: FeedInfo) -> dict[str, Any]:
    return {
        "publisher": feed.publisher,
        "contact_name": feed.contact_name,
        **({"contact_email": feed.contact_email} if feed.contact_email else {}),
        "update_frequency": max(feed.update_frequency_s, 1),
        "update_date": utc_text(publication_time),
        "version": "4.2",
        **({"license": CC0} if _is_cc0(feed.licence) else {}),
        "data_sources": _data_sources(works, feed),
    }


def _is_cc0(licence: str) -> bool:
    name = licence.strip().rstrip("/").lower().replace("http://", "https://")
    return name in ("cc0", "cc0-1.0", "cc0 1.0", CC0.rstrip("/"))


def _data_sources(works: Sequence[Fragment], feed: FeedInfo) -> list[dict[str, Any]]:
    latest: dict[str, datetime] = {}
    for event in works:
        latest[event.authority] = max(event.updated, latest.get(event.authority, event.updated))
    if not latest:
        return [{"data_source_id": slug_of(feed.publisher), "organization_name": feed.publisher}]
    return [
        {"data_source_id": slug_of(name), "organization_name": name, "update_date": utc_text(updated)}
        for name, updated in sorted(latest.items())
    ]


def _features(event: RoadEvent, feed: FeedInfo) -> list[dict[str, Any]]:
    work_zone = _feature(event.id, event.coordinates, _work_zone(event, feed))
    if not event.detour:
        return [work_zone]
    return [work_zone, _feature(_detour_id(event), event.detour, _detour(event, feed))]


def _feature(feature_id: str, line: Sequence[tuple[float, float]], properties: dict[str, Any]) -> dict[str, Any]:
    geometry = {"type": "LineString", "coordinates": [list(point) for point in line]}
    return {"id": feature_id, "type": "Feature", "properties": properties, "geometry": geometry}


def _work_zone(event: RoadEvent, feed: FeedInfo) -> dict[str, Any]:
    related = [{"type": "related-detour", "id": _detour_id(event)}] if event.detour else []
    road_names = [event.street or "unnamed road"]
    direction = "undefined" if isinstance(event.rule, TurnBan) else event.compass  # the line of a turn has two
    speed = speed_limit_kph(event.rule)
    return {
        "core_details": _core(event, feed, "work-zone", road_names, direction, related),
        **_cross_streets(event),
        **_dates(event),
        "is_start_position_verified": False,
        "is_end_position_verified": False,
        "work_zone_type": "static",
        "vehicle_impact": vehicle_impact(event, left_hand=feed.left_hand),
        "location_method": "junction-method",
        **({"reduced_speed_limit_kph": speed} if speed is not None else {}),
        "restrictions": restrictions(event),
        "lanes": lanes(event, left_hand=feed.left_hand),
    }


def _detour(event: RoadEvent, feed: FeedInfo) -> dict[str, Any]:
    related = [{"type": "related-work-zone", "id": event.id}]
    road_names = list(event.detour_streets) or ["unnamed road"]
    return {
        "core_details": _core(event, feed, "detour", road_names, "undefined", related),
        **_dates(event),
    }


def _detour_id(event: RoadEvent) -> str:
    return f"{event.id}.detour"


def _core(
    event: RoadEvent,
    feed: FeedInfo,
    event_type: str,
    road_names: list[str],
    direction: str,
    related: list[dict[str, str]],
) -> dict[str, Any]:
    title, text = _in(event.title, feed.language), _in(event.description, feed.language)
    for note in (
        unspoken(event) if event_type == "work-zone" else "",
        _in(event.until, feed.language) if event.until else "",
    ):
        text += f" ({note})" if note else ""
    return {
        "data_source_id": slug_of(event.authority),
        "event_type": event_type,
        **({"related_road_events": related} if related else {}),
        "road_names": road_names,
        "direction": direction,
        "name": title,
        "description": text,
        "creation_date": utc_text(event.created),
        "update_date": utc_text(event.updated),
    }


def _cross_streets(event: RoadEvent) -> dict[str, str]:
    named = {"beginning_cross_street": event.from_street, "ending_cross_street": event.to_street}
    return {key: street for key, street in named.items() if street}


def _dates(event: RoadEvent) -> dict[str, Any]:
    return {
        "start_date": utc_text(event.window.start),
        "end_date": utc_text(event.window.end),
        "is_start_date_verified": False,
        "is_end_date_verified": False,
    }


def _in(texts: Mapping[str, str], language: str) -> str:
    for wanted in (language, language.split("-")[0], "en"):
        if wanted in texts:
            return texts[wanted]
    return texts[min(texts)]
