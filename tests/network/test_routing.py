"""Routes, detours and reachability by vehicle class."""

from itertools import pairwise

import numpy as np
import pytest
from made_graphs import Street, boulevard, graph_of, grid

from trafficfeed.network.moves import after_edge, before_edge, routing_matrix, travel_time_s
from trafficfeed.network.reachability import reach
from trafficfeed.network.routing import detour_around, gates, shortest
from trafficfeed.network.vehicle_classes import ALL_CLASSES_MASK, VehicleClass

CAR, BUS, TRUCK = VehicleClass.PASSENGER, VehicleClass.BUS, VehicleClass.TRUCK


def edge(graph, *names):
    return [graph.index[n] for n in names]


def named(graph, edges):
    return [graph.edge_ids[e] for e in edges]


def test_the_fastest_route_runs_from_edge_to_edge_and_its_time_leaves_the_first_edge_out():
    graph = grid()
    route = shortest(graph, routing_matrix(graph, CAR), edge(graph, "c0r0>c1r0"), edge(graph, "c3r0>c4r0"))
    assert named(graph, route.edges) == ["c0r0>c1r0", "c1r0>c2r0", "c2r0>c3r0", "c3r0>c4r0"]
    assert route.length_m == pytest.approx(400)
    assert route.time_s == pytest.approx(300 / 13.9)


def test_a_turn_costs_time_so_that_a_straight_way_wins_over_a_zigzag_of_equal_length():
    graph = grid()
    route = shortest(graph, routing_matrix(graph, CAR), edge(graph, "c0r0>c1r0"), edge(graph, "c3r3>c3r4"))
    headings = [graph.names[e] for e in route.edges]
    assert sum(a != b for a, b in pairwise(headings)) == 1


def test_closed_edges_and_turns_are_not_used():
    graph = grid(3, 3)
    start, end = edge(graph, "c0r0>c1r0"), edge(graph, "c1r0>c2r0")
    direct = shortest(graph, routing_matrix(graph, CAR), start, end)
    assert len(direct.edges) == 2
    banned = routing_matrix(graph, CAR, closed_turns={(start[0], end[0])})
    around = shortest(graph, banned, start, end)
    assert len(around.edges) > 2
    shut = routing_matrix(graph, CAR, closed=edge(graph, "c1r0>c1r1"), closed_turns={(start[0], end[0])})
    assert shortest(graph, shut, start, end) is None  # turning round is not allowed at c1r0


def test_a_class_keeps_to_the_edges_that_admit_it():
    no_trucks = ALL_CLASSES_MASK & ~TRUCK.bit
    graph = graph_of(
        {"a": (0, 0), "b": (100, 0), "c": (200, 0), "d": (300, 0), "n": (100, 400), "m": (200, 400)},
        [
            Street(name="Main", nodes=["a", "b"]),
            Street(name="Short", nodes=["b", "c"], access=no_trucks),
            Street(name="Main", nodes=["c", "d"]),
            Street(name="Long", nodes=["b", "n", "m", "c"]),
        ],
    )
    start, end = edge(graph, "a>b"), edge(graph, "c>d")
    assert shortest(graph, routing_matrix(graph, CAR), start, end).length_m == pytest.approx(300)
    assert shortest(graph, routing_matrix(graph, TRUCK), start, end).length_m == pytest.approx(1100)


def test_the_detour_leads_from_the_section_s_start_to_its_end():
    graph = grid()
    detour = detour_around(graph, edge(graph, "c1r2>c2r2"), edge(graph, "c1r2>c2r2", "c2r2>c1r2"), CAR)
    assert graph.from_node[detour.edges[0]] == graph.from_node[graph.index["c1r2>c2r2"]]
    assert graph.to_node[detour.edges[-1]] == graph.to_node[graph.index["c1r2>c2r2"]]
    assert detour.length_m == pytest.approx(300)
    assert detour.replaces_m == pytest.approx(100)
    assert detour.factor == pytest.approx(3)


