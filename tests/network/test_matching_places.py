"""Areas, points, OSM ways and turns to directed edges."""

from dataclasses import replace

from made_graphs import Street, boulevard, graph_of, grid, ids_of, lonlat

from trafficfeed.network.area_matching import match_area
from trafficfeed.network.point_matching import match_points
from trafficfeed.network.road_graph import SwallowedPiece
from trafficfeed.network.turn_matching import match_turn
from trafficfeed.network.vehicle_classes import VehicleClass
from trafficfeed.network.way_matching import match_ways


def square(low: float, high: float):
    return lonlat((low, low), (high, low), (high, high), (low, high), (low, low))


def edges(graph, match) -> set[str]:
    return {graph.edge_ids[e] for s in match.sections for e in s.edges}


def test_an_area_takes_every_edge_at_least_half_inside_in_both_directions():
    graph = grid()
    inside = edges(graph, match_area(graph, square(90, 310)))
    assert len(inside) == 24  # 3 × 3 junctions: 12 streets, two-way
    assert "c1r1>c2r1" in inside
    assert "c0r1>c1r1" not in inside
    assert "c0r1>c1r1" in edges(graph, match_area(graph, square(45, 310)))


def test_the_ring_may_be_open_and_run_either_way():
    graph = grid()
    ring = square(90, 310)
    assert edges(graph, match_area(graph, ring[:-1])) == edges(graph, match_area(graph, ring[::-1]))


def test_a_hole_is_left_out():
    graph = grid()
    ring = edges(graph, match_area(graph, square(-10, 410), [square(90, 310)]))
    assert not ring & edges(graph, match_area(graph, square(90, 310)))
    assert "c0r0>c1r0" in ring


def test_entering_takes_only_the_edges_that_cross_the_boundary_inward():
    graph = grid()
    into = edges(graph, match_area(graph, square(150, 250), select="entering"))
    assert into == {"c1r2>c2r2", "c3r2>c2r2", "c2r1>c2r2", "c2r3>c2r2"}


def test_entering_takes_a_street_that_passes_through():
    graph = grid()
    ring = lonlat((120, 180), (180, 180), (180, 220), (120, 220), (120, 180))
    assert edges(graph, match_area(graph, ring, select="entering")) == {"c1r2>c2r2", "c2r2>c1r2"}


def test_a_ring_that_crosses_itself_is_refused():
    (finding,) = match_area(grid(), lonlat((0, 0), (300, 300), (300, 0), (0, 300))).findings
    assert "crosses itself" in finding.message


def test_an_area_without_streets_says_how_far_the_nearest_is():
    (finding,) = match_area(grid(), square(1000, 1100)).findings
    assert "no street" in finding.message
    assert "m away" in finding.mend


def test_a_point_on_a_street_takes_both_directions_as_one_place():
    graph = grid()
    assert edges(graph, match_points(graph, lonlat((150, 203)))) == {"c1r2>c2r2", "c2r2>c1r2"}


def test_a_nameless_drive_without_cars_is_no_second_street_at_a_point():
    junctions = {"a": (0, 0), "b": (300, 0), "c": (0, 6), "d": (300, 6)}
    drive = Street(name="", nodes=["c", "d"], access=VehicleClass.DELIVERY.bit)
    graph = graph_of(junctions, [Street(name="Main Road", nodes=["a", "b"]), drive])
    assert edges(graph, match_points(graph, lonlat((150, 3.2)))) == {"a>b", "b>a"}
    assert edges(graph, match_points(graph, lonlat((150, 12)))) == {"c>d", "d>c"}


def test_a_point_at_a_junction_is_ambiguous_and_names_both_streets():
    (finding,) = match_points(grid(), lonlat((201, 201))).findings
    assert set(finding.detail["candidates"]) == {"C2 Street", "R2 Road"}
    assert finding.severity == "error"


def test_a_point_far_from_any_street_names_the_nearest():
    (finding,) = match_points(grid(), lonlat((150, 440))).findings
    assert finding.detail["nearest"] == "R4 Road"
    assert finding.detail["distance_m"] == 40.0


def test_the_order_of_two_points_gives_the_direction():
    graph = grid()
    points = lonlat((150, 200), (250, 200))
    assert edges(graph, match_points(graph, points, "forward")) == {"c1r2>c2r2", "c2r2>c3r2"}
    assert edges(graph, match_points(graph, points, "backward")) == {"c2r2>c1r2", "c3r2>c2r2"}


def test_one_point_on_a_two_way_street_has_no_direction():
    (finding,) = match_points(grid(), lonlat((150, 200)), "forward").findings
    assert "one point alone has no direction" in finding.message


def test_a_point_on_one_carriageway_takes_the_other_one_too():
    graph = boulevard()
    assert edges(graph, match_points(graph, lonlat((100, 2)))) == {"s0>s1", "n1>n0"}
    assert edges(graph, match_points(boulevard(names=("East", "West")), lonlat((100, 2)))) == {"s0>s1"}


