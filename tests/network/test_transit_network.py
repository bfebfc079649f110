"""Shapes of buses on the road graph: which edges they run along, and where their stops lie."""

from pathlib import Path

import numpy as np
import pytest
import shapely
from made_bus_grid import bus_grid
from made_gtfs import made_gtfs, written_gtfs

from trafficfeed.closures.section_line import section_line
from trafficfeed.network.drawn_edges import DrawnEdges
from trafficfeed.network.gtfs import read_gtfs
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.stop_positions import positions_along
from trafficfeed.network.transit_network import TransitNetwork

LINES = {"north": ("C0C1", "C1C2", "C2C3", "C3C4"), "round": ("A0A1", "A1B1", "B1B0", "B0A0", "A0A1", "A1A2")}


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> RoadGraph:
    return bus_grid(tmp_path_factory.mktemp("grid"))


def network_of(graph: RoadGraph, folder: Path, *, moved_m: float = 0.0) -> TransitNetwork:
    files = made_gtfs(graph, LINES)
    rows = [row.split(",") for row in files["shapes.txt"].splitlines()]
    head, *points = rows
    degrees = moved_m / 85_000  # east, at 40° north
    moved = [[shape, lat, f"{float(lon) + degrees:.7f}", number] for shape, lat, lon, number in points]
    files["shapes.txt"] = "\n".join(",".join(row) for row in [head, *moved])
    return TransitNetwork(graph=graph, gtfs=read_gtfs(written_gtfs(files, folder / f"moved-{moved_m:.0f}.zip")))


def edges_of(network: TransitNetwork, shape: str, *edges: str) -> list[tuple[str, ...]]:
    closed = [network.graph.index[edge] for edge in edges]
    return [tuple(network.graph.edge_ids[e] for e in run.edges) for run in network.runs(shape, closed)]


@pytest.mark.parametrize("moved_m", [-8.0, -3.0, 0.0, 3.0, 8.0])
def test_a_shape_drawn_beside_the_street_runs_along_it_all_the_same(
    graph: RoadGraph, tmp_path: Path, moved_m: float
) -> None:
    network = network_of(graph, tmp_path, moved_m=moved_m)
    assert edges_of(network, "shape-north", "C1C2") == [("C1C2",)]
    assert edges_of(network, "shape-north", "C2C1") == []  # the other direction
    assert edges_of(network, "shape-north", "B2C2", "C2D2") == []  # the streets that it crosses
    assert edges_of(network, "shape-north", "C4C5", "D1D2") == []  # where it does not get to


def test_closed_streets_one_after_another_are_one_run_and_others_are_several(graph: RoadGraph, tmp_path: Path) -> None:
    network = network_of(graph, tmp_path)
    assert edges_of(network, "shape-north", "C1C2", "C2C3") == [("C1C2", "C2C3")]
    assert edges_of(network, "shape-north", "C0C1", "C2C3") == [("C0C1",), ("C2C3",)]


def test_a_street_that_a_shape_follows_twice_has_two_runs(graph: RoadGraph, tmp_path: Path) -> None:
    assert edges_of(network_of(graph, tmp_path), "shape-round", "A0A1") == [("A0A1",), ("A0A1",)]


def test_only_shapes_near_the_closed_streets_are_looked_at(graph: RoadGraph, tmp_path: Path) -> None:
    network = network_of(graph, tmp_path)
    assert network.shapes_near([graph.index["C1C2"]]) == ["shape-north"]
    assert network.shapes_near([graph.index["E4E5"]]) == []


def test_stops_lie_one_after_another_though_the_shape_comes_by_twice() -> None:
    line = shapely.LineString([(0, 0), (100, 0), (100, 100), (0, 100), (0, 0), (100, 0)])
    found = positions_along(line, [(50, 2), (100, 50), (2, 50), (50, -2), (98, 1)])
    assert np.allclose(found, [50, 150, 350, 450, 498])


def test_a_published_line_leads_back_to_its_edges(graph: RoadGraph) -> None:
    drawn = DrawnEdges(graph)
    for edges in (("C1C2",), ("C1C2", "C2C3", "C3D3"), ("A0A1", "A1B1", "B1B0")):
        chosen = [graph.index[edge] for edge in edges]
        assert drawn.edges(section_line(graph, chosen)) == tuple(chosen)


def test_a_line_that_was_drawn_by_hand_leads_to_no_edges(graph: RoadGraph) -> None:
    line = section_line(graph, [graph.index["C1C2"]])
    assert DrawnEdges(graph).edges(tuple((lon + 1e-5, lat) for lon, lat in line)) == ()
    assert DrawnEdges(graph).edges((*line, (0.0, 0.0))) == ()