def test_a_detour_keeps_off_other_closed_edges():
    graph = grid()
    closed = edge(graph, "c1r2>c2r2", "c1r1>c2r1", "c1r3>c2r3")
    detour = detour_around(graph, edge(graph, "c1r2>c2r2"), closed, CAR)
    assert not set(detour.edges) & set(closed)
    assert detour.length_m == pytest.approx(500)


def test_where_nobody_can_turn_off_at_the_section_the_detour_begins_at_the_junction_before():
    graph = graph_of(
        {"a": (0, 0), "b": (100, 0), "m": (200, 0), "c": (300, 0), "d": (400, 0), "n": (100, 200), "o": (300, 200)},
        [Street(name="Main", nodes=["a", "b", "m", "c", "d"]), Street(name="Side", nodes=["b", "n", "o", "c"])],
    )
    detour = detour_around(graph, edge(graph, "m>c"), edge(graph, "m>c", "c>m"), CAR)
    assert named(graph, detour.edges) == ["b>n", "n>o", "o>c"]
    assert detour.replaces_m == pytest.approx(200)


def test_there_is_no_detour_around_the_only_bridge_or_for_a_class_that_the_section_never_served():
    banks = graph_of(
        {"a": (0, 0), "b": (100, 0), "c": (200, 0), "d": (300, 0)}, [Street(name="Bridge", nodes=["a", "b", "c", "d"])]
    )
    assert detour_around(banks, edge(banks, "b>c"), (), CAR) is None
    bus_only = graph_of(
        {"a": (0, 0), "b": (100, 0), "c": (200, 0)}, [Street(name="Lane", nodes=["a", "b", "c"], access=BUS.bit)]
    )
    assert gates(bus_only, edge(bus_only, "a>b"), (), CAR) == ([], [])


def test_edges_before_and_after_are_each_other_s_inverse():
    graph = boulevard()
    for i in range(len(graph)):
        assert all(i in before_edge(graph, after, CAR) for after in after_edge(graph, i, CAR))


def test_everything_in_a_grid_can_be_reached_and_left():
    graph = grid()
    around = reach(graph, CAR)
    assert around.core.all()
    assert around.reached.all()
    assert around.left.all()


def test_a_closed_ring_cuts_off_what_lies_inside():
    graph = grid()
    ring = [e for e in range(len(graph)) if ("c2r2" in graph.edge_ids[e])]
    inward = [e for e in ring if graph.edge_ids[e].endswith("c2r2")]
    shut_in = reach(graph, CAR, inward)
    outward = edge(graph, "c2r2>c3r2")[0]
    assert not shut_in.reached[outward]
    assert shut_in.left[outward]
    assert not reach(graph, CAR, ring).reached[outward]


def test_roads_that_leave_the_extract_at_its_rim_are_joined_outside():
    junctions = {"a": (0, 0), "b": (1000, 0), "c": (0, 1000), "d": (1000, 1000), "m": (500, 500)}
    out_and_in = [
        Street(name="In", nodes=["a", "m"], one_way=True),
        Street(name="Out", nodes=["m", "d"], one_way=True),
        Street(name="Cross", nodes=["b", "m", "c"]),
    ]
    graph = graph_of(junctions, out_and_in)
    around = reach(graph, CAR)
    assert around.reached.all()
    assert around.left.all()


def test_a_dead_end_in_the_middle_of_the_network_is_not_the_way_out():
    size = 1000.0
    junctions = {
        "a": (0, 0),
        "b": (size, 0),
        "c": (size, size),
        "d": (0, size),
        "m": (size / 2, 0),
        "x": (size / 2, 500),
    }
    graph = graph_of(
        junctions,
        [
            Street(name="Ring", nodes=["a", "m", "b", "c", "d", "a"]),
            Street(name="Trap", nodes=["m", "x"], one_way=True),
        ],
    )
    around = reach(graph, CAR)
    trap = graph.index["m>x"]
    assert around.reached[trap]
    assert not around.left[trap]


def test_travel_time_is_length_over_speed():
    graph = grid(2, 2)
    assert np.allclose(travel_time_s(graph), 100 / 13.9)
