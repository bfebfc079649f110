"""Streets as people know them: edges grouped by name or by stretch, and what to call one without a name."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from trafficfeed.network.matching import cross_street
from trafficfeed.network.naming import compass
from trafficfeed.network.road_graph import RoadGraph


@dataclass(frozen=True)
class StreetNames:
    """The streets of a graph; never shows a SUMO id.

    Edges of one name that hang together are one street. Edges without a name are one street as far as nothing else
    joins them, both directions together.
    """

    graph: RoadGraph

    @cached_property
    def street(self) -> npt.NDArray[np.int64]:
        """``(n_edges,) int64``: the street that each edge belongs to, counted from 0."""
        edges, keys = self._memberships()
        n, n_keys = len(self.graph), int(keys.max(initial=-1)) + 1
        links = coo_array((np.ones(len(edges), dtype=np.int8), (edges, n + keys)), shape=(n + n_keys, n + n_keys))
        _, label = connected_components(links, directed=False)
        return np.unique(label[:n], return_inverse=True)[1].astype(np.int64)

    def stretch(self, edge: int) -> dict[str, Any]:
        """Return `street`, `from_street`, `to_street` ("" where none has a name) and `compass` of one edge."""
        return {
            "street": self.name(edge),
            "from_street": self._cross(edge, int(self.graph.from_node[edge])),
            "to_street": self._cross(edge, int(self.graph.to_node[edge])),
            "compass": self._compass(edge),
        }

    def name(self, edge: int) -> str:
        """Return the street's name, or for one without: its class and the street it leaves, or where it lies."""
        graph = self.graph
        if graph.names[edge]:
            return graph.names[edge]
        kind = f"unnamed {graph.highway[edge].replace('_', ' ')} road" if graph.highway[edge] else "unnamed road"
        beside = self._cross(edge, int(graph.from_node[edge])) or self._cross(edge, int(graph.to_node[edge]))
        if beside:
            return f"{kind} off {beside}"
        middle = graph.geometry[edge].interpolate(0.5, normalized=True)
        return f"{kind} near {middle.x:.4f}, {middle.y:.4f}"

    def _memberships(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return (edge, key) pairs; edges that share a key are one street."""
        graph = self.graph
        n_nodes = len(graph.node_ids)
        _, name = np.unique(np.asarray(graph.names, dtype=np.str_), return_inverse=True)
        named = np.array([bool(text) for text in graph.names], dtype=bool)
        low, high = np.minimum(graph.from_node, graph.to_node), np.maximum(graph.from_node, graph.to_node)
        pair = low.astype(np.int64) * n_nodes + high
        through = self._pass_through(pair, n_nodes)
        edges, keys = [np.arange(len(graph))], [np.stack([np.full(len(graph), -1), name, pair])]
        for node in (graph.from_node, graph.to_node):
            joined = np.flatnonzero(named | through[node])
            edges.append(joined)
            keys.append(np.stack([np.zeros(len(joined)), name[joined], node[joined]]).astype(np.int64))
        return np.concatenate(edges), np.unique(np.concatenate(keys, axis=1), axis=1, return_inverse=True)[1].ravel()

    def _pass_through(self, pair: npt.NDArray[np.int64], n_nodes: int) -> npt.NDArray[np.bool_]:
        """Tell which nodes have two neighbours at most, so that nothing but the road itself goes on there."""
        neighbours = np.zeros(n_nodes, dtype=np.int64)
        low, high = np.divmod(np.unique(pair), n_nodes)
        np.add.at(neighbours, low, 1)
        np.add.at(neighbours, high, 1)
        return neighbours <= 2

    def _cross(self, edge: int, node: int) -> str:
        return cross_street(self.graph, node, self.graph.names[edge])

    def _compass(self, edge: int) -> str:
        (x0, y0), (x1, y1) = self.graph.geometry[edge].coords[0][:2], self.graph.geometry[edge].coords[-1][:2]
        return compass((x1 - x0) * math.cos(math.radians(y0)), y1 - y0)
