"""The rules no schema checks, run on every draft: each a function of its own in the `rules` package."""

from collections.abc import Iterator

from trafficfeed.findings import Finding
from trafficfeed.formats.native_reading import read_native
from trafficfeed.formats.records import Feed
from trafficfeed.formats.rules import geometry, identity, proof, times, travel
from trafficfeed.formats.rules.geometry import Bounds
from trafficfeed.formats.wzdx_reading import read_wzdx
from trafficfeed.network.road_graph import RoadGraph


def check_native(data: bytes, *, graph: RoadGraph | None = None, bounds: Bounds | None = None) -> tuple[Finding, ...]:
    """Return what is wrong with a native GeoJSON document.

    Parameters
    ----------
    data
        The document.
    graph
        The road graph it was made on; without it, lines are not compared with the roads.
    bounds
        West, south, east, north of the city; None: what the document states, else the graph's.

    Raises
    ------
    FeedNonConformant
        If the document cannot be read at all.
    """
    feed = read_native(data)
    return (*_common(feed, graph, bounds), *proof.certificate_of_each(feed), *proof.texts(feed))


def check_wzdx(data: bytes, *, graph: RoadGraph | None = None, bounds: Bounds | None = None) -> tuple[Finding, ...]:
    """Return what is wrong with a WZDx document beyond its schema; parameters as for `check_native`."""
    feed = read_wzdx(data)
    return (*_common(feed, graph, bounds), *identity.links_resolve(feed))


def _common(feed: Feed, graph: RoadGraph | None, bounds: Bounds | None) -> Iterator[Finding]:
    yield from identity.ids_are_unique(feed)
    yield from times.times_are_utc(feed)
    yield from times.ends_follow_starts(feed)
    yield from times.updates_follow_creation(feed)
    yield from geometry.lines_have_length(feed)
    yield from geometry.coordinates_lie_in_the_city(feed, bounds or feed.bounds or geometry.bounds_of(graph))
    yield from geometry.coordinates_are_precise(feed)
    yield from travel.lines_keep_their_compass(feed)
    if graph is not None:
        yield from travel.lines_follow_the_roads(feed, graph)
