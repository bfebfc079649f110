"""Match points (a gate, an underpass) to the directed edges at them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely

from trafficfeed.network.line_rivals import opposite_carriageway
from trafficfeed.network.line_tracing import minor
from trafficfeed.network.matching import Match, Travel, refused, sections_of, street_name
from trafficfeed.network.naming import listed, street_index
from trafficfeed.network.plane import plane_of
from trafficfeed.network.road_graph import RoadGraph

RULE = "match.points"
FARTHEST_M = 30.0
CLEARLY_NEARER_M = 5.0
_SAME_SPOT_M = 1.0

_Point = tuple[float, float]


def match_points(graph: RoadGraph, points: Sequence[_Point], travel: Travel = "both") -> Match:
    """Return the edges at each of the points.

    Both directions of one street, and its two carriageways, are one place.

    A point is refused where no street is within 30 m, or a second street is as near as the first (within 5 m); a
    nameless drive without cars is no second street. With `travel` forward or backward the order of two or more points
    gives the direction; a single point has none, so it then has to lie on a one-way street.

    Parameters
    ----------
    graph
        The road graph.
    points
        EPSG:4326 lon, lat.
    travel
        Which direction.
    """
    edges: list[int] = []
    confidence: dict[int, float] = {}
    for i, point in enumerate(points):
        at, distance, refusal = _at(graph, point)
        if refusal:
            return refusal
        ahead = _ahead(graph, points, i)
        if travel != "both":
            at = _one_direction(graph, at, ahead if travel == "forward" else None if ahead is None else -ahead)
            if not at:
                return _no_direction(graph, point, travel)
        edges += at
        for edge in at:
            confidence[edge] = max(confidence.get(edge, 0.0), float(np.exp(-0.5 * (distance / 20.0) ** 2)))
    return Match(sections=sections_of(graph, edges, confidence))


def _at(graph: RoadGraph, point: _Point) -> tuple[list[int], float, Match | None]:
    plane = plane_of(graph)
    xy = shapely.Point(plane.to_xy(point))
    near = plane.tree.query(xy, predicate="dwithin", distance=FARTHEST_M + CLEARLY_NEARER_M)
    near = np.sort(near[graph.access[near] != 0])
    distance = shapely.distance(plane.lines[near], xy)
    if not len(near) or distance.min() > FARTHEST_M:
        return [], 0.0, _too_far(graph, point, xy)
    lesser = minor(graph, near)
    best = int(near[(distance + CLEARLY_NEARER_M * lesser).argmin()])
    least = float(distance[near == best][0])
    same = np.array([_same_street(graph, best, int(e)) for e in near])
    rivals = near[~same & (distance < least + CLEARLY_NEARER_M) & ~(lesser & ~minor(graph, np.array([best])))]
    if len(rivals):
        return [], 0.0, _ambiguous(graph, point, best, rivals.tolist())
    spot = near[same & (distance <= least + _SAME_SPOT_M)].tolist()
    both = dict.fromkeys([*spot, *(int(plane.opposite[e]) for e in spot), *_other_carriageway(graph, xy, spot)])
    return [e for e in both if e >= 0], least, None


def _other_carriageway(graph: RoadGraph, xy: shapely.Point, spot: Sequence[int]) -> list[int]:
    """The nearest edge of the other carriageway, where the street has two."""
    lines = plane_of(graph).lines
    beside = [e for edge in spot for e in opposite_carriageway(graph, lines[edge], [edge])]
    apart = shapely.distance(lines[beside], xy) if beside else np.empty(0)
    near = len(apart) and apart.min() <= FARTHEST_M + CLEARLY_NEARER_M
    return [beside[int(apart.argmin())]] if near else []


def _same_street(graph: RoadGraph, edge: int, other: int) -> bool:
    street = street_index(graph).street
    if edge == other or plane_of(graph).opposite[edge] == other:
        return True
    return bool(street[edge] >= 0 and street[edge] == street[other])


def _ahead(graph: RoadGraph, points: Sequence[_Point], i: int) -> npt.NDArray[np.float64] | None:
    if len(points) < 2:
        return None
    a, b = (points[i], points[i + 1]) if i + 1 < len(points) else (points[i - 1], points[i])
    plane = plane_of(graph)
    return np.asarray(plane.to_xy(b) - plane.to_xy(a))


def _one_direction(graph: RoadGraph, edges: list[int], ahead: npt.NDArray[np.float64] | None) -> list[int]:
    plane = plane_of(graph)
    if ahead is None:
        return edges if all(plane.opposite[e] < 0 for e in edges) and len(edges) == 1 else []
    lines = plane.lines[edges]
    along = shapely.get_coordinates(shapely.get_point(lines, -1)) - shapely.get_coordinates(shapely.get_point(lines, 0))
    return [e for e, vector in zip(edges, along, strict=True) if vector @ ahead > 0]


def _too_far(graph: RoadGraph, point: _Point, xy: shapely.Point) -> Match:
    plane = plane_of(graph)
    message = f"no street within {FARTHEST_M:.0f} m of {point[0]:.5f},{point[1]:.5f}"
    nearest = plane.tree.nearest(xy)
    if nearest is None:
        return refused(RULE, message, "the network is empty")
    distance = float(plane.lines[int(nearest)].distance(xy))
    return refused(
        RULE,
        f"{message}: the nearest is {street_name(graph, int(nearest))}, {distance:.0f} m away",
        "move the point onto the street that is meant (lon, lat)",
        {"nearest": graph.names[int(nearest)], "distance_m": round(distance, 1)},
    )


def _ambiguous(graph: RoadGraph, point: _Point, best: int, rivals: Sequence[int]) -> Match:
    names = list(dict.fromkeys(street_name(graph, int(e)) for e in [best, *rivals]))
    return refused(
        RULE,
        f"{point[0]:.5f},{point[1]:.5f} is as near to {listed(names[:1])} as to {listed(names[1:]) or 'its neighbour'}",
        "move the point along the street that is meant, away from the junction, or give the street's name",
        {"candidates": names},
    )


def _no_direction(graph: RoadGraph, point: _Point, travel: Travel) -> Match:
    return refused(
        RULE,
        f"nothing at {point[0]:.5f},{point[1]:.5f} runs '{travel}'; one point alone has no direction",
        "draw a short line in the direction of travel, or set direction: both",
    )
