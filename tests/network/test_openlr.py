import base64
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import openlr
import pytest
from made_graphs import Street, boulevard, graph_of, grid

from trafficfeed.network.openlr_attributes import openlr_attributes
from trafficfeed.network.openlr_decoding import decoded_edges, openlr_map
from trafficfeed.network.openlr_encoding import encoded
from trafficfeed.network.openlr_reference import reference_of
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.sumo_net import read_net

SHARED = Path(os.environ.get("TRAFFICFEED_SHARED", Path(__file__).parents[2].parent / "shared"))
BOLOGNA = SHARED / "data/networks/bologna_acosta/acosta_buslanes.net.xml"


def path(graph: RoadGraph, *edge_ids: str) -> tuple[int, ...]:
    return tuple(graph.index[one] for one in edge_ids)


def line(reference: str | None) -> openlr.LineLocationReference:
    assert reference is not None
    found = openlr.binary_decode(reference)
    assert isinstance(found, openlr.LineLocationReference)
    return found


def random_walk(graph: RoadGraph, random_: random.Random, longest: int) -> tuple[int, ...]:
    walk = [random_.randrange(len(graph))]
    for _ in range(random_.randrange(longest)):
        onward = [
            int(edge)
            for edge in graph.turn_to[graph.turn_from == walk[-1]]
            if edge not in walk and graph.to_node[edge] != graph.from_node[walk[-1]]
        ]
        if not onward:
            break
        walk.append(random_.choice(onward))
    return tuple(walk)


def test_a_street_comes_back_edge_for_edge() -> None:
    graph = boulevard()
    edges = path(graph, "s0>s1", "s1>s2")
    reference = reference_of(graph, edges)
    assert reference is not None
    assert decoded_edges(graph, reference) == edges


def test_the_reference_is_the_binary_form_of_version_3() -> None:
    graph = boulevard()
    reference = reference_of(graph, path(graph, "s0>s1", "s1>s2"))
    assert reference is not None
    assert base64.b64decode(reference)[0] == 0b01011  # a line with attributes, version 3
    assert len(base64.b64decode(reference)) == 16  # two points


def test_each_carriageway_has_its_own_reference_and_so_has_each_direction() -> None:
    graph = boulevard()
    ways = [("s0>s1", "s1>s2"), ("n2>n1", "n1>n0"), ("u0>u1", "u1>u2"), ("u2>u1", "u1>u0")]
    references = {reference_of(graph, path(graph, *way)) for way in ways}
    assert None not in references and len(references) == 4


def test_points_tell_class_form_bearing_and_distance() -> None:
    graph = boulevard()
    first, last = line(reference_of(graph, path(graph, "s0>s1", "s1>s2"))).points
    assert (first.frc, first.fow) == (openlr.FRC.FRC2, openlr.FOW.MULTIPLE_CARRIAGEWAY)
    assert first.bear == pytest.approx(90, abs=11.25)
    assert last.bear == pytest.approx(270, abs=11.25)  # seen backward
    assert first.dnp == pytest.approx(400, abs=30)


def test_a_way_that_is_not_the_shortest_gets_points_between() -> None:
    graph = grid(spacing_m=100)
    around = path(graph, "c0r0>c0r1", "c0r1>c1r1", "c1r1>c1r0", "c1r0>c2r0")
    reference = reference_of(graph, around)
    assert len(line(reference).points) > 2
    assert reference is not None and decoded_edges(graph, reference) == around


@pytest.mark.parametrize("named", [True, False])
def test_random_ways_through_a_grid_without_names_or_classes_come_back_or_are_not_said(named: bool) -> None:
    graph = grid(6, 6, 120, named=named)
    if not named:
        graph = replace(graph, highway=[""] * len(graph))
    choose = random.Random(7)
    emitted = 0
    for walk in (random_walk(graph, choose, 12) for _ in range(20)):
        reference = reference_of(graph, walk)
        emitted += reference is not None
        assert reference is None or decoded_edges(graph, reference) == walk
    assert emitted >= 19


def test_random_ways_through_bologna_come_back_when_all_its_lines_are_offered() -> None:
    if not BOLOGNA.is_file():
        pytest.skip(f"{BOLOGNA} is not there: the network comes with the shared folder")
    graph = read_net(BOLOGNA)
    choose = random.Random(3)
    walks = [random_walk(graph, choose, 15) for _ in range(25)]
    references = [reference_of(graph, walk) for walk in walks]
    assert sum(found is not None for found in references) >= 24
    assert all(
        decoded_edges(graph, found) == walk for walk, found in zip(walks, references, strict=True) if found is not None
    )


def test_an_end_on_the_open_road_is_moved_to_the_next_junction_and_cut_off_again() -> None:
    junctions = {"a": (0, 0), "b": (150, 0), "c": (300, 0), "d": (450, 0), "e": (600, 0), "x": (0, 90), "y": (600, 90)}
    streets = [
        Street(name="Long Road", nodes=["a", "b", "c", "d", "e"], one_way=True),
        Street(name="Side", nodes=["x", "a"]),
        Street(name="Side", nodes=["y", "e"]),
    ]
    graph = graph_of(junctions, streets)
    middle = path(graph, "b>c", "c>d")
    found = line(reference_of(graph, middle))
    assert found.poffs == pytest.approx(0.25, abs=1 / 128)
    assert found.noffs == pytest.approx(0.25, abs=1 / 128)
    assert found.points[0].lon == pytest.approx(graph.node_lonlat[0][0], abs=2e-5)


