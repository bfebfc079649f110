"""A city built: from OSM, from a SUMO network or its configuration; whole, once, or not at all."""

import fcntl
import importlib.util
import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_osm import at, street, write_osm

from trafficfeed.errors import ScenarioInvalid, SourceMalformed, SourceUnavailable
from trafficfeed.network.city import City
from trafficfeed.network.graph_cache import load_graph, load_places
from trafficfeed.network.netconvert import sumo_environment
from trafficfeed.network.places import PlaceKind
from trafficfeed.network.sumo_binary import binary
from trafficfeed.network.sumo_net import network_hash
from trafficfeed.network.swallowed import load_swallowed
from trafficfeed.pipeline.cities import BuildOptions, build_city

SHARED = Path(os.environ.get("TRAFFICFEED_SHARED", Path(__file__).parents[3] / "shared"))
BOLOGNA = SHARED / "data" / "networks" / "bologna_acosta"
needs_bologna = pytest.mark.skipif(not BOLOGNA.is_dir(), reason="../shared/data/networks/bologna_acosta is not there")
TRIPS = '<routes><trip id="t" depart="5" from="{}" to="{}"/></routes>'


@pytest.fixture
def quick(tmp_path: Path) -> BuildOptions:
    """A demand of one trip: what is tried here is not how demand is made up."""
    return BuildOptions(fit=False, timezone="Europe/Helsinki", routes=(_trips(tmp_path, "1#0", "1#2"),))


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """An extract of a few blocks: signals, addresses, a hospital, a car park at the kerb and one off it, an island."""
    nodes = {10 * x + y: (x * 150.0, y * 120.0) for x in range(1, 5) for y in range(1, 5)}
    nodes |= {100: (160.0, 130.0), 101: (310.0, 350.0), 102: (590.0, 245.0), 103: (250.0, 110.0), 104: (90_000.0, 0.0)}
    nodes |= {110: (5000.0, 5000.0), 111: (5200.0, 5000.0)}
    ways = {y: (tuple(10 * x + y for x in range(1, 5)), street(f"Street {y}")) for y in range(1, 5)}
    ways |= {10 + x: (tuple(10 * x + y for y in range(1, 5)), street(f"Avenue {x}")) for x in range(1, 5)}
    ways[30] = ((110, 111), street("Island Lane"))
    tags = {
        22: {"highway": "traffic_signals"},
        100: {"addr:street": "Street 1", "addr:housenumber": "7"},
        101: {"amenity": "hospital", "name": "St Anne"},
        102: {"amenity": "parking", "parking": "surface"},
        103: {"amenity": "parking", "parking": "street_side"},
        104: {"addr:street": "Elsewhere", "addr:housenumber": "1"},
    }
    return write_osm(tmp_path / "town.osm.pbf", nodes, ways, node_tags=tags)


def test_an_extract_becomes_a_city_that_loads_with_a_demand_made_up(town: Path, tmp_path: Path) -> None:
    options = BuildOptions(fit=False, timezone="Europe/Helsinki")
    report = build_city("town", osm=town, cities_dir=tmp_path, options=options)
    city = City.load(tmp_path / "town")
    graph = load_graph(city.graph_folder)
    assert (city.file.network.source, city.file.licence) == ("osm", "ODbL 1.0")
    assert city.file.network.crs == "EPSG:32721"
    assert graph.network_hash == network_hash(city.net_path) == report.network_hash
    assert report.shares["edges_linked_to_osm"] == 1.0
    assert len(np.unique(graph.way_id)) == 9
    assert city.route_paths
    assert all(path.is_file() for path in city.route_paths)
    assert (city.file.demand.kind, len(city.file.demand.departures_by_hour)) == ("day", 24)
    assert load_swallowed(city.graph_folder) == []
    assert {p.name for p in (tmp_path / "town").iterdir()} == {
        "README.md", "city.toml", "demand", "graph", "import_report.json", "network",
    }  # fmt: skip


def test_places_hang_on_the_street_of_their_address_else_on_the_nearest(
    town: Path, tmp_path: Path, quick: BuildOptions
) -> None:
    build_city("town", osm=town, cities_dir=tmp_path, options=quick)
    graph, places = (load(tmp_path / "town" / "graph") for load in (load_graph, load_places))
    on = {
        label: graph.names[edge] if edge >= 0 else None for label, edge in zip(places.label, places.edge, strict=True)
    }
    assert on["Street 1 7"] == "Street 1"  # Avenue 1 is as near
    assert on["St Anne"] == "Street 3"
    assert on["Elsewhere 1"] is None
    assert sorted(places.kind) == [PlaceKind.ADDRESS, PlaceKind.ADDRESS, PlaceKind.CAR_PARK, PlaceKind.HOSPITAL]


