"""A city built: OSM or a SUMO network in, ``sumo_scenarios/NAME/`` out, whole or not at all."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from trafficfeed.errors import TrafficFeedError
from trafficfeed.findings import Finding, Severity
from trafficfeed.network import graph_cache
from trafficfeed.network.city import City, CityFile, NetworkSection
from trafficfeed.network.flooding_section import FloodingSection
from trafficfeed.network.import_report import (
    ImportReport,
    extract_findings,
    graph_counts,
    graph_findings,
    link_shares,
)
from trafficfeed.network.netconvert import (
    Netconvert,
    NetconvertOptions,
    osm_arguments,
    strip_header,
    type_files,
)
from trafficfeed.network.osm import Extract, read_extract, write_roads
from trafficfeed.network.osm_link import OsmLink, link_edges, linked_graph
from trafficfeed.network.osm_types import RoadTypes
from trafficfeed.network.places import Places
from trafficfeed.network.places_import import no_places, places_of, read_places
from trafficfeed.network.projection import NetProjection, locate, metric_crs, proj_string
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.structures import save_structures
from trafficfeed.network.sumo_binary import sumo_version
from trafficfeed.network.sumo_net import graph_of, network_hash, parse_net
from trafficfeed.network.swallowed import save_swallowed
from trafficfeed.pipeline.city_demand import made_demand, own_demand
from trafficfeed.pipeline.city_folder import put_in_place, staging, write_city_file, write_readme
from trafficfeed.pipeline.city_sources import BuildOptions, Sources, demo_source, gather
from trafficfeed.progress import Progress, silent
from trafficfeed.simulation.calibration import fit_meso

__all__ = ["BuildOptions", "build_city", "demo_source"]

_STEPS = 5

_OSM_LICENCE = "ODbL 1.0"
_OSM_ATTRIBUTION = "© OpenStreetMap contributors"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Imported:
    """The network half of a city, before its demand."""

    net: Path
    graph: RoadGraph
    places: Places
    projection: NetProjection
    left_hand: bool
    extract: Extract | None = None
    link: OsmLink | None = None
    warnings: dict[str, int] | None = None


def build_city(
    name: str,
    *,
    osm: Path | None = None,
    net: Path | None = None,
    cities_dir: Path,
    options: BuildOptions | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Build city `name` in `cities_dir` from an OSM extract or a SUMO network.

    The same inputs are not built twice (unless forced), and a city that is there is replaced only by a finished one.

    Parameters
    ----------
    name
        Folder name; ``helsinki`` without a source is the demo city.
    osm, net
        An OSM extract (PBF or XML), or a SUMO network (gzipped or not): one of them.
    cities_dir
        Where the cities are.
    options
        The caller's choices.
    progress
        Called with (what is being done, steps done, steps in all).

    Raises
    ------
    SourceUnavailable, SourceMalformed
        If a file is not there, or is not what it should be.
    ScenarioInvalid
        If the choices contradict each other, or no usable network comes out.
    SimulationFailed
        If a program of SUMO's crashes or takes too long.
    """
    tell = progress or silent
    tell("looking at the source", 0, _STEPS)
    sources = gather(name, osm=osm, net=net, options=options or BuildOptions())
    folder = cities_dir / name
    if not sources.options.force and (known := _unchanged(folder, sources)):
        tell("nothing to do", _STEPS, _STEPS)
        return known
    with staging(cities_dir, name) as built:
        report = _build(sources, built, tell, kept=_flooding_of(folder))
        put_in_place(built, folder)
    tell("done", _STEPS, _STEPS)
    return report


def import_network(sources: Sources, built: Path, tell: Progress) -> ImportReport:
    """Make the network, the graph and the places of a city in `built`: all but its demand and `city.toml`."""
    return _report(sources, _import(sources, built, tell))


def _flooding_of(folder: Path) -> FloodingSection | None:
    """Return what the city as it is says of its water: written by hand, so a new build keeps it."""
    try:
        return City.load(folder).file.flooding
    except TrafficFeedError:
        return None


def _build(sources: Sources, built: Path, tell: Progress, *, kept: FloodingSection | None) -> ImportReport:
    imported = _import(sources, built, tell)
    tell("making the demand", 3, _STEPS)
    options = sources.options
    if options.routes:
        demand, doubts = own_demand(options, imported.graph, net=imported.net, folder=built)
    else:
        demand, doubts = made_demand(imported.graph, imported.places, options=options, net=imported.net, folder=built)
    file = CityFile(
        name=sources.name,
        title=options.title or sources.name.replace("_", " ").replace("-", " ").title(),
        timezone=options.timezone or "UTC",
        language=options.language,
        map_datum=options.map_datum,
        licence=options.licence or (_OSM_LICENCE if sources.osm else "not stated"),
        attribution=options.attribution or (_OSM_ATTRIBUTION if sources.osm else ""),
        seed=options.seed,
        network=_network_section(imported, sources),
        demand=demand,
        flooding=kept,
    )
    write_city_file(file, built)
    file, unfitted = _fitted(file, built, tell) if options.fit else (file, [])
    write_city_file(file, built)
    report = _report(sources, imported)
    report = replace(
        report, demand_method=demand.method, findings=(*report.findings, *doubts, *_zone(options), *unfitted)
    )
    write_readme(file, report, built)
    (built / "import_report.json").write_text(report.as_json(), "utf-8")
    return report


