"""Native GeoJSON: everything that is known of every road event, its certificate included."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from trafficfeed.closures.road_events import CertificateSummary, RoadEvent
from trafficfeed.formats.feed_info import FeedInfo, utc_text

MEDIA_TYPE = "application/geo+json"
FILE_NAME = "closures.geojson"
FORMAT = "trafficfeed-closures/1"


def encode(events: Iterable[RoadEvent], *, publication_time: datetime, feed: FeedInfo) -> bytes:
    """Return a GeoJSON FeatureCollection of `events`, sorted by id.

    Parameters
    ----------
    events
        In any order.
    publication_time
        Aware; the only time that is not a fact of an event.
    feed
        The feed's own particulars.

    Source: RFC 7946. Lines run in the direction of travel, lon, lat; `lanes.closed` counts from the kerb.
    """
    document = {
        "type": "FeatureCollection",
        "feed": _feed(feed, publication_time),
        "features": [_feature(event) for event in sorted(events, key=lambda event: event.id)],
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode() + b"\n"


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


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None and value != ()}