def test_the_stub_of_a_dead_end_is_told_by_going_in_and_out() -> None:
    junctions = {"a": (0, 0), "b": (200, 0), "c": (200, 150), "stub": (212, -9)}
    streets = [Street(name="A", nodes=["a", "b", "c"]), Street(name="Yard", nodes=["b", "stub"])]
    graph = graph_of(junctions, streets)
    for edges in (path(graph, "a>b", "b>stub"), path(graph, "b>stub"), path(graph, "stub>b", "b>c")):
        reference = reference_of(graph, edges)
        assert reference is not None and decoded_edges(graph, reference) == edges


def test_where_two_roads_cannot_be_told_apart_there_is_no_reference() -> None:
    junctions = {"a": (0, 0), "b": (300, 0), "c": (300, 200), "d": (0, 200)}
    twins = [Street(name="Upper", nodes=["a", "b"]), Street(name="Lower", nodes=["a", "b"])]
    rest = [Street(name="C", nodes=["b", "c"]), Street(name="D", nodes=["a", "d"])]
    graph = graph_of(junctions, [*twins, *rest])
    upper, lower = (edge for edge, name in enumerate(graph.edge_ids) if name == "a>b")
    assert {reference_of(graph, (upper,)) is None, reference_of(graph, (lower,)) is None} == {True, False}


def test_edges_that_do_not_meet_have_no_reference() -> None:
    graph = grid()
    assert reference_of(graph, path(graph, "c0r0>c0r1", "c3r3>c3r4")) is None
    assert reference_of(graph, ()) is None


def test_a_reference_is_made_once_for_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = boulevard()
    edges = path(graph, "s0>s1")
    reference = reference_of(graph, edges)
    assert graph.derived["openlr"] == {edges: reference}
    graph.derived["openlr"][edges] = "kept"
    assert reference_of(graph, list(edges)) == "kept"


def test_a_way_of_twenty_kilometres_is_told_in_several_legs() -> None:
    junctions = {f"n{i}": (1_000.0 * i, 0.0) for i in range(21)} | {f"s{i}": (1_000.0 * i, 90.0) for i in range(21)}
    streets = [Street(name="Highway", nodes=[f"n{i}" for i in range(21)], highway="trunk")]
    streets += [Street(name=f"Exit {i}", nodes=[f"n{i}", f"s{i}"]) for i in range(21)]
    graph = graph_of(junctions, streets)
    edges = path(graph, *(f"n{i}>n{i + 1}" for i in range(20)))
    reference = reference_of(graph, edges)
    assert [point.dnp < 15_000 for point in line(reference).points] == [True, True, True]
    assert reference is not None and decoded_edges(graph, reference) == edges


def test_due_north_is_written_as_north() -> None:
    graph = grid()
    first, _ = line(encoded(graph, path(graph, "c1r1>c1r2"))).points
    assert first.bear == pytest.approx(5.625, abs=0.5)  # the middle of the first of 32 sectors


def test_the_closed_edges_need_not_be_open_to_cars_nor_known_by_class() -> None:
    graph = boulevard()
    nameless = replace(graph, highway=[""] * len(graph), names=[""] * len(graph), access=np.zeros_like(graph.access))
    assert reference_of(nameless, path(graph, "n2>n1", "n1>n0")) is not None


def test_the_class_of_a_road_without_one_is_that_of_its_speed() -> None:
    graph = boulevard()
    fast = replace(graph, highway=[""] * len(graph), speed_mps=np.full(len(graph), 33.3))
    assert set(openlr_attributes(fast).frc.tolist()) == {1}
    assert set(openlr_attributes(graph).frc.tolist()) == {2, 5}


def test_the_map_answers_what_the_decoder_may_ask() -> None:
    graph = boulevard()
    roads = openlr_map(graph)
    edge = graph.index["s0>s1"]
    at = openlr.Coordinates(*graph.node_lonlat[graph.from_node[edge]])
    assert roads.get_linecount() == len(list(roads.get_lines())) == len(graph)
    assert roads.get_nodecount() == len(list(roads.get_nodes()))
    assert [node.node_id for node in roads.find_nodes_close_to(at, 10)] == [graph.from_node[edge]]
    near = {one.line_id for one in roads.find_lines_close_to(at, 10)}
    assert near == {graph.index[name] for name in ("s0>s1", "d0>s0", "s0>d0", "s0>n0", "n0>s0")}
    assert roads.get_line(edge).distance_to(at) == pytest.approx(0, abs=0.01)
    node = roads.get_node(int(graph.from_node[edge]))
    assert {one.line_id for one in node.connected_lines()} == near


def test_importing_what_publishes_does_not_import_the_decoder() -> None:
    code = "import sys, trafficfeed.closures.publication as p; print(any(m.startswith('openlr') for m in sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.strip() == "False"
