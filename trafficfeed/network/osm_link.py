"""The link from OSM ways to SUMO edges: which ways, which way along, from which OSM node to which.

netconvert cuts ways at crossings, joins the pieces again, and melts neighbouring junctions into one. What it leaves
behind (``origId``: the ways; ``origFrom``, ``origTo``: the ends before the melting; ``removedNodeIds``: nodes on the
way) is enough to find each edge's chain of OSM nodes again: the path along those ways between those ends.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from math import hypot

import numpy as np
import numpy.typing as npt
import shapely

from trafficfeed.network.osm import Extract, LonLat, Way
from trafficfeed.network.projection import NetProjection
from trafficfeed.network.road_graph import RoadGraph, SwallowedPiece
from trafficfeed.network.sumo_net import ParsedNet

FloatArray = npt.NDArray[np.float64]
Xy = tuple[float, float]
Step = tuple[int, int]  # key of a way, node reached
OwnNode = Mapping[tuple[int, int], int]  # key of a way, node → the way's own node at that place

_CLUSTER = "cluster_"
_MOST_STEPS = 20_000  # of one edge's search: a maze of loops is given up, not searched for ever
_COMPARED = 9  # points at which a path is compared with the edge
_SNAP_M = 3.0  # an end that netconvert made itself is looked for this near
_LENGTH_SHARE, _LENGTH_M = 0.02, 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A run of one way within an edge, in the direction of travel."""

    way_id: int
    forward: bool
    from_node: int
    to_node: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OsmLink:
    """The link of a whole network.

    Attributes
    ----------
    pieces
        ``(n_edges,)`` the pieces of each edge in travel order, empty where it could not be linked.
    chains
        ``(n_edges,)`` the OSM nodes of each edge in travel order.
    swallowed
        Pieces of ways inside joined junctions.
    dropped
        Pieces (way, from node, to node) of which netconvert made nothing.
    length_matches
        ``(n_edges,) bool``: the chain is as long as the edge, within 2 % or 5 m.
    """

    pieces: Sequence[tuple[Piece, ...]]
    chains: Sequence[tuple[int, ...]]
    swallowed: Sequence[SwallowedPiece]
    dropped: Sequence[tuple[int, int, int]]
    length_matches: npt.NDArray[np.bool_]


def link_edges(net: ParsedNet, extract: Extract, projection: NetProjection) -> OsmLink:
    """Find the OSM ways of every edge of a network that netconvert made from the roads of `extract`."""
    merged, own_node = _merged(extract)
    matcher = _Matcher(net, merged, projection)
    chains: list[tuple[int, ...]] = []
    pieces: list[tuple[Piece, ...]] = []
    matches = np.zeros(len(net.edge_ids), dtype=np.bool_)
    for i in range(len(net.edge_ids)):
        steps = matcher.steps(i)
        chains.append(tuple(node for _, node in steps))
        pieces.append(tuple(_pieces(steps, merged.ways, own_node)))
        if steps:
            wrong = abs(matcher.length(chains[-1]) - matcher.expected_m(i))
            matches[i] = wrong <= max(_LENGTH_M, _LENGTH_SHARE * matcher.expected_m(i))
    swallowed, dropped = _leftovers(net, merged, chains)
    return OsmLink(pieces=pieces, chains=chains, swallowed=swallowed, dropped=dropped, length_matches=matches)


def linked_graph(graph: RoadGraph, link: OsmLink, extract: Extract) -> RoadGraph:
    """Return `graph` with the link, its edges lying on the OSM nodes wherever they are linked."""
    geometry = graph.geometry.copy()
    for i, chain in enumerate(link.chains):
        if len(chain) > 1:
            geometry[i] = shapely.LineString([extract.nodes[node] for node in chain])
    rows = [(i, piece) for i, of_edge in enumerate(link.pieces) for piece in of_edge]
    return replace(
        graph,
        geometry=geometry,
        way_edge=np.array([i for i, _ in rows], dtype=np.int32),
        way_id=np.array([piece.way_id for _, piece in rows], dtype=np.int64),
        way_forward=np.array([piece.forward for _, piece in rows], dtype=np.bool_),
        way_from_osm_node=np.array([piece.from_node for _, piece in rows], dtype=np.int64),
        way_to_osm_node=np.array([piece.to_node for _, piece in rows], dtype=np.int64),
    )


