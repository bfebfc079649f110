"""The directed road graph in columns: what every check, match and map reads."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int32]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SwallowedPiece:
    """A run of an OSM way inside a joined junction: the SUMO junction `node_id` holds it, no edge does."""

    way_id: int
    from_node: int
    to_node: int
    node_id: str


@dataclass(frozen=True, kw_only=True)
class RoadGraph:
    """A city's directed road graph; edges are SUMO's normal edges (no internal ones), in file order.

    Attributes
    ----------
    network_hash
        sha256 (hex) of the SUMO network file that the graph was read from.
    edge_ids
        ``(n_edges,)`` SUMO edge ids. Never published.
    from_node, to_node
        ``(n_edges,) int32`` indices into the nodes.
    length_m, speed_mps
        ``(n_edges,) float64``.
    lane_count
        ``(n_edges,) int32``.
    access
        ``(n_edges,) int32`` mask of the vehicle classes that at least one lane admits (`VehicleClass.bit`).
    lane_access
        Per edge the masks of its lanes, rightmost (index 0) first.
    names
        ``(n_edges,)`` street names, "" where there is none.
    highway
        ``(n_edges,)`` road class (OSM ``highway`` value where known, e.g. ``primary``), else "".
    geometry
        ``(n_edges,)`` shapely LineStrings, EPSG:4326 lon, lat, in the direction of travel, junction to junction.
    node_ids, node_lonlat
        ``(n_nodes,)`` SUMO junction ids; ``(n_nodes, 2) float64`` lon, lat.
    node_signalised
        ``(n_nodes,) bool``.
    turn_from, turn_to
        ``(n_turns,) int32`` edge indices: the permitted moves from edge to edge (one row a pair).
    turn_access
        ``(n_turns,) int32`` mask of the classes that may make the move.
    way_edge, way_id, way_forward, way_from_osm_node, way_to_osm_node
        The OSM link, one row per (edge, piece of way) in travel order: ``(n_links,)`` edge index, OSM way id (int64),
        whether the edge runs along the way's own direction, and the OSM node ids (int64) where the piece begins and
        ends in the direction of travel. Empty arrays for a city without OSM.
    swallowed
        Pieces of OSM ways that are on no edge, because a joined junction holds them.
    """

    network_hash: str
    edge_ids: Sequence[str]
    from_node: IntArray
    to_node: IntArray
    length_m: FloatArray
    speed_mps: FloatArray
    lane_count: IntArray
    access: IntArray
    lane_access: Sequence[Sequence[int]]
    names: Sequence[str]
    highway: Sequence[str]
    geometry: npt.NDArray[Any]
    node_ids: Sequence[str]
    node_lonlat: FloatArray
    node_signalised: npt.NDArray[np.bool_]
    turn_from: IntArray
    turn_to: IntArray
    turn_access: IntArray
    way_edge: IntArray
    way_id: npt.NDArray[np.int64]
    way_forward: npt.NDArray[np.bool_]
    way_from_osm_node: npt.NDArray[np.int64]
    way_to_osm_node: npt.NDArray[np.int64]
    swallowed: Sequence[SwallowedPiece] = ()

    def __len__(self) -> int:
        return len(self.edge_ids)

    @cached_property
    def index(self) -> dict[str, int]:
        """Edge index by SUMO edge id."""
        return {edge_id: i for i, edge_id in enumerate(self.edge_ids)}

    @cached_property
    def derived(self) -> dict[Hashable, Any]:
        """What other modules derive from the graph and keep with it (spatial index, routing matrices), by their key."""
        return {}
