"""Trace a drawn line through the road graph: the most likely connected way (hidden Markov model, Viterbi)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra

from trafficfeed.network.naming import street_index
from trafficfeed.network.plane import plane_of
from trafficfeed.network.road_graph import FloatArray, RoadGraph
from trafficfeed.network.vehicle_classes import VehicleClass

SEARCH_M = 50.0
_SIGMA_M = 12.0  # how far off people draw
_BETA_M = 8.0  # how much longer the way may be than the line, from sample to sample
_HEADING_WEIGHT = 6.0
_HEADING_MOST = np.radians(100.0)
_TURNED_COST = 1.0  # against a one-way street: only where nothing fits as well
_MINOR_COST = 0.15  # a nameless drive without cars, like 6 m of distance: people draw along streets
_REACH_M = 200.0
_BACK_M = 10.0  # drawn lines jitter: so much backward movement on an edge is none
_BATCH = 512

_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Points along a line at equal spacing, both ends included, with the line's heading at each (radians)."""

    line: shapely.LineString
    points: npt.NDArray[Any]
    heading: FloatArray
    spacing_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The way found.

    Attributes
    ----------
    edges, turned
        In the order of the line; `turned` where a one-way edge is followed against its direction.
    distance_m, heading_off, at_edge
        Per sample: from the way, by how much the headings differ (radians), and the edge it lies at.
    first_share, last_share
        Shares of the first and the last edge that the line covers.
    broken_at
        The sample beyond which no connected way follows the line, None where all is well.
    """

    edges: tuple[int, ...]
    turned: tuple[bool, ...]
    distance_m: FloatArray
    heading_off: FloatArray
    at_edge: _Ints
    first_share: float
    last_share: float
    broken_at: int | None = None


def sample(line: shapely.LineString) -> Samples:
    """Sample a line every 5 to 25 m."""
    count = int(np.ceil(line.length / np.clip(line.length / 60, 5.0, 25.0))) + 1
    at = np.linspace(0.0, line.length, max(count, 3))
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(line, np.minimum(at + 6.0, line.length)))
    behind = shapely.get_coordinates(shapely.line_interpolate_point(line, np.maximum(at - 6.0, 0.0)))
    vector = ahead - behind
    return Samples(
        line=line,
        points=shapely.line_interpolate_point(line, at),
        heading=np.arctan2(vector[:, 1], vector[:, 0]),
        spacing_m=float(at[1]),
    )


def trace(graph: RoadGraph, samples: Samples, *, either_way: bool) -> Trace:
    """Find the way along the samples.

    Parameters
    ----------
    graph
        The road graph.
    samples
        In the graph's plane; each has a street within `SEARCH_M`.
    either_way
        Follow one-way streets in both directions (for a place that means both directions).
    """
    states = _States(graph, samples, either_way)
    chosen, broken = states.best()
    if broken is not None:
        return Trace(
            edges=(), turned=(), distance_m=np.empty(0), heading_off=np.empty(0), at_edge=np.empty(0, dtype=np.int64),
            first_share=0.0, last_share=0.0, broken_at=broken,
        )  # fmt: skip
    way = states.way(states.arc[chosen])
    return Trace(
        edges=tuple(int(e) for e in states.arc_edge[way]),
        turned=tuple(bool(t) for t in states.arc_turned[way]),
        distance_m=states.distance[chosen],
        heading_off=states.heading_off[chosen],
        at_edge=states.arc_edge[states.arc[chosen]],
        first_share=float(1.0 - states.along[chosen[0]] / states.arc_length[states.arc[chosen[0]]]),
        last_share=float(states.along[chosen[-1]] / states.arc_length[states.arc[chosen[-1]]]),
    )


class _States:
    """Candidates: an arc (an edge, or a one-way edge turned round) at a sample."""

    def __init__(self, graph: RoadGraph, samples: Samples, either_way: bool) -> None:
        plane = plane_of(graph)
        self._samples = samples
        near = np.sort(plane.tree.query(samples.line, predicate="dwithin", distance=SEARCH_M * 1.5))
        near = near[graph.access[near] != 0]
        turned = near[plane.opposite[near] < 0] if either_way else near[:0]
        self.arc_edge: _Ints = np.concatenate([near, turned]).astype(np.int64)
        self.arc_turned = np.arange(len(self.arc_edge)) >= len(near)
        lines = plane.lines[self.arc_edge]
        self.arc_length = np.maximum(shapely.length(lines), 0.1)
        self._lines = np.where(self.arc_turned, shapely.reverse(lines), lines)
        self._begin = np.where(self.arc_turned, graph.to_node[self.arc_edge], graph.from_node[self.arc_edge])
        self._end = np.where(self.arc_turned, graph.from_node[self.arc_edge], graph.to_node[self.arc_edge])
        self._opposite = plane.opposite[self.arc_edge]
        self._minor = minor(graph, self.arc_edge)
        self._link()
        self._candidates()

    def _link(self) -> None:
        order = np.argsort(self._begin, kind="stable")
        low = np.searchsorted(self._begin[order], self._end)
        high = np.searchsorted(self._begin[order], self._end, side="right")
        before = np.repeat(np.arange(len(self._end)), high - low)
        after = order[_ranges(low, high)]
        same = self.arc_edge[before] == self.arc_edge[after]
        u_turn = self._opposite[before] == self.arc_edge[after]
        before, after = before[~(same | u_turn)], after[~(same | u_turn)]
        shape = (len(self._end), len(self._end))
        self._matrix = csr_array((self.arc_length[after], (before, after)), shape=shape)
        self._gap = self._gaps()

    def _gaps(self) -> csr_array:
        """Metres from the end of one arc to the beginning of another, plus one (an absent pair is out of reach)."""
        n = len(self.arc_edge)
        rows, columns, values = [], [], []
        for start in range(0, n, _BATCH):
            sources = np.arange(start, min(start + _BATCH, n))
            limit = _REACH_M + float(self.arc_length.max(initial=0.0))
            reach = dijkstra(self._matrix, indices=sources, limit=limit) - self.arc_length[None, :]
            row, column = np.nonzero(np.isfinite(reach) & (reach <= _REACH_M))
            off = sources[row] != column
            rows.append(sources[row][off])
            columns.append(column[off])
            values.append(reach[row, column][off] + 1.0)
        data = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
        return coo_array(data, shape=(n, n)).tocsr()

    def _candidates(self) -> None:
        tree = shapely.STRtree(self._lines)
        who, arc = tree.query(self._samples.points, predicate="dwithin", distance=SEARCH_M)
        points, lines = self._samples.points[who], self._lines[arc]
        along = shapely.line_locate_point(lines, points)
        ahead = shapely.get_coordinates(
            shapely.line_interpolate_point(lines, np.minimum(along + 6, self.arc_length[arc]))
        )
        behind = shapely.get_coordinates(shapely.line_interpolate_point(lines, np.maximum(along - 6, 0)))
        vector = ahead - behind
        off = np.abs(_wrapped(np.arctan2(vector[:, 1], vector[:, 0]) - self._samples.heading[who]))
        fits = off <= _HEADING_MOST
        order = np.flatnonzero(fits)[np.argsort(who[fits], kind="stable")]
        self.arc, self.along = arc[order], along[order]
        self.heading_off = off[order]
        self.distance = shapely.distance(lines[order], points[order])
        self._cost = (
            0.5 * (self.distance / _SIGMA_M) ** 2
            + _HEADING_WEIGHT * (1 - np.cos(self.heading_off))
            + _TURNED_COST * self.arc_turned[self.arc]
            + _MINOR_COST * self._minor[self.arc]
        )
        self._first = np.searchsorted(who[order], np.arange(len(self._samples.points) + 1))

    def best(self) -> tuple[_Ints, int | None]:
        """Return the likeliest state of each sample, or the sample at which there is no way on."""
        count = len(self._samples.points)
        cost = self._cost[self._first[0] : self._first[1]]
        back: list[_Ints] = []
        if not len(cost):
            return np.empty(0, dtype=np.int64), 0
        for i in range(1, count):
            step = self._steps(i) + cost[:, None]
            if not step.size or not np.isfinite(step.min()):
                return np.empty(0, dtype=np.int64), i
            back.append(step.argmin(axis=0))
            cost = step.min(axis=0) + self._cost[self._first[i] : self._first[i + 1]]
        state = int(cost.argmin())
        chosen = [state]
        for i in range(count - 1, 0, -1):
            state = int(back[i - 1][state])
            chosen.append(state)
        return np.array(chosen[::-1], dtype=np.int64) + self._first[:count], None

    def _steps(self, i: int) -> FloatArray:
        """Cost of each move from the states of sample i-1 to those of sample i; inf where there is none."""
        a, b, c = self._first[i - 1], self._first[i], self._first[i + 1]
        before, after = self.arc[a:b], self.arc[b:c]
        gap = self._gap[before][:, after].toarray() - 1.0
        gap[gap < 0] = np.inf
        way = (self.arc_length[before] - self.along[a:b])[:, None] + gap + self.along[b:c][None, :]
        on = before[:, None] == after[None, :]
        moved = self.along[b:c][None, :] - self.along[a:b][:, None]
        way = np.where(on & (moved >= -_BACK_M), np.maximum(moved, 0.0), way)
        return np.asarray(np.abs(way - self._samples.spacing_m) / _BETA_M)

    def way(self, arcs: _Ints) -> _Ints:
        """Return the arcs passed, those between two samples filled in."""
        passed = [int(arcs[0])]
        for arc in arcs[1:].tolist():
            if arc != passed[-1]:
                passed += self._between(passed[-1], arc)
        return np.array(passed, dtype=np.int64)

    def _between(self, begin: int, end: int) -> list[int]:
        if self._end[begin] == self._begin[end]:
            return [end]
        limit = _REACH_M + float(self.arc_length[end]) + 1.0
        _, before = dijkstra(self._matrix, indices=[begin], limit=limit, return_predecessors=True)
        path = [end]
        while (previous := int(before[0, path[-1]])) not in (begin, -9999):
            path.append(previous)
        return path[::-1]


def minor(graph: RoadGraph, edges: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return which edges have no name and admit no cars: service drives, cycle tracks."""
    nameless = street_index(graph).street[edges] < 0
    return np.asarray(nameless & ((graph.access[edges] & VehicleClass.PASSENGER.bit) == 0))


def _ranges(low: npt.NDArray[Any], high: npt.NDArray[Any]) -> _Ints:
    """Return the concatenation of ``arange(low[i], high[i])``."""
    count = high - low
    skipped = np.repeat(np.cumsum(count) - count, count)
    return np.asarray(np.arange(count.sum()) - skipped + np.repeat(low, count))


def _wrapped(angle: FloatArray) -> FloatArray:
    return np.asarray((angle + np.pi) % (2 * np.pi) - np.pi)
