"""The flood map: per road segment and site how deep it is and will be, for whom it is passable, how that is known.

Two GeoJSON documents with one head. Everything in them is a fact with its own time, so the same facts give the same
bytes, and a client has the newest version when its ETag still matches.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from trafficfeed.flooding.decisions import Decision, Level
from trafficfeed.flooding.forecast import THRESHOLDS_M, CityForecast
from trafficfeed.flooding.observations import Reading
from trafficfeed.flooding.road_state import STANDING_WATER_M, WaterClass, speed_in_water
from trafficfeed.flooding.sites import Site
from trafficfeed.formats.feed_info import FeedInfo, utc_text
from trafficfeed.formats.in_datum import DECIMALS
from trafficfeed.formats.json_documents import as_json
from trafficfeed.network.datums import convert, densify

FORMAT: Final = "trafficfeed-flooding/1"
SEGMENTS: Final = "segments.geojson"
SITES: Final = "sites.geojson"
MEDIA_TYPE: Final = "application/geo+json"
_SHALLOWEST_M: Final = 0.005
_LEAST_CHANCE: Final = 0.005
_ALL: Final = tuple(WaterClass)

Floats = npt.NDArray[np.float64]
LonLats = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MapSegment:
    """A road that a site's water reaches, one direction; `id` is stable, of the site and the road's OSM nodes.

    `coordinates` are WGS-84 lon, lat, the whole shape in the direction of travel; the water stands from `from_m` to
    `to_m` along it. `sill_m` is how much higher than the site's low point it lies, `limit_mps` its speed limit.
    """

    id: str
    coordinates: LonLats
    street: str
    sill_m: float
    limit_mps: float
    from_m: float
    to_m: float
    osm_ways: Sequence[tuple[int, bool]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MapSite:
    """A site with its roads; `name` as people call it, `area` the ring that its water may cover."""

    site: Site
    name: str
    area: LonLats
    segments: Sequence[MapSegment] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The road records of a site: their order, whether the simulation has spoken, its certificate; `levels` by edge."""

    order: str
    validation: str = "pending"
    certificate: str | None = None
    href: str | None = None


@dataclass(frozen=True, kw_only=True)
class FloodMap:
    """All that the documents say.

    Attributes
    ----------
    forecast
        None: nothing is forecast.
    decisions
        By site; one that awaits approval is not told.
    observed
        By site: the newest good reading.
    published
        By site, where roads are closed or warned of.
    newest_input
        Aware: of what is newest among readings and forecast; None where there is neither.
    stale
        Whether that is too old to go by.
    note
        What a reader must know of the source: "synthetic terrain"; "" where there is nothing.
    """

    sites: Sequence[MapSite]
    forecast: CityForecast | None = None
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    observed: Mapping[str, Reading] = field(default_factory=dict)
    published: Mapping[str, Published] = field(default_factory=dict)
    newest_input: datetime | None = None
    stale: bool = False
    note: str = ""
    limits_m: Mapping[WaterClass, float] = field(default_factory=lambda: STANDING_WATER_M)


@dataclass(frozen=True, kw_only=True)
class _Row:
    """A site's forecast at its low point: ``(n_times,)`` quantiles, ``(n_thresholds, n_times)`` chances."""

    p10: Floats
    p50: Floats
    p90: Floats
    exceedance: Floats
    horizons_s: Floats
    method: str
    confidence: float
    to_flood_s: Floats
    to_clear_s: Floats

    def at(self, sill_m: float) -> tuple[Floats, Floats, Floats]:
        """Return the quantiles on a road that lies higher."""
        low, middle, high = (np.maximum(one - sill_m, 0.0) for one in (self.p10, self.p50, self.p90))
        return low, middle, high

    def chance(self, depth_m: float) -> Floats:
        """Return the probability of a depth at the low point, between the thresholds and quantiles that are known.

        Exact at the thresholds; beyond the deepest thing known no more than there.
        """
        if depth_m in THRESHOLDS_M:
            return np.asarray(self.exceedance[THRESHOLDS_M.index(depth_m)])
        levels = np.broadcast_to(np.array(THRESHOLDS_M)[:, None], self.exceedance.shape)
        shares = (np.full_like(self.p10, share) for share in (0.9, 0.5, 0.1))
        depths = np.vstack([self.p10, self.p50, self.p90, levels])
        order = np.argsort(depths, axis=0, kind="stable")
        depths = np.take_along_axis(depths, order, axis=0)
        chances = np.take_along_axis(np.vstack([*shares, self.exceedance]), order, axis=0)
        chances = np.minimum.accumulate(chances, axis=0)
        after = np.clip((depths <= depth_m).sum(axis=0), 1, len(depths) - 1)[None]
        (d0, d1), (c0, c1) = (
            (np.take_along_axis(one, after - 1, axis=0)[0], np.take_along_axis(one, after, axis=0)[0])
            for one in (depths, chances)
        )
        share = np.clip((depth_m - d0) / np.where(d1 > d0, d1 - d0, 1.0), 0.0, 1.0)
        return np.where(np.isfinite(self.p90), c0 + share * (c1 - c0), np.nan)


