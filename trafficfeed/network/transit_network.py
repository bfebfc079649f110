"""The buses of a timetable on the road graph: along which edges a shape runs, and how it gets around closed ones."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from trafficfeed.network.drawn_edges import DrawnEdges, Line
from trafficfeed.network.gtfs import Gtfs, Pattern
from trafficfeed.network.line_matching import match_line
from trafficfeed.network.moves import Turn, routing_matrix, travel_time_s
from trafficfeed.network.plane import plane_of
from trafficfeed.network.road_graph import FloatArray, IntArray, RoadGraph
from trafficfeed.network.stop_positions import positions_along
from trafficfeed.network.vehicle_classes import VehicleClass

_STEP_M = 5.0
_REACH_M = 20.0
_MOST_TURNED = np.cos(np.radians(50.0))
_TURNED_M = 15.0  # a street at right angles counts as so much farther away
_NOT_FOR_BUSES_M = 8.0
_JUNCTION_M = 45.0  # the way over a junction, where a shape is on no edge
_MOST_BACK = 8
_LONGEST_DETOUR_S = 1800.0

_Edges = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A stretch of a shape along closed edges, from `start_m` to `end_m` of the shape's length; edges as travelled."""

    edges: tuple[int, ...]
    start_m: float
    end_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WayAround:
    """Edges that a bus takes instead of a run, in so many seconds, and where on its shape it leaves and is back (m)."""

    edges: tuple[int, ...]
    leave_m: float
    back_m: float
    time_s: float


@dataclass(frozen=True, kw_only=True)
class _Traced:
    """A shape in the plane with samples along it.

    Attributes
    ----------
    line
        Shapely LineString, m.
    xy, heading
        ``(n, 2) float64`` m; ``(n, 2) float64`` unit vectors of travel.
    at_m
        ``(n,) float64`` from the shape's start.
    edge
        ``(n,) int64``: the graph edge that it runs along there, -1 none, -2 not looked at yet.
    """

    line: shapely.LineString
    xy: FloatArray
    heading: FloatArray
    at_m: FloatArray
    edge: _Edges


