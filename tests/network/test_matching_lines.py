"""Drawn lines to directed edges."""

import numpy as np
import pytest
from made_graphs import Street, boulevard, graph_of, grid, ids_of, lonlat

from trafficfeed.network.line_matching import match_line
from trafficfeed.network.vehicle_classes import VehicleClass


def test_a_line_along_a_street_takes_its_edges_from_junction_to_junction():
    graph = grid()
    match = match_line(graph, lonlat((105, 203), (295, 198)), "forward")
    assert ids_of(graph, match.sections) == [["c1r2>c2r2", "c2r2>c3r2"]]
    assert match.sections[0].confidence > 0.9


def test_backward_takes_the_edges_against_the_drawn_direction_and_both_takes_all():
    graph = grid()
    line = lonlat((105, 200), (295, 200))
    assert ids_of(graph, match_line(graph, line, "backward").sections) == [["c3r2>c2r2", "c2r2>c1r2"]]
    assert ids_of(graph, match_line(graph, line).sections) == [
        ["c1r2>c2r2", "c2r2>c3r2"],
        ["c3r2>c2r2", "c2r2>c1r2"],
    ]


def test_a_line_that_turns_a_corner_gives_one_section_for_each_street():
    graph = grid()
    match = match_line(graph, lonlat((100, 100), (300, 100), (300, 300)), "forward")
    assert [s.street for s in match.sections] == ["R1 Road", "C3 Street"]
    assert [s.compass for s in match.sections] == ["eastbound", "northbound"]


def test_an_unnamed_network_is_matched_as_well_and_corners_end_a_section():
    graph = grid(named=False)
    match = match_line(graph, lonlat((100, 100), (300, 100), (300, 300)), "forward")
    assert ids_of(graph, match.sections) == [["c1r1>c2r1", "c2r1>c3r1"], ["c3r1>c3r2", "c3r2>c3r3"]]


def test_overshooting_a_junction_does_not_take_the_next_edge():
    graph = grid()
    match = match_line(graph, lonlat((70, 200), (230, 200)), "forward")
    assert ids_of(graph, match.sections) == [["c1r2>c2r2"]]


def test_a_line_within_one_block_takes_the_block():
    graph = grid()
    assert ids_of(graph, match_line(graph, lonlat((130, 200), (160, 200)), "forward").sections) == [["c1r2>c2r2"]]


def test_a_loop_is_followed_all_the_way_round():
    graph = grid()
    ring = lonlat((100, 100), (300, 100), (300, 300), (100, 300), (100, 100))
    assert sum(len(s.edges) for s in match_line(graph, ring, "forward").sections) == 8


def test_both_finds_the_opposite_carriageway_of_the_same_street():
    graph = boulevard()
    match = match_line(graph, lonlat((5, 0), (395, 0)))
    assert ids_of(graph, match.sections) == [["s0>s1", "s1>s2"], ["n2>n1", "n1>n0"]]


def test_forward_on_a_boulevard_takes_one_carriageway_even_if_drawn_between_the_two():
    graph = boulevard()
    assert ids_of(graph, match_line(graph, lonlat((5, 12), (395, 12)), "forward").sections) == [["s0>s1", "s1>s2"]]
    assert ids_of(graph, match_line(graph, lonlat((5, 12), (395, 12)), "backward").sections) == [["n2>n1", "n1>n0"]]


def test_both_does_not_take_a_one_way_street_of_another_name_for_the_opposite_carriageway():
    graph = boulevard(names=("East Way", "West Way"))
    match = match_line(graph, lonlat((5, 0), (395, 0)))
    assert {s.street for s in match.sections} == {"East Way"}


def test_the_opposite_carriageway_is_found_without_names_where_it_is_near():
    near, far = boulevard(16.0, names=("", "")), boulevard(40.0, names=("", ""))
    assert len(match_line(near, lonlat((5, 0), (395, 0))).sections) == 2
    assert len(match_line(far, lonlat((5, 0), (395, 0))).sections) == 1


def parallel(apart_m: float, names: tuple[str, str] = ("Main Road", "Frontage Road")):
    junctions = {"a": (0, 0), "b": (300, 0), "c": (0, apart_m), "d": (300, apart_m)}
    return graph_of(
        junctions,
        [
            Street(name=names[0], nodes=["a", "b"], one_way=True),
            Street(name=names[1], nodes=["c", "d"], one_way=True),
            Street(name="West", nodes=["a", "c"]),
            Street(name="East", nodes=["b", "d"]),
        ],
    )


def test_a_line_between_two_parallel_streets_is_ambiguous_and_both_are_named():
    match = match_line(parallel(14.0), lonlat((10, 7), (290, 7)), "forward")
    assert not match.sections
    (finding,) = match.findings
    assert finding.rule == "match.ambiguous"
    assert set(finding.detail["candidates"]) == {"Main Road", "Frontage Road"}
    assert finding.mend


