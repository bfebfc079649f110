"""Bends of a road graph: where a street turns, how tightly, and the stretch from which it has to be warned of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely
import shapely.ops

from trafficfeed.errors import ScenarioInvalid
from trafficfeed.network.naming import compass
from trafficfeed.network.plane import Plane, plane_of
from trafficfeed.network.road_graph import IntArray, RoadGraph
from trafficfeed.network.vehicle_classes import VehicleClass
from trafficfeed.signals.bends import (
    Bend,
    BendApproach,
    BendThresholds,
    driven_speed_mps,
    sight_distance_m,
    stopping_distance_m,
)

Metres = npt.NDArray[np.float64]

_STEP_M: Final = 4.0
_WINDOW: Final = 5  # steps over which a turn is taken: a corner in a drawn line is driven as a curve of 20 m
_CORNER_M: Final = 6.0  # what turns within less is drawn, not driven
_SECTOR_DEG: Final = 30.0  # beside the headings of the road itself
_FENCE_M: Final = 4.0  # beside the carriageway
_SAME_M: Final = 30.0
_REACH_M: Final = 25.0
_LANE_M: Final = 3.2
_CAR: Final = VehicleClass.PASSENGER.bit


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBend:
    """A bend that people know of: where it is, EPSG:4326 lon, lat, and how far one sees in it, if it was measured."""

    id: str
    title: str
    lonlat: tuple[float, float]
    sight_m: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arc:
    """A turn of one line: metres along it, radians."""

    edge: int
    start_m: float
    end_m: float
    turn: float
    limit_mps: float
    line: shapely.LineString

    @property
    def radius_m(self) -> float:
        return (self.end_m - self.start_m) / abs(self.turn)

    @property
    def middle(self) -> shapely.Point:
        return self.line.interpolate((self.start_m + self.end_m) / 2)


def find_bends(
    graph: RoadGraph, thresholds: BendThresholds | None = None, given: Sequence[GivenBend] = ()
) -> dict[str, Bend]:
    """Return the bends with poor sight by id, those given by hand first.

    A bend is a turn along a street between junctions, also over several edges where nobody can leave it. Both
    directions are one bend. Whether something blocks the view no graph says: what is found are places to look at, and
    to put a detector.

    Parameters
    ----------
    graph
        The city's.
    thresholds
        What makes a bend one to warn of.
    given
        Bends that are taken whatever their sight; one found at the same place is the same.

    Raises
    ------
    ScenarioInvalid
        If a given bend is on no street, or its id is used twice.
    """
    limits = thresholds or BendThresholds()
    plane = plane_of(graph)
    arcs = [arc for edges in _streets(graph) for arc in _arcs(graph, plane, edges, limits)]
    bends = {one.id: _given(graph, plane, one, arcs, limits) for one in given}
    if len(bends) < len(given):
        raise ScenarioInvalid("two bends have the same id: give each its own")
    poor = [arc for arc in arcs if _is_poor(arc, limits)]
    taken = shapely.STRtree([shapely.Point(*plane.to_xy(one.lonlat)) for one in bends.values()])
    for number, pair in enumerate(_both_ways(poor), 1):
        middle = pair[0].middle
        if len(taken) and len(taken.query(middle, predicate="dwithin", distance=_SAME_M)):
            continue
        found = _bend(graph, plane, pair, limits, id=f"bend-{number}", title="")
        bends[_free_id(found, bends)] = found
    return {id: replace(bend, id=id) for id, bend in bends.items()}


def _streets(graph: RoadGraph) -> Iterator[list[int]]:
    """Yield runs of edges that a car can only enter at the beginning and leave at the end, each edge in one run."""
    car = (graph.access & _CAR) != 0
    plane = plane_of(graph)
    follower = _only(graph, graph.turn_from, graph.turn_to, plane, car)
    leader = _only(graph, graph.turn_to, graph.turn_from, plane, car)
    linked = {a: b for a, b in follower.items() if leader.get(b) == a}
    begun = set(linked.values())
    left = set(np.flatnonzero(car).tolist())
    for start in sorted(left - begun) + sorted(left & begun):  # rings have no beginning: they come last
        run = []
        edge: int | None = start
        while edge is not None and edge in left:
            left.discard(edge)
            run.append(edge)
            edge = linked.get(edge)
        if run:
            yield run


def _only(
    graph: RoadGraph, source: IntArray, target: IntArray, plane: Plane, car: npt.NDArray[np.bool_]
) -> dict[int, int]:
    """Return the one edge that each leads to, turning round left out; edges with a choice are not in it."""
    moves = ((graph.turn_access & _CAR) != 0) & car[source] & car[target] & (plane.opposite[source] != target)
    a, b = source[moves], target[moves]
    single = np.bincount(a, minlength=len(graph)) == 1
    return dict(zip(a[single[a]].tolist(), b[single[a]].tolist(), strict=True))


def _arcs(graph: RoadGraph, plane: Plane, edges: Sequence[int], limits: BendThresholds) -> Iterator[_Arc]:
    speed = float(graph.speed_mps[list(edges)].max())
    if speed < limits.least_speed_mps:
        return
    line = _joined([plane.lines[edge] for edge in edges])
    steps = ceil(line.length / _STEP_M)
    if steps <= _WINDOW or len(line.coords) < 3:
        return
    at = np.linspace(0.0, line.length, steps + 1)
    xy = shapely.get_coordinates(shapely.line_interpolate_point(line, at))
    heading = np.unwrap(np.arctan2(*np.diff(xy, axis=0).T[::-1]))
    turned = heading[_WINDOW:] - heading[:-_WINDOW]
    window_m = _WINDOW * line.length / steps
    sharp = np.where(np.abs(turned) * limits.widest_radius_m > window_m, np.sign(turned), 0.0)
    ends = np.flatnonzero(np.diff(sharp, prepend=0.0, append=0.0))
    for a, b in pairwise(ends):
        if sharp[a] == 0.0:
            continue
        turn = float(heading[b - 1 + _WINDOW] - heading[a])
        if abs(np.degrees(turn)) < limits.least_turn_deg:
            continue
        middle = (at[a] + at[b + _WINDOW]) / 2
        bounds = np.cumsum([plane.lines[edge].length for edge in edges])
        edge = edges[min(int(np.searchsorted(bounds, middle)), len(edges) - 1)]
        start, end = _where_it_turns(heading, at, int(a), int(b) + _WINDOW, turn)
        yield _Arc(edge=edge, start_m=start, end_m=end, turn=turn, limit_mps=float(graph.speed_mps[edge]), line=line)


def _where_it_turns(heading: Metres, at: Metres, a: int, b: int, turn: float) -> tuple[float, float]:
    """Return where the middle nine tenths of a turn begin and end: its ends are nearly straight."""
    part = (heading[a : b + 1] - heading[a]) / turn
    first = a + int(np.argmax(part > 0.05))
    last = a + len(part) - 1 - int(np.argmax(part[::-1] < 0.95))
    start, end = float(at[first]), float(at[min(last + 1, len(at) - 1)])
    missing = max(0.0, _CORNER_M - (end - start)) / 2
    return max(0.0, start - missing), min(float(at[-1]), end + missing)


def _is_poor(arc: _Arc, limits: BendThresholds) -> bool:
    speed = driven_speed_mps(arc.limit_mps, arc.radius_m, limits.lateral_mps2)
    return sight_distance_m(arc.radius_m, abs(arc.turn), limits.clear_m) < stopping_distance_m(speed)


def _both_ways(arcs: Sequence[_Arc]) -> Iterator[list[_Arc]]:
    """Yield the arcs of each bend: one, or two that turn opposite ways at the same place; from west to east."""
    if not arcs:
        return
    middles = [arc.middle for arc in arcs]
    tree = shapely.STRtree(middles)
    taken: set[int] = set()
    for i in sorted(range(len(arcs)), key=lambda i: (round(middles[i].x, 1), round(middles[i].y, 1), arcs[i].turn)):
        if i in taken:
            continue
        taken.add(i)
        near = tree.query(middles[i], predicate="dwithin", distance=_SAME_M).tolist()
        others = [j for j in near if j not in taken and arcs[j].turn * arcs[i].turn < 0]
        other = min(others, key=lambda j: float(middles[i].distance(middles[j])), default=None)
        if other is not None:
            taken.add(other)
        yield [arcs[i]] if other is None else [arcs[i], arcs[other]]


def _bend(
    graph: RoadGraph,
    plane: Plane,
    arcs: Sequence[_Arc],
    limits: BendThresholds,
    *,
    id: str,
    title: str,
    sight_m: float | None = None,
    found: bool = True,
) -> Bend:
    worst = min(arcs, key=lambda arc: arc.radius_m)
    speed = max(driven_speed_mps(arc.limit_mps, arc.radius_m, limits.lateral_mps2) for arc in arcs)
    seen = sight_m
    if seen is None:
        seen = min(sight_distance_m(arc.radius_m, abs(arc.turn), limits.clear_m) for arc in arcs)
    middle = np.mean([shapely.get_coordinates(arc.middle)[0] for arc in arcs], axis=0)
    return Bend(
        id=id,
        title=title or graph.names[arcs[0].edge],
        lonlat=_lonlats(plane, middle.reshape(1, 2))[0],
        radius_m=round(worst.radius_m, 1),
        turn_deg=round(float(np.degrees(abs(worst.turn))), 1),
        speed_mps=round(speed, 2),
        sight_m=round(seen, 1),
        stopping_m=round(stopping_distance_m(speed), 1),
        approaches=tuple(_approach(graph, plane, arc, limits, n) for n, arc in enumerate(arcs, 1)),
        found=found,
    )


def _approach(graph: RoadGraph, plane: Plane, arc: _Arc, limits: BendThresholds, id: int) -> BendApproach:
    """Return the stretch before and in a bend: from where one must be told, to where one is round it."""
    start = max(0.0, arc.start_m - stopping_distance_m(arc.limit_mps) - limits.lead_s * arc.limit_mps)
    stretch = shapely.ops.substring(arc.line, start, arc.end_m)
    assert isinstance(stretch, shapely.LineString)  # an arc has a length
    width = _LANE_M * float(graph.lane_count[arc.edge]) / 2 + _FENCE_M
    fence = stretch.simplify(0.5).buffer(width, cap_style="flat", quad_segs=4)
    ring = shapely.get_coordinates(max(shapely.get_parts(fence), key=lambda part: part.area).exterior)
    first = shapely.get_coordinates(shapely.ops.substring(stretch, 0.0, min(20.0, stretch.length)))
    dx, dy = first[-1] - first[0]
    return BendApproach(
        id=id,
        street=graph.names[arc.edge],
        compass=compass(float(dx), float(dy)),
        sector_deg=_sector(shapely.get_coordinates(stretch)),
        fence=_lonlats(plane, ring),
        line=_lonlats(plane, shapely.get_coordinates(stretch.simplify(0.2))),
        lead_m=round(arc.start_m - start, 1),
    )


def _sector(xy: Metres) -> tuple[float, float]:
    """Return from where to where a car's heading may be on a line, degrees clockwise from north."""
    steps = np.diff(xy, axis=0)
    steps = steps[np.hypot(*steps.T) > 0.01]
    heading = 90.0 - np.degrees(np.unwrap(np.arctan2(steps[:, 1], steps[:, 0])))
    low, high = float(heading.min()) - _SECTOR_DEG, float(heading.max()) + _SECTOR_DEG
    if high - low >= 359.0:
        return 0.0, 359.9
    return round(low % 360.0, 1), round(high % 360.0, 1)