@dataclass(frozen=True, kw_only=True)
class TransitNetwork:
    """A timetable on a road graph; what is found out is kept with it."""

    graph: RoadGraph
    gtfs: Gtfs
    _traced: dict[str, _Traced] = field(default_factory=dict)
    _matched: dict[Line, tuple[int, ...]] = field(default_factory=dict)
    _calls: dict[tuple[str, tuple[str, ...]], FloatArray] = field(default_factory=dict)
    _running: dict[date, frozenset[str]] = field(default_factory=dict)
    _matrices: dict[tuple[bytes, frozenset[Turn]], csr_array] = field(default_factory=dict)

    def edges_along(self, line: Line) -> tuple[int, ...]:
        """Return the edges along a published line (EPSG:4326 lon, lat), none where it matches no streets."""
        if line not in self._matched:
            self._matched[line] = self._drawn.edges(line) or tuple(
                edge for section in match_line(self.graph, line, "forward").sections for edge in section.edges
            )
        return self._matched[line]

    def patterns_along(self, shape_id: str) -> Sequence[Pattern]:
        """Return the patterns whose trips follow a shape."""
        return self._patterns.get(shape_id, ())

    def calls_along(self, pattern: Pattern) -> FloatArray:
        """Return how far along its shape each call of a pattern lies; ``(n_stops,) float64``, m."""
        key = (pattern.shape_id, tuple(pattern.stop_ids))
        if key not in self._calls:
            stops = [self.gtfs.stops[stop] for stop in pattern.stop_ids]
            xy = plane_of(self.graph).to_xy([(stop.lon, stop.lat) for stop in stops])
            self._calls[key] = positions_along(self.line_of(pattern.shape_id), xy)
        return self._calls[key]

    def running(self, day: date) -> frozenset[str]:
        """Return the ids of the services that run on `day`."""
        if day not in self._running:
            self._running[day] = self.gtfs.days.running(day)
        return self._running[day]

    def shapes_near(self, edges: Collection[int]) -> list[str]:
        """Return the ids of the shapes that come near any of `edges`, sorted."""
        lines = plane_of(self.graph).lines[np.fromiter(edges, dtype=np.int64)]
        found = self._tree.query(lines, predicate="dwithin", distance=_REACH_M)[1]
        return sorted({self._shape_ids[number] for number in found.tolist()})

    def runs(self, shape_id: str, closed: Collection[int], turns: Collection[Turn] = ()) -> list[Run]:
        """Return the stretches where a shape runs along `closed` edges, in their direction, or makes closed `turns`."""
        traced = self._trace(shape_id)
        here = self._looked_at(traced, {*closed, *(edge for turn in turns for edge in turn)})
        on = np.isin(traced.edge, np.fromiter(closed, dtype=np.int64)) & here
        found = [run for rows in _stretches(traced, on) if (run := self._run(traced, rows))]
        if turns:
            found += self._turns(traced, here, frozenset(turns))
        return sorted(found, key=lambda run: run.start_m)

    def way_around(
        self, shape_id: str, run: Run, closed: Collection[int], turns: Collection[Turn] = ()
    ) -> WayAround | None:
        """Return how a bus gets from before a run to after it: it leaves as late and is back as early as it can."""
        traced = self._trace(shape_id)
        self._look_at(traced, np.arange(len(traced.at_m)))
        shut = np.zeros(len(self.graph), dtype=np.bool_)
        shut[[*closed]] = True
        before = _distinct(traced, traced.at_m <= run.start_m, shut)[::-1][:_MOST_BACK]
        after = _distinct(traced, traced.at_m >= run.end_m, shut)[:_MOST_BACK]
        matrix = self._matrix(shut, frozenset(turns))
        for place, (source, row) in enumerate(before):
            found = self._onward(matrix, source, [target for target, _ in after])
            if found is None:
                continue
            edges, time_s = found
            earlier = [k for k in range(place + 1, len(before)) if self._passes(edges[1:-1], before[k][0], end=True)]
            if earlier:  # the way leads back over a junction that the bus has passed: it leaves there
                source, row = before[earlier[-1]]
                edges, time_s = self._onward(matrix, source, [edges[-1]]) or found
            return WayAround(
                edges=edges[1:-1],
                leave_m=float(traced.at_m[_last_of(traced, edges[0], row)]),
                back_m=float(traced.at_m[dict(after)[edges[-1]]]),
                time_s=time_s - float(travel_time_s(self.graph)[edges[-1]]),
            )
        return None

    def _onward(self, matrix: csr_array, source: int, targets: Sequence[int]) -> tuple[tuple[int, ...], float] | None:
        """Return the way from an edge to the first of `targets` that can be reached, and its time, s.

        Where that way crosses the rest of the bus's own way, it is back there.
        """
        time, back_to, _ = dijkstra(
            matrix, indices=[source], min_only=True, return_predecessors=True, limit=_LONGEST_DETOUR_S
        )
        reached = [target for target in targets if np.isfinite(time[target]) and target != source]
        if not reached:
            return None
        inner = _path(back_to, reached[0])[1:-1]
        crossed = [target for target in reached[1:] if self._passes(inner, target, end=False)]
        target = crossed[-1] if crossed else reached[0]
        return _path(back_to, target), float(time[target])

    def _passes(self, edges: Sequence[int], of: int, *, end: bool) -> bool:
        """Tell whether a way leads over the junction at the end, or the beginning, of an edge."""
        node = self.graph.to_node[of] if end else self.graph.from_node[of]
        ways = self.graph.from_node if end else self.graph.to_node
        return bool((ways[list(edges)] == node).any())

    def line_of(self, shape_id: str) -> shapely.LineString:
        """Return a shape on the graph's plane, m."""
        return self._trace(shape_id).line

    @cached_property
    def _drawn(self) -> DrawnEdges:
        return DrawnEdges(self.graph)

    @cached_property
    def _patterns(self) -> dict[str, list[Pattern]]:
        found: dict[str, list[Pattern]] = defaultdict(list)
        for pattern in self.gtfs.patterns:
            found[pattern.shape_id].append(pattern)
        return found

    @cached_property
    def _shape_ids(self) -> list[str]:
        return sorted(self.gtfs.shapes)

    @cached_property
    def _tree(self) -> shapely.STRtree:
        plane = plane_of(self.graph)
        return shapely.STRtree([shapely.LineString(plane.to_xy(self.gtfs.shapes[one])) for one in self._shape_ids])

    def _matrix(self, shut: npt.NDArray[np.bool_], turns: frozenset[Turn]) -> csr_array:
        key = (np.packbits(shut).tobytes(), turns)
        if key not in self._matrices:
            self._matrices.clear()
            self._matrices[key] = routing_matrix(self.graph, VehicleClass.BUS, shut, turns)
        return self._matrices[key]

    def _trace(self, shape_id: str) -> _Traced:
        if shape_id not in self._traced:
            line = shapely.LineString(plane_of(self.graph).to_xy(self.gtfs.shapes[shape_id]))
            at_m = np.arange(0.0, line.length, _STEP_M)
            xy = shapely.get_coordinates(shapely.line_interpolate_point(line, at_m))
            ahead = shapely.get_coordinates(shapely.line_interpolate_point(line, np.minimum(at_m + 2, line.length)))
            behind = shapely.get_coordinates(shapely.line_interpolate_point(line, np.maximum(at_m - 2, 0)))
            edge = np.full(len(at_m), -2, dtype=np.int64)
            self._traced[shape_id] = _Traced(line=line, xy=xy, heading=_unit(ahead - behind), at_m=at_m, edge=edge)
        return self._traced[shape_id]

    def _looked_at(self, traced: _Traced, edges: Collection[int]) -> npt.NDArray[np.bool_]:
        """Find the edges of the samples near `edges`, and tell which samples these are."""
        west, south, east, north = shapely.total_bounds(plane_of(self.graph).lines[np.fromiter(edges, dtype=np.int64)])
        x, y = traced.xy.T
        far = _REACH_M + _JUNCTION_M
        here = (x >= west - far) & (x <= east + far) & (y >= south - far) & (y <= north + far)
        self._look_at(traced, np.flatnonzero(here))
        return np.asarray(here)

    def _look_at(self, traced: _Traced, rows: npt.NDArray[np.intp]) -> None:
        """Give each sample the nearest edge that leads its way; those closed to buses count as farther away."""
        rows = rows[traced.edge[rows] == -2]
        traced.edge[rows] = -1
        plane = plane_of(self.graph)
        points: Any = shapely.points(traced.xy[rows])
        sample, edge = plane.tree.query(points, predicate="dwithin", distance=_REACH_M)
        if not len(sample):
            return
        lines: Any = plane.lines[edge]
        along = shapely.line_locate_point(lines, points[sample])
        ahead = shapely.get_coordinates(shapely.line_interpolate_point(lines, along + 3))
        behind = shapely.get_coordinates(shapely.line_interpolate_point(lines, np.maximum(along - 3, 0)))
        same_way = (_unit(ahead - behind) * traced.heading[rows[sample]]).sum(axis=1)
        cost = shapely.distance(lines, points[sample]) + _TURNED_M * (1 - same_way)
        cost += np.where(self.graph.access[edge] & VehicleClass.BUS.bit, 0.0, _NOT_FOR_BUSES_M)
        cost[same_way < _MOST_TURNED] = np.inf
        order = np.lexsort((cost, sample))
        first = order[np.append(True, sample[order][1:] != sample[order][:-1])]
        first = first[np.isfinite(cost[first])]
        traced.edge[rows[sample[first]]] = edge[first]

    def _run(self, traced: _Traced, rows: npt.NDArray[np.intp]) -> Run | None:
        """Keep the edges of a stretch that the shape covers by half at least; to turn off at a corner is not enough."""
        edges, first, count = np.unique(traced.edge[rows], return_index=True, return_counts=True)
        covered = count * _STEP_M >= 0.5 * self.graph.length_m[edges]
        kept = edges[covered][np.argsort(first[covered])]
        if not len(kept):
            return None
        at = traced.at_m[rows[np.isin(traced.edge[rows], kept)]]
        return Run(edges=tuple(map(int, kept)), start_m=float(at[0]), end_m=float(at[-1]))

    def _turns(self, traced: _Traced, here: npt.NDArray[np.bool_], turns: frozenset[Turn]) -> Iterator[Run]:
        rows = np.flatnonzero(here & (traced.edge >= 0))
        for a, b in pairwise(rows.tolist()):
            turn = (int(traced.edge[a]), int(traced.edge[b]))
            if turn in turns and traced.at_m[b] - traced.at_m[a] <= _JUNCTION_M:
                yield Run(edges=turn, start_m=float(traced.at_m[a]), end_m=float(traced.at_m[b]))


