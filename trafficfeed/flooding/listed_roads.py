"""The roads of places that somebody wrote down: by name, within a radius, or the nearest within reach."""

from collections.abc import Collection
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely

from trafficfeed.errors import ScenarioInvalid
from trafficfeed.findings import Finding, Severity
from trafficfeed.flooding.site_list import RULE, ListedBridge, ListedRoad, ListedSite
from trafficfeed.flooding.site_roads import ORDINARY
from trafficfeed.flooding.sites import SiteRoad
from trafficfeed.network.plane import plane_of
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.street_matching import match_street

_BESIDE_M: Final = 2.0  # the two directions of a street are drawn so near to one another
_TOUCHED_M: Final = 1.0  # a road that the radius only touches is not under water
_OTHER_CITY_M: Final = 2000.0


def roads_of(
    site: ListedSite, graph: RoadGraph, *, bridges: Collection[int]
) -> tuple[tuple[SiteRoad, ...], list[Finding]]:
    """Return the roads that the list gives a site, all with its own low point's height, and what is doubtful.

    Parameters
    ----------
    site
        As listed.
    graph
        The road graph.
    bridges
        Edges above the ground: never within a radius, only by name.

    Raises
    ------
    ScenarioInvalid
        If a street is not known, or the place lies more than 2 km from all roads.
    """
    if site.roads or site.lonlat is None:
        whole = [edge for road in site.roads for edge in named(road, graph, site.where)]
        return tuple(SiteRoad(edge=graph.edge_ids[edge]) for edge in dict.fromkeys(whole)), []
    plane = plane_of(graph)
    point = shapely.Point(plane.to_xy(site.lonlat))
    edges, distance = _around(graph, point, max(site.reach_m, site.radius_m), bridges, site.where)
    if not len(edges):
        return (), [_far(site, distance)]
    if distance <= site.radius_m:
        edges = edges[shapely.distance(plane.lines[edges], point) <= site.radius_m]
    else:
        edges = edges[shapely.distance(plane.lines[edges], point) <= distance + _BESIDE_M]
    stretches = [_stretch(graph, int(edge), point, site.radius_m) for edge in edges]
    wet = [road for road in stretches if (road.to_m or 0.0) - road.from_m >= _TOUCHED_M]
    return tuple(wet or stretches), []


def edges_off_ground(bridge: ListedBridge, graph: RoadGraph) -> list[int]:
    """Return the edges of a listed bridge: those of its section, or the nearest road's two directions.

    Raises
    ------
    ScenarioInvalid
        If its street is not known, or no road is within its reach.
    """
    if bridge.road is not None:
        return named(bridge.road, graph, bridge.where)
    if bridge.lonlat is None:
        return []
    plane = plane_of(graph)
    point = shapely.Point(plane.to_xy(bridge.lonlat))
    edges, distance = _around(graph, point, bridge.reach_m, (), bridge.where)
    if not len(edges):
        raise ScenarioInvalid(
            f"{bridge.where}: the nearest road is {distance:.0f} m away, more than reach_m = {bridge.reach_m:g}"
        )
    return [int(e) for e in edges[shapely.distance(plane.lines[edges], point) <= distance + _BESIDE_M]]


def named(road: ListedRoad, graph: RoadGraph, where: str) -> list[int]:
    """Return the edges of a street section.

    Raises
    ------
    ScenarioInvalid
        If the streets are not known, do not meet, or more than one place fits.
    """
    match = match_street(graph, road.street, road.between, road.travel)
    if not match.sections:
        found = match.findings[0]
        raise ScenarioInvalid(f"{where}, road: {found.message}: {found.mend}, or give `at` alone", match.findings)
    return [edge for section in match.sections for edge in section.edges]


def middle_of(edges: Collection[int], graph: RoadGraph) -> tuple[float, float]:
    """Return a point on the middle one of `edges`, EPSG:4326 lon, lat."""
    ordered = list(edges)
    point = shapely.line_interpolate_point(graph.geometry[ordered[len(ordered) // 2]], 0.5, normalized=True)
    return float(point.x), float(point.y)


def _around(
    graph: RoadGraph, point: shapely.Point, reach_m: float, bridges: Collection[int], where: str
) -> tuple[npt.NDArray[np.int64], float]:
    """Return the ordinary roads within reach, by index, and how far the nearest is, m."""
    plane = plane_of(graph)
    ordinary = (np.asarray(graph.access) & ORDINARY) != 0
    ordinary[list(bridges)] = False
    near = np.sort(plane.tree.query(point, predicate="dwithin", distance=reach_m)).astype(np.int64)
    near = near[ordinary[near]]
    if len(near):
        return near, float(shapely.distance(plane.lines[near], point).min())
    distance = shapely.distance(plane.lines[ordinary], point)
    nearest = float(distance.min()) if len(distance) else np.inf
    if nearest > _OTHER_CITY_M:
        lon, lat = plane.to_lonlat(np.array([point.x, point.y]))
        raise ScenarioInvalid(
            f"{where}, at: {lon:.4f}, {lat:.4f} is {nearest / 1000:.0f} km from the nearest road of this city: "
            "write lon first, then lat"
        )
    return near, nearest


def _stretch(graph: RoadGraph, edge: int, point: shapely.Point, radius_m: float) -> SiteRoad:
    line = plane_of(graph).lines[edge]
    within = shapely.get_coordinates(shapely.intersection(line, shapely.buffer(point, radius_m)))
    along = shapely.line_locate_point(line, shapely.points(within)) if len(within) else np.empty(0)
    if not len(along):  # the nearest road, beyond the radius
        at = float(shapely.line_locate_point(line, point))
        along = np.clip([at - radius_m, at + radius_m], 0, line.length)
    return SiteRoad(edge=graph.edge_ids[edge], from_m=float(along.min()), to_m=float(along.max()))


def _far(site: ListedSite, distance_m: float) -> Finding:
    return Finding(
        rule=RULE,
        severity=Severity.WARNING,
        message=f"the nearest road is {distance_m:.0f} m away: the site closes none",
        where=site.where,
        mend=f"correct `at`, raise reach_m ({site.reach_m:g}), or name the road",
    )
