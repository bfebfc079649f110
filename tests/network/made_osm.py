"""Small OSM extracts written for tests: nodes on a metre grid, ways by node ids."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import osmium

# far from any city of ours, south of the equator and west of Greenwich: signs must not matter
LON, LAT = -58.4, -34.6
_M_PER_DEGREE_LAT = 110_940.0
_M_PER_DEGREE_LON = 91_700.0


def at(x_m: float, y_m: float) -> tuple[float, float]:
    """Return the lon, lat some metres east and north of the middle of nowhere."""
    return (LON + x_m / _M_PER_DEGREE_LON, LAT + y_m / _M_PER_DEGREE_LAT)


def write_osm(
    path: Path,
    nodes: Mapping[int, tuple[float, float]],
    ways: Mapping[int, tuple[Sequence[int], Mapping[str, str]]],
    *,
    node_tags: Mapping[int, Mapping[str, str]] | None = None,
    relations: Mapping[int, tuple[list[tuple[str, int, str]], Mapping[str, str]]] | None = None,
) -> Path:
    """Write nodes (metres), ways (nodes, tags) and relations (members, tags) as OSM, the format by the suffix."""
    make: Any = osmium.osm.mutable
    with osmium.SimpleWriter(str(path), overwrite=True) as writer:
        for node, (x, y) in nodes.items():
            writer.add_node(make.Node(id=node, location=at(x, y), tags=dict((node_tags or {}).get(node, {}))))
        for way, (refs, tags) in ways.items():
            writer.add_way(make.Way(id=way, nodes=list(refs), tags=dict(tags)))
        for relation, (members, tags) in (relations or {}).items():
            writer.add_relation(make.Relation(id=relation, members=members, tags=dict(tags)))
    return path


def street(name: str = "High Street", **tags: str) -> dict[str, str]:
    """Return the tags of a residential street."""
    return {"highway": "residential", "name": name, **tags}
