"""Bends and the warnings of them, as our own JSON and as GeoJSON: geofences with the headings that they hold for."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from trafficfeed.formats.json_documents import as_json
from trafficfeed.formats.signals_json import utc_millis
from trafficfeed.signals.bend_presence import BendWarning
from trafficfeed.signals.bends import Bend, BendApproach

FORMAT: Final = "trafficfeed-bends/1"
JSON: Final = "application/json"
GEOJSON: Final = "application/geo+json"


def encode_bends(bends: Mapping[str, Bend], *, publication_time: datetime) -> bytes:
    """Return the bends as JSON, by id; `publication_time` is aware."""
    head = {"format": FORMAT, "published_at": utc_millis(publication_time)}
    return as_json(head | {"bends": [bend_value(bends[id]) for id in sorted(bends)]}) + b"\n"


def encode_bends_geojson(bends: Mapping[str, Bend], *, publication_time: datetime) -> bytes:
    """Return a polygon for each approach, by bend and approach, EPSG:4326 lon, lat."""
    features = [_feature(bends[id], own, {}) for id in sorted(bends) for own in bends[id].approaches]
    return _collection(features, publication_time)


def encode_warnings(warnings: Iterable[BendWarning], *, publication_time: datetime) -> bytes:
    """Return the warnings that hold, as JSON: each with the approaches that are to be told, and until when."""
    head = {"format": FORMAT, "published_at": utc_millis(publication_time)}
    return as_json(head | {"warnings": [warning_value(one) for one in warnings]}) + b"\n"


def encode_warnings_geojson(warnings: Iterable[BendWarning], *, publication_time: datetime) -> bytes:
    """Return a polygon for each approach that is to be told."""
    features = [
        _feature(one.bend, own, _times(one)) for one in warnings for own in one.bend.approaches if own.id in one.warned
    ]
    return _collection(features, publication_time)


def bend_value(bend: Bend) -> dict[str, Any]:
    """Return a bend as JSON says it: what it is, why it is one, and each approach with its geofence."""
    return {**_facts(bend), "at": list(bend.lonlat), "approaches": [_approach(own) for own in bend.approaches]}


def warning_value(warning: BendWarning) -> dict[str, Any]:
    """Return a warning as JSON says it."""
    told = [_approach(own) for own in warning.bend.approaches if own.id in warning.warned]
    return {"bend": warning.bend.id, "title": warning.bend.title, **_times(warning), "approaches": told}


def _collection(features: list[dict[str, Any]], at: datetime) -> bytes:
    return as_json({"type": "FeatureCollection", "published_at": utc_millis(at), "features": features}) + b"\n"


def _feature(bend: Bend, approach: BendApproach, more: Mapping[str, Any]) -> dict[str, Any]:
    properties = _approach(approach)
    ring = properties.pop("geofence")
    return {
        "type": "Feature",
        "id": f"{bend.id}/{approach.id}",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"bend": bend.id, **_facts(bend), **properties, "approach": approach.id, **more},
    }


def _facts(bend: Bend) -> dict[str, Any]:
    return {
        "id": bend.id,
        "title": bend.title,
        "found": "geometry" if bend.found else "given",
        "radius_m": bend.radius_m,
        "turn_deg": bend.turn_deg,
        "speed_mps": bend.speed_mps,
        "sight_m": bend.sight_m,
        "stopping_m": bend.stopping_m,
    }


def _approach(own: BendApproach) -> dict[str, Any]:
    return {
        "id": own.id,
        "street": own.street,
        "compass": own.compass,
        "heading_from_deg": own.sector_deg[0],
        "heading_to_deg": own.sector_deg[1],
        "lead_m": own.lead_m,
        "geofence": [list(point) for point in _counter_clockwise(own.fence)],
    }


def _times(warning: BendWarning) -> dict[str, Any]:
    return {
        "since": utc_millis(warning.since),
        "expires_at": utc_millis(warning.expires_at),
        "kinds": list(warning.kinds),
    }


def _counter_clockwise(ring: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return a closed ring as RFC 7946 wants it."""
    points = list(ring)
    area = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairwise(points))
    return points if area > 0 else points[::-1]
