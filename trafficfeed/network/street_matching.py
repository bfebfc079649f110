"""Match a street by name, from junction to junction or whole, to directed edges."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from trafficfeed.findings import Finding, Severity
from trafficfeed.network.line_rivals import opposite_carriageway
from trafficfeed.network.line_tracing import minor
from trafficfeed.network.matching import Match, Travel, cross_street, refused, sections_of
from trafficfeed.network.naming import listed, street_index
from trafficfeed.network.plane import plane_of
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.sections import Section

RULE = "match.street"
ONE_CROSSING_M = 60.0  # junctions of the same two streets this near are one crossing (carriageways, a square's corners)
NEARLY_MEETS_M = 40.0  # a cross street that ends this near to the street still meets it
JUNCTION_PIECE_M = 60.0  # an unnamed piece up to this long belongs to the street that goes through it
_SHARPEST = np.radians(150.0)  # a street does not turn back on itself
_SHARPEST_OVER_GAP = np.radians(100.0)
_TELLING_M = 15.0  # shorter edges, within a junction, may point anywhere
LONGEST_GAP_M = 150.0  # a street may be interrupted (a square) by so much
SAME_STREET_M = 300.0  # pieces of one name farther apart are different streets

_Nodes = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """A way along the street from one crossing to another: edges in order, and the length not on the street.

    It is `exact` where it runs on the street all the way, from the very junctions where the cross streets meet it.
    """

    edges: tuple[int, ...]
    length_m: float
    gap_m: float
    exact: bool


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
    found = _ways(graph, on, first, second)
    if not found:
        return _no_way(street, begin, end, first, second)
    if len(found) > 1:
        return _twice(graph, names, first, second)
    there, back = found[0]
    wanted = {"both": (there, back), "forward": (there,), "backward": (back,)}[travel]
    ways = [way for way in wanted if way]
    if not ways:
        return _one_way(names, travel)
    sections: list[Section] = []
    for way in ways:
        ends = (begin, end) if way is there else (end, begin)
        sections += _sections(graph, way, on, ends, sure if way.exact else 0.8 * sure)
    return Match(sections=tuple(sections), findings=_interrupted(street, begin, end, ways))


def _ways(
    graph: RoadGraph, on: _Nodes, first: Sequence[_Nodes], second: Sequence[_Nodes]
) -> list[tuple["_Way | None", "_Way | None"]]:
    """For each pair of crossings the way there and the way back, where there is either.

    A direction that the street alone does not give from the very junctions is looked for beside the other one (a cross
    street may end at one carriageway of two), then from junctions nearby, then over interruptions. What is found so
    must not be much longer than the other direction.
    """
    street_only, bridged = _Corridor(graph, on), None
    found = []
    for a in first:
        for b in second:
            if len(np.intersect1d(a, b)):
                continue
            there, back = street_only.way(a, b), street_only.way(b, a)
            if not (there and back):
                bridged = bridged or _Corridor(graph, on, bridged=True)
                wide_a, wide_b = _widened(graph, on, a), _widened(graph, on, b)
                known = there or back
                there = there or _first_like(
                    known, _beside(graph, back), street_only.way(wide_a, wide_b, exact=False), bridged.way(a, b)
                )
                back = back or _first_like(
                    known, _beside(graph, there), street_only.way(wide_b, wide_a, exact=False), bridged.way(b, a)
                )
            if there or back:
                found.append((there, back))
    return found


def _first_like(known: "_Way | None", *ways: "_Way | None") -> "_Way | None":
    """Return the first of some ways that is about as long as the one in the other direction."""
    return next((w for w in ways if w and (not known or w.length_m <= 1.5 * known.length_m + ONE_CROSSING_M)), None)


def _beside(graph: RoadGraph, way: "_Way | None") -> "_Way | None":
    """Return what runs beside a way in the other direction, where that is half of it or more."""
    if way is None or not way.exact:
        return None
    plane = plane_of(graph)
    edges = [int(plane.opposite[e]) for e in way.edges if plane.opposite[e] >= 0]
    line = shapely.LineString(shapely.get_coordinates(plane.lines[list(way.edges)]))
    edges += opposite_carriageway(graph, line, way.edges)
    middle = shapely.line_interpolate_point(plane.lines[edges], 0.5, normalized=True)
    edges = [edges[i] for i in np.argsort(-shapely.line_locate_point(line, middle), kind="stable")]  # in travel order
    length = float(graph.length_m[edges].sum())
    return _Way(edges=tuple(edges), length_m=length, gap_m=0.0, exact=False) if 2 * length >= way.length_m else None


def _widened(graph: RoadGraph, on: _Nodes, crossing: _Nodes) -> _Nodes:
    xy = plane_of(graph).node_xy
    mine = np.unique(np.concatenate([graph.from_node[on], graph.to_node[on]]))
    apart = shapely.distance(shapely.points(xy[mine]), shapely.multipoints(xy[crossing]))
    return np.asarray(mine[apart <= NEARLY_MEETS_M])


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
        near = near[(graph.access[near] != 0) & (graph.length_m[near] <= LONGEST_GAP_M) & ~minor(graph, near)]
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
        plane = plane_of(self._graph)
        u_turn = plane.opposite[self._edges[before]] == self._edges[after]
        turn = plane.heading_out[self._edges[after]] - plane.heading_in[self._edges[before]]
        u_turn |= np.cos(turn) < np.cos(_SHARPEST)
        before, after = before[~u_turn], after[~u_turn]
        shape = (len(self._edges), len(self._edges))
        return csr_array((np.maximum(self._cost[before], 0.01), (before, after)), shape=shape)

    def way(self, begin: _Nodes, end: _Nodes, *, exact: bool = True) -> _Way | None:
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
        return self._judged(path, exact)

    def _judged(self, path: Sequence[int], exact: bool) -> _Way | None:
        gaps = [float(self._graph.length_m[self._edges[i]]) for i in path if not (self._mine[i] or self._piece[i])]
        pieces = [float(self._graph.length_m[self._edges[i]]) for i in path if self._piece[i]]
        own = sum(float(self._graph.length_m[self._edges[i]]) for i in path if self._mine[i])
        if sum(gaps) > LONGEST_GAP_M or sum(gaps) + sum(pieces) > own or self._turns_back(path):
            return None
        edges = tuple(int(self._edges[i]) for i in path)
        return _Way(edges=edges, length_m=own, gap_m=sum(gaps), exact=exact and not gaps)

    def _turns_back(self, path: Sequence[int]) -> bool:
        """Tell whether a way comes back to the street in the other direction, after an interruption."""
        plane = plane_of(self._graph)
        mine = [i for i in path if self._mine[i] and self._graph.length_m[self._edges[i]] >= _TELLING_M]
        pairs = [(a, b) for a, b in pairwise(mine) if path.index(b) > path.index(a) + 1]
        turn = [plane.heading_out[self._edges[b]] - plane.heading_in[self._edges[a]] for a, b in pairs]
        return bool((np.cos(turn) < np.cos(_SHARPEST_OVER_GAP)).any())


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
