"""Native GeoJSON: everything that is known of every road event, its certificate included."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from trafficfeed.closures.orders import Water
from trafficfeed.closures.road_events import CertificateSummary, RoadEvent
from trafficfeed.formats.feed_info import FeedInfo, utc_text
from trafficfeed.formats.json_documents import as_collection, as_json
from trafficfeed.formats.native_reading import read_native
from trafficfeed.formats.standard import Fragment, Standard

FILE_NAME = "closures.geojson"
FORMAT = "trafficfeed-closures/1"


def fragments(event: RoadEvent, feed: FeedInfo) -> tuple[Fragment, ...]:
    """Return the GeoJSON feature of `event`.

    Source: RFC 7946. Lines run in the direction of travel, lon, lat; `lanes.closed` counts from the kerb.
    """
    return (Fragment.of(event, as_json(_feature(event))),)


def assemble(fragments: Sequence[Fragment], publication_time: datetime, feed: FeedInfo) -> bytes:
    """Return the FeatureCollection of `fragments`; `publication_time` is the only time that is no fact of an event."""
    head = {"type": "FeatureCollection", "feed": _feed(feed, publication_time)}
    return as_collection(head, "features", fragments)


STANDARD = Standard(
    name="native",
    title="GeoJSON: every record, with its certificate",
    file_name=FILE_NAME,
    media_type="application/geo+json",
    fragments=fragments,
    assemble=assemble,
    read=read_native,
    datums=("wgs84", "gcj02", "bd09"),
)
encode = STANDARD.encode


def _feed(feed: FeedInfo, publication_time: datetime) -> dict[str, Any]:
    return _without_none(
        {
            "format": FORMAT,
            "published": utc_text(publication_time),
            "publisher": feed.publisher,
            "contact": _without_none({"name": feed.contact_name, "email": feed.contact_email}),
            "licence": feed.licence,
            "attribution": feed.attribution,
            "language": feed.language,
            "timezone": feed.timezone,
            "datum": feed.datum,
            "driving_side": "left" if feed.left_hand else "right",
            "area": list(feed.bounds) if feed.bounds else None,
            "href": feed.public_url,
            "update_frequency_s": feed.update_frequency_s,
            "tombstones": [
                {"id": gone.id, "reason": gone.reason, "at": utc_text(gone.at)}
                for gone in sorted(feed.tombstones, key=lambda gone: gone.id)
            ],
        }
    )


def _feature(event: RoadEvent) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": event.id,
        "geometry": {"type": "LineString", "coordinates": [list(point) for point in event.coordinates]},
        "properties": _without_none(
            {
                "order": {"id": event.order_id, "version": event.order_version, "measure": event.measure_id},
                "title": dict(sorted(event.title.items())),
                "description": dict(sorted(event.description.items())),
                "reason": event.reason.value,
                "rule": _without_none(asdict(event.rule)),
                "exceptions": sorted(exemption.value for exemption in event.exceptions),
                "street": event.street,
                "from_street": event.from_street,
                "to_street": event.to_street,
                "direction": event.compass,
                "lanes": {"total": event.lanes_total, "closed": list(event.lanes_closed)},
                **_times(event),
                "authority": event.authority,
                "contact": _without_none({"name": event.contact_name, "email": event.contact_email}),
                "cancelled": event.cancelled,
                "validation": event.validation.value,
                "certificate": _certificate(event.certificate),
                "match_confidence": event.match_confidence,
                "detour": event.detour and {"type": "LineString", "coordinates": [list(p) for p in event.detour]},
                "detour_streets": list(event.detour_streets),
                "osm_ways": [{"id": way, "forward": forward} for way, forward in event.osm_ways],
                "openlr": event.openlr,
                "water": _water(event.water),
                "extra": dict(event.extra) or None,
            }
        ),
    }


def _times(event: RoadEvent) -> dict[str, Any]:
    return {
        "start": utc_text(event.window.start),
        "end": utc_text(event.window.end),
        "end_is_estimate": event.end_is_estimate,
        "until": dict(sorted(event.until.items())) if event.until else None,
        "timezone": event.timezone,
        "created": utc_text(event.created),
        "updated": utc_text(event.updated),
    }


def _certificate(summary: CertificateSummary | None) -> dict[str, Any] | None:
    return None if summary is None else _without_none(asdict(summary))


def _water(water: Water | None) -> dict[str, Any] | None:
    if water is None:
        return None
    return _without_none(
        {
            "site": water.site or None,
            "depth_m": water.depth_m,
            "p10_m": water.p10_m,
            "p90_m": water.p90_m,
            "chance": water.chance,
            "basis": water.basis.value,
            "method": water.method or None,
            "valid_from": utc_text(water.valid_from),
            "valid_until": utc_text(water.valid_until) if water.valid_until else None,
            "speed_kmh": water.speed_kmh,
            "passable": [one.value for one in water.passable],
            "closed_to": [one.value for one in water.closed_to],
            "note": water.note or None,
        }
    )


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None and value != ()}
