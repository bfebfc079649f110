"""The schematic map: what is shown, where it lies, and that nothing covers anything."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest

from api.map_frame import WIDTH, frame_of
from api.schematic import LineKind, MapLine, draw
from trafficfeed.network.graph_cache import load_graph
from trafficfeed.network.road_graph import RoadGraph


@pytest.fixture(scope="session")
def graph(cities: Path) -> RoadGraph:
    return load_graph(cities / "gridtown" / "graph")


def line_on(graph: RoadGraph, edge_id: str, number: int = 1, kind: LineKind = LineKind.CLOSED) -> MapLine:
    coordinates = [(x, y) for x, y in graph.geometry[graph.index[edge_id]].coords]
    return MapLine(coordinates=coordinates, kind=kind, number=number, title=f"{number}. {edge_id}")


def test_without_closures_the_whole_network_lies_in_the_frame(graph: RoadGraph) -> None:
    frame = frame_of(graph, [])
    units = frame.project(graph.node_lonlat)
    assert units.min() > 0
    assert units[:, 0].max() < WIDTH
    assert units[:, 1].max() < frame.height


def test_north_is_up_and_both_axes_have_one_scale(graph: RoadGraph) -> None:
    frame = frame_of(graph, [])
    corner = {name: frame.project(graph.node_lonlat[graph.node_ids.index(name)]).ravel() for name in ("00", "03", "30")}
    assert corner["03"][1] < corner["00"][1]
    assert corner["30"][0] > corner["00"][0]
    up = np.hypot(*(corner["03"] - corner["00"])) * frame.metres_per_unit
    along = np.hypot(*(corner["30"] - corner["00"])) * frame.metres_per_unit
    assert up == pytest.approx(450, rel=0.01)  # three blocks of 150 m
    assert along == pytest.approx(450, rel=0.01)


def test_the_scale_bar_is_as_long_as_it_says(graph: RoadGraph) -> None:
    drawn = draw(graph, [])
    length_m = float(drawn.bar_text.removesuffix(" m"))
    assert drawn.bar_units * frame_of(graph, []).metres_per_unit == pytest.approx(length_m, rel=0.01)


def test_opposite_edges_are_one_grey_street(graph: RoadGraph) -> None:
    drawn = draw(graph, [])
    assert (drawn.minor + drawn.major).count("M") == len(graph) / 2


def test_streets_meet_at_their_junctions(graph: RoadGraph) -> None:
    frame, drawn = frame_of(graph, []), draw(graph, [])
    starts = {tuple(map(int, found)) for found in re.findall(r"M(-?\d+) (-?\d+)", drawn.minor + drawn.major)}
    nodes = {tuple(np.rint(point).astype(int)) for point in frame.project(graph.node_lonlat)}
    assert starts <= nodes


def test_each_entry_has_one_disc_and_no_two_cover_each_other(graph: RoadGraph) -> None:
    edges = ["00to10", "10to20", "20to30", "01to11", "11to21"]
    drawn = draw(graph, [line_on(graph, edge, number) for number, edge in enumerate(edges, start=1)])
    assert [marker.number for marker in drawn.markers] == [1, 2, 3, 4, 5]
    for one, other in itertools.combinations(drawn.markers, 2):
        assert np.hypot(one.x - other.x, one.y - other.y) >= 54


def test_the_disc_of_an_entry_that_holds_now_lies_on_what_holds_now(graph: RoadGraph) -> None:
    later, now = line_on(graph, "03to13", kind=LineKind.NEXT), line_on(graph, "00to10")
    drawn = draw(graph, [later, now])
    (marker,) = drawn.markers
    assert marker.kind is LineKind.CLOSED
    assert marker.y > drawn.height / 2  # in the south


def test_consecutive_lines_of_one_entry_are_drawn_without_a_seam_and_what_is_closed_now_on_top(
    graph: RoadGraph,
) -> None:
    ends = graph.geometry[graph.index["00to10"]].coords[-1], graph.geometry[graph.index["10to20"]].coords[0]
    joint = MapLine(coordinates=[*ends], kind=LineKind.CLOSED, number=1, title="the junction")
    lines = [line_on(graph, "00to10"), joint, line_on(graph, "10to20"), line_on(graph, "01to11", 2, LineKind.NEXT)]
    drawn = draw(graph, lines)
    assert [kind for kind, _, _ in drawn.lines] == [LineKind.NEXT, LineKind.CLOSED]
    assert drawn.lines[1][1].count("M") == 1


def test_street_names_run_left_to_right_and_are_named_once(graph: RoadGraph) -> None:
    drawn = draw(graph, [])
    names = [label.text for label in drawn.labels]
    assert len(names) == len(set(names)) >= 4
    for label in drawn.labels:
        numbers = [int(n) for n in re.findall(r"-?\d+", label.path)]
        assert sum(numbers[2::2]) >= 0, label


def test_a_network_without_names_or_classes_is_drawn_all_the_same(graph: RoadGraph) -> None:
    import dataclasses

    bare = dataclasses.replace(graph, names=[""] * len(graph), highway=[""] * len(graph))
    drawn = draw(bare, [line_on(bare, "00to10")])
    assert drawn.labels == []
    assert drawn.major  # two lanes
