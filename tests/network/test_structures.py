"""Bridges and tunnels of an OSM extract, kept beside the graph and found again by edge."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from made_graphs import Street, graph_of

from trafficfeed.errors import SourceMalformed
from trafficfeed.network.structures import Structure, load_structures, save_structures


@dataclass
class Way:
    way_id: int
    tags: Mapping[str, str]


WAYS = [
    Way(1, {"bridge": "viaduct", "highway": "primary"}),
    Way(2, {"tunnel": "building_passage"}),
    Way(3, {"bridge": "no", "tunnel": "no"}),
    Way(4, {"covered": "yes"}),
    Way(5, {"name": "Tower Bridge Road"}),
]
NODES = {name: (100.0 * i, 0.0) for i, name in enumerate("abcdef")}


def test_edges_of_bridges_and_tunnels_are_found_by_their_way(tmp_path: Path) -> None:
    streets = [
        Street(name="", nodes=[a, b], one_way=True, way=i + 1)
        for i, (a, b) in enumerate(zip("abcde", "bcdef", strict=True))
    ]
    save_structures(WAYS, tmp_path)
    found = load_structures(graph_of(NODES, streets), tmp_path)
    assert found == {0: Structure.BRIDGE, 1: Structure.TUNNEL, 3: Structure.TUNNEL}


def test_a_city_that_never_recorded_them_says_nothing_rather_than_none(tmp_path: Path) -> None:
    graph = graph_of(NODES, [Street(name="", nodes=["a", "b"])])
    assert load_structures(graph, tmp_path) is None
    save_structures([], tmp_path)
    assert load_structures(graph, tmp_path) == {}


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "structures.parquet").write_bytes(b"PAR1")
    with pytest.raises(SourceMalformed, match=r"structures.parquet is damaged"):
        load_structures(graph_of(NODES, [Street(name="", nodes=["a", "b"])]), tmp_path)