def test_points_work_without_names():
    graph = grid(named=False)
    assert edges(graph, match_points(graph, lonlat((150, 203)))) == {"c1r2>c2r2", "c2r2>c1r2"}


def test_an_osm_way_gives_its_edges_and_forward_is_the_way_s_own_direction():
    graph = grid(columns=3, rows=2)
    assert ids_of(graph, match_ways(graph, [200], "forward").sections) == [["c0r0>c1r0", "c1r0>c2r0"]]
    assert len(edges(graph, match_ways(graph, [200]))) == 4


def test_ways_that_are_not_in_the_network_are_named():
    (finding,) = match_ways(grid(), [7, 8]).findings
    assert (finding.severity, finding.message) == ("error", "the OSM ways 7, 8 are not in the network")
    partly = match_ways(grid(), [200, 7])
    assert partly.sections
    assert (partly.findings[0].severity, partly.findings[0].detail["missing"]) == ("warning", [7])


def test_a_way_inside_a_joined_junction_is_said_to_lie_there_and_where():
    inside = SwallowedPiece(way_id=7, from_node=1, to_node=2, node_id="c1r0")
    graph = replace(grid(), swallowed=[inside])
    (finding,) = match_ways(graph, [7]).findings
    assert finding.severity == "error"
    assert "7 lie inside a joined junction (at 7.00139,50.00000)" in finding.message
    partly = match_ways(graph, [200, 7, 9])
    assert [(f.severity, f.detail) for f in partly.findings] == [
        ("warning", {"missing": [9]}),
        ("warning", {"inside_junction": [7]}),
    ]
    assert edges(graph, partly) == edges(graph, match_ways(graph, [200]))


def test_ways_that_have_nothing_in_the_direction_asked_for_are_not_left_out_silently():
    junctions = {"a": (0, 0), "b": (100, 0), "c": (200, 0)}
    streets = [Street(name="A", nodes=["a", "b"], way=1), Street(name="A", nodes=["b", "c"], way=2, one_way=True)]
    graph = graph_of(junctions, streets)
    found = match_ways(graph, [1, 2], "backward")
    assert edges(graph, found) == {"b>a"}
    assert [(f.rule, f.severity, f.detail) for f in found.findings] == [("match.one_way", "warning", {"against": [2]})]


def test_a_city_without_osm_has_no_ways():
    assert "does not come from OSM" in match_ways(boulevard(), [1]).findings[0].message


def test_a_turn_is_the_moves_from_one_street_into_the_other_at_one_junction():
    graph = graph_of(
        {"a": (0, 0), "b": (100, 0), "c": (200, 0), "d": (100, 100)},
        [Street(name="Long Road", nodes=["a", "b", "c"]), Street(name="Side Street", nodes=["b", "d"])],
    )
    turns = {(graph.edge_ids[a], graph.edge_ids[b]) for a, b in match_turn(graph, "Long Road", "side st").turns}
    assert turns == {("a>b", "b>d"), ("c>b", "b>d")}


def test_a_turn_at_several_junctions_needs_a_point():
    graph = boulevard()
    (finding,) = match_turn(graph, "North Rim", "South Rim").findings
    assert "does not lead to" in finding.message
    crossing = graph_of(
        {"a": (0, 0), "b": (300, 0), "c": (600, 0), "d": (900, 0), "e": (300, 200), "f": (600, 200)},
        [Street(name="Long Road", nodes=["a", "b", "c", "d"]), Street(name="Crescent", nodes=["b", "e", "f", "c"])],
    )
    ambiguous = match_turn(crossing, "Long Road", "Crescent")
    assert "at 2 junctions" in ambiguous.findings[0].message
    near = match_turn(crossing, "Long Road", "Crescent", lonlat((310, 10))[0])
    assert {crossing.edge_ids[b] for _, b in near.turns} == {"b>e"}
    far = match_turn(crossing, "Long Road", "Crescent", lonlat((310, 900))[0])
    assert "m from `near`" in far.findings[0].message


def test_a_turn_that_nobody_may_make_is_refused():
    graph = graph_of(
        {"a": (0, 0), "b": (100, 0), "d": (100, 100)},
        [Street(name="Long Road", nodes=["a", "b"]), Street(name="Side Street", nodes=["b", "d"])],
        no_turn=[("a>b", "b>d")],
    )
    (finding,) = match_turn(graph, "Long Road", "Side Street").findings
    assert "nobody may turn" in finding.message


def test_a_turn_by_an_unnamed_slip_road_is_part_of_the_turn():
    graph = graph_of(
        {"a": (0, 0), "p": (80, 0), "b": (100, 0), "q": (100, 30), "d": (100, 100)},
        [
            Street(name="Long Road", nodes=["a", "p", "b"]),
            Street(name="", nodes=["p", "q"], one_way=True),
            Street(name="Side Street", nodes=["b", "q", "d"]),
        ],
    )
    turns = {(graph.edge_ids[a], graph.edge_ids[b]) for a, b in match_turn(graph, "Long Road", "Side Street").turns}
    assert turns == {("p>b", "b>q"), ("p>q", "q>d"), ("p>q", "q>b")}
