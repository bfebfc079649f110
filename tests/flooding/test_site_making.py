"""Sites from hollows under roads and from the list, and what the list overrules."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_graphs import Street, graph_of, lonlat
from made_terrain import elevation, plain, with_pit

from trafficfeed.errors import ScenarioInvalid
from trafficfeed.flooding.listed_roads import edges_off_ground
from trafficfeed.flooding.site_list import SiteList, read_site_list
from trafficfeed.flooding.site_making import Made, Terrain, make_sites
from trafficfeed.flooding.site_roads import road_dips
from trafficfeed.flooding.sites import Site, SiteSource
from trafficfeed.flooding.terrain.depressions import find_depressions
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.vehicle_classes import VehicleClass

# 400 m × 300 m, 2 m cells; the graph's origin is the north-west corner, so y runs from 0 to -300
GROUND = with_pit(plain(150, 200), 45, 90, 12, 30, 0.6)  # x 180 to 240, y -90 to -114


def streets(**low: object) -> RoadGraph:
    """High Street eastward through the pit at y = -100, Side Street crosses it at x = 232; a path, a far road."""
    junctions = {
        "w": (20.0, -100.0), "m": (232.0, -100.0), "e": (380.0, -100.0),
        "n": (232.0, -20.0), "s": (232.0, -280.0), "p": (200.0, -20.0), "q": (200.0, -280.0),
        "x": (20.0, -250.0), "y": (150.0, -250.0),
    }  # fmt: skip
    return graph_of(
        junctions,
        [
            Street(name="High Street", nodes=["w", "m", "e"]),
            Street(name="Side Street", nodes=["n", "m", "s"]),
            Street(name="", nodes=["p", "q"], access=VehicleClass.BICYCLE.bit | VehicleClass.EMERGENCY.bit),
            Street(name="Back Lane", nodes=["x", "y"]),
        ],
    )


def terrain(graph: RoadGraph, ground: np.ndarray = GROUND, off: tuple[int, ...] = ()) -> Terrain:  # type: ignore[type-arg]
    model = elevation(ground)
    hollows = find_depressions(model)
    return Terrain(elevation=model, depressions=hollows, dips=road_dips(graph, model, hollows, not_on_ground=off))


def listed(tmp_path: Path, text: str) -> SiteList:
    (tmp_path / "sites.toml").write_text(text, "utf-8")
    return read_site_list(tmp_path / "sites.toml")


def at(x: float, y: float) -> str:
    lon, lat = lonlat((x, y))[0]
    return f"at = [{lon}, {lat}]"


def made(tmp_path: Path, text: str, ground: np.ndarray | None = GROUND) -> Made:  # type: ignore[type-arg]
    graph = streets()
    on = None if ground is None else terrain(graph, ground)
    return make_sites(graph, listed=listed(tmp_path, text).sites, terrain=on)


def only(found: Made) -> Site:
    assert len(found.sites) == 1
    return found.sites[0]


def test_a_hollow_under_a_road_becomes_a_site_with_its_bowl_and_roads() -> None:
    graph = streets()
    site = only(make_sites(graph, listed=(), terrain=terrain(graph)))
    assert (site.source, site.name) == (SiteSource.TERRAIN, "High Street / Side Street")
    assert {road.edge for road in site.roads} == {"w>m", "m>w", "m>e", "e>m", "n>m", "m>n", "m>s", "s>m"}
    assert site.elevation_m == pytest.approx(9.4)
    assert site.bowl is not None
    assert site.bowl.depth_m[-1] == pytest.approx(0.6, abs=1e-4)
    assert site.bowl.volume_m3[-1] == pytest.approx(12 * 30 * 4 * 0.6, rel=1e-4)
    along = {road.edge: (road.from_m, road.to_m) for road in site.roads}
    assert along["w>m"] == pytest.approx((160, 212), abs=3)  # from x = 180 to the junction at 232
    assert along["m>w"] == pytest.approx((0, 52), abs=3)
    assert along["n>m"] == pytest.approx((64, 80), abs=3)  # the grid of the CRS is turned by 1.5° here
    assert site.id == only(make_sites(graph, listed=(), terrain=terrain(graph))).id


def test_an_edges_sill_is_how_much_higher_its_own_low_point_lies() -> None:
    ground = GROUND.copy()
    ground[45:57, 114:120] += np.float32(0.25)  # the pit is shallower under Side Street
    graph = streets()
    site = only(make_sites(graph, listed=(), terrain=terrain(graph, ground)))
    sills = {road.edge: road.sill_m for road in site.roads}
    assert sills["w>m"] == 0
    assert sills["n>m"] == pytest.approx(0.25, abs=1e-3)


def test_what_the_hollow_holds_below_the_road_has_to_fill_first() -> None:
    ground = with_pit(GROUND, 46, 100, 4, 10, 0.5)  # a yard beside the road, half a metre lower
    graph = streets()
    site = only(make_sites(graph, listed=(), terrain=terrain(graph, ground)))
    assert site.elevation_m == pytest.approx(9.4)
    assert site.bowl is not None
    assert np.interp(0.001, site.bowl.depth_m, site.bowl.volume_m3) == pytest.approx(40 * 4 * 0.5, rel=0.02)
    assert site.bowl.volume_m3[-1] == pytest.approx(4 * (40 * 0.5 + 360 * 0.6), rel=1e-3)


def test_roads_on_bridges_are_not_asked_of_the_terrain() -> None:
    graph = streets()
    bridge = (graph.index["n>m"], graph.index["m>n"], graph.index["m>s"], graph.index["s>m"])
    site = only(make_sites(graph, listed=(), terrain=terrain(graph, off=bridge)))
    assert {road.edge for road in site.roads} == {"w>m", "m>w", "m>e", "e>m"}


def test_a_bridge_can_be_listed_by_point_or_section(tmp_path: Path) -> None:
    graph = streets()
    section = 'road = { street = "Side Street", between = ["High Street", "X"] }'
    text = f"[[bridge]]\n{at(232, -200)}\n[[bridge]]\n{section}\n"
    by_point, by_name = listed(tmp_path, text).bridges
    assert {graph.edge_ids[edge] for edge in edges_off_ground(by_point, graph)} == {"m>s", "s>m"}
    with pytest.raises(ScenarioInvalid, match=r"sites.toml line 3, bridge 2, road: 'X' is not a street"):
        edges_off_ground(by_name, graph)


def test_hollows_that_no_road_dips_into_are_counted_and_left_out() -> None:
    graph = streets()
    found = make_sites(graph, listed=(), terrain=terrain(graph, with_pit(GROUND, 100, 150, 10, 10, 0.5)))
    assert (len(found.sites), found.from_terrain, found.off_road) == (1, 1, 1)


def test_a_listed_site_in_a_hollow_takes_its_bowl_and_roads_and_keeps_what_it_says(tmp_path: Path) -> None:
    text = f'[[site]]\nid = "high"\nname = "The dip"\n{at(205, -101)}\ncatchment_m2 = 500\nsensors = ["g1"]\n'
    found = made(tmp_path, text)
    site = only(found)
    assert (site.id, site.source, site.catchment_m2, site.sensors) == ("high", SiteSource.LIST, 500, ("g1",))
    assert site.bowl is not None and site.elevation_m == pytest.approx(9.4)
    assert {"w>m", "n>m"} <= {road.edge for road in site.roads}
    assert (found.joined, found.from_terrain) == (1, 0)


def test_named_roads_are_flooded_and_no_others(tmp_path: Path) -> None:
    road = 'road = [{ street = "Side Street" }]'
    site = only(made(tmp_path, f'[[site]]\nid = "side"\n{at(232, -100)}\n{road}\n'))
    assert {road.edge for road in site.roads} == {"n>m", "m>n", "m>s", "s>m"}
    assert site.bowl is not None


def test_an_underpass_that_the_terrain_gets_wrong_stands_for_itself(tmp_path: Path) -> None:
    text = (
        f'[[site]]\nid = "underpass"\n{at(205, -100)}\nterrain = false\n'
        "bowl = { depth_m = [0, 1], area_m2 = [50, 90] }\n"
    )
    site = only(made(tmp_path, text))
    assert site.id == "underpass"
    assert site.bowl is not None and site.bowl.volume_m3 == (0, 70)
    assert site.elevation_m is None
    assert {road.edge for road in site.roads} == {"w>m", "m>w"}


def test_two_listed_sites_share_a_hollow_each_with_the_roads_nearer_to_it(tmp_path: Path) -> None:
    text = f'[[site]]\nid = "west"\n{at(190, -100)}\n[[site]]\nid = "east"\n{at(234, -100)}\n'
    sites = {site.id: site for site in made(tmp_path, text).sites}
    assert set(sites) == {"west", "east"}
    assert sites["west"].bowl == sites["east"].bowl
    assert {road.edge for road in sites["west"].roads}.isdisjoint({road.edge for road in sites["east"].roads})
    assert "n>m" in {road.edge for road in sites["east"].roads}


def test_without_terrain_a_listed_site_floods_the_roads_within_its_radius(tmp_path: Path) -> None:
    site = only(made(tmp_path, f'[[site]]\nid = "a"\n{at(120, -104)}\nradius_m = 20\n', ground=None))
    assert {road.edge for road in site.roads} == {"w>m", "m>w"}
    along = {road.edge: (road.from_m, road.to_m) for road in site.roads}
    assert along["w>m"] == pytest.approx((100 - 19.6, 100 + 19.6), abs=0.5)
    assert (site.bowl, site.elevation_m) == (None, None)


def test_a_place_beside_the_road_takes_the_nearest_within_reach(tmp_path: Path) -> None:
    site = only(made(tmp_path, f'[[site]]\nid = "a"\n{at(80, -230)}\n', ground=None))
    assert {road.edge for road in site.roads} == {"x>y", "y>x"}


def test_a_place_out_of_reach_closes_nothing_and_says_so(tmp_path: Path) -> None:
    found = made(tmp_path, f'[[site]]\nid = "a"\n{at(80, -180)}\n', ground=None)
    assert only(found).roads == ()
    assert found.findings[0].message == "the nearest road is 70 m away: the site closes none"
    assert found.findings[0].where == "sites.toml line 1, site 1 (a)"


def test_swapped_lon_and_lat_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioInvalid, match=r"site 1 \(a\), at: 50\.0000, 7\.0000 is .* km from .*: write lon first"):
        made(tmp_path, '[[site]]\nid = "a"\nat = [50.0, 7.0]\n', ground=None)


def test_a_street_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenarioInvalid, match=r"site 1 \(a\), road: 'Hihg Street' is not a street .*High Street"):
        made(tmp_path, '[[site]]\nid = "a"\nroad = [{ street = "Hihg Street" }]\n', ground=None)


def test_ground_without_heights_under_roads_is_counted() -> None:
    ground = GROUND.copy()
    ground[:, 100:] = np.nan
    dips = terrain(streets(), ground).dips
    assert 0.4 < dips.without_height / dips.sampled < 0.7
    assert not np.isnan(dips.low_m).any()


def test_a_graph_of_footways_links_nothing() -> None:
    graph = streets()
    walked = replace(graph, access=np.full(len(graph), VehicleClass.BICYCLE.bit, np.int32))
    assert make_sites(walked, listed=(), terrain=terrain(walked)).sites == ()
