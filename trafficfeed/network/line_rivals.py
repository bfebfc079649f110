"""What lies beside a matched line: the opposite carriageway of the same street, and streets that it could mean too."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from trafficfeed.network.line_tracing import SEARCH_M, Samples, Trace, minor
from trafficfeed.network.naming import street_index
from trafficfeed.network.plane import plane_of
from trafficfeed.network.road_graph import RoadGraph

_Array = npt.NDArray[Any]

_PARALLEL = np.radians(35.0)
_UNNAMED_CARRIAGEWAY_M = 25.0
_INDISTINCT_M = 3.0  # a street that is farther than the match by less than this plus a quarter could be meant as well
_INDISTINCT_SHARE = 0.25
_SHORT_M = 25.0  # beside each other for less than this is a fork, not a choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """A street as near to the line as the one matched (`beside`), for `length_m`, `apart_m` from it."""

    edge: int
    beside: int
    length_m: float
    apart_m: float


def opposite_carriageway(graph: RoadGraph, line: shapely.LineString, matched: Sequence[int]) -> list[int]:
    """Return the edges of the other carriageway: same name, one-way, antiparallel, beside the line for half its length.

    Within 50 m where the street has a name; without names within 25 m and of the same road class.
    """
    plane, streets = plane_of(graph), street_index(graph)
    one_way = [e for e in matched if plane.opposite[e] < 0]
    if not one_way:
        return []
    near = np.sort(plane.tree.query(line, predicate="dwithin", distance=SEARCH_M))
    near = near[(plane.opposite[near] < 0) & (graph.access[near] != 0) & ~np.isin(near, matched)]
    found = []
    for edge in near.tolist():
        like = [e for e in one_way if streets.street[e] == streets.street[edge]]
        named = streets.street[edge] >= 0
        if not named:
            like = [e for e in like if graph.highway[e] == graph.highway[edge]]
        reach = SEARCH_M if named else _UNNAMED_CARRIAGEWAY_M
        if like and _runs_back(graph, edge, line, like, reach):
            found.append(edge)
    return found


def _runs_back(graph: RoadGraph, edge: int, line: shapely.LineString, like: Sequence[int], reach: float) -> bool:
    plane = plane_of(graph)
    other = plane.lines[edge]
    beside = line.buffer(reach, cap_style="flat")
    if other.intersection(beside).length < 0.5 * other.length:
        return False
    middle = other.interpolate(0.5, normalized=True)
    apart = shapely.distance(plane.lines[list(like)], middle)
    if apart.min() > reach:
        return False
    nearest = like[int(apart.argmin())]
    there = _heading(plane.lines[nearest], plane.lines[nearest].project(middle))
    back = _heading(other, other.length / 2)
    return bool(abs(_angle(there - back - np.pi)) <= _PARALLEL)


def rivals_of(graph: RoadGraph, samples: Samples, found: Trace, mine: set[int], *, either_way: bool) -> list[Rival]:
    """Return the streets outside `mine` that lie as near to the line as the match, for a stretch that matters.

    A nameless drive without cars is no rival of a street.
    """
    plane = plane_of(graph)
    who, edge = plane.tree.query(samples.points, predicate="dwithin", distance=SEARCH_M)
    other = ~np.isin(edge, sorted(mine)) & (graph.access[edge] != 0)
    who, edge = who[other], edge[other]
    lines, points = plane.lines[edge], samples.points[who]
    distance = shapely.distance(lines, points)
    limit = found.distance_m[who] * (1 + _INDISTINCT_SHARE) + _INDISTINCT_M
    along = shapely.line_locate_point(lines, points)
    within = (along > 0.5) & (along < shapely.length(lines) - 0.5)  # beside it, not before or after
    off = np.abs(_angle(_headings(lines, along) - samples.heading[who]))
    off = np.minimum(off, np.pi - off) if either_way else off
    lesser = minor(graph, edge) & ~minor(graph, found.at_edge[who])
    close = (distance < limit) & within & (off <= _PARALLEL) & ~lesser
    return _long_enough(graph, samples, found, who[close], edge[close])


def _long_enough(
    graph: RoadGraph,
    samples: Samples,
    found: Trace,
    who: _Array,
    edge: _Array,
) -> list[Rival]:
    plane = plane_of(graph)
    result = []
    for rival in np.unique(edge).tolist():
        at = who[edge == rival]
        length = len(at) * samples.spacing_m
        shorter = min(samples.line.length, float(plane.lines[rival].length))
        if length < max(min(_SHORT_M, 0.6 * samples.line.length), 0.4 * shorter):
            continue
        beside = int(np.bincount(found.at_edge[at]).argmax())
        points = shapely.line_interpolate_point(
            plane.lines[rival], shapely.line_locate_point(plane.lines[rival], samples.points[at])
        )
        apart = float(shapely.distance(points, plane.lines[beside]).mean())
        result.append(Rival(edge=rival, beside=beside, length_m=length, apart_m=apart))
    return result


def _heading(line: shapely.LineString, along: float) -> float:
    a, b = line.interpolate(max(along - 6, 0)), line.interpolate(min(along + 6, line.length))
    return float(np.arctan2(b.y - a.y, b.x - a.x))


def _headings(lines: _Array, along: _Array) -> _Array:
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(lines, along + 6))
    behind = shapely.get_coordinates(shapely.line_interpolate_point(lines, np.maximum(along - 6, 0)))
    return np.asarray(np.arctan2((ahead - behind)[:, 1], (ahead - behind)[:, 0]))


def _angle(value: Any) -> Any:
    return (value + np.pi) % (2 * np.pi) - np.pi