@pytest.mark.parametrize(("left_hand", "eastbound"), [(False, False), (True, True)])
def test_a_house_is_reached_by_the_lane_on_its_own_side(
    town: Path, tmp_path: Path, quick: BuildOptions, left_hand: bool, eastbound: bool
) -> None:
    build_city("town", osm=town, cities_dir=tmp_path, options=replace(quick, left_hand=left_hand))
    graph, places = (load(tmp_path / "town" / "graph") for load in (load_graph, load_places))
    line = graph.geometry[places.edge[list(places.label).index("Street 1 7")]]  # the house stands north of it
    assert (line.coords[-1][0] > line.coords[0][0]) is eastbound


def test_the_report_tells_of_islands_places_and_the_missing_zone(
    town: Path, tmp_path: Path, quick: BuildOptions
) -> None:
    report = build_city("town", osm=town, cities_dir=tmp_path, options=replace(quick, timezone=None))
    rules = {finding.rule: finding for finding in report.findings}
    assert rules["import.islands"].detail["examples"] == ["Island Lane (way/30)"]
    assert rules["import.places_without_road"].detail["places"] == 1
    assert "import.timezone" in rules
    kept = json.loads((tmp_path / "town" / "import_report.json").read_text("utf-8"))
    assert kept["counts"] == dict(report.counts)
    readme = (tmp_path / "town" / "README.md").read_text("utf-8")
    assert "OpenStreetMap" in readme
    assert "import.islands" in readme


def test_the_same_inputs_are_not_built_twice(town: Path, tmp_path: Path, quick: BuildOptions) -> None:
    first = build_city("town", osm=town, cities_dir=tmp_path, options=quick)
    written = (tmp_path / "town" / "city.toml").stat().st_mtime_ns
    (tmp_path / "moved").mkdir()
    moved = town.rename(tmp_path / "moved" / town.name)
    again = build_city("town", osm=moved, cities_dir=tmp_path, options=quick)
    assert again.unchanged
    assert not first.unchanged
    assert again.findings == first.findings
    assert (tmp_path / "town" / "city.toml").stat().st_mtime_ns == written


def test_other_options_or_a_changed_network_are_built_anew(town: Path, tmp_path: Path, quick: BuildOptions) -> None:
    build_city("town", osm=town, cities_dir=tmp_path, options=quick)
    other = replace(quick, timezone="Asia/Tokyo")
    assert not build_city("town", osm=town, cities_dir=tmp_path, options=other).unchanged
    net = City.load(tmp_path / "town").net_path
    net.write_bytes(net.read_bytes() + b"\n")
    assert not build_city("town", osm=town, cities_dir=tmp_path, options=other).unchanged


def test_a_forced_build_gives_the_same_network_bytes(town: Path, tmp_path: Path, quick: BuildOptions) -> None:
    first = build_city("town", osm=town, cities_dir=tmp_path, options=quick)
    forced = replace(quick, force=True)
    second = build_city("town", osm=town, cities_dir=tmp_path, options=forced)
    assert not second.unchanged
    assert second.network_hash == first.network_hash


def test_a_failed_build_leaves_the_city_as_it_was(town: Path, tmp_path: Path, quick: BuildOptions) -> None:
    build_city("town", osm=town, cities_dir=tmp_path, options=quick)
    before = _contents(tmp_path / "town")
    garbage = tmp_path / "page.osm"
    garbage.write_text("<html></html>")
    routes = tmp_path / "alien.rou.xml"
    routes.write_text('<routes><vehicle id="v" depart="0"><route edges="not here"/></vehicle></routes>')
    with pytest.raises(SourceMalformed):
        build_city("town", osm=garbage, cities_dir=tmp_path, options=quick)
    with pytest.raises(ScenarioInvalid, match="belong to this network"):
        build_city("town", osm=town, cities_dir=tmp_path, options=replace(quick, routes=(routes,)))
    assert _contents(tmp_path / "town") == before


def test_orders_and_a_readme_of_ones_own_outlive_a_build(town: Path, tmp_path: Path, quick: BuildOptions) -> None:
    mine = {tmp_path / "town" / "orders" / "fair.yaml": "title: Fair", tmp_path / "town" / "README.md": "# Ours"}
    for path, text in mine.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    build_city("town", osm=town, cities_dir=tmp_path, options=quick)
    assert {path: path.read_text() for path in mine} == mine


def test_a_swap_that_was_killed_is_finished_by_the_next_build(town: Path, tmp_path: Path, quick: BuildOptions) -> None:
    build_city("town", osm=town, cities_dir=tmp_path, options=quick)
    whole = _contents(tmp_path / "town")
    half = tmp_path / ".building" / "town"
    half.mkdir()
    for part in ("graph", "city.toml"):
        (tmp_path / "town" / part).rename(half / part)
    (half / "ready").touch()
    assert build_city("town", osm=town, cities_dir=tmp_path, options=quick)
    assert _contents(tmp_path / "town").keys() == whole.keys()
    assert load_graph(tmp_path / "town" / "graph")


