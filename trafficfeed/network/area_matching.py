"""Match a polygon to the directed edges inside it, or to those that lead into it."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import shapely

from trafficfeed.network.matching import Match, refused, sections_of
from trafficfeed.network.plane import plane_of
from trafficfeed.network.road_graph import RoadGraph

RULE = "match.area"
INSIDE_SHARE = 0.5
PASSES_THROUGH_M = 20.0

_Ring = Sequence[tuple[float, float]]


def match_area(
    graph: RoadGraph, ring: _Ring, holes: Sequence[_Ring] = (), select: Literal["inside", "entering"] = "inside"
) -> Match:
    """Return the edges of an area.

    ``inside``: an edge belongs to it where at least half of its length lies in the polygon, holes left out; the two
    directions of one street are judged together, by their mean, so that a polygon never takes one of them only.

    ``entering``: an edge that crosses the outer ring inward: it begins outside, and ends inside or has at least 20 m
    inside before it leaves again. Holes do not matter here: who is in a hole has entered.

    Parameters
    ----------
    graph
        The road graph.
    ring, holes
        EPSG:4326 lon, lat, closed or not, in either orientation.
    select
        See above.
    """
    plane = plane_of(graph)
    shell = shapely.Polygon(plane.to_xy(ring))
    area = shapely.Polygon(shell.exterior.coords, [plane.to_xy(hole) for hole in holes])
    for polygon in (shell, area):
        if not polygon.is_valid or polygon.area < 1.0:
            why = "it has no area" if polygon.is_valid else shapely.is_valid_reason(polygon)
            return refused(
                RULE, f"the area is not a polygon: {_readable(why)}", "draw the ring without crossing itself"
            )
    edges = _inside(graph, area) if select == "inside" else _entering(graph, shell)
    if not len(edges):
        return _empty(graph, area, select)
    return Match(sections=sections_of(graph, edges.tolist()))


def _readable(reason: str) -> str:
    return reason.split("[", maxsplit=1)[0].lower().replace("self-intersection", "it crosses itself")


def _inside(graph: RoadGraph, area: shapely.Polygon) -> npt.NDArray[np.int32]:
    plane = plane_of(graph)
    near = _touching(graph, area)
    share = np.zeros(len(graph))
    whole = shapely.length(plane.lines[near])
    share[near] = shapely.length(shapely.intersection(plane.lines[near], area)) / np.maximum(whole, 0.01)
    other = plane.opposite[near]
    mean = np.where(other >= 0, (share[near] + share[other]) / 2, share[near])
    return np.asarray(near[mean >= INSIDE_SHARE])


def _entering(graph: RoadGraph, shell: shapely.Polygon) -> npt.NDArray[np.int32]:
    plane = plane_of(graph)
    near = _touching(graph, shell)
    lines = plane.lines[near]
    shapely.prepare(shell)
    outside = ~shapely.contains(shell, shapely.get_point(lines, 0))
    arrives = shapely.contains(shell, shapely.get_point(lines, -1))
    stays = shapely.length(shapely.intersection(lines, shell)) >= PASSES_THROUGH_M
    return np.asarray(near[outside & (arrives | stays)])


def _touching(graph: RoadGraph, area: shapely.Polygon) -> npt.NDArray[np.int32]:
    near = np.sort(plane_of(graph).tree.query(area, predicate="intersects")).astype(np.int32)
    return np.asarray(near[graph.access[near] != 0])


def _empty(graph: RoadGraph, area: shapely.Polygon, select: str) -> Match:
    what = "lies at least half inside the area" if select == "inside" else "crosses the area's boundary inward"
    nearest = plane_of(graph).tree.nearest(area)
    mend = "draw the area larger"
    if nearest is not None:
        distance = float(plane_of(graph).lines[int(nearest)].distance(area))
        if distance > 0:
            mend = f"the nearest street is {distance:.0f} m away: check that the ring is lon, lat and in this city"
    return refused(RULE, f"no street {what}", mend)