def test_a_nameless_drive_without_cars_beside_a_street_makes_nothing_ambiguous():
    junctions = {"a": (0, 0), "b": (300, 0), "c": (0, 6), "d": (300, 6)}
    bicycles = VehicleClass.BICYCLE.bit
    graph = graph_of(
        junctions,
        [Street(name="Main Road", nodes=["a", "b"]), Street(name="", nodes=["c", "d"], access=bicycles)],
    )
    for y in (0, 3, 4):
        assert {s.street for s in match_line(graph, lonlat((10, y), (290, y))).sections} == {"Main Road"}


def test_two_carriageways_of_one_street_and_direction_are_ambiguous():
    (finding,) = match_line(parallel(12.0, ("Main Road", "Main Road")), lonlat((10, 6), (290, 6)), "forward").findings
    assert "two carriageways of Main Road lie 12 m apart" in finding.message


def test_a_line_that_lies_on_one_of_two_parallel_streets_is_not_ambiguous():
    match = match_line(parallel(14.0), lonlat((10, 1), (290, 1)), "forward")
    assert [s.street for s in match.sections] == ["Main Road"]


@pytest.mark.parametrize("offset", [25.0, 35.0, 49.0])
def test_a_line_too_far_beside_a_street_is_refused_with_the_distance(offset):
    junctions = {"a": (0, 0), "b": (400, 0)}
    graph = graph_of(junctions, [Street(name="Lone Road", nodes=["a", "b"])])
    (finding,) = match_line(graph, lonlat((10, offset), (390, offset))).findings
    assert finding.severity == "error"
    assert f"{offset:.0f} m from 'Lone Road'" in finding.message


def test_a_line_more_than_50_m_from_any_street_is_refused_with_the_nearest():
    junctions = {"a": (0, 0), "b": (400, 0)}
    graph = graph_of(junctions, [Street(name="Lone Road", nodes=["a", "b"])])
    match = match_line(graph, lonlat((10, 63), (390, 63)))
    assert not match.sections
    assert match.findings[0].message == "no street within 50 m of the line: the nearest is Lone Road at 63 m"


def test_a_line_that_leaves_the_streets_on_the_way_is_refused_with_the_place():
    junctions = {"a": (0, 0), "b": (400, 0)}
    graph = graph_of(junctions, [Street(name="Lone Road", nodes=["a", "b"])])
    (finding,) = match_line(graph, lonlat((10, 0), (390, 0), (700, 0))).findings
    assert "leaves the streets" in finding.message


def test_a_line_against_a_one_way_street_is_refused_forward_and_taken_as_both():
    graph = boulevard(names=("East Way", "West Way"))
    against = lonlat((395, 0), (5, 0))
    (finding,) = match_line(graph, against, "forward").findings
    assert finding.rule == "match.one_way"
    assert "'East Way'" in finding.message
    both = match_line(graph, against)
    assert ids_of(graph, both.sections) == [["s0>s1", "s1>s2"]]
    assert [(f.rule, f.severity) for f in both.findings] == [("match.one_way", "info")]


def test_a_line_across_streets_that_do_not_connect_is_refused():
    junctions = {"a": (0, 0), "b": (200, 0), "c": (230, 0), "d": (400, 0)}
    graph = graph_of(junctions, [Street(name="One", nodes=["a", "b"]), Street(name="Two", nodes=["c", "d"])])
    (finding,) = match_line(graph, lonlat((10, 0), (390, 0)), "forward").findings
    assert "no connected way" in finding.message


def test_points_that_all_fall_together_are_refused():
    (finding,) = match_line(grid(), lonlat((100, 100), (100, 100))).findings
    assert finding.severity == "error"


def test_confidence_falls_with_the_distance_from_the_street():
    graph = grid()
    found = [match_line(graph, lonlat((105, 200 + d), (295, 200 + d)), "forward") for d in (0, 6, 12, 18)]
    confidence = [m.sections[0].confidence for m in found]
    assert confidence == sorted(confidence, reverse=True)
    assert confidence[0] > 0.95
    assert confidence[-1] < 0.6


def test_a_line_drawn_by_a_shaky_hand_finds_the_same_edges():
    graph = grid(8, 8)
    shake = np.random.default_rng(4)
    corners = [(100, 100), (150, 100), (200, 100), (300, 100), (400, 100), (400, 200), (400, 300), (500, 300)]
    steady = {e for s in match_line(graph, lonlat(*corners), "forward").sections for e in s.edges}
    for _ in range(20):
        drawn = [(x + dx, y + dy) for (x, y), (dx, dy) in zip(corners, shake.normal(0, 4, (8, 2)), strict=True)]
        assert {e for s in match_line(graph, lonlat(*drawn), "forward").sections for e in s.edges} == steady
