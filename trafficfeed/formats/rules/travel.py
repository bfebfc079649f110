"""Lines run in the direction of travel, along connected roads."""

from collections.abc import Iterator
from itertools import pairwise
from math import cos, hypot, radians

import numpy as np
import numpy.typing as npt
import shapely

from trafficfeed.findings import Finding, Severity
from trafficfeed.formats.records import Feed, Line, Record, is_point
from trafficfeed.network.road_graph import IntArray, RoadGraph

_VECTORS = {"northbound": (0, 1), "eastbound": (1, 0), "southbound": (0, -1), "westbound": (-1, 0)}
_METRES_PER_DEGREE = 111_195.0
_SHORT_M = 12.0  # a ring, or so short that its direction says nothing
_SCALE = 10_000_000  # seven decimals
_NOWHERE: frozenset[int] = frozenset()

Keys = npt.NDArray[np.int64]


def lines_keep_their_compass(feed: Feed) -> Iterator[Finding]:
    """A line runs where its compass direction says, not the other way."""
    for record in feed.records:
        vector = _VECTORS.get(record.compass)
        line = record.lines[0]
        if vector is None or line.is_detour or len(line.coordinates) < 2 or not all(map(is_point, line.coordinates)):
            continue
        east_m, north_m = _across(line)
        if hypot(east_m, north_m) > _SHORT_M and east_m * vector[0] + north_m * vector[1] < 0:
            message = f"runs against its direction, {record.compass}"
            mend = "list the points in the direction of travel"
            yield _error("travel.compass", line.path, message, mend)


def lines_follow_the_roads(feed: Feed, graph: RoadGraph) -> Iterator[Finding]:
    """Each step of a line is a step of a road in its direction of travel, or crosses a junction between two."""
    checked = [(record, line) for record in feed.records for line in _unique_lines(record)]
    roads = _Roads(graph, [line for _, line in checked])
    seen: dict[tuple[object, ...], str] = {}
    for _, line in checked:
        key = tuple(map(tuple, line.coordinates))
        if key not in seen:
            seen[key] = roads.fault_of(line)
        if seen[key]:
            severity = Severity.WARNING if line.is_detour else Severity.ERROR
            mend = "publish the matched roads' own shape, in the direction of travel"
            yield _error("travel.road", line.path, seen[key], mend, severity)


class _Roads:
    """The steps of the roads near some lines: directed pairs of points, in 1e-7 degrees."""

    def __init__(self, graph: RoadGraph, lines: list[Line]) -> None:
        wanted = np.unique(np.concatenate([np.empty(0, np.int64), *(_keys(_array(line)) for line in lines)]))
        coordinates, owner = shapely.get_coordinates(graph.geometry, return_index=True)
        keys = _keys(coordinates)
        near = np.isin(keys, wanted)
        same = (owner[:-1] == owner[1:]) & near[:-1] & near[1:]
        self._steps = set(zip(keys[:-1][same].tolist(), keys[1:][same].tolist(), strict=True))
        first = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
        last = np.r_[first[1:] - 1, len(owner) - 1]
        self._begins = _nodes_at(keys[first], graph.from_node)
        self._ends = _nodes_at(keys[last], graph.to_node)

    def fault_of(self, line: Line) -> str:
        keys = _keys(_array(line)).tolist()
        for number, (a, b) in enumerate(pairwise(keys)):
            if (a, b) in self._steps or a == b:
                continue
            if self._ends.get(a, _NOWHERE) & self._begins.get(b, _NOWHERE):  # across a junction
                continue
            if (b, a) in self._steps:
                return f"runs against the direction of travel at point {number}"
            return f"leaves the roads between points {number} and {number + 1}"
        return ""


def _unique_lines(record: Record) -> Iterator[Line]:
    for line in record.lines:
        if len(line.coordinates) >= 2 and all(map(is_point, line.coordinates)):
            yield line


def _array(line: Line) -> npt.NDArray[np.float64]:
    return np.array([point[:2] for point in line.coordinates], dtype=np.float64)


def _keys(points: npt.NDArray[np.float64]) -> Keys:
    whole = np.round(np.nan_to_num(points) * _SCALE).astype(np.int64)
    return np.asarray(whole[:, 0] * np.int64(1 << 31) + whole[:, 1])


def _across(line: Line) -> tuple[float, float]:
    (lon_a, lat_a), (lon_b, lat_b) = line.coordinates[0][:2], line.coordinates[-1][:2]
    scale = _METRES_PER_DEGREE * cos(radians(max(min(lat_a, 90.0), -90.0)))
    return (lon_b - lon_a) * scale, (lat_b - lat_a) * _METRES_PER_DEGREE


def _nodes_at(keys: Keys, nodes: IntArray) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for key, node in zip(keys.tolist(), nodes.tolist(), strict=True):
        found.setdefault(key, set()).add(node)
    return found


def _error(rule: str, where: str, message: str, mend: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(rule=f"feed.{rule}", severity=severity, message=message, where=where, mend=mend)
