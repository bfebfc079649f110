"""A city's flood sites from its folder: terrain, list or both; what is there stays where a build fails."""

import os
from pathlib import Path

import numpy as np
import pytest
from made_graphs import Street, graph_of, lonlat
from made_terrain import plain, with_pit, write_asc, write_tif

from trafficfeed.errors import ScenarioInvalid
from trafficfeed.flooding.site_document import read_note, read_sites
from trafficfeed.flooding.sites import SiteSource
from trafficfeed.network.city import City, CityFile, DemandSection, NetworkSection
from trafficfeed.network.flooding_section import FloodingSection, SyntheticTerrain
from trafficfeed.network.graph_cache import save_graph
from trafficfeed.network.structures import save_structures
from trafficfeed.network.sumo_net import read_net
from trafficfeed.pipeline.city_folder import write_city_file
from trafficfeed.pipeline.flood_picture import draw_places
from trafficfeed.pipeline.flood_places import PlacesOptions, build, sites_of

SHARED = Path(os.environ.get("TRAFFICFEED_SHARED", Path(__file__).parents[3] / "shared"))
BOLOGNA = SHARED / "data/networks/bologna_acosta/acosta_buslanes.net.xml"
GROUND = with_pit(plain(150, 200), 45, 90, 12, 30, 0.6)


def crossroads() -> object:
    """A street through the pit, and one over it whose OSM way is 7."""
    junctions = {"w": (20.0, -100.0), "e": (380.0, -100.0), "n": (210.0, -20.0), "s": (210.0, -280.0)}
    streets = [Street(name="Low Road", nodes=["w", "e"]), Street(name="High Bridge", nodes=["n", "s"], way=7)]
    return graph_of(junctions, streets)


def city(folder: Path, flooding: FloodingSection | None = None, *, located: bool = True) -> City:
    folder.mkdir(exist_ok=True)
    file = CityFile(
        name="town",
        title="Town",
        timezone="Europe/Berlin",
        licence="CC0",
        attribution="",
        network=NetworkSection(net_file="n.net.xml", source="net", crs="EPSG:32632", located=located),
        demand=DemandSection(route_files=("d.rou.xml",), kind="hour", begin_s=0, end_s=3600, method="none"),
        flooding=flooding,
    )
    write_city_file(file, folder)
    save_graph(crossroads(), folder / "graph")  # type: ignore[arg-type]
    return City.load(folder)


def test_a_city_file_keeps_what_it_says_of_flooding(tmp_path: Path) -> None:
    said = FloodingSection(
        terrain_label='it\'s "made"',
        tide_files=("a.csv", "b.csv"),
        synthetic_terrain=SyntheticTerrain(
            water=((7.0, 50.0), (7.1, 50.0), (7.1, 50.1)),
            quay_m=1.5,
            bowl=({"at": (7.0, 50.0), "depth_m": 0.5, "radius_m": 30},),  # type: ignore[arg-type]
        ),
    )
    found = city(tmp_path, said)
    assert found.flooding == said
    assert found.tide_paths == (tmp_path / "a.csv", tmp_path / "b.csv")
    assert found.flooding.label.startswith("synthetic terrain")


def test_settings_beside_the_city_file_are_read_and_two_are_refused(tmp_path: Path) -> None:
    (tmp_path / "flooding").mkdir()
    (tmp_path / "flooding" / "settings.toml").write_text('dem = "d.tif"\n', "utf-8")
    assert city(tmp_path).dem_path == tmp_path / "d.tif"
    with pytest.raises(ScenarioInvalid, match="are both there: keep one"):
        _ = city(tmp_path, FloodingSection(dem="e.tif")).flooding
    (tmp_path / "flooding" / "settings.toml").write_text("demm = 3\n", "utf-8")
    with pytest.raises(ScenarioInvalid, match=r"settings.toml cannot be used[\s\S]*demm"):
        _ = city(tmp_path).flooding


def test_terrain_and_bridges_of_the_map_make_the_sites(tmp_path: Path) -> None:
    write_tif(tmp_path / "d.tif", GROUND)
    town = city(tmp_path, FloodingSection(dem="d.tif"))
    flooded_both = build(town)
    assert {"terrain.crossing", "terrain.bridges"} <= {finding.rule for finding in flooded_both.findings}

    class Way:
        way_id, tags = 7, {"bridge": "yes"}

    save_structures([Way()], town.graph_folder)
    report = build(town)
    assert {road.edge for site in report.sites for road in site.roads} == {"w>e", "e>w"}
    assert {"terrain.crossing", "terrain.bridges"}.isdisjoint({finding.rule for finding in report.findings})
    assert read_sites(town.sites_path, network_hash="0" * 64) == report.sites
    note = read_note(town.sites_path)
    assert (note.terrain, note.terrain_label, note.synthetic) == ("d.tif", "", False)


def test_building_twice_gives_the_same_bytes_and_a_refused_model_leaves_them(tmp_path: Path) -> None:
    write_tif(tmp_path / "d.tif", GROUND)
    town = city(tmp_path, FloodingSection(dem="d.tif"))
    build(town)
    before = town.sites_path.read_bytes()
    build(town)
    assert town.sites_path.read_bytes() == before
    holed = GROUND.copy()
    holed[50:53, 95:99] = np.nan
    write_tif(tmp_path / "d.tif", holed)
    with pytest.raises(ScenarioInvalid, match="has 1 hole"):
        build(town)
    assert town.sites_path.read_bytes() == before