def _given(graph: RoadGraph, plane: Plane, given: GivenBend, arcs: Sequence[_Arc], limits: BendThresholds) -> Bend:
    """Return a bend given by hand: the turns at its place, or the street as it runs there."""
    at = shapely.Point(*plane.to_xy(given.lonlat))
    near = [arc for arc in arcs if arc.middle.distance(at) <= _SAME_M]
    pair = next(_both_ways(sorted(near, key=lambda arc: float(arc.middle.distance(at)))[:2]), None)
    if pair is None:
        pair = list(_straight(graph, plane, at))
    if not pair:
        where = f"{given.lonlat[0]:.5f},{given.lonlat[1]:.5f}"
        raise ScenarioInvalid(f"bend {given.id}: no street for cars is within {_REACH_M:g} m of {where}; mend `at`")
    return _bend(graph, plane, pair, limits, id=given.id, title=given.title, sight_m=given.sight_m, found=False)


def _straight(graph: RoadGraph, plane: Plane, at: shapely.Point) -> Iterator[_Arc]:
    """Yield the street nearest to a place, each way, as a bend of no turn: what people say of it is believed."""
    near = [int(edge) for edge in plane.tree.query(at, predicate="dwithin", distance=_REACH_M)]
    near = [edge for edge in near if graph.access[edge] & _CAR]
    if not near:
        return
    edge = min(near, key=lambda edge: (shapely.distance(plane.lines[edge], at), edge))
    back = int(plane.opposite[edge])
    for one in (edge, back) if back >= 0 and graph.access[back] & _CAR else (edge,):
        line = plane.lines[one]
        middle = float(line.project(at))
        start, end = max(0.0, middle - _STEP_M * 2), min(line.length, middle + _STEP_M * 2)
        speed = float(graph.speed_mps[one])
        yield _Arc(edge=one, start_m=start, end_m=end, turn=0.01, limit_mps=speed, line=line)


def _joined(lines: Sequence[shapely.LineString]) -> shapely.LineString:
    if len(lines) == 1:
        return lines[0]
    coords = np.vstack([shapely.get_coordinates(line) for line in lines])
    apart = np.append(True, np.hypot(*np.diff(coords, axis=0).T) > 0.01)
    return shapely.LineString(coords[apart])


def _lonlats(plane: Plane, xy: Metres) -> tuple[tuple[float, float], ...]:
    return tuple((lon, lat) for lon, lat in np.round(plane.to_lonlat(xy), 6).tolist())


def _free_id(bend: Bend, taken: dict[str, Bend]) -> str:
    """Return an id by place, to some ten metres: a network built anew gives the same, an authority's own is better."""
    lon, lat = bend.lonlat
    stem = f"bend-{abs(lat):.4f}{'n' if lat >= 0 else 's'}-{abs(lon):.4f}{'e' if lon >= 0 else 'w'}"
    number = 1
    while (id := stem if number == 1 else f"{stem}-{number}") in taken:
        number += 1
    return id
