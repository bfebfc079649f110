"""Sites from hollows that roads dip into and from the list: where both know a place, what the list says wins."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely

from trafficfeed.findings import Finding
from trafficfeed.flooding.listed_roads import middle_of, roads_of
from trafficfeed.flooding.site_list import ListedSite
from trafficfeed.flooding.site_roads import RoadDips
from trafficfeed.flooding.sites import Site, SiteRoad, SiteSource, StageVolume
from trafficfeed.flooding.terrain.depressions import DepressionLimits, Depressions
from trafficfeed.flooding.terrain.elevation import Elevation
from trafficfeed.network.matching import cross_street
from trafficfeed.network.plane import plane_of
from trafficfeed.network.road_graph import RoadGraph


@dataclass(frozen=True, kw_only=True)
class Terrain:
    """An elevation model with its hollows, and where the roads dip into them."""

    elevation: Elevation
    depressions: Depressions
    dips: RoadDips


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Sites by id; how many hollows became sites, joined listed ones, reach no road, or leave it too shallow."""

    sites: tuple[Site, ...]
    from_terrain: int
    joined: int
    off_road: int
    shallow: int
    findings: tuple[Finding, ...]


def make_sites(
    graph: RoadGraph,
    *,
    listed: Sequence[ListedSite],
    terrain: Terrain | None,
    bridges: Collection[int] = (),
    limits: DepressionLimits | None = None,
) -> Made:
    """Return the city's sites.

    A hollow at a listed place (it holds the point, or a road's dip into it lies within the place's radius) gives that
    site its bowl, catchment and roads, as far as the list does not give them. Other hollows that a road dips into by at
    least the limits' depth become sites of their own. A hollow at a listed place about which the terrain is not to be
    asked is dropped.

    Raises
    ------
    ScenarioInvalid
        If a listed road is not known, or a listed place lies elsewhere than the city.
    """
    given, findings = _listed(graph, listed, bridges)
    if terrain is None:
        return Made(sites=_by_id(given), from_terrain=0, joined=0, off_road=0, shallow=0, findings=tuple(findings))
    asked = {entry.id: entry for entry in listed}
    sites, taken = [], set[int]()
    rows = _rows_by_listed(graph, terrain, given, asked)
    for site in given:
        near = rows.get(site.id, [])
        wet = _wet_rows(graph, terrain.dips, near, site, asked[site.id])
        taken |= {int(terrain.dips.hollow[row]) for row in (wet if asked[site.id].terrain else near)}
        sites.append(_with_terrain(graph, terrain, wet, site, asked[site.id]) if wet else site)
    least = (limits or DepressionLimits()).depth_m
    own = list(_hollow_sites(graph, terrain, taken, least))
    reached = len(np.unique(terrain.dips.hollow))
    return Made(
        sites=_by_id([*sites, *_distinct(own)]),
        from_terrain=len(own),
        joined=len(taken),
        off_road=len(terrain.depressions) - reached,
        shallow=reached - len(own) - len(taken),
        findings=tuple(findings),
    )


def _listed(
    graph: RoadGraph, listed: Iterable[ListedSite], bridges: Collection[int]
) -> tuple[list[Site], list[Finding]]:
    sites, findings = [], []
    for entry in listed:
        roads, found = roads_of(entry, graph, bridges=bridges)
        findings += found
        lon, lat = entry.lonlat or middle_of([graph.index[road.edge] for road in roads], graph)
        sites.append(
            Site(
                id=entry.id,
                name=entry.name,
                lon=lon,
                lat=lat,
                source=SiteSource.LIST,
                elevation_m=entry.elevation_m,
                bowl=entry.bowl,
                catchment_m2=entry.catchment_m2,
                drain_m3ps=entry.drain_m3ps,
                outfall_level_m=entry.outfall_level_m,
                tidal=entry.tidal,
                roads=roads,
                history=entry.history,
                sensors=entry.sensors,
            )
        )
    return sites, findings


def _rows_by_listed(
    graph: RoadGraph, terrain: Terrain, sites: Sequence[Site], asked: Mapping[str, ListedSite]
) -> dict[str, list[int]]:
    """Give each dip of a hollow that lies at listed sites to the nearest of them; by site id, rows of the dips."""
    plane, dips = plane_of(graph), terrain.dips
    if not sites or not len(dips.hollow):
        return {}
    at = plane.to_xy(np.array([[site.lon, site.lat] for site in sites]))
    low = plane.to_xy(dips.low_lonlat)
    distance = np.hypot(*(low[:, None, :] - at[None, :, :]).transpose(2, 0, 1))
    radius = np.array([asked[site.id].radius_m for site in sites])
    cell = terrain.elevation.cells(terrain.elevation.to_xy(np.array([[site.lon, site.lat] for site in sites])))
    holds = np.where(cell >= 0, terrain.depressions.label.ravel()[np.maximum(cell, 0)], 0) - 1
    belongs = np.zeros((len(terrain.depressions), len(sites)), dtype=bool)
    rows, columns = np.nonzero(distance <= radius[None, :])
    belongs[dips.hollow[rows], columns] = True
    belongs[holds[holds >= 0], np.flatnonzero(holds >= 0)] = True
    mine = belongs[dips.hollow]
    nearest = np.where(mine, distance, np.inf).argmin(axis=1)
    found: dict[str, list[int]] = {}
    for row in np.flatnonzero(mine.any(axis=1)):
        found.setdefault(sites[int(nearest[row])].id, []).append(int(row))
    return found