class _Matcher:
    """Looks for each edge's path along its ways; keeps the plane coordinates that tell loops apart."""

    def __init__(self, net: ParsedNet, extract: Extract, projection: NetProjection) -> None:
        self.net = net
        self.ways = extract.ways
        self.xy = _plane(extract.nodes, projection)

    def steps(self, i: int) -> list[Step]:
        """Return edge `i`'s path as (way key, node) from its first node on, the first with the first step's way."""
        params = self.net.params[i]
        keys = [int(word) for word in dict.fromkeys(params.get("origId", "").split()) if word.lstrip("-").isdigit()]
        keys = [key for key in keys if key in self.ways]
        shape = self.net.points(i)
        along = {node for key in keys for node in self.ways[key].nodes}
        begins = self._ends(params.get("origFrom", self.net.from_ids[i]), along, shape[0])
        finishes = self._ends(params.get("origTo", self.net.to_ids[i]), along, shape[-1])
        if not keys or not begins or not finishes:
            return []
        if len(keys) == 1 and (path := _straight(self.ways[keys[0]], begins, finishes)):
            return path
        passed = {int(word) for word in params.get("removedNodeIds", "").split() if word.isdigit()} & along
        return self._best(list(_paths(self._neighbours(keys), begins, finishes)), passed, i)

    def length(self, chain: Sequence[int]) -> float:
        """Return the length of a chain of nodes, m."""
        return _length([self.xy[node] for node in chain])

    def expected_m(self, i: int) -> float:
        """Return how long edge `i` is between its junctions' centres, m."""
        return _length(self.net.points(i))

    def _best(self, paths: list[list[Step]], passed: set[int], i: int) -> list[Step]:
        """Return the path that passes the nodes netconvert removed from the edge, and lies where the edge does."""
        if len(paths) < 2:
            return paths[0] if paths else []
        edge = np.array(self.net.points(i))

        def cost(path: list[Step]) -> tuple[int, float]:
            nodes = [node for _, node in path]
            return len(passed.difference(nodes)), _apart_m(np.array([self.xy[node] for node in nodes]), edge)

        return min(paths, key=cost)

    def _ends(self, junction: str, along: set[int], at: Xy) -> frozenset[int]:
        """Return the nodes of the edge's ways that a junction stands for, else those nearest to the edge's end."""
        named = frozenset(int(w) for w in junction.removeprefix(_CLUSTER).split("_") if w.lstrip("-").isdigit())
        if found := named & along:
            return found
        near = sorted((hypot(self.xy[node][0] - at[0], self.xy[node][1] - at[1]), node) for node in along)
        return frozenset(node for distance, node in near[:1] if distance <= _SNAP_M)

    def _neighbours(self, keys: Sequence[int]) -> dict[int, list[Step]]:
        neighbours: dict[int, list[Step]] = {}
        for key in keys:
            for a, b in pairwise(self.ways[key].nodes):
                neighbours.setdefault(a, []).append((key, b))
                neighbours.setdefault(b, []).append((key, a))
        return neighbours


def _straight(way: Way, begins: frozenset[int], finishes: frozenset[int]) -> list[Step]:
    """Return the one path along a way that passes no node twice; nothing where there may be several."""
    if len(begins) != 1 or len(finishes) != 1 or len(set(way.nodes)) != len(way.nodes):
        return []
    a, b = way.nodes.index(next(iter(begins))), way.nodes.index(next(iter(finishes)))
    nodes = way.nodes[a : b + 1] if a < b else way.nodes[b : a + 1][::-1]
    return [(way.key, node) for node in nodes] if a != b else []


def _paths(
    neighbours: Mapping[int, Sequence[Step]], begins: frozenset[int], finishes: frozenset[int]
) -> Iterator[list[Step]]:
    """Yield the paths that pass no node twice (a loop may end where it began), depth first."""
    budget = _MOST_STEPS
    for begin in sorted(begins):
        for first_key in {key for key, _ in neighbours.get(begin, ())}:
            stack: list[list[Step]] = [[(first_key, begin)]]
            while stack and budget:
                budget -= 1
                path = stack.pop()
                visited = {node for _, node in path}
                for key, node in neighbours[path[-1][1]]:
                    if len(path) == 1 and key != first_key:
                        continue
                    if node in finishes and (node not in visited or (node == begin and len(path) > 2)):
                        yield [*path, (key, node)]
                    if node not in visited:
                        stack.append([*path, (key, node)])


