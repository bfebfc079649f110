"""A section's edges to segments, each from one real junction to the next, as navigation partners take them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from trafficfeed.closures.lanes import LaneImpact, lane_impact
from trafficfeed.closures.orders import Rule
from trafficfeed.closures.road_events import RoadSegment
from trafficfeed.closures.section_line import LonLats, section_line
from trafficfeed.network.matching import cross_street
from trafficfeed.network.plane import plane_of
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.vehicle_classes import VehicleClass


def segments_of(
    graph: RoadGraph, edges: Sequence[int], street: str = "", rule: Rule | None = None
) -> tuple[RoadSegment, ...]:
    """Cut consecutive `edges` at the junctions where somebody can turn, in travel order.

    Edges on either side of a junction with two roads only are one segment. A segment that closes a ring is cut in the
    middle. Put together, the segments' coordinates are `section_line` of all the edges: where two edges do not meet
    (inside a junction that joins several OSM nodes) the first one's segment runs on to where the next begins.

    Parameters
    ----------
    street
        The name for segments of which no edge has one.
    rule
        What holds there: each segment says which of its own lanes it closes. None: that is left out.
    """
    runs = list(_runs(graph, edges))
    lines = [section_line(graph, run) for run in runs]
    found: list[RoadSegment] = []
    for n, (run, line) in enumerate(zip(runs, lines, strict=True)):
        whole = line if n + 1 == len(lines) or lines[n + 1][0] == line[-1] else (*line, lines[n + 1][0])
        if len(whole) > 1:
            found += _halves(graph, _segment(graph, run, whole, street or _street(graph, edges), rule))
    return tuple(_keyed(found))


def osm_ways_of(graph: RoadGraph, edges: Sequence[int]) -> tuple[tuple[int, bool], ...]:
    """Return the OSM ways under consecutive `edges` in travel order: id, whether along the way's own direction."""
    ways: list[tuple[int, bool]] = []
    for edge in edges:
        for link in _links(graph, edge):
            way = (int(graph.way_id[link]), bool(graph.way_forward[link]))
            if not ways or ways[-1] != way:
                ways.append(way)
    return tuple(ways)


def _runs(graph: RoadGraph, edges: Sequence[int]) -> Iterator[list[int]]:
    """Yield the stretches of `edges` that no real junction interrupts."""
    real = _is_junction(graph)
    run: list[int] = []
    for edge in edges:
        if run and (real[graph.from_node[edge]] or graph.to_node[run[-1]] != graph.from_node[edge]):
            yield run
            run = []
        run.append(edge)
    if run:
        yield run


def _is_junction(graph: RoadGraph) -> npt.NDArray[np.bool_]:
    """Return ``(n_nodes,) bool``: False where exactly two roads meet, so that one can only go on or turn round.

    A road is an edge with the one in the other direction. A road that leads back to its own junction counts twice.
    """
    kept = graph.derived.get("real_junctions")
    if not isinstance(kept, np.ndarray):
        size, edge = len(graph.node_ids), np.arange(len(graph), dtype=np.int64)
        opposite = plane_of(graph).opposite
        road = np.where(opposite >= 0, np.minimum(edge, opposite), edge)
        loops = np.flatnonzero(graph.from_node == graph.to_node)
        ends = np.concatenate([graph.from_node, graph.to_node]).astype(np.int64)
        meeting = np.unique(ends * max(len(graph), 1) + np.concatenate([road, road])) // max(len(graph), 1)
        roads = np.bincount(meeting, minlength=size) + np.bincount(graph.from_node[loops], minlength=size)
        kept = graph.derived["real_junctions"] = roads != 2
    return kept


def _segment(graph: RoadGraph, run: Sequence[int], line: LonLats, street: str, rule: Rule | None) -> RoadSegment:
    name = _street(graph, run) or street
    lanes = LaneImpact(total=0, closed=()) if rule is None else lane_impact(graph, run, rule)
    return RoadSegment(
        key=_key(graph, run),
        coordinates=line,
        street=name,
        from_street=cross_street(graph, int(graph.from_node[run[0]]), name),
        to_street=cross_street(graph, int(graph.to_node[run[-1]]), name),
        length_m=round(float(_along_m(graph, line)[-1]), 1),
        osm_ways=osm_ways_of(graph, run),
        lanes_total=lanes.total,
        lanes_closed=lanes.closed,
        cars=bool((graph.access[list(run)] & VehicleClass.PASSENGER.bit).all()),
    )


def _street(graph: RoadGraph, run: Sequence[int]) -> str:
    """Return the name that the longest part of `run` bears."""
    length_m: Counter[str] = Counter()
    for edge in run:
        if graph.names[edge]:
            length_m[graph.names[edge]] += int(graph.length_m[edge] * 10) + 1
    return min(length_m, key=lambda name: (-length_m[name], name), default="")


def _halves(graph: RoadGraph, segment: RoadSegment) -> list[RoadSegment]:
    """Cut a ring at the vertex nearest to its middle; anything else stays whole."""
    line = tuple(segment.coordinates)
    if line[0] != line[-1] or len(line) < 3:
        return [segment]
    along = _along_m(graph, line)
    middle = 1 + int(np.argmin(np.abs(along[1:-1] - along[-1] / 2)))
    parts = (line[: middle + 1], line[middle:])
    return [replace(segment, coordinates=part, length_m=round(float(_along_m(graph, part)[-1]), 1)) for part in parts]


def _keyed(segments: Sequence[RoadSegment]) -> Iterator[RoadSegment]:
    """Number segments without OSM nodes, and those between the same two nodes."""
    seen: Counter[str] = Counter()
    for number, segment in enumerate(segments, 1):
        key = segment.key or f"s{number}"
        seen[key] += 1
        yield replace(segment, key=key if seen[key] == 1 else f"{key}-{seen[key]}")


def _key(graph: RoadGraph, run: Sequence[int]) -> str:
    first, last = _links(graph, run[0]), _links(graph, run[-1])
    if not first or not last:
        return ""
    return f"n{graph.way_from_osm_node[first[0]]}-n{graph.way_to_osm_node[last[-1]]}"


def _links(graph: RoadGraph, edge: int) -> list[int]:
    """Return the rows of the OSM link that an edge has, in travel order."""
    kept = graph.derived.get("osm_rows")
    if not isinstance(kept, tuple):
        order = np.argsort(graph.way_edge, kind="stable")
        starts = np.searchsorted(graph.way_edge[order], np.arange(len(graph) + 1))
        kept = graph.derived["osm_rows"] = (order, starts)
    order, starts = kept
    return [int(row) for row in order[starts[edge] : starts[edge + 1]]]


def _along_m(graph: RoadGraph, line: LonLats) -> npt.NDArray[np.float64]:
    """Return how far along a line each of its points lies: ``(n_points,) float64``, m."""
    steps = np.hypot(*np.diff(plane_of(graph).to_xy(line), axis=0).T)
    return np.concatenate([[0.0], np.cumsum(steps)])