def _import(sources: Sources, built: Path, tell: Progress) -> _Imported:
    imported = _from_osm(sources, built, tell) if sources.osm else _from_net(sources, built, tell)
    graph_folder = built / "graph"
    graph_cache.save_graph(imported.graph, graph_folder, net_path=imported.net)
    graph_cache.save_places(imported.places, graph_folder)
    if imported.link is not None:
        save_swallowed(imported.link.swallowed, graph_folder)
    if imported.extract is not None:
        save_structures(imported.extract.ways.values(), graph_folder)
    return imported


def _from_osm(sources: Sources, built: Path, tell: Progress) -> _Imported:
    options = sources.options
    extract = read_extract(sources.path)
    tell("running netconvert", 1, _STEPS)
    roads, variants = built / "roads.osm", built / "variants.typ.xml"
    net = built / "network" / f"{sources.name}.net.xml"
    net.parent.mkdir()
    types = RoadTypes(type_files(options.speeds))
    write_roads(extract, roads, types, left_hand=options.left_hand)
    types.write_variants(variants)
    lon, lat = np.median(np.array(list(extract.nodes.values())), axis=0)
    crs = options.crs or metric_crs(lon, lat)
    chosen = NetconvertOptions(proj=proj_string(crs), left_hand=options.left_hand, speeds=options.speeds)
    with Netconvert(osm_arguments(roads, variants, net, chosen), log=built / "netconvert.log") as running:
        graph_cache.prepare_writing()
        run = running.wait()
    strip_header(net)
    tell("reading the network", 2, _STEPS)
    parsed = parse_net(net)
    projection = locate(parsed.location, crs=crs)
    link = link_edges(parsed, extract, projection)
    graph = linked_graph(graph_of(parsed, projection), link, extract)
    places = places_of(
        read_places(options.places) if options.places else extract.places,
        graph,
        crs=projection.crs,
        left_hand=options.left_hand,
    )
    return _Imported(
        net=net,
        graph=graph,
        places=places,
        projection=projection,
        left_hand=options.left_hand,
        extract=extract,
        link=link,
        warnings=dict(run.warnings),
    )


def _from_net(sources: Sources, built: Path, tell: Progress) -> _Imported:
    options = sources.options
    zipped = sources.path.read_bytes()[:2] == b"\x1f\x8b"
    net = built / "network" / f"{sources.name}.net.xml{'.gz' if zipped else ''}"
    net.parent.mkdir()
    shutil.copyfile(sources.path, net)
    tell("reading the network", 2, _STEPS)
    parsed = parse_net(net)
    projection = locate(parsed.location, origin=options.origin, crs=options.crs)
    graph = graph_of(parsed, projection)
    left_hand = options.left_hand or parsed.left_hand
    places = no_places()
    if options.places:
        places = places_of(read_places(options.places), graph, crs=projection.crs, left_hand=left_hand)
    return _Imported(net=net, graph=graph, places=places, projection=projection, left_hand=left_hand)


def _network_section(imported: _Imported, sources: Sources) -> NetworkSection:
    return NetworkSection(
        net_file=f"network/{imported.net.name}",
        source="osm" if sources.osm else "net",
        crs=imported.projection.crs,
        located=imported.projection.located,
        left_hand=imported.left_hand,
    )


def _fitted(file: CityFile, built: Path, tell: Progress) -> tuple[CityFile, list[Finding]]:
    """Fit the mesoscopic model; a city whose demand cannot be fitted is a city all the same, and says so."""

    def fitting(what: str, done: int, total: int) -> None:
        tell(f"fitting the mesoscopic model: {what}" + (f" ({done} of {total})" if total else ""), 4, _STEPS)

    tell("fitting the mesoscopic model", 4, _STEPS)
    try:
        return file.model_copy(update={"meso": fit_meso(City(built.resolve(), file), progress=fitting)}), []
    except TrafficFeedError as error:
        return file, [
            Finding(
                rule="import.meso_not_fitted",
                severity=Severity.WARNING,
                message=f"the mesoscopic model could not be fitted against micro: {error}",
                mend="look at the demand; until then the defaults are used, which are too optimistic",
            )
        ]


def _zone(options: BuildOptions) -> list[Finding]:
    if options.timezone:
        return []
    return [
        Finding(
            rule="import.timezone",
            severity=Severity.WARNING,
            message="no time zone was given: UTC is taken",
            mend="give --timezone, e.g. Europe/Rome: recurring windows follow it through summer time",
        )
    ]


def _report(sources: Sources, imported: _Imported) -> ImportReport:
    found = graph_findings(imported.graph, imported.places, located=imported.projection.located)
    shares: dict[str, float] = {}
    if imported.extract is not None and imported.link is not None:
        found = [*extract_findings(imported.graph, imported.extract, imported.link), *found]
        shares = link_shares(imported.link)
    return ImportReport(
        city=sources.name,
        source=sources.path.name,
        inputs_hash=sources.inputs_hash,
        network_hash=imported.graph.network_hash,
        sumo_version=sumo_version(),
        counts=graph_counts(imported.graph, imported.places),
        shares=shares,
        findings=tuple(found),
        netconvert_warnings=imported.warnings or {},
    )


def _unchanged(folder: Path, sources: Sources) -> ImportReport | None:
    """Return the report of the city that is there, if it is whole and was built from the same inputs."""
    try:
        report = ImportReport.from_json((folder / "import_report.json").read_text("utf-8"))
        city = City.load(folder)
        whole = (
            report.inputs_hash == sources.inputs_hash
            and report.network_hash == network_hash(city.net_path)
            and graph_cache.is_current(city.graph_folder)
            and all(path.is_file() for path in (*city.route_paths, *city.additional_paths))
        )
    except (OSError, ValueError, KeyError, TypeError, TrafficFeedError):
        return None  # nothing there, or not whole: build it
    return replace(report, unchanged=True) if whole else None
