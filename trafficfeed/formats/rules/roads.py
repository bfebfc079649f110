"""The steps of a graph's roads, to say of a line whether it runs along them: an index made once a graph."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import shapely
from scipy.spatial import KDTree

from trafficfeed.network.plane import Plane, plane_of
from trafficfeed.network.road_graph import FloatArray, IntArray, RoadGraph

_KEY = "roads of the semantic rules"
_NEAR_M = 0.9  # five decimals are off by up to 0.8 m
_SIDE_M = 0.5  # a point put between two others may stand that far beside their line
_NEIGHBOURS = 4
_NOWHERE: frozenset[int] = frozenset()

Candidates = tuple[int, ...]


class Roads:
    """The directed steps from point to point of every edge, and where edges begin and end.

    Points nearer than a metre to a road's own point count as that point, as a document may round.
    """

    def __init__(self, graph: RoadGraph) -> None:
        self._plane: Plane = plane_of(graph)
        coordinates, owner = shapely.get_coordinates(graph.geometry, return_index=True)
        points, number = np.unique(np.round(coordinates, 7), axis=0, return_inverse=True)
        number = number.ravel()
        self._count = np.int64(max(len(points), 1))
        self._tree = KDTree(self._plane.to_xy(points)) if len(points) else None
        same = owner[:-1] == owner[1:]
        self._steps = np.unique(number[:-1][same] * self._count + number[1:][same])
        first = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]]) if len(owner) else np.empty(0, np.int64)
        last = np.r_[first[1:] - 1, len(owner) - 1] if len(owner) else first
        self._begins = _nodes_at(number[first], graph.from_node)
        self._ends = _nodes_at(number[last], graph.to_node)

    def faults_of(self, lines: list[FloatArray], both_ways: list[bool]) -> list[str]:
        """Return what is wrong with each line, ``(n, 2)`` lon, lat; "" where it runs along connected roads."""
        if not lines:
            return []
        xy = self._plane.to_xy(np.vstack(lines))
        found = self._candidates(xy)
        at = np.cumsum([0, *map(len, lines)])
        return [
            self._fault(xy[begin:end], found[begin:end], both)
            for (begin, end), both in zip(pairwise(at.tolist()), both_ways, strict=True)
        ]

    def share_met(self, lonlat: FloatArray) -> float:
        """Return which share of ``(n, 2)`` lon, lat are points of the roads; 0 of none."""
        if self._tree is None or not len(lonlat):
            return 0.0
        distance, _ = self._tree.query(self._plane.to_xy(lonlat), distance_upper_bound=_NEAR_M)
        return float(np.isfinite(distance).mean())

    def _candidates(self, xy: FloatArray) -> list[Candidates]:
        if self._tree is None:
            return [()] * len(xy)
        distance, index = self._tree.query(xy, k=_NEIGHBOURS, distance_upper_bound=_NEAR_M)
        rows = zip(np.asarray(index), np.isfinite(distance), strict=True)
        return [tuple(row[near].tolist()) for row, near in rows]

    def _fault(self, xy: FloatArray, found: list[Candidates], both_ways: bool) -> str:
        numbers = [n for n in range(len(xy)) if found[n] or not self._lies_between(xy, n)]
        for a, b in pairwise(numbers):
            if self._steps_on(found[a], found[b]) or (both_ways and self._steps_on(found[b], found[a])):
                continue
            if self._is_step(found[b], found[a]):
                return f"runs against the direction of travel at point {a}"
            return f"leaves the roads between points {a} and {b}"
        return ""

    @staticmethod
    def _lies_between(xy: FloatArray, n: int) -> bool:
        if n in (0, len(xy) - 1):
            return False
        before, here, after = xy[n - 1], xy[n], xy[n + 1]
        along = after - before
        length = float(np.hypot(*along))
        if length == 0:
            return False
        aside = abs(float(along[0] * (here - before)[1] - along[1] * (here - before)[0])) / length
        return aside <= _SIDE_M and 0 <= float(along @ (here - before)) <= length**2

    def _steps_on(self, a: Candidates, b: Candidates) -> bool:
        return bool(set(a) & set(b)) or self._is_step(a, b) or self._is_crossing(a, b)

    def _is_step(self, a: Candidates, b: Candidates) -> bool:
        keys = np.array([i * self._count + j for i in a for j in b], dtype=np.int64)
        if not len(keys) or not len(self._steps):
            return False
        at = np.minimum(np.searchsorted(self._steps, keys), len(self._steps) - 1)
        return bool((self._steps[at] == keys).any())

    def _is_crossing(self, a: Candidates, b: Candidates) -> bool:
        return any(self._ends.get(i, _NOWHERE) & self._begins.get(j, _NOWHERE) for i in a for j in b)


def roads_of(graph: RoadGraph) -> Roads:
    """Return the graph's roads, made once."""
    roads = graph.derived.get(_KEY)
    if not isinstance(roads, Roads):
        roads = graph.derived[_KEY] = Roads(graph)
    return roads


def _nodes_at(keys: npt.NDArray[np.int64], nodes: IntArray) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for key, node in zip(keys.tolist(), nodes.tolist(), strict=True):
        found.setdefault(key, set()).add(node)
    return found
