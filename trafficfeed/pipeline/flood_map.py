"""The flood map feed: sites, forecast, readings, decisions and orders to an atomic, replayable release of its own."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from trafficfeed.closures.road_events import RoadEvent, Validation
from trafficfeed.closures.section_line import section_line
from trafficfeed.closures.segments import osm_ways_of, segments_of
from trafficfeed.flooding.decisions import Decision
from trafficfeed.flooding.forecast import CityForecast
from trafficfeed.flooding.observations import Quality, Reading
from trafficfeed.flooding.sites import Site
from trafficfeed.formats import cap
from trafficfeed.formats.feed_info import FeedInfo
from trafficfeed.formats.flood_map import (
    MEDIA_TYPE,
    SEGMENTS,
    SITES,
    FloodMap,
    MapSegment,
    MapSite,
    Published,
    segments_document,
    sites_document,
)
from trafficfeed.formats.in_datum import feed_in_datum
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.pipeline.flood_alerts import alerts_of
from trafficfeed.pipeline.flood_forecasts import FloodForecasts
from trafficfeed.pipeline.flood_measures import place_name, roads_on, site_area
from trafficfeed.pipeline.flood_orders import open_flood_orders
from trafficfeed.pipeline.flood_places import sites_of
from trafficfeed.pipeline.records import validation_of
from trafficfeed.pipeline.variants import feed_info
from trafficfeed.pipeline.workspace import Ground, find_city, ground_of
from trafficfeed.publishing.documents import Document, Release
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.settings import Settings
from trafficfeed.store.certificates import Certificates
from trafficfeed.store.database import Database
from trafficfeed.store.flood_decisions import FloodDecisions
from trafficfeed.store.objects import ObjectStore
from trafficfeed.store.orders import StoredOrder
from trafficfeed.store.water import Water

FEED: Final = "flooding"
ALERTS: Final = cap.FILE_NAME
FILES: Final[Mapping[str, str]] = {"segments": SEGMENTS, "sites": SITES, "alerts": ALERTS}
"""Documents of the feed by the last part of their path under ``/v1/flooding/``."""

_SEEN: Final = timedelta(hours=6)  # an older reading is no news of the road
_BEFORE_ALL: Final = datetime(2000, 1, 1, tzinfo=UTC)
_kept: list[tuple[tuple[object, ...], tuple[MapSite, ...]]] = []
_making = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class MapFacts:
    """What a release of the map is made of, as known at one instant."""

    sites: Sequence[Site]
    forecast: CityForecast | None
    decisions: Mapping[str, Decision]
    observed: Mapping[str, Reading]
    published: Mapping[str, Published]


def release_map(
    settings: Settings, *, database: Database, as_of: datetime, sites: Sequence[Site] | None = None
) -> Release:
    """Release the flood map as of `as_of` (aware); the same facts give the same release.

    Parameters
    ----------
    sites
        The city's, where the caller has them; None: they are read.

    Raises
    ------
    PublishFailed, SourceUnavailable
        If the release cannot be written, or what it is made of cannot be read; the last one is still served.
    """
    ground = ground_of(find_city(settings.city, settings.cities_dir))
    objects = ObjectStore(settings.objects_url)
    store = ReleaseStore(objects, FEED)
    known = tuple(sites) if sites is not None else sites_of(ground.city, graph=ground.graph)

    def gather() -> tuple[dict[str, Document], dict[str, Any]]:
        facts = gathered(settings, ground, objects, database, known, as_of)
        return documents_of(facts, ground, settings, database, as_of), _facts(facts)

    released = store.publish_gathered(gather, as_of=as_of)
    store.heartbeat(as_of)
    return released


def gathered(
    settings: Settings, ground: Ground, objects: ObjectStore, database: Database, sites: Sequence[Site], as_of: datetime
) -> MapFacts:
    """Return what is known of the water in a city at `as_of`."""
    city = ground.city.name
    with database.reading() as connection:
        decisions = FloodDecisions(connection, city).latest(as_of=as_of)
        readings = Water(connection, city).readings(since=as_of - _SEEN, known_at=as_of)
    orders = open_flood_orders(database, city)
    return MapFacts(
        sites=sites,
        forecast=FloodForecasts(objects, city).newest(as_of),
        decisions=decisions,
        observed=_observed(sites, readings, as_of),
        published=_published(orders, database, settings),
    )


def documents_of(
    facts: MapFacts, ground: Ground, settings: Settings, database: Database, as_of: datetime
) -> dict[str, Document]:
    """Return the feed's documents by file name."""
    flood_map = map_of(facts, ground, settings, as_of)
    base = feed_info(ground, settings)
    info = feed_in_datum(base, ground.city.file.map_datum)
    alerts = alerts_of(facts.sites, facts.decisions, ground=ground, settings=settings, database=database, as_of=as_of)
    return {
        SEGMENTS: Document(data=segments_document(flood_map, info), media_type=MEDIA_TYPE),
        SITES: Document(data=sites_document(flood_map, info), media_type=MEDIA_TYPE),
        ALERTS: _alerts(
            alerts, replace(base, public_url=f"{base.public_url.rstrip('/')}/v1/flooding/alerts"), flood_map
        ),
    }