def _wet_rows(graph: RoadGraph, dips: RoadDips, near: Sequence[int], site: Site, entry: ListedSite) -> list[int]:
    """Return the dips into the lowest of the hollows near a listed site, on the roads that it may flood."""
    if entry.roads:
        named = {graph.index[road.edge] for road in site.roads}
        near = [row for row in near if int(dips.edge[row]) in named]
    if not near or not entry.terrain:
        return []
    hollow = dips.hollow[min(near, key=lambda row: float(dips.low_m[row]))]
    return [row for row in near if dips.hollow[row] == hollow]


def _with_terrain(graph: RoadGraph, terrain: Terrain, wet: Sequence[int], site: Site, entry: ListedSite) -> Site:
    """Return a listed site with what the terrain adds to it, from the dips into its hollow."""
    hollow, zero = int(terrain.dips.hollow[wet[0]]), float(terrain.dips.low_m[list(wet)].min())
    roads = _site_roads(graph, terrain.dips, wet, zero)
    if entry.roads:  # those that the list names are flooded, whatever the terrain shows
        dipping = {road.edge for road in roads}
        roads += tuple(road for road in site.roads if road.edge not in dipping)
    catchment = float(terrain.depressions.catchment_m2[hollow])
    return replace(
        site,
        elevation_m=zero if site.elevation_m is None else site.elevation_m,
        bowl=_bowl(terrain.depressions, hollow, zero) if site.bowl is None else site.bowl,
        catchment_m2=catchment if site.catchment_m2 is None else site.catchment_m2,
        roads=roads,
    )


def _hollow_sites(graph: RoadGraph, terrain: Terrain, taken: Collection[int], least_m: float) -> Iterator[Site]:
    dips, hollows = terrain.dips, terrain.depressions
    for hollow in np.unique(dips.hollow):
        rows = dips.of(int(hollow))
        lowest = int(rows[np.argmin(dips.low_m[rows])])
        zero = float(dips.low_m[lowest])
        if int(hollow) in taken or hollows.spill_m[hollow] - zero < least_m:
            continue
        lon, lat = dips.low_lonlat[lowest]
        yield Site(
            id=_id_at(*terrain.elevation.to_lonlat(terrain.elevation.centres(hollows.low_cell[[hollow]]))[0]),
            name=_name(graph, int(dips.edge[lowest]), (lon, lat)),
            lon=float(lon),
            lat=float(lat),
            source=SiteSource.TERRAIN,
            elevation_m=zero,
            bowl=_bowl(hollows, int(hollow), zero),
            catchment_m2=float(hollows.catchment_m2[hollow]),
            roads=_site_roads(graph, dips, rows, zero),
        )


def _site_roads(graph: RoadGraph, dips: RoadDips, rows: Iterable[int], zero_m: float) -> tuple[SiteRoad, ...]:
    return tuple(
        SiteRoad(
            edge=graph.edge_ids[int(dips.edge[row])],
            sill_m=max(float(dips.low_m[row]) - zero_m, 0.0),
            from_m=float(dips.from_m[row]),
            to_m=float(dips.to_m[row]),
        )
        for row in rows
    )


def _bowl(hollows: Depressions, hollow: int, zero_m: float) -> StageVolume:
    """Return the curve from the road's low point up."""
    sill = np.array([max(zero_m - float(hollows.low_m[hollow]), 0.0)])
    return hollows.bowls(np.array([hollow]), sill)[0]


def _id_at(lon: float, lat: float) -> str:
    """Return an id from a position to 5 decimals (1 m): the same hollow in the same model has the same id."""
    north, east = ("s" if lat < 0 else "n"), ("w" if lon < 0 else "e")
    return f"low-{abs(lat) * 1e5:.0f}{north}-{abs(lon) * 1e5:.0f}{east}"


def _distinct(sites: Sequence[Site]) -> Iterator[Site]:
    """Number hollows whose positions round to the same id, in the order of the model's rows."""
    seen: dict[str, int] = {}
    for site in sites:
        seen[site.id] = seen.get(site.id, 0) + 1
        yield site if seen[site.id] == 1 else replace(site, id=f"{site.id}-{seen[site.id]}")


def _name(graph: RoadGraph, edge: int, lonlat: tuple[float, float]) -> str:
    """Return the street and the nearer cross street, as far as they have names."""
    street = graph.names[edge]
    share = shapely.line_locate_point(graph.geometry[edge], shapely.Point(lonlat), normalized=True)
    node = graph.from_node[edge] if share < 0.5 else graph.to_node[edge]
    other = cross_street(graph, int(node), street)
    return f"{street} / {other}" if street and other else street or other


def _by_id(sites: Iterable[Site]) -> tuple[Site, ...]:
    return tuple(sorted(sites, key=lambda site: site.id))