def test_sites_are_built_when_first_asked_for_and_again_when_something_changed(tmp_path: Path) -> None:
    write_tif(tmp_path / "d.tif", GROUND)
    town = city(tmp_path, FloodingSection(dem="d.tif"))
    assert len(sites_of(town)) == 1
    stamp = town.sites_path.stat().st_mtime_ns
    assert len(sites_of(town)) == 1 and town.sites_path.stat().st_mtime_ns == stamp
    (tmp_path / "flooding" / "sites.toml").write_text(
        f'[[site]]\nid = "a"\nat = {list(lonlat((60, -100))[0])}\n', "utf-8"
    )
    assert {site.source for site in sites_of(town)} == {SiteSource.LIST, SiteSource.TERRAIN}


def test_sites_built_with_a_callers_own_files_are_kept(tmp_path: Path) -> None:
    town = city(tmp_path / "town")
    path = write_asc(tmp_path / "d.asc", GROUND)
    build(town, options=PlacesOptions(dem=path, crs="EPSG:32632"))
    assert len(sites_of(town)) == 1


def test_a_city_with_neither_terrain_nor_list_is_told_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(ScenarioInvalid, match=r"neither an elevation model nor a list.*flooding/sites.toml"):
        build(city(tmp_path))


def test_a_network_that_lies_nowhere_takes_no_elevation_model(tmp_path: Path) -> None:
    write_tif(tmp_path / "d.tif", GROUND)
    with pytest.raises(ScenarioInvalid, match="has no place on the earth"):
        build(city(tmp_path, FloodingSection(dem="d.tif"), located=False))


def test_a_model_of_half_the_city_says_how_much_it_misses(tmp_path: Path) -> None:
    write_tif(tmp_path / "d.tif", GROUND[:, :120])
    found = build(city(tmp_path, FloodingSection(dem="d.tif"))).findings
    assert "terrain.coverage" in {finding.rule for finding in found}


def test_a_valley_that_looks_dammed_is_named(tmp_path: Path) -> None:
    write_tif(tmp_path / "d.tif", with_pit(plain(150, 200), 30, 60, 60, 90, 4.0))
    found = build(city(tmp_path, FloodingSection(dem="d.tif"))).findings
    dammed = [finding for finding in found if finding.rule == "terrain.dammed"]
    assert len(dammed) == 1 and "86,400 m³, 4.0 m deep: does a culvert or a bridge drain it?" in dammed[0].message


def test_a_hollow_that_leaves_the_road_almost_dry_is_counted_and_no_site(tmp_path: Path) -> None:
    ground = with_pit(with_pit(plain(150, 200), 45, 90, 12, 30, 0.07), 47, 92, 3, 3, 0.5)
    write_tif(tmp_path / "d.tif", ground)
    (tmp_path / "flooding").mkdir()
    (tmp_path / "flooding" / "sites.toml").write_text(
        f'[[site]]\nid = "a"\nat = {list(lonlat((60, -100))[0])}\n', "utf-8"
    )
    report = build(city(tmp_path, FloodingSection(dem="d.tif")))
    assert [site.id for site in report.sites] == ["a"]
    assert report.counts["hollows whose roads get too little water"] == 1


def test_made_ground_is_the_same_each_time_and_labelled(tmp_path: Path) -> None:
    lon, lat = lonlat((200, -100))[0]
    water = lonlat((-200, -400), (-50, -400), (-50, 200), (-200, 200))
    recipe = SyntheticTerrain(
        water=water,
        quay_m=1.0,
        rise=0.001,
        bowl=({"at": (lon, lat), "depth_m": 0.6, "radius_m": 30},),  # type: ignore[arg-type]
    )
    town = city(tmp_path, FloodingSection(synthetic_terrain=recipe))
    report = build(town)
    first = town.sites_path.read_bytes()
    assert report.note.synthetic and report.note.terrain_label == "synthetic terrain"
    assert "synthetic terrain" in report.as_text()
    near = [site for site in report.sites if abs(site.lon - lon) < 5e-4]
    assert near and near[0].bowl is not None and 0.3 < near[0].bowl.depth_m[-1] < 0.75
    build(town)
    assert town.sites_path.read_bytes() == first


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    write_tif(tmp_path / "d.tif", GROUND)
    town = city(tmp_path, FloodingSection(dem="d.tif", terrain_label="a test's ground"))
    draw_places(build(town), crossroads(), tmp_path / "p" / "places.png")  # type: ignore[arg-type]
    assert (tmp_path / "p" / "places.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.skipif(not BOLOGNA.is_file(), reason="../shared/data/networks/bologna_acosta is not there")
def test_a_real_city_without_names_or_terrain_works_from_its_list_alone(tmp_path: Path) -> None:
    graph = read_net(BOLOGNA)
    middle = graph.geometry[100].interpolate(0.5, normalized=True)
    (tmp_path / "flooding").mkdir()
    (tmp_path / "flooding" / "sites.toml").write_text(
        f'[[site]]\nid = "viaduct"\nat = [{middle.x}, {middle.y}]\nsensors = ["b1"]\n'
        "bowl = { depth_m = [0, 0.6], area_m2 = [10, 700] }\ncatchment_m2 = 5000\n",
        "utf-8",
    )
    report = build(city(tmp_path), graph=graph)
    assert graph.edge_ids[100] in {road.edge for road in report.sites[0].roads}
    assert report.note.terrain == "" and report.sites[0].elevation_m is None
    assert report.findings == ()