def test_two_builds_of_one_city_do_not_mix(town: Path, tmp_path: Path, quick: BuildOptions) -> None:
    (tmp_path / ".building").mkdir()
    with (tmp_path / ".building" / "town.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ScenarioInvalid, match="another process"):
            build_city("town", osm=town, cities_dir=tmp_path, options=quick)


@needs_bologna
def test_a_sumo_configuration_becomes_a_city_with_its_own_demand(tmp_path: Path) -> None:
    options = BuildOptions(sumocfg=BOLOGNA / "run.sumocfg", timezone="Europe/Rome", fit=False)
    report = build_city("bologna", cities_dir=tmp_path, options=options)
    city = City.load(tmp_path / "bologna")
    assert [path.name for path in city.route_paths] == ["acosta.rou.xml", "acosta_busses.rou.xml"]
    assert all(path.is_file() for path in (*city.route_paths, *city.additional_paths))
    assert len(city.additional_paths) == 4
    assert (city.file.demand.kind, city.file.demand.begin_s) == ("hour", 0.0)
    assert 3000 < city.file.demand.end_s <= 3601
    assert city.file.network.located
    assert report.counts["osm_ways"] == 0
    assert len(load_places(city.graph_folder)) == 0


def test_a_configurations_hours_are_taken(tmp_path: Path) -> None:
    spec = importlib.util.find_spec("sumo_rl")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the package sumo-rl is not installed")
    config = Path(next(iter(spec.submodule_search_locations))) / "nets/RESCO/ingolstadt21/ingolstadt21.sumocfg"
    build_city("ingolstadt", cities_dir=tmp_path, options=BuildOptions(sumocfg=config, fit=False))
    demand = City.load(tmp_path / "ingolstadt").file.demand
    assert (demand.begin_s, demand.end_s, demand.kind) == (57600.0, 61200.0, "hour")


@needs_bologna
def test_routes_that_meet_no_departure_in_the_stretch_are_refused(tmp_path: Path) -> None:
    options = BuildOptions(routes=(BOLOGNA / "acosta.rou.xml",), begin_s=90000, end_s=93600, fit=False)
    with pytest.raises(ScenarioInvalid, match="nothing departs"):
        build_city("b", net=BOLOGNA / "acosta_buslanes.net.xml", cities_dir=tmp_path, options=options)


def test_a_network_without_projection_says_that_it_is_nowhere(tmp_path: Path) -> None:
    net = _unprojected(tmp_path)
    options = BuildOptions(fit=False, origin=(-70.6, -33.4), routes=(_trips(tmp_path, "A0A1", "A1A2"),))
    report = build_city("grid", net=net, cities_dir=tmp_path, options=options)
    city = City.load(tmp_path / "grid")
    assert (city.file.network.located, city.file.network.crs) == (False, "EPSG:32719")
    assert load_graph(city.graph_folder).node_lonlat.mean(axis=0) == pytest.approx((-70.6, -33.4), abs=1e-3)
    assert "import.unlocated" in {finding.rule for finding in report.findings}


def test_places_can_be_given_as_geojson(tmp_path: Path) -> None:
    lon, lat = at(0, 0)
    feature = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [lon, lat]},
        "properties": {"kind": "fire_station", "label": "Main station"},
    }
    places = tmp_path / "places.geojson"
    places.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    options = BuildOptions(fit=False, origin=(lon, lat), places=places, routes=(_trips(tmp_path, "A0A1", "A1A2"),))
    build_city("grid", net=_unprojected(tmp_path), cities_dir=tmp_path, options=options)
    found = load_places(tmp_path / "grid" / "graph")
    assert (list(found.kind), list(found.label)) == ([PlaceKind.FIRE_STATION], ["Main station"])
    assert found.edge[0] >= 0


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("Ünfug", {}, "city name"),
        ("../up", {}, "city name"),
        ("town", {"timezone": "Mars/Olympus"}, "IANA"),
        ("town", {"crs": "EPSG:4326"}, "metres"),
    ],
)
def test_choices_that_cannot_be_are_refused(town: Path, tmp_path: Path, name: str, options: dict, words: str) -> None:
    with pytest.raises(ScenarioInvalid, match=words):
        build_city(name, osm=town, cities_dir=tmp_path / "cities", options=BuildOptions(fit=False, **options))


def test_one_source_must_be_given_and_be_there(town: Path, tmp_path: Path) -> None:
    with pytest.raises(ScenarioInvalid, match="either"):
        build_city("town", cities_dir=tmp_path)
    with pytest.raises(ScenarioInvalid, match="either"):
        build_city("town", osm=town, net=town, cities_dir=tmp_path)
    with pytest.raises(SourceUnavailable, match=r"no\.osm"):
        build_city("town", osm=tmp_path / "no.osm", cities_dir=tmp_path)


def _unprojected(tmp_path: Path) -> Path:
    net = tmp_path / "grid.net.xml.gz"
    command = [binary("netgenerate"), "--grid", "--grid.number", "5", "-o", net]
    subprocess.run(command, check=True, capture_output=True, env=sumo_environment())
    return net


def _trips(tmp_path: Path, begin: str, end: str) -> Path:
    path = tmp_path / "one.trips.xml"
    path.write_text(TRIPS.format(begin, end))
    return path


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
