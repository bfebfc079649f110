"""Every SUMO edge knows its OSM ways, whatever netconvert merged, cut or melted together."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import shapely
from made_osm import Converted, at, convert, street, write_osm

from trafficfeed.errors import SourceUnavailable
from trafficfeed.network.projection import locate
from trafficfeed.pipeline.city_sources import demo_source

CROSS = {1: (-200.0, 0.0), 2: (0.0, 0.0), 3: (200.0, 0.0), 4: (0.0, -200.0), 5: (0.0, 200.0)}
BALLOON = {1: (0.0, 0.0), 2: (100.0, 0.0), 3: (150.0, 50.0), 4: (200.0, 0.0), 5: (150.0, -50.0), 6: (100.0, -200.0)}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Converted:
    try:
        source = demo_source()
    except SourceUnavailable as missing:
        pytest.skip(str(missing))
    link = tmp_path_factory.mktemp("demo") / "demo.osm.pbf"
    link.symlink_to(source)
    return convert(link)


def test_three_ways_merged_into_one_edge_are_listed_in_the_order_of_travel(tmp_path: Path) -> None:
    nodes = {1: (0.0, 0.0), 2: (100.0, 0.0), 3: (200.0, 0.0), 4: (300.0, 10.0)}
    ways = {10: ((1, 2), street()), 11: ((3, 2), street()), 12: ((3, 4), street())}
    made = convert(write_osm(tmp_path / "x.osm", nodes, ways))
    assert made.pieces("10") == [(10, True, 1, 2), (11, False, 2, 3), (12, True, 3, 4)]
    assert made.pieces("-12") == [(12, False, 4, 3), (11, True, 3, 2), (10, False, 2, 1)]


def test_a_way_cut_at_a_crossing_gives_each_edge_its_own_run(tmp_path: Path) -> None:
    made = convert(write_osm(tmp_path / "x.osm", CROSS, {10: ((1, 2, 3), street()), 11: ((4, 2, 5), street("B"))}))
    assert made.pieces("10#1") == [(10, True, 2, 3)]
    assert made.pieces("-10#1") == [(10, False, 3, 2)]


def test_a_oneway_against_its_drawing_runs_backward_along_the_way(tmp_path: Path) -> None:
    ways = {10: ((1, 2, 3), street(oneway="-1")), 11: ((4, 2, 5), street("B"))}
    made = convert(write_osm(tmp_path / "x.osm", CROSS, ways))
    assert {edge for edge in made.net.edge_ids if edge.lstrip("-").startswith("10")} == {"-10#0", "-10#1"}
    assert made.pieces("-10#0") == [(10, False, 2, 1)]


def test_a_roundabout_that_begins_between_two_arms_is_linked_across_its_first_node(tmp_path: Path) -> None:
    nodes = {1: (-20.0, 0.0), 2: (0.0, -20.0), 3: (20.0, 0.0), 4: (0.0, 20.0)}
    nodes |= {5: (-200.0, 0.0), 6: (200.0, 0.0), 7: (0.0, 200.0)}
    ring = street("Ring", junction="roundabout")
    ways = {10: ((2, 3, 4, 1, 2), ring), 11: ((5, 1), street()), 12: ((3, 6), street()), 13: ((4, 7), street())}
    made = convert(write_osm(tmp_path / "x.osm", nodes, ways))
    around = {chain for chain, ends in zip(made.link.chains, made.link.pieces, strict=True) if ends[0].way_id == 10}
    assert around == {(3, 4), (4, 1), (1, 2, 3)}


@pytest.mark.parametrize(
    ("ways", "loop"),
    [
        ({10: ((1, 2, 3, 4, 5, 2), street())}, 10),
        ({10: ((1, 2, 6), street()), 11: ((2, 3, 4, 5, 2), street("Loop"))}, 11),
        ({10: ((6, 2, 3, 4, 5, 2, 1), street())}, 10),
    ],
    ids=["a street that ends in a loop", "a closed way at a street", "a way that crosses itself"],
)
def test_the_equal_halves_of_a_loop_are_told_apart(tmp_path: Path, ways: dict, loop: int) -> None:
    made = convert(write_osm(tmp_path / "x.osm", BALLOON, ways))
    chains = {chain for chain in made.link.chains if 4 in chain}
    assert chains == {(2, 3, 4), (4, 3, 2), (4, 5, 2), (2, 5, 4)}
    for chain, pieces in zip(made.link.chains, made.link.pieces, strict=True):
        if chain in {(2, 3, 4), (4, 5, 2)}:
            assert [(piece.way_id, piece.forward) for piece in pieces] == [(loop, True)]
    assert not made.link.dropped


def test_a_joined_crossing_of_dual_carriageways_keeps_its_ends_and_names_what_it_swallowed(tmp_path: Path) -> None:
    one = {"oneway": "yes"}
    nodes = {1: (-200.0, -4.0), 2: (-4.0, -4.0), 3: (4.0, -4.0), 4: (200.0, -4.0)}
    nodes |= {5: (200.0, 4.0), 6: (4.0, 4.0), 7: (-4.0, 4.0), 8: (-200.0, 4.0)}
    nodes |= {11: (4.0, -200.0), 12: (4.0, 200.0), 13: (-4.0, 200.0), 14: (-4.0, -200.0)}
    ways = {
        10: ((1, 2, 3, 4), street("A", **one)),
        11: ((5, 6, 7, 8), street("A", **one)),
        12: ((11, 3, 6, 12), street("B", **one)),
        13: ((13, 7, 2, 14), street("B", **one)),
    }
    made = convert(write_osm(tmp_path / "x.osm", nodes, ways))
    assert made.pieces("10#0") == [(10, True, 1, 2)]
    assert made.pieces("10#2") == [(10, True, 3, 4)]
    inside = {(piece.way_id, piece.from_node, piece.to_node) for piece in made.link.swallowed}
    assert inside == {(10, 2, 3), (11, 6, 7), (12, 3, 6), (13, 7, 2)}
    assert {piece.node_id for piece in made.link.swallowed} == {"cluster_2_3_6_7"}


def test_a_way_that_leaves_the_extract_and_comes_back_is_two_edges_of_one_way(tmp_path: Path) -> None:
    nodes = {1: (0.0, 0.0), 2: (100.0, 0.0), 3: (200.0, 0.0), 6: (300.0, 60.0), 7: (400.0, 60.0)}
    made = convert(write_osm(tmp_path / "x.osm", nodes, {10: ((1, 2, 3, 4, 5, 6, 7), street())}))
    ends = {(p.way_id, p.from_node, p.to_node) for of_edge in made.link.pieces for p in of_edge if p.forward}
    assert ends == {(10, 1, 3), (10, 6, 7)}
    assert set(made.extract.fringe) == {3, 6}


def test_two_ways_between_the_same_junctions_keep_their_own_lines(tmp_path: Path) -> None:
    nodes = {1: (0.0, 0.0), 2: (100.0, 0.0), 3: (50.0, 50.0), 4: (-100.0, 0.0), 5: (200.0, 0.0)}
    ways = {10: ((4, 1), street()), 11: ((1, 2), street()), 12: ((1, 3, 2), street("Bow")), 13: ((2, 5), street())}
    made = convert(write_osm(tmp_path / "x.osm", nodes, ways))
    assert made.pieces("11") == [(11, True, 1, 2)]
    assert made.pieces("12") == [(12, True, 1, 2)]
    assert list(made.graph.geometry[made.edge("12")].coords)[1] == pytest.approx(at(50, 50), abs=1e-7)


def test_a_second_node_at_the_same_place_does_not_break_the_link(tmp_path: Path) -> None:
    nodes = {1: (0.0, 0.0), 2: (100.0, 0.0), 3: (100.0, 0.0), 4: (200.0, 30.0)}
    made = convert(write_osm(tmp_path / "x.osm", nodes, {10: ((1, 2), street()), 11: ((3, 4), street())}))
    assert made.pieces("10") == [(10, True, 1, 2), (11, True, 3, 4)]
    assert made.pieces("-11") == [(11, False, 4, 3), (10, False, 2, 1)]


def test_every_edge_of_the_demo_is_linked_and_as_long_as_its_osm_line(demo: Converted) -> None:
    assert all(len(chain) > 1 for chain in demo.link.chains)
    assert demo.link.length_matches.all()


def test_the_pieces_of_every_edge_of_the_demo_join_up_along_its_ways(demo: Converted) -> None:
    ways = {way.way_id: way for way in demo.extract.ways.values()}
    for chain, pieces in zip(demo.link.chains, demo.link.pieces, strict=True):
        assert (pieces[0].from_node, pieces[-1].to_node) == (chain[0], chain[-1])
        assert all(a.to_node == b.from_node for a, b in pairwise(pieces))
        for piece in pieces:
            nodes = ways[piece.way_id].nodes
            a, b = nodes.index(piece.from_node), nodes.index(piece.to_node)
            closed = nodes[0] == nodes[-1]
            assert closed or (a < b) == piece.forward
            assert not (piece.forward and ways[piece.way_id].tags.get("oneway") == "-1")
            if ways[piece.way_id].tags.get("oneway") == "yes" and "oneway:bus" not in ways[piece.way_id].tags:
                assert piece.forward


def test_every_edge_of_the_demo_lies_where_sumo_has_it_outside_joined_junctions(demo: Converted) -> None:
    joined = np.array([
        "cluster" in a + b for a, b in zip(demo.net.from_ids, demo.net.to_ids, strict=True)
    ])  # fmt: skip
    projection = locate(demo.net.location)
    sumo = np.array([shapely.LineString(demo.net.points(i)) for i in range(len(demo.graph))])
    osm = np.array([shapely.LineString(projection.to_xy(np.array(line.coords))) for line in demo.graph.geometry])
    apart_m = shapely.hausdorff_distance(sumo, osm)
    assert (~joined).sum() > 500
    assert np.quantile(apart_m[~joined], 0.95) < 0.02
    assert apart_m.max() < 5.0  # the half of a lane that one-way roads are laid beside their line


def test_each_stretch_of_road_of_the_demo_is_on_one_edge_a_direction(demo: Converted) -> None:
    held = [pair for chain in demo.link.chains for pair in pairwise(chain)]
    assert len(held) == len(set(held))