def segments_document(flood_map: FloodMap, feed: FeedInfo) -> bytes:
    """Return the GeoJSON of the roads: a LineString each, in the direction of travel, in the feed's datum.

    Source: RFC 7946; speeds as `road_state.speed_in_water`, vehicles as `road_state.STANDING_WATER_M`.
    """
    features = (
        _segment(segment, place, flood_map, _row(flood_map.forecast, place.site.id), feed)
        for place in _in_order(flood_map)
        for segment in place.segments
    )
    return _collection(flood_map, feed, features)


def sites_document(flood_map: FloodMap, feed: FeedInfo) -> bytes:
    """Return the GeoJSON of the sites: a Point each, with the hydrograph at its low point."""
    features = (
        _site(place, flood_map, _row(flood_map.forecast, place.site.id), feed) for place in _in_order(flood_map)
    )
    return _collection(flood_map, feed, features)


def _in_order(flood_map: FloodMap) -> list[MapSite]:
    return sorted(flood_map.sites, key=lambda place: place.site.id)


def _collection(flood_map: FloodMap, feed: FeedInfo, features: Iterable[dict[str, Any]]) -> bytes:
    document = {"type": "FeatureCollection", "feed": _head(flood_map, feed)}
    body = b",\n".join(map(as_json, features))
    return as_json(document)[:-1] + b',"features":[\n' + body + b"\n]}\n"


def _head(flood_map: FloodMap, feed: FeedInfo) -> dict[str, Any]:
    forecast = flood_map.forecast
    return _told(
        {
            "format": FORMAT,
            "publisher": feed.publisher,
            "licence": feed.licence,
            "attribution": feed.attribution,
            "language": feed.language,
            "timezone": feed.timezone,
            "datum": feed.datum,
            "area": list(feed.bounds) if feed.bounds else None,
            "newest_input": None if flood_map.newest_input is None else utc_text(flood_map.newest_input),
            "stale": flood_map.stale,
            "note": flood_map.note or None,
            "issued_at": None if forecast is None else utc_text(forecast.issued_at),
            "horizons_s": None if forecast is None else [int(second) for second in forecast.horizons_s],
            "standing_water_m": {kind.value: flood_map.limits_m[kind] for kind in WaterClass},
        }
    )


def _site(place: MapSite, flood_map: FloodMap, row: _Row | None, feed: FeedInfo) -> dict[str, Any]:
    site = place.site
    return {
        "type": "Feature",
        "id": site.id,
        "geometry": {"type": "Point", "coordinates": _placed([(site.lon, site.lat)], feed)[0]},
        "properties": _told(
            {
                "name": place.name,
                "source": site.source.value,
                "tidal": site.tidal,
                "segments": [segment.id for segment in place.segments],
                **_state(site.id, flood_map),
                "forecast": None if row is None else _hydrograph(row),
            }
        ),
    }


def _hydrograph(row: _Row) -> dict[str, Any]:
    return {"dry": True, **_how(row)} if _is_dry(row, 0.0) else {**_steps(row, 0.0), **_how(row), **_when(row)}


def _segment(
    segment: MapSegment, place: MapSite, flood_map: FloodMap, row: _Row | None, feed: FeedInfo
) -> dict[str, Any]:
    forecast = None
    if row is not None:
        _, middle, high = row.at(segment.sill_m)
        speeds = speed_in_water(np.nan_to_num(middle), segment.limit_mps) * 3.6
        forecast = {
            **_steps(row, segment.sill_m),
            "speed_kmh": _rounded(np.where(np.isfinite(middle), speeds, np.nan), 0),
            "passable": _passable(high, row.horizons_s, flood_map.limits_m),
            **_how(row),
            **(_when(row) if segment.sill_m == 0 else {}),
        }
        if _is_dry(row, segment.sill_m):
            forecast = {"dry": True, **_how(row)}
    return {
        "type": "Feature",
        "id": segment.id,
        "geometry": {"type": "LineString", "coordinates": _placed(segment.coordinates, feed)},
        "properties": _told(
            {
                "site": place.site.id,
                "name": place.name,
                "street": segment.street or None,
                "sill_m": round(segment.sill_m, 2),
                "from_m": round(segment.from_m, 1),
                "to_m": round(segment.to_m, 1),
                "limit_kmh": round(segment.limit_mps * 3.6),
                "osm_ways": [{"id": way, "forward": forward} for way, forward in segment.osm_ways] or None,
                **_state(place.site.id, flood_map, sill_m=segment.sill_m),
                "forecast": forecast,
            }
        ),
    }