def _pieces(steps: Sequence[Step], ways: Mapping[int, Way], own_node: OwnNode) -> Iterator[Piece]:
    """Cut a path where it goes over to another way or turns round on it."""
    run: list[int] = []
    state: tuple[int, bool] | None = None
    for (_, a), (key, b) in pairwise(steps):
        now = (key, _runs_along(ways[key], a, b))
        if now != state:
            if state is not None:
                yield _piece(ways[state[0]], state[1], run, own_node)
            run, state = [a], now
        run.append(b)
    if state is not None:
        yield _piece(ways[state[0]], state[1], run, own_node)


def _piece(way: Way, forward: bool, run: Sequence[int], own_node: OwnNode) -> Piece:
    begin, end = (own_node.get((way.key, node), node) for node in (run[0], run[-1]))
    return Piece(way_id=way.way_id, forward=forward, from_node=begin, to_node=end)


def _merged(extract: Extract) -> tuple[Extract, OwnNode]:
    """Return the extract with nodes at the same place made one, as netconvert makes them, and each way's own ids."""
    first: dict[LonLat, int] = {}
    same = {node: first.setdefault(lonlat, node) for node, lonlat in extract.nodes.items()}
    own_node: dict[tuple[int, int], int] = {}
    ways = dict(extract.ways)
    for key, way in extract.ways.items():
        nodes = tuple(same[node] for node in way.nodes)
        if nodes != way.nodes:
            ways[key] = replace(way, nodes=tuple(node for node, _ in groupby(nodes)))
            own_node |= {(key, one): own for one, own in zip(nodes, way.nodes, strict=True)}
    return replace(extract, ways=ways), own_node


def _runs_along(way: Way, a: int, b: int) -> bool:
    return (a, b) in pairwise(way.nodes)


def _leftovers(
    net: ParsedNet, extract: Extract, chains: Sequence[Sequence[int]]
) -> tuple[list[SwallowedPiece], list[tuple[int, int, int]]]:
    """Sort the pieces of ways that no edge holds: inside a joined junction, or dropped."""
    held = {frozenset(pair) for chain in chains for pair in pairwise(chain)}
    cluster_of = {
        int(word): name
        for name in net.nodes
        if name.startswith(_CLUSTER)
        for word in name.removeprefix(_CLUSTER).split("_")
        if word.isdigit()
    }
    swallowed: list[SwallowedPiece] = []
    dropped: list[tuple[int, int, int]] = []
    for way in extract.ways.values():
        for run in _unheld(way.nodes, held):
            inside = {cluster_of.get(run[0]), cluster_of.get(run[-1])}
            name = inside.pop() if len(inside) == 1 else None
            if name is not None:
                swallowed.append(SwallowedPiece(way_id=way.way_id, from_node=run[0], to_node=run[-1], node_id=name))
            else:
                dropped.append((way.way_id, run[0], run[-1]))
    return swallowed, dropped


def _unheld(nodes: Sequence[int], held: set[frozenset[int]]) -> Iterator[list[int]]:
    run: list[int] = []
    for a, b in pairwise(nodes):
        if frozenset((a, b)) in held:
            if run:
                yield run
            run = []
        else:
            run = [*run, b] if run else [a, b]
    if run:
        yield run


def _plane(nodes: Mapping[int, LonLat], projection: NetProjection) -> dict[int, Xy]:
    xy = projection.to_xy(np.array(list(nodes.values())))
    return dict(zip(nodes, map(tuple, xy.tolist()), strict=True))


def _apart_m(a: FloatArray, b: FloatArray) -> float:
    """Return how far two lines lie apart, m, compared at the same shares of their lengths."""
    at = np.linspace(0.0, 1.0, _COMPARED)
    a_line, b_line = shapely.LineString(a), shapely.LineString(b)
    return float(
        shapely.distance(
            shapely.line_interpolate_point(a_line, at, normalized=True),
            shapely.line_interpolate_point(b_line, at, normalized=True),
        ).sum()
    )


def _length(points: Sequence[Xy]) -> float:
    return sum(hypot(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(points))
