"""The impact of every record by id and version: beside the formats that refuse extensions."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from trafficfeed.closures.orders import Hazard, Reason
from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.formats.cap_alert import incident_of, languages_of
from trafficfeed.formats.cifs_incident import incidents_of
from trafficfeed.formats.datex2_causes import obstruction_id
from trafficfeed.formats.datex2_obstructions import is_obstructed
from trafficfeed.formats.feed_info import FeedInfo, utc_text
from trafficfeed.formats.impact_text import impact_text
from trafficfeed.formats.json_documents import as_collection, as_json
from trafficfeed.formats.standard import Fragment, Standard

FILE_NAME = "impact.json"


def fragments(event: RoadEvent, feed: FeedInfo) -> tuple[Fragment, ...]:
    """Return the impact of `event`: its certificate's summary, the same in words, and its ids in the other formats."""
    record = {
        "id": event.id,
        "version": event.order_version,
        "order": event.order_id,
        "validation": event.validation.value,
        "cancelled": event.cancelled,
        "start": utc_text(event.window.start),
        "end": utc_text(event.window.end),
        "updated": utc_text(event.updated),
        "certificate": _summary(event),
        "text": {language: impact_text(event, language) for language in languages_of(event, feed)},
        "detour_streets": list(event.detour_streets),
        "ids": ids_of(event, feed),
    }
    return (Fragment.of(event, as_json(record)),)


def assemble(fragments: Sequence[Fragment], publication_time: datetime, feed: FeedInfo) -> bytes:
    """Return the document of `fragments`."""
    head = {"publisher": feed.publisher, "licence": feed.licence, "published": utc_text(publication_time)}
    return as_collection({"feed": head}, "impacts", fragments)


def ids_of(event: RoadEvent, feed: FeedInfo) -> dict[str, list[str]]:
    """Return under which ids the other formats speak of `event`, where they do.

    A record's id is the road event's own in native, WZDx and DATEX II, where a detour is a record of its own; CIFS has
    an incident for each segment, a CAP alert speaks for all roads of a measure in a period.
    """
    detour = [f"{event.id}.detour"] if event.detour else []
    ids = {
        "native": [event.id],
        "wzdx": [event.id, *detour] if event.reason is Reason.ROADWORKS and not event.cancelled else [],
        "datex2": _datex2_ids(event),
        "cifs": [incident["id"] for incident in incidents_of(event, replace(feed, datum="wgs84"))],
        "cap": [incident_of(event.order_id, event.id)] if event.areas else [],
        "gtfs-rt": [event.id] if event.transit and not event.cancelled else [],
    }
    return {name: found for name, found in ids.items() if found}


def _datex2_ids(event: RoadEvent) -> list[str]:
    managed = [] if isinstance(event.rule, Hazard) else [event.id, *([f"{event.id}.detour"] if event.detour else [])]
    return [*managed, *([obstruction_id(event)] if is_obstructed(event) else [])]


STANDARD = Standard(
    name="impact",
    title="Impact of every record, by id and version",
    file_name=FILE_NAME,
    media_type="application/json",
    fragments=fragments,
    assemble=assemble,
    datums=("wgs84", "gcj02", "bd09"),
)
encode = STANDARD.encode


def _summary(event: RoadEvent) -> dict[str, Any] | None:
    if event.certificate is None:
        return None
    summary = asdict(event.certificate)
    summary["queue_risk"] = event.certificate.queue_risk.value
    return {name: list(value) if isinstance(value, tuple) else value for name, value in summary.items()}