def map_of(facts: MapFacts, ground: Ground, settings: Settings, as_of: datetime) -> FloodMap:
    """Return the map's content: stale where the newest reading and the forecast are both too old."""
    times = [reading.observed_at for reading in facts.observed.values()]
    times += [facts.forecast.issued_at] if facts.forecast is not None else []
    newest = max(times, default=None)
    limit = timedelta(seconds=settings.flooding.stale_after_s)
    return FloodMap(
        sites=map_sites(facts.sites, ground.graph),
        forecast=facts.forecast,
        decisions=facts.decisions,
        observed=facts.observed,
        published=facts.published,
        newest_input=newest,
        stale=newest is None or as_of - newest > limit,
        note=ground.city.flooding.label,
    )


def map_sites(sites: Sequence[Site], graph: RoadGraph) -> tuple[MapSite, ...]:
    """Return the sites as the map draws them; kept while sites and network are the same."""
    basis = (graph.network_hash, tuple(sites))
    with _making:
        if not _kept or _kept[0][0] != basis:
            _kept[:] = [(basis, tuple(_placed(site, graph) for site in sites))]
        return _kept[0][1]


def _placed(site: Site, graph: RoadGraph) -> MapSite:
    return MapSite(
        site=site,
        name=place_name(site, graph),
        area=site_area(site, graph),
        segments=tuple(_segments(site, graph)),
    )


def _segments(site: Site, graph: RoadGraph) -> Iterable[MapSegment]:
    """Give the site's roads, each direction; their ids are the site's and the OSM nodes', else a number."""
    seen: set[str] = set()
    for number, road in enumerate(roads_on(site, graph), 1):
        edge = graph.index[road.edge]
        parts = segments_of(graph, [edge], graph.names[edge])
        key = parts[0].key if parts and not parts[0].key.startswith("s") else f"s{number}"
        name = key if key not in seen else f"{key}-{number}"
        seen.add(name)
        length_m = float(graph.length_m[edge])
        yield MapSegment(
            id=f"{site.id}.{name}",
            coordinates=section_line(graph, [edge]),
            street=graph.names[edge],
            sill_m=max(road.sill_m, 0.0),
            limit_mps=float(graph.speed_mps[edge]),
            from_m=max(road.from_m, 0.0),
            to_m=length_m if road.to_m is None else min(road.to_m, length_m),
            osm_ways=osm_ways_of(graph, [edge]),
        )


def _observed(sites: Sequence[Site], readings: Mapping[str, Sequence[Reading]], as_of: datetime) -> dict[str, Reading]:
    """Return each site's newest good reading; of several sensors' at one instant the deepest."""
    found: dict[str, Reading] = {}
    for site in sites:
        good = [
            reading
            for sensor in site.sensors
            for reading in readings.get(sensor, ())
            if reading.quality is Quality.GOOD and reading.observed_at <= as_of
        ]
        if good:
            found[site.id] = max(good, key=lambda reading: (reading.observed_at, reading.depth_m))
    return found


def _published(
    orders: Mapping[str, Sequence[StoredOrder]], database: Database, settings: Settings
) -> dict[str, Published]:
    """Return the order that is served of each site, with the word of the simulation on that version."""
    found: dict[str, Published] = {}
    with database.reading() as connection:
        certificates = Certificates(connection)
        for site, stored in orders.items():
            served = next((one for one in stored if one.published_version is not None), None)
            if served is None or served.published_version is None:
                continue
            proof = certificates.certificate_for(served.order.id, served.published_version)
            found[site] = Published(
                order=served.order.id,
                validation=(validation_of(proof.certificate) if proof else Validation.PENDING).value,
                certificate=proof.certificate.id if proof else None,
                href=f"{settings.public_url.rstrip('/')}/v1/certificates/{proof.certificate.id}" if proof else None,
            )
    return found


def _alerts(events: Sequence[RoadEvent], info: FeedInfo, flood_map: FloodMap) -> Document:
    """Return the alerts of sites without roads; its time is that of its newest fact, so that it keeps its bytes."""
    newest = max((event.updated for event in events), default=flood_map.newest_input or _BEFORE_ALL)
    data = cap.STANDARD.encode(events, publication_time=newest, feed=info)
    return Document(data=data, media_type=cap.STANDARD.media_type)


def _facts(facts: MapFacts) -> dict[str, Any]:
    forecast = facts.forecast
    return {
        "sites": len(facts.sites),
        "forecast": None if forecast is None else forecast.issued_at.isoformat(),
        "inputs": {} if forecast is None else dict(forecast.inputs),
        "orders": {site: one.order for site, one in sorted(facts.published.items())},
    }