def _stretches(traced: _Traced, on: npt.NDArray[np.bool_]) -> list[npt.NDArray[np.intp]]:
    """Return the samples that are `on`, split where more than a junction lies between two."""
    rows = np.flatnonzero(on)
    if not len(rows):
        return []
    return list(np.split(rows, np.flatnonzero(np.diff(traced.at_m[rows]) > _JUNCTION_M) + 1))


def _distinct(traced: _Traced, wanted: npt.NDArray[np.bool_], shut: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the open edges along the samples that are `wanted`, in travel order, each with its first sample."""
    rows = np.flatnonzero(wanted & (traced.edge >= 0))
    rows = rows[~shut[traced.edge[rows]]]
    changes = np.append(True, traced.edge[rows][1:] != traced.edge[rows][:-1]) if len(rows) else np.empty(0, bool)
    return [(int(traced.edge[row]), int(row)) for row in rows[changes]]


def _last_of(traced: _Traced, edge: int, row: int) -> int:
    """Return the last sample of the stretch along `edge` that begins at `row`."""
    while row + 1 < len(traced.edge) and traced.edge[row + 1] == edge:
        row += 1
    return row


def _path(back_to: IntArray, target: int) -> tuple[int, ...]:
    path = [target]
    while (previous := int(back_to[path[-1]])) >= 0:
        path.append(previous)
    return tuple(reversed(path))


def _unit(vectors: FloatArray) -> FloatArray:
    return np.asarray(vectors / np.maximum(np.hypot(*vectors.T), 1e-9)[:, None])
