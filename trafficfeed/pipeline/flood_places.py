"""A city's flood sites: terrain and list in, `flooding/sites.json` out, whole or not at all."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import shapely

from trafficfeed.errors import ScenarioInvalid, TrafficFeedError
from trafficfeed.findings import Finding, Severity
from trafficfeed.flooding.listed_roads import edges_off_ground
from trafficfeed.flooding.site_document import SitesNote, read_note, read_sites, write_sites
from trafficfeed.flooding.site_doubts import terrain_doubts
from trafficfeed.flooding.site_list import SiteList, read_site_list
from trafficfeed.flooding.site_making import Made, Terrain, make_sites
from trafficfeed.flooding.site_roads import road_dips
from trafficfeed.flooding.sites import Site, SiteSource
from trafficfeed.flooding.terrain.depressions import DepressionLimits, find_depressions
from trafficfeed.flooding.terrain.elevation import Elevation
from trafficfeed.flooding.terrain.elevation_reading import ElevationOptions, read_elevation
from trafficfeed.flooding.terrain.synthetic import made_terrain
from trafficfeed.network.city import City
from trafficfeed.network.graph_cache import load_graph
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.structures import Structure, load_structures, structures_file
from trafficfeed.progress import Progress, silent

_VERSION: Final = 1  # of the making: another one builds anew


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacesOptions:
    """What a caller says in place of the city's own settings; None: as the city says. `out` is where sites go."""

    dem: Path | None = None
    crs: str | None = None
    site_list: Path | None = None
    unit: str | None = None
    fill_holes_m2: float | None = None
    open_holes: bool | None = None
    out: Path | None = None


@dataclass(frozen=True, kw_only=True)
class PlacesReport:
    """What was built: the sites, where they were written, counts by name, and what a person should look at."""

    city: str
    path: Path
    sites: tuple[Site, ...]
    note: SitesNote
    counts: Mapping[str, int]
    findings: tuple[Finding, ...]
    terrain: Terrain | None = None

    def as_text(self) -> str:
        """Return the report for a person."""
        ground = self.note.terrain or "no terrain: the list alone"
        label = f" [{self.note.terrain_label}]" if self.note.terrain_label else ""
        sites = "1 flood site" if len(self.sites) == 1 else f"{len(self.sites):,} flood sites"
        lines = [f"{self.city}: {sites} → {self.path}", f"  terrain: {ground}{label}"]
        lines += [f"  {name}: {count:,}" for name, count in self.counts.items()]
        return "\n".join([*lines, *(f"  {finding}" for finding in self.findings)])


def build(
    city: City,
    *,
    graph: RoadGraph | None = None,
    options: PlacesOptions | None = None,
    progress: Progress | None = None,
) -> PlacesReport:
    """Build the flood sites of `city` and write its `flooding/sites.json`; what is there stays if that fails.

    Parameters
    ----------
    city
        Any built city; terrain, list and tides as its ``[flooding]`` says, or the usual files.
    graph
        Its road graph, where the caller has it.
    options
        What the caller says in place of the city.
    progress
        Called with (what is being done, steps done, steps in all).

    Raises
    ------
    SourceUnavailable, SourceMalformed
        If a file is not there, or not what it should be.
    ScenarioInvalid
        If the city has neither terrain nor list, or the list, the settings or the elevation model cannot be used.
    """
    tell, chosen = progress or silent, options or PlacesOptions()
    roads = graph if graph is not None else load_graph(city.graph_folder)
    listed = _list_of(city, chosen)
    structures = load_structures(roads, city.graph_folder)
    findings = _on_structures(city, structures)
    by_hand = {edge for bridge in listed.bridges for edge in edges_off_ground(bridge, roads)}
    off_ground = by_hand | set(structures or ())
    bridges = by_hand | {edge for edge, kind in (structures or {}).items() if kind is Structure.BRIDGE}
    elevation = _elevation_of(city, roads, chosen, tell)
    if elevation is None and not listed.sites:
        raise ScenarioInvalid(
            f"{city.name} has neither an elevation model nor a list of sites: name one in [flooding] of city.toml "
            f"(`dem`), or write {city.site_list_path}"
        )
    limits = _limits(city)
    terrain = None if elevation is None else _terrain(elevation, roads, limits, off_ground, tell)
    made = make_sites(roads, listed=listed.sites, terrain=terrain, bridges=bridges, limits=limits)
    if terrain is not None:
        findings += [*terrain.elevation.findings, *terrain_doubts(made.sites, terrain, roads, off_ground)]
    note = _note(city, roads, chosen, elevation)
    tell("writing the sites", 0, 1)
    path = chosen.out or city.sites_path
    write_sites(made.sites, path, note)
    tell("writing the sites", 1, 1)
    return PlacesReport(
        city=city.name,
        path=path,
        sites=read_sites(path),
        note=note,
        counts=_counts(made, terrain, off_ground),
        findings=(*findings, *made.findings),
        terrain=terrain,
    )


def sites_of(city: City, *, graph: RoadGraph | None = None, progress: Progress | None = None) -> tuple[Site, ...]:
    """Return the city's flood sites, built anew where its terrain, list, settings or network have changed.

    Sites that were built with a caller's own options are taken as they are, for the same network. Raises as `build`.
    """
    roads = graph if graph is not None else load_graph(city.graph_folder)
    try:
        if read_note(city.sites_path).inputs_hash in ("", _inputs_hash(city, roads)):
            return read_sites(city.sites_path, network_hash=roads.network_hash)
    except TrafficFeedError:
        pass  # not there, damaged or of another version: all mended by building
    return build(city, graph=roads, progress=progress).sites


