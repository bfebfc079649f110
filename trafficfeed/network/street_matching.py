"""Match a street by name, from junction to junction or whole, to directed edges."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from trafficfeed.findings import Finding, Severity
from trafficfeed.network.matching import Match, Travel, cross_street, refused, sections_of
from trafficfeed.network.naming import listed, street_index
from trafficfeed.network.plane import plane_of
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.sections import Section

RULE = "match.street"
ONE_CROSSING_M = 60.0  # junctions of the same two streets this near are one crossing (carriageways, a square's corners)
NEARLY_MEETS_M = 40.0  # a cross street that ends this near to the street still meets it
JUNCTION_PIECE_M = 60.0  # an unnamed piece up to this long belongs to the street that goes through it
LONGEST_GAP_M = 150.0  # a street may be interrupted (a square) by so much
SAME_STREET_M = 300.0  # pieces of one name farther apart are different streets

_Nodes = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """A way along the street from one crossing to another: edges in order, and the length not on the street."""

    edges: tuple[int, ...]
    gap_m: float


def match_street(graph: RoadGraph, street: str, between: tuple[str, str] | None, travel: Travel = "both") -> Match:
    """Return the edges of a street, whole or between two cross streets.

    Forward is from the first cross street to the second. A street of two carriageways gives one section for each
    direction, whatever the two have in common; where it is interrupted by a square, a section on either side.

    Returns
    -------
    Match
        No sections but one error where a name is not known, the streets do not meet, or more than one place fits.
    """
    on, sure = street_index(graph).find(street)
    if not len(on):
        return _unknown(graph, street)
    if between is None:
        return _whole(graph, on, travel, sure)
    crossings = []
    for other in between:
        edges, known = street_index(graph).find(other)
        if not len(edges):
            return _unknown(graph, other)
        nodes, meets = _meeting(graph, on, edges)
        if not nodes:
            return _do_not_meet(graph, on, street, other)
        sure = min(sure, known, meets)
        crossings.append(nodes)
    return _between(graph, on, (street, *between), crossings[0], crossings[1], travel, sure)


def _unknown(graph: RoadGraph, name: str) -> Match:
    similar = street_index(graph).similar(name)
    mend = f"did you mean {listed(similar)}?" if similar else "draw the place as a line"
    if not street_index(graph).title:
        mend = "this network has no street names: draw the place as a line"
    return refused(RULE, f"'{name}' is not a street of this network", mend, {"similar": similar})


def _do_not_meet(graph: RoadGraph, on: _Nodes, street: str, other: str) -> Match:
    nodes = np.unique(np.concatenate([graph.from_node[on], graph.to_node[on]]))
    names = [cross_street(graph, int(n), street) for n in nodes]
    met = sorted({n for n in names if n})
    return refused(
        RULE,
        f"'{street}' and '{other}' do not meet",
        f"name a street that '{street}' meets: {listed(met, 12)}" if met else "draw the place as a line",
        {"meets": met[:50]},
    )


def _meeting(graph: RoadGraph, on: _Nodes, other: _Nodes) -> tuple[list[_Nodes], float]:
    """Where two streets meet: nodes of `on`, clustered to crossings, and how sure that is."""
    mine = np.unique(np.concatenate([graph.from_node[on], graph.to_node[on]]))
    theirs = np.unique(np.concatenate([graph.from_node[other], graph.to_node[other]]))
    shared = np.intersect1d(mine, theirs)
    if len(shared):
        return clusters(plane_of(graph).node_xy, shared, ONE_CROSSING_M), 1.0
    points = shapely.points(plane_of(graph).node_xy[mine])
    distance = shapely.distance(points, shapely.union_all(plane_of(graph).lines[other]))
    near = mine[distance <= NEARLY_MEETS_M]
    return clusters(plane_of(graph).node_xy, near, ONE_CROSSING_M) if len(near) else [], 0.8


def clusters(xy: npt.NDArray[np.float64], nodes: npt.NDArray[Any], radius_m: float) -> list[_Nodes]:
    """Group nodes that lie within `radius_m` of one another (single linkage)."""
    points = shapely.points(xy[nodes])
    a, b = shapely.STRtree(points).query(points, predicate="dwithin", distance=radius_m)
    links = coo_array((np.ones(len(a)), (a, b)), shape=(len(nodes), len(nodes)))
    count, label = connected_components(links, directed=False)
    return [nodes[label == i].astype(np.int32) for i in range(count)]


def _between(
    graph: RoadGraph,
    on: _Nodes,
    names: tuple[str, str, str],
    first: Sequence[_Nodes],
    second: Sequence[_Nodes],
    travel: Travel,
    sure: float,
) -> Match:
    street, begin, end = names
    street_only, bridged = _Corridor(graph, on), None
    found = []
    for a in first:
        for b in second:
            if len(np.intersect1d(a, b)):
                continue
            there, back = street_only.way(a, b), street_only.way(b, a)
            if not there or not back:  # one-way, or interrupted
                bridged = bridged or _Corridor(graph, on, bridged=True)
                there, back = there or bridged.way(a, b), back or bridged.way(b, a)
            if there or back:
                found.append((a, there, back))
    if not found:
        return _no_way(street, begin, end, first, second)
    if len(found) > 1:
        return _twice(graph, names, first, second)
    _, there, back = found[0]
    wanted = {"both": (there, back), "forward": (there,), "backward": (back,)}[travel]
    ways = [way for way in wanted if way]
    if not ways:
        return _one_way(names, travel)
    sections: list[Section] = []
    for way in ways:
        ends = (begin, end) if way is there else (end, begin)
        sections += _sections(graph, way, on, ends, sure if way.gap_m == 0 else 0.8 * sure)
    return Match(sections=tuple(sections), findings=_interrupted(street, begin, end, ways))


def _sections(graph: RoadGraph, way: _Way, on: _Nodes, ends: tuple[str, str], confidence: float) -> tuple[Section, ...]:
    """The sections along a way; its two ends are named after the cross streets that were asked for."""
    name = graph.names[int(on[0])]
    parts = [s for part in _on_street(graph, way, on) for s in sections_of(graph, part, confidence, name)]
    titles = [street_index(graph).written(end) for end in ends]
    parts[0] = replace(parts[0], from_street=titles[0])
    parts[-1] = replace(parts[-1], to_street=titles[1])
    return tuple(parts)


class _Corridor:
    """The street, and if asked for what might bridge its interruptions, as a graph of edges."""

    def __init__(self, graph: RoadGraph, on: _Nodes, *, bridged: bool = False) -> None:
        self._graph = graph
        plane = plane_of(graph)
        lines = plane.lines[on] if bridged else plane.lines[:0]
        near = np.unique(plane.tree.query(lines, predicate="dwithin", distance=LONGEST_GAP_M / 2)[1])
        near = near[(graph.access[near] != 0) & (graph.length_m[near] <= LONGEST_GAP_M)]
        self._edges = np.union1d(on, near).astype(np.int32)
        self._mine = np.isin(self._edges, on)
        unnamed = street_index(graph).street[self._edges] < 0
        self._piece = ~self._mine & unnamed & (graph.length_m[self._edges] <= JUNCTION_PIECE_M)
        length = graph.length_m[self._edges]
        self._cost = np.where(self._mine, length, np.where(self._piece, 1.5 * length + 5.0, 4.0 * length + 20.0))
        self._matrix = self._arcs()

    def _arcs(self) -> csr_array:
        begins, ends = self._graph.from_node[self._edges], self._graph.to_node[self._edges]
        order = np.argsort(begins, kind="stable")
        low, high = np.searchsorted(begins[order], ends), np.searchsorted(begins[order], ends, side="right")
        before = np.repeat(np.arange(len(self._edges)), high - low)
        after = order[np.concatenate([np.arange(a, b) for a, b in zip(low, high, strict=True)])]
        u_turn = plane_of(self._graph).opposite[self._edges[before]] == self._edges[after]
        before, after = before[~u_turn], after[~u_turn]
        shape = (len(self._edges), len(self._edges))
        return csr_array((np.maximum(self._cost[before], 0.01), (before, after)), shape=shape)

    def way(self, begin: _Nodes, end: _Nodes) -> _Way | None:
        """Return the way along the street from one crossing to another, None where there is none worth the name."""
        sources = np.flatnonzero(self._mine & np.isin(self._graph.from_node[self._edges], begin))
        targets = np.flatnonzero(self._mine & np.isin(self._graph.to_node[self._edges], end))
        if not len(sources) or not len(targets):
            return None
        cost, before, _ = dijkstra(self._matrix, indices=sources, min_only=True, return_predecessors=True)
        total = cost[targets] + self._cost[targets]
        if not np.isfinite(total.min()):
            return None
        path = [int(targets[total.argmin()])]
        while (previous := int(before[path[-1]])) >= 0:
            path.append(previous)
        path.reverse()
        return self._judged(path)

    def _judged(self, path: Sequence[int]) -> _Way | None:
        gaps = [float(self._graph.length_m[self._edges[i]]) for i in path if not (self._mine[i] or self._piece[i])]
        pieces = [float(self._graph.length_m[self._edges[i]]) for i in path if self._piece[i]]
        own = sum(float(self._graph.length_m[self._edges[i]]) for i in path if self._mine[i])
        if sum(gaps) > LONGEST_GAP_M or sum(gaps) + sum(pieces) > own:
            return None
        return _Way(edges=tuple(int(self._edges[i]) for i in path), gap_m=sum(gaps))


def _on_street(graph: RoadGraph, way: _Way, on: _Nodes) -> Iterable[list[int]]:
    """Cut a way into its stretches on the street; unnamed junction pieces stay in."""
    own, part = set(on.tolist()), list[int]()
    for edge in way.edges:
        piece = street_index(graph).street[edge] < 0 and graph.length_m[edge] <= JUNCTION_PIECE_M
        if edge in own or piece:
            part.append(edge)
        elif part:
            yield part
            part = []
    if part:
        yield part


def _interrupted(street: str, begin: str, end: str, ways: Sequence[_Way]) -> tuple[Finding, ...]:
    gap = max(way.gap_m for way in ways)
    if gap == 0:
        return ()
    return (
        Finding(
            rule="match.interrupted",
            severity=Severity.WARNING,
            message=f"'{street}' is interrupted for {gap:.0f} m between '{begin}' and '{end}': that piece is left out",
            mend="draw a line if the stretch between is meant too",
            detail={"gap_m": round(gap, 1)},
        ),
    )


def _no_way(street: str, begin: str, end: str, first: Sequence[_Nodes], second: Sequence[_Nodes]) -> Match:
    if any(len(np.intersect1d(a, b)) for a in first for b in second):
        message = f"'{begin}' and '{end}' meet '{street}' at the same junction"
        return refused(RULE, message, "name two different junctions of the street, or draw a line")
    return refused(
        RULE,
        f"'{street}' does not run from '{begin}' to '{end}' without a gap of more than {LONGEST_GAP_M:.0f} m",
        "name the stretches one by one, or draw a line",
    )


def _twice(graph: RoadGraph, names: tuple[str, str, str], first: Sequence[_Nodes], second: Sequence[_Nodes]) -> Match:
    street, begin, end = names
    plane, said, places = plane_of(graph), list[str](), dict[str, list[str]]()
    for name, crossings in ((begin, first), (end, second)):
        if len(crossings) > 1:
            places[name] = [plane.place(plane.node_xy[nodes].mean(axis=0)) for nodes in crossings]
            times = "twice" if len(crossings) == 2 else f"{len(crossings)} times"
            said.append(f"'{street}' meets '{name}' {times} (at {'; '.join(places[name])})")
    return refused(
        RULE, " and ".join(said), "name cross streets that it meets once, or draw a line", {"crossings": places}
    )


def _one_way(names: tuple[str, str, str], travel: Travel) -> Match:
    street, begin, end = names
    if travel == "backward":
        begin, end = end, begin
    return refused(
        "match.one_way",
        f"'{street}' is one-way: nothing runs on it from '{begin}' to '{end}'",
        f"name the cross streets the other way round ('{end}', '{begin}'), or set direction: both",
    )


def _whole(graph: RoadGraph, on: _Nodes, travel: Travel, sure: float) -> Match:
    """The whole street, if it lies in one place."""
    groups = _pieces(graph, on)
    name = graph.names[int(on[0])]
    if len(groups) > 1:
        return _several(graph, name, groups)
    sections = sections_of(graph, on.tolist(), sure)
    if travel == "both" or (travel == "forward" and len({s.compass for s in sections}) == 1):
        return Match(sections=sections)
    return refused(
        RULE,
        f"'{name}' as a whole has no first and second end, so '{travel}' says nothing",
        "name the two cross streets in the order of travel, or draw a line",
    )


def _pieces(graph: RoadGraph, on: _Nodes) -> list[_Nodes]:
    lines = plane_of(graph).lines[on]
    a, b = shapely.STRtree(lines).query(lines, predicate="dwithin", distance=SAME_STREET_M)
    links = coo_array((np.ones(len(a)), (a, b)), shape=(len(on), len(on)))
    count, label = connected_components(links, directed=False)
    return [on[label == i] for i in range(count)]


def _several(graph: RoadGraph, name: str, groups: Sequence[_Nodes]) -> Match:
    plane = plane_of(graph)
    places = []
    for edges in groups:
        middle = plane.place(shapely.union_all(plane.lines[edges]).centroid.coords[0])
        met = {cross_street(graph, int(n), name) for n in graph.from_node[edges]} - {""}
        places.append(f"at {middle}" + (f" (meets {listed(sorted(met), 3)})" if met else ""))
    return refused(
        RULE,
        f"there are {len(groups)} streets called '{name}': {'; '.join(places)}",
        "name two cross streets, or draw a line",
        {"places": places},
    )
