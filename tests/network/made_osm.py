"""Small OSM extracts written for tests: nodes on a metre grid, ways by node ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import osmium

from trafficfeed.network.netconvert import Netconvert, NetconvertOptions, osm_arguments, type_files
from trafficfeed.network.osm import Extract, read_extract, write_roads
from trafficfeed.network.osm_link import OsmLink, link_edges, linked_graph
from trafficfeed.network.osm_types import RoadTypes
from trafficfeed.network.projection import locate, metric_crs, proj_string
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.sumo_net import ParsedNet, graph_of, parse_net

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


@dataclass(frozen=True)
class Converted:
    """An extract through netconvert, and linked."""

    extract: Extract
    net: ParsedNet
    link: OsmLink
    graph: RoadGraph
    warnings: Mapping[str, int]

    def edge(self, edge_id: str) -> int:
        return self.net.edge_ids.index(edge_id)

    def pieces(self, edge_id: str) -> list[tuple[int, bool, int, int]]:
        """Return the pieces of an edge as (way, along it, from node, to node)."""
        return [(p.way_id, p.forward, p.from_node, p.to_node) for p in self.link.pieces[self.edge(edge_id)]]


def convert(osm: Path, *, left_hand: bool = False) -> Converted:
    """Take an extract through the steps of an import, all but the places and the cache."""
    folder = osm.parent
    extract = read_extract(osm)
    types = RoadTypes(type_files())
    roads, variants, out = folder / "roads.osm", folder / "variants.typ.xml", folder / "made.net.xml"
    write_roads(extract, roads, types, left_hand=left_hand)
    types.write_variants(variants)
    lon, lat = next(iter(extract.nodes.values()))
    options = NetconvertOptions(proj=proj_string(metric_crs(lon, lat)), left_hand=left_hand)
    with Netconvert(osm_arguments(roads, variants, out, options), log=folder / "netconvert.log") as running:
        run = running.wait()
    net = parse_net(out)
    projection = locate(net.location)
    link = link_edges(net, extract, projection)
    graph = linked_graph(graph_of(net, projection), link, extract)
    return Converted(extract=extract, net=net, link=link, graph=graph, warnings=run.warnings)
