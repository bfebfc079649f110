"""The road graph on disk: the same when read back, GeoParquet for others, and never a stale one."""

import dataclasses
import os
import shutil
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
from made_osm import convert, street, write_osm

from trafficfeed.errors import ScenarioInvalid, SourceMalformed, SourceUnavailable
from trafficfeed.network.graph_cache import is_current, load_graph, load_places, save_graph, save_places
from trafficfeed.network.places import PlaceKind, Places
from trafficfeed.network.places_import import no_places
from trafficfeed.network.road_graph import RoadGraph, SwallowedPiece
from trafficfeed.network.swallowed import load_swallowed, save_swallowed


@pytest.fixture
def built(tmp_path: Path) -> tuple[RoadGraph, Path]:
    nodes = {1: (-200.0, 0.0), 2: (0.0, 0.0), 3: (200.0, 0.0), 4: (0.0, -200.0), 5: (0.0, 200.0)}
    ways = {10: ((1, 2, 3), street("Läntinen katu")), 11: ((4, 2, 5), {"highway": "tertiary", "lanes": "4"})}
    graph = convert(write_osm(tmp_path / "a.osm", nodes, ways)).graph
    save_graph(graph, tmp_path / "graph", net_path=tmp_path / "made.net.xml")
    save_places(no_places(), tmp_path / "graph")
    return graph, tmp_path / "graph"


def test_a_graph_read_back_is_the_graph_that_was_written(built: tuple[RoadGraph, Path]) -> None:
    graph, folder = built
    again = load_graph(folder)
    for field in dataclasses.fields(RoadGraph):
        before, after = getattr(graph, field.name), getattr(again, field.name)
        if field.name == "geometry":
            assert shapely.equals_identical(before, after).all()
        elif isinstance(before, np.ndarray):
            assert after.dtype == before.dtype, field.name
            assert np.array_equal(before, after), field.name
        else:
            assert before == after, field.name
    assert [list(lanes) for lanes in again.lane_access] == [list(lanes) for lanes in graph.lane_access]


def test_places_read_back_are_the_places_that_were_written(built: tuple[RoadGraph, Path]) -> None:
    places = Places(
        kind=[PlaceKind.HOSPITAL, PlaceKind.ADDRESS],
        label=["Kirurginen sairaala", "Kirkkokatu 12"],
        osm_id=["way/1", "node/2"],
        lonlat=np.array([[24.9, 60.1], [24.95, 60.2]]),
        edge=np.array([3, -1], dtype=np.int32),
    )
    save_places(places, built[1])
    again = load_places(built[1])
    assert (again.kind, again.label, again.osm_id) == (places.kind, places.label, places.osm_id)
    assert np.array_equal(again.lonlat, places.lonlat)
    assert np.array_equal(again.edge, places.edge)


def test_a_city_without_places_has_an_empty_table(built: tuple[RoadGraph, Path]) -> None:
    assert len(load_places(built[1])) == 0
    assert load_places(built[1]).lonlat.shape == (0, 2)


def test_the_edges_are_geoparquet_in_lon_lat(built: tuple[RoadGraph, Path]) -> None:
    frame = geopandas.read_parquet(built[1] / "edges.parquet")
    assert frame.crs == "EPSG:4326"
    assert list(frame["edge_id"]) == list(built[0].edge_ids)


def test_a_network_that_changed_since_is_noticed(built: tuple[RoadGraph, Path]) -> None:
    net = built[1].parent / "made.net.xml"
    net.write_bytes(net.read_bytes().replace(b"Building", b"building").replace(b"speed=", b" speed=", 1))
    assert not is_current(built[1])
    for load in (load_graph, load_places):
        with pytest.raises(ScenarioInvalid, match="has changed since"):
            load(built[1])


def test_a_network_that_was_only_touched_or_moved_is_not_taken_for_a_change(
    built: tuple[RoadGraph, Path], tmp_path: Path
) -> None:
    os.utime(built[1].parent / "made.net.xml", (1, 1))
    assert is_current(built[1])
    copy = shutil.copytree(built[1].parent, tmp_path / "elsewhere", ignore=shutil.ignore_patterns("elsewhere"))
    assert len(load_graph(Path(copy) / "graph")) == len(built[0])


def test_what_was_never_built_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="city build"):
        load_graph(tmp_path)


@pytest.mark.parametrize("part", ["edges.parquet", "turns.parquet", "manifest.json"])
def test_a_damaged_part_is_named(built: tuple[RoadGraph, Path], part: str) -> None:
    (built[1] / part).write_bytes(b"PAR1 rubbish")
    with pytest.raises(SourceMalformed, match=part):
        load_graph(built[1])


def test_a_missing_part_is_named(built: tuple[RoadGraph, Path]) -> None:
    (built[1] / "turns.parquet").unlink()
    with pytest.raises(SourceUnavailable, match=r"turns\.parquet"):
        load_graph(built[1])


def test_a_build_that_was_broken_off_leaves_nothing_that_loads(built: tuple[RoadGraph, Path]) -> None:
    (built[1] / "manifest.json").unlink()
    with pytest.raises(SourceUnavailable):
        load_graph(built[1])


def test_swallowed_pieces_are_kept_beside_the_graph(tmp_path: Path) -> None:
    pieces = [SwallowedPiece(way_id=2**40, from_node=1, to_node=2, node_id="cluster_1_2")]
    save_swallowed(pieces, tmp_path)
    assert load_swallowed(tmp_path) == pieces
    assert load_swallowed(tmp_path / "none") == []


def test_a_graph_is_read_back_with_what_its_junctions_swallowed(built: tuple[RoadGraph, Path]) -> None:
    pieces = [SwallowedPiece(way_id=7, from_node=1, to_node=2, node_id="cluster_1_2")]
    assert load_graph(built[1]).swallowed == ()
    save_swallowed(pieces, built[1])
    assert load_graph(built[1]).swallowed == tuple(pieces)
