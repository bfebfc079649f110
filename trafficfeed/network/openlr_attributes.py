"""What OpenLR says of a road's edges: functional class, form of way, length, bearings."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import csr_array

from trafficfeed.network.plane import plane_of
from trafficfeed.network.road_graph import FloatArray, IntArray, RoadGraph

BEARING_M = 20.0  # along the edge (White Paper 1.5: BEARDIST)
SECTOR = 360 / 32

_CLASSES = MappingProxyType(
    {
        "motorway": 0,
        "trunk": 1,
        "primary": 2,
        "secondary": 3,
        "tertiary": 4,
        "unclassified": 5,
        "residential": 5,
        "road": 5,
        "living_street": 6,
    }
)
_LOWEST = 7
_BY_SPEED_MPS = ((27.0, 1), (21.0, 2), (16.0, 3), (13.0, 4), (0.0, 5))  # where the network knows no class
_MOTORWAY, _MULTIPLE, _SINGLE, _SLIP_ROAD = 1, 2, 3, 6
_DUAL = frozenset({"trunk", "primary", "secondary"})


@dataclass(frozen=True, kw_only=True)
class OpenlrAttributes:
    """The graph as OpenLR sees it; ``(n_edges,)`` arrays unless said otherwise.

    Attributes
    ----------
    frc, fow
        Functional road class 0 (main) to 7; form of way by OpenLR's own numbers.
    length_m
        Of the shape, m.
    start, end
        ``(n_edges, 2)`` lon, lat of the shape's ends.
    sector_out, sector_in
        Which 11.25° of the compass the edge begins in, and the one seen from its end backward, along 20 m.
    arriving, leaving
        ``(n_nodes,)`` counts of edges.
    is_shortest
        Whether no other edge between the same two nodes, the same way round, is shorter.
    shortest_m
        ``(n_nodes, n_nodes)`` lengths of the shortest edge between two nodes, row to column.
    into_m
        The same, column to row.
    """

    frc: IntArray
    fow: IntArray
    length_m: FloatArray
    start: FloatArray
    end: FloatArray
    sector_out: IntArray
    sector_in: IntArray
    arriving: IntArray
    leaving: IntArray
    is_shortest: npt.NDArray[np.bool_]
    shortest_m: csr_array
    into_m: csr_array


def openlr_attributes(graph: RoadGraph) -> OpenlrAttributes:
    """Return the graph's attributes, made once."""
    kept = graph.derived.get("openlr attributes")
    if not isinstance(kept, OpenlrAttributes):
        kept = graph.derived["openlr attributes"] = _made(graph)
    return kept


def _made(graph: RoadGraph) -> OpenlrAttributes:
    plane, nodes = plane_of(graph), len(graph.node_ids)
    length = np.maximum(shapely.length(plane.lines), 0.01)
    coordinates, edge = shapely.get_coordinates(graph.geometry, return_index=True)
    first = np.searchsorted(edge, np.arange(len(graph)))
    last = np.append(first[1:], len(edge)) - 1
    shortest = _shortest(graph, length)
    is_shortest = np.zeros(len(graph), dtype=np.bool_)
    is_shortest[shortest] = True
    ends = graph.from_node[shortest], graph.to_node[shortest]
    shortest_m = csr_array((length[shortest], ends), shape=(nodes, nodes))
    return OpenlrAttributes(
        frc=_functional_class(graph),
        fow=_form_of_way(graph),
        length_m=length,
        start=coordinates[first],
        end=coordinates[last],
        sector_out=_sector(plane.lines, 0.0, np.minimum(BEARING_M, length)),
        sector_in=_sector(plane.lines, length, np.maximum(length - BEARING_M, 0.0)),
        arriving=np.bincount(graph.to_node, minlength=nodes).astype(np.int32),
        leaving=np.bincount(graph.from_node, minlength=nodes).astype(np.int32),
        is_shortest=is_shortest,
        shortest_m=shortest_m,
        into_m=shortest_m.T.tocsr(),
    )


def _functional_class(graph: RoadGraph) -> IntArray:
    """Return the class of the OSM road class, or of the speed where there is none."""
    speeds, classes = zip(*_BY_SPEED_MPS, strict=True)
    by_speed = np.select([graph.speed_mps >= speed for speed in speeds], classes, _LOWEST)
    named = [_CLASSES.get(highway.removesuffix("_link"), _LOWEST) if highway else -1 for highway in graph.highway]
    known = np.array(named, dtype=np.int32).reshape(-1)
    return np.where(known >= 0, known, by_speed).astype(np.int32)


def _form_of_way(graph: RoadGraph) -> IntArray:
    one_way = plane_of(graph).opposite < 0
    forms = [
        _SLIP_ROAD
        if highway.endswith("_link")
        else _MOTORWAY
        if highway == "motorway"
        else _MULTIPLE
        if highway in _DUAL and alone
        else _SINGLE
        for highway, alone in zip(graph.highway, one_way.tolist(), strict=True)
    ]
    return np.array(forms, dtype=np.int32)


def _sector(lines: npt.NDArray[Any], at_m: Any, toward_m: Any) -> IntArray:
    begin = shapely.get_coordinates(shapely.line_interpolate_point(lines, at_m))
    towards = shapely.get_coordinates(shapely.line_interpolate_point(lines, toward_m))
    east, north = (towards - begin).T
    sector = np.degrees(np.arctan2(east, north)) % 360 // SECTOR
    return np.asarray(sector % 32, dtype=np.int32)


def _shortest(graph: RoadGraph, length: FloatArray) -> npt.NDArray[np.intp]:
    """Return the edges of which none is shorter between the same two nodes; of several like them the first."""
    order = np.lexsort((length, graph.to_node, graph.from_node))
    pair = graph.from_node[order].astype(np.int64) * len(graph.node_ids) + graph.to_node[order]
    return order[np.append(True, pair[1:] != pair[:-1])] if len(order) else order
