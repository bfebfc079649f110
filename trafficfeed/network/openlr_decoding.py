"""The road graph as the package openlr-dereferencer reads maps."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
import shapely
from openlr import FOW, FRC, Coordinates, binary_decode  # type: ignore[import-untyped]
from openlr_dereferencer import decode  # type: ignore[import-untyped]
from openlr_dereferencer.decoding.error import LRDecodeError  # type: ignore[import-untyped]
from openlr_dereferencer.maps import Line, MapReader, Node  # type: ignore[import-untyped]

from trafficfeed.network.openlr_attributes import OpenlrAttributes, openlr_attributes
from trafficfeed.network.openlr_candidates import likely_edges
from trafficfeed.network.plane import plane_of
from trafficfeed.network.road_graph import RoadGraph


def decoded_edges(graph: RoadGraph, reference: str, *, likely_within_m: float | None = None) -> tuple[int, ...] | None:
    """Return the edges that the decoder, with its own settings, finds for a binary line reference; None: none.

    Parameters
    ----------
    reference
        Base64 of the binary form, version 3.
    likely_within_m
        Offer the decoder only the lines within so many metres of a point that it would not drop at once; None: all that
        it asks for.
    """
    line = binary_decode(reference)
    whole = openlr_map(graph)
    try:
        found = decode(line, whole if likely_within_m is None else LikelyLines(whole, line.points, likely_within_m))
    except LRDecodeError:
        return None
    return tuple(one.line_id for one in found.lines)


def openlr_map(graph: RoadGraph) -> "GraphMap":
    """Return the map of `graph`, made once."""
    kept = graph.derived.get("openlr map")
    if not isinstance(kept, GraphMap):
        kept = graph.derived["openlr map"] = GraphMap(graph)
    return kept


class GraphMap(MapReader):  # type: ignore[misc]
    """A road graph for the decoder; lines and nodes are numbered as its edges and nodes are."""

    def __init__(self, graph: RoadGraph) -> None:
        self.graph = graph
        self.attributes = openlr_attributes(graph)
        self._plane = plane_of(graph)
        self._lines: dict[int, GraphLine] = {}
        self._nodes: dict[int, GraphNode] = {}
        self._leaving = _by_node(graph.from_node, len(graph.node_ids))
        self._arriving = _by_node(graph.to_node, len(graph.node_ids))

    def get_line(self, line_id: int) -> "GraphLine":
        """Return the line of an edge."""
        if line_id not in self._lines:
            self._lines[line_id] = GraphLine(self, line_id)
        return self._lines[line_id]

    def get_lines(self) -> Iterator["GraphLine"]:
        """Yield every line."""
        return map(self.get_line, range(len(self.graph)))

    def get_linecount(self) -> int:
        """Return how many lines there are."""
        return len(self.graph)

    def get_node(self, node_id: int) -> "GraphNode":
        """Return a node."""
        if node_id not in self._nodes:
            self._nodes[node_id] = GraphNode(self, node_id)
        return self._nodes[node_id]

    def get_nodes(self) -> Iterator["GraphNode"]:
        """Yield every node."""
        return map(self.get_node, range(len(self.graph.node_ids)))

    def get_nodecount(self) -> int:
        """Return how many nodes there are."""
        return len(self.graph.node_ids)

    def find_nodes_close_to(self, coord: Any, dist: float) -> Iterator["GraphNode"]:
        """Yield the nodes within `dist` metres of a coordinate."""
        gap = self._plane.node_xy - self._plane.to_xy((coord.lon, coord.lat))
        return map(self.get_node, np.flatnonzero(np.hypot(*gap.T) <= dist).tolist())

    def find_lines_close_to(self, coord: Any, dist: float) -> Iterator["GraphLine"]:
        """Yield the lines within `dist` metres of a coordinate."""
        point = shapely.points(self._plane.to_xy((coord.lon, coord.lat)))
        near = self._plane.tree.query(point, predicate="dwithin", distance=dist)
        return map(self.get_line, sorted(near.tolist()))

    def leaving(self, node_id: int) -> "Sequence[GraphLine]":
        """Return the lines that begin at a node."""
        return [self.get_line(edge) for edge in self._leaving[node_id]]

    def arriving(self, node_id: int) -> "Sequence[GraphLine]":
        """Return the lines that end at a node."""
        return [self.get_line(edge) for edge in self._arriving[node_id]]


class LikelyLines:
    """The map as far as one reference needs it: for each of its points the lines that it may be about."""

    def __init__(self, whole: GraphMap, points: Sequence[Any], within_m: float) -> None:
        self._whole = whole
        self._within_m = within_m
        self._points = [(point, number == len(points) - 1) for number, point in enumerate(points)]

    def find_lines_close_to(self, coord: Any, dist: float) -> "list[GraphLine]":
        """Return the lines for the points at a coordinate."""
        edges: dict[int, None] = {}
        at, within_m = (coord.lon, coord.lat), min(dist, self._within_m)
        for point, is_last in self._points:
            if (point.lon, point.lat) == at:
                near = likely_edges(self._whole.graph, at, point.bear, is_last=is_last, within_m=within_m)
                edges.update(dict.fromkeys(near))
        return [self._whole.get_line(edge) for edge in sorted(edges)]


class GraphLine(Line):  # type: ignore[misc]
    """An edge."""

    def __init__(self, reader: GraphMap, edge: int) -> None:
        attributes: OpenlrAttributes = reader.attributes
        self._reader = reader
        self._edge = edge
        self._frc = FRC(int(attributes.frc[edge]))
        self._fow = FOW(int(attributes.fow[edge]))
        self._length = float(attributes.length_m[edge])

    @property
    def line_id(self) -> int:
        """The edge's index."""
        return self._edge

    @property
    def start_node(self) -> "GraphNode":
        """Where it begins."""
        return self._reader.get_node(int(self._reader.graph.from_node[self._edge]))

    @property
    def end_node(self) -> "GraphNode":
        """Where it ends."""
        return self._reader.get_node(int(self._reader.graph.to_node[self._edge]))

    @property
    def frc(self) -> Any:
        """Functional road class."""
        return self._frc

    @property
    def fow(self) -> Any:
        """Form of way."""
        return self._fow

    @property
    def geometry(self) -> Any:
        """EPSG:4326 lon, lat."""
        return self._reader.graph.geometry[self._edge]

    @property
    def length(self) -> float:
        """Of the shape, m."""
        return self._length

    def distance_to(self, coord: Any) -> float:
        """Return the distance to a coordinate, m."""
        plane = plane_of(self._reader.graph)
        return float(shapely.distance(plane.lines[self._edge], shapely.points(plane.to_xy((coord.lon, coord.lat)))))


class GraphNode(Node):  # type: ignore[misc]
    """A junction."""

    def __init__(self, reader: GraphMap, node: int) -> None:
        self._reader = reader
        self._node = node
        self._coordinates = Coordinates(*map(float, reader.graph.node_lonlat[node]))

    @property
    def node_id(self) -> int:
        """The node's index."""
        return self._node

    @property
    def coordinates(self) -> Any:
        """Lon, lat."""
        return self._coordinates

    def outgoing_lines(self) -> Iterable[GraphLine]:
        """Return the lines that begin here."""
        return self._reader.leaving(self._node)

    def incoming_lines(self) -> Iterable[GraphLine]:
        """Return the lines that end here."""
        return self._reader.arriving(self._node)

    def connected_lines(self) -> Iterable[GraphLine]:
        """Return the lines that touch it."""
        return chain(self.incoming_lines(), self.outgoing_lines())


def _by_node(node: Any, count: int) -> list[list[int]]:
    order = np.argsort(node, kind="stable")
    bounds = np.searchsorted(node[order], np.arange(count + 1))
    return [order[bounds[i] : bounds[i + 1]].tolist() for i in range(count)]
