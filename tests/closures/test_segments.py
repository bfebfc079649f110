from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import shapely
from made_graphs import Street, graph_of, grid, ids_of, lonlat
from made_town import town

from trafficfeed.closures.orders import LanesClosed
from trafficfeed.closures.road_events import RoadSegment
from trafficfeed.closures.section_line import section_line
from trafficfeed.closures.segments import osm_ways_of, segments_of
from trafficfeed.network.graph_cache import load_graph
from trafficfeed.network.matching import sections_of
from trafficfeed.network.road_graph import RoadGraph

HELSINKI = Path(__file__).parents[2] / "sumo_scenarios/helsinki/graph"


def along(graph: RoadGraph, *nodes: str) -> list[int]:
    return [graph.index[f"{a}>{b}"] for a, b in pairwise(nodes)]


def joined(segments: Sequence[RoadSegment]) -> tuple[tuple[float, float], ...]:
    line: list[tuple[float, float]] = []
    for segment in segments:
        assert not line or line[-1] == segment.coordinates[0]
        line += segment.coordinates[1:] if line else segment.coordinates
    return tuple(line)


def test_a_section_is_cut_at_every_junction_and_each_segment_names_its_cross_streets() -> None:
    graph = grid()
    segments = segments_of(graph, along(graph, "c1r0", "c1r1", "c1r2", "c1r3"))
    assert [(s.street, s.from_street, s.to_street) for s in segments] == [
        ("C1 Street", "R0 Road", "R1 Road"),
        ("C1 Street", "R1 Road", "R2 Road"),
        ("C1 Street", "R2 Road", "R3 Road"),
    ]
    assert [s.length_m for s in segments] == [pytest.approx(100, abs=0.5)] * 3
    assert {s.osm_ways for s in segments} == {((101, True),)}
    assert joined(segments) == section_line(graph, along(graph, "c1r0", "c1r1", "c1r2", "c1r3"))


def test_a_node_where_nobody_can_turn_is_not_a_junction_in_either_direction() -> None:
    graph = graph_of(
        {"a": (0, 0), "b": (100, 0), "c": (200, 30), "d": (300, 0), "x": (0, 100), "y": (300, 100)},
        [
            Street(name="Long Road", nodes=["a", "b", "c", "d"], way=1),
            Street(name="West Lane", nodes=["x", "a"]),
            Street(name="East Lane", nodes=["y", "d"]),
        ],
    )
    for nodes in (("a", "b", "c", "d"), ("d", "c", "b", "a")):
        (segment,) = segments_of(graph, along(graph, *nodes))
        assert segment.coordinates == section_line(graph, along(graph, *nodes))
        assert len(segment.coordinates) == 4
    assert segment.key == "n3-n0"
    assert (segment.from_street, segment.to_street) == ("East Lane", "West Lane")


def test_where_a_road_splits_into_two_carriageways_there_is_a_junction() -> None:
    graph = graph_of(
        {"a": (0, 0), "b": (100, 0), "n": (200, 10), "s": (200, -10)},
        [
            Street(name="Road", nodes=["a", "b"]),
            Street(name="Road", nodes=["b", "s"], one_way=True),
            Street(name="Road", nodes=["n", "b"], one_way=True),
        ],
    )
    assert len(segments_of(graph, along(graph, "a", "b", "s"))) == 2


def test_two_roads_between_the_same_two_nodes_make_both_of_them_junctions() -> None:
    one = graph_of(
        {"a": (0, 0), "b": (100, 0), "c": (200, 0)},
        [
            Street(name="Road", nodes=["a", "b", "c"], one_way=True),
            Street(name="Lane", nodes=["a", "b"], one_way=True),
        ],
    )
    edges = [i for i, name in enumerate(one.names) if name == "Road"]
    assert len(segments_of(one, edges)) == 2


def test_keys_are_the_osm_nodes_at_the_ends_else_numbers() -> None:
    graph = grid()
    edges = along(graph, "c0r0", "c0r1", "c0r2")
    assert [s.key for s in segments_of(graph, edges)] == ["n0-n1", "n1-n2"]
    assert [s.key for s in segments_of(graph, edges[1:])] == ["n1-n2"]  # the same road in a shorter order
    bare = replace(graph, way_edge=np.array([], dtype=np.int32))
    assert [s.key for s in segments_of(bare, edges)] == ["s1", "s2"]