def _state(site: str, flood_map: FloodMap, *, sill_m: float = 0.0) -> dict[str, Any]:
    """Return what is observed, decided and published; an approval that is still awaited is the officers' business."""
    decision, reading = flood_map.decisions.get(site), flood_map.observed.get(site)
    published = flood_map.published.get(site)
    return {
        "observed": reading
        and {
            "depth_m": round(max(reading.depth_m - sill_m, 0.0), 2),
            "at": utc_text(reading.observed_at),
            "sensor": reading.sensor,
            "quality": reading.quality.value,
        },
        "decision": None if decision is None or decision.awaits_approval else _decision(decision),
        "order": published and published.order,
        "validation": published and published.validation,
        "certificate": published and published.certificate,
        "certificate_href": published and published.href,
    }


def _decision(decision: Decision) -> dict[str, Any]:
    return _told(
        {
            "level": decision.level.value,
            "basis": decision.basis.value,
            "since": utc_text(decision.since),
            "expected_end": utc_text(decision.expected_end) if decision.expected_end else None,
            "closed_to": [kind.value for kind in decision.closed_to] if decision.level is Level.CLOSED else None,
        }
    )


def _steps(row: _Row, sill_m: float) -> dict[str, Any]:
    low, middle, high = row.at(sill_m)
    return {
        "p10_m": _rounded(low, 2),
        "p50_m": _rounded(middle, 2),
        "p90_m": _rounded(high, 2),
        "chance_15cm": _rounded(row.chance(0.15 + sill_m), 2),
        "chance_30cm": _rounded(row.chance(0.30 + sill_m), 2),
    }


def _how(row: _Row) -> dict[str, Any]:
    return {"method": row.method, "confidence": round(row.confidence, 2) if np.isfinite(row.confidence) else None}


def _when(row: _Row) -> dict[str, Any]:
    """Return the P10, P50, P90 of times, s; null within: not in sight. Left out where nothing can be said."""
    times = {"to_flood_s": row.to_flood_s, "to_clear_s": row.to_clear_s}
    return {name: _rounded(values, 0) for name, values in times.items() if not np.isnan(values).any()}


def _passable(high: Floats, horizons_s: Floats, limits_m: Mapping[WaterClass, float]) -> list[dict[str, Any]]:
    """Return who passes at P90 from which second on, where that changes; nobody while the forecast abstains."""
    passes = np.array([high < limits_m[kind] for kind in _ALL])
    changes = [0, *(np.flatnonzero((passes[:, 1:] != passes[:, :-1]).any(axis=0)) + 1).tolist()]
    return [
        {
            "from_s": int(horizons_s[n]),
            "classes": [kind.value for kind, row in zip(_ALL, passes, strict=True) if row[n]],
        }
        for n in changes
    ]


def _is_dry(row: _Row, sill_m: float) -> bool:
    shallow, unlikely = row.p90 - sill_m < _SHALLOWEST_M, row.chance(0.15) < _LEAST_CHANCE
    return bool(shallow.all() and (unlikely.all() or (row.chance(0.15 + sill_m) < _LEAST_CHANCE).all()))


def _row(forecast: CityForecast | None, site: str) -> _Row | None:
    if forecast is None or site not in forecast.sites:
        return None
    n = forecast.row(site)
    return _Row(
        p10=forecast.p10_m[n],
        p50=forecast.p50_m[n],
        p90=forecast.p90_m[n],
        exceedance=forecast.exceedance[:, n],
        horizons_s=forecast.horizons_s,
        method=forecast.method[n].value,
        confidence=float(forecast.confidence[n]),
        to_flood_s=forecast.to_flood_s[n],
        to_clear_s=forecast.to_clear_s[n],
    )


def _placed(line: LonLats, feed: FeedInfo) -> list[list[float]]:
    """Return coordinates in the feed's datum, lines densified first so that they bend as it does."""
    if feed.datum == "wgs84":
        return [list(point) for point in line]
    dense = densify(tuple(line)) if len(line) > 1 else np.array(line)
    decimals = DECIMALS if feed.decimals is None else feed.decimals
    moved: list[list[float]] = np.round(convert(dense, source="wgs84", target=feed.datum), decimals).tolist()
    return moved


def _rounded(values: Floats, decimals: int) -> list[float | int | None]:
    """Return numbers as JSON has them: null for what is unknown or beyond the horizon."""
    rounded = np.round(values, decimals) + 0.0  # no minus nought
    if np.isfinite(rounded).all():
        told: list[float | int | None] = (rounded.astype(np.int64) if decimals == 0 else rounded).tolist()
        return told
    return [None if not np.isfinite(one) else int(one) if decimals == 0 else one for one in rounded.tolist()]


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