def ensured_sites(city: City, *, graph: RoadGraph | None = None) -> tuple[Site, ...]:
    """Return the city's flood sites as `sites_of`; none where it has neither terrain nor a list."""
    says = city.dem_path is not None or city.flooding.synthetic_terrain is not None or city.site_list_path.is_file()
    return sites_of(city, graph=graph) if says or city.sites_path.is_file() else ()


def _list_of(city: City, chosen: PlacesOptions) -> SiteList:
    path = chosen.site_list or city.site_list_path
    if chosen.site_list is None and city.flooding.site_list is None and not path.is_file():
        return SiteList()
    return read_site_list(path)


def _elevation_of(city: City, graph: RoadGraph, chosen: PlacesOptions, tell: Progress) -> Elevation | None:
    said = city.flooding
    path = chosen.dem or city.dem_path
    if path is None:
        if said.synthetic_terrain is None:
            return None
        tell("making the terrain", 0, 1)
        ground = made_terrain(said.synthetic_terrain, graph, crs=city.file.network.crs, label=said.label)
        tell("making the terrain", 1, 1)
        return ground
    own = chosen.dem is None  # the city's settings are about the city's file
    options = ElevationOptions(
        crs=chosen.crs or (said.dem_crs if own else None),
        unit=chosen.unit or (said.dem_unit if own else None),
        fill_holes_m2=_first(chosen.fill_holes_m2, said.dem_fill_holes_m2),
        open_holes=_first(chosen.open_holes, said.dem_open_holes),
        label=said.label if own else "",
    )
    if not city.file.network.located:
        raise ScenarioInvalid(
            f"the network of {city.name} has no place on the earth, so no elevation model fits it: take `dem` out and "
            "list its sites, or build it with --origin"
        )
    tell("reading the elevation model", 0, 1)
    west, south, east, north = (float(edge) for edge in shapely.total_bounds(graph.geometry))
    box = (west, south, east, north)
    elevation = read_elevation(path, city_crs=city.file.network.crs, box=box, options=options)
    tell("reading the elevation model", 1, 1)
    return elevation


def _limits(city: City) -> DepressionLimits:
    said = city.flooding
    return DepressionLimits(depth_m=said.least_depth_m, area_m2=said.least_area_m2, volume_m3=said.least_volume_m3)


def _terrain(
    elevation: Elevation, graph: RoadGraph, limits: DepressionLimits, off_ground: Collection[int], tell: Progress
) -> Terrain:
    depressions = find_depressions(elevation, limits, tell)
    tell("linking roads", 0, 1)
    dips = road_dips(graph, elevation, depressions, not_on_ground=off_ground)
    tell("linking roads", 1, 1)
    if dips.sampled and dips.without_height == dips.sampled:
        raise ScenarioInvalid("the elevation model has no height at any road of the city: is its CRS right?")
    return Terrain(elevation=elevation, depressions=depressions, dips=dips)


def _note(city: City, graph: RoadGraph, chosen: PlacesOptions, elevation: Elevation | None) -> SitesNote:
    said = city.flooding
    dem = chosen.dem or city.dem_path
    made = elevation is not None and dem is None
    source = "made by a formula (docs/flooding.md)" if made else dem.name if dem is not None else ""
    label = elevation.label if elevation is not None else said.label
    return SitesNote(
        city=city.name,
        network_hash=graph.network_hash,
        inputs_hash="" if chosen != PlacesOptions() else _inputs_hash(city, graph),
        terrain=source,
        terrain_label=label,
        synthetic=made or "synthetic" in label.lower(),
    )


def _inputs_hash(city: City, graph: RoadGraph) -> str:
    """Return the sha256 of all that goes in: the network, what the city says, the list's bytes and the model's."""
    digest = hashlib.sha256()
    said = {
        "version": _VERSION,
        "network": graph.network_hash,
        "city": city.flooding.model_dump(mode="json"),
        "crs": city.file.network.crs,
    }
    digest.update(json.dumps(said, sort_keys=True).encode())
    for path in (city.site_list_path, city.dem_path, structures_file(city.graph_folder)):
        if path is not None and path.is_file():
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _first(given: Any, else_: Any) -> Any:
    return else_ if given is None else given


def _counts(made: Made, terrain: Terrain | None, off_ground: Collection[int]) -> dict[str, int]:
    counts = {
        "listed sites": sum(site.source is not SiteSource.TERRAIN for site in made.sites),
        "roads (edges) linked": len({road.edge for site in made.sites for road in site.roads}),
    }
    if terrain is not None:
        counts |= {
            "sites of the terrain alone": made.from_terrain,
            "hollows at listed sites": made.joined,
            "hollows that no road dips into": made.off_road,
            "hollows whose roads get too little water": made.shallow,
            "edges on bridges and in tunnels, not asked": len(off_ground),
        }
        counts |= {f"hollows left out, {why}": count for why, count in terrain.depressions.left_out.items()}
    return counts


def _on_structures(city: City, structures: dict[int, Structure] | None) -> list[Finding]:
    if structures is not None or (city.dem_path is None and city.flooding.synthetic_terrain is None):
        return []
    return [
        Finding(
            rule="terrain.bridges",
            severity=Severity.INFO,
            message="this city's build does not say which roads are bridges or tunnels",
            mend="write those over hollows as [[bridge]] in the list; a city from OSM: build it again with --force",
        )
    ]