def test_a_ring_is_cut_in_the_middle_into_two_segments_with_keys_of_their_own() -> None:
    corners = {"g": (-100, 0), "a": (0, 0), "b": (100, 0), "c": (100, 100), "d": (0, 100)}
    graph = graph_of(
        corners,
        [
            Street(name="Gate", nodes=["g", "a"]),
            Street(name="Ring", nodes=["a", "b", "c", "d", "a"], one_way=True, way=7),
        ],
    )
    edges = along(graph, "a", "b", "c", "d", "a")
    first, second = segments_of(graph, edges)
    assert (first.key, second.key) == ("n1-n1", "n1-n1-2")
    assert first.coordinates[-1] == pytest.approx(lonlat((100, 100))[0])
    assert first.length_m == pytest.approx(second.length_m, abs=0.5)
    assert joined((first, second)) == section_line(graph, edges)


def test_a_loop_that_begins_and_ends_on_its_own_stem_never_closes() -> None:
    graph = graph_of(
        {"a": (0, 0), "b": (100, 0), "c": (200, 50), "d": (200, -50)},
        [Street(name="Stem", nodes=["a", "b"]), Street(name="Stem", nodes=["b", "c", "d", "b"], one_way=True)],
    )
    edges = along(graph, "a", "b", "c", "d", "b")
    segments = segments_of(graph, edges)
    assert len(segments) == 3
    assert all(s.coordinates[0] != s.coordinates[-1] for s in segments)
    assert joined(segments) == section_line(graph, edges)


def test_a_gap_within_a_joined_junction_belongs_to_the_segment_before_it() -> None:
    graph = grid()
    edges = along(graph, "c0r0", "c0r1", "c0r2")
    geometry = graph.geometry.copy()
    geometry[edges[1]] = shapely.LineString(lonlat((0, 112), (0, 200)))
    apart = replace(graph, geometry=geometry)
    first, second = segments_of(apart, edges)
    assert len(first.coordinates) == 3
    assert joined((first, second)) == section_line(apart, edges)


def test_a_segment_without_a_name_takes_its_sections_and_one_with_two_names_the_longer() -> None:
    graph = graph_of(
        {"a": (0, 0), "b": (50, 0), "c": (200, 0), "d": (300, 0), "x": (200, 99)},
        [
            Street(name="Short", nodes=["a", "b"]),
            Street(name="Long", nodes=["b", "c"]),
            Street(name="", nodes=["c", "d"]),
            Street(name="Cross", nodes=["c", "x"]),
        ],
    )
    assert [s.street for s in segments_of(graph, along(graph, "a", "b", "c", "d"), "Avenue")] == ["Long", "Avenue"]
    assert [s.street for s in segments_of(graph, along(graph, "c", "d"))] == [""]


def test_each_segment_says_which_of_its_own_lanes_are_closed() -> None:
    graph = graph_of(
        {"a": (0, 0), "b": (100, 0), "c": (200, 0), "x": (100, 99)},
        [
            Street(name="Road", nodes=["a", "b"], lanes=1),
            Street(name="Road", nodes=["b", "c"], lanes=3),
            Street(name="Cross", nodes=["b", "x"]),
        ],
    )
    segments = segments_of(graph, along(graph, "a", "b", "c"), rule=LanesClosed(lanes=(1, 2)))
    assert [(s.lanes_total, s.lanes_closed) for s in segments] == [(1, (1,)), (3, (1, 2))]
    assert segments_of(graph, along(graph, "a", "b"))[0].lanes_total == 0


def test_a_city_without_osm_or_names_has_segments_with_their_shape() -> None:
    graph = town()
    (segment,) = segments_of(graph, [graph.index["11to12"]])
    assert (segment.key, segment.street, segment.osm_ways) == ("s1", "", ())
    assert len(segment.coordinates) == 3
    assert (segment.from_street, segment.to_street) == ("High Street", "East Street")


def test_every_road_of_a_real_city_is_covered_whole_by_segments_with_unique_keys() -> None:
    if not HELSINKI.is_dir():
        pytest.skip(f"{HELSINKI} is not built")
    graph = load_graph(HELSINKI)
    sections = sections_of(graph, range(len(graph)))
    assert sum(len(section) for section in ids_of(graph, sections)) == len(graph)
    for section in sections:
        segments = segments_of(graph, section.edges, section.street)
        assert joined(segments) == section_line(graph, section.edges)
        assert len({s.key for s in segments}) == len(segments)
        assert all(len(s.coordinates) > 1 and s.coordinates[0] != s.coordinates[-1] for s in segments)
        assert all(s.key.startswith("n") for s in segments)
        ways = [way for s in segments for way in s.osm_ways]
        assert set(ways) == set(osm_ways_of(graph, section.edges))
