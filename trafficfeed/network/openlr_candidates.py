"""Which lines the OpenLR decoder can take for a point, asked of all nearby at once: its own look at one costs 3 ms."""

from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from trafficfeed.network.openlr_attributes import BEARING_M, openlr_attributes
from trafficfeed.network.plane import plane_of
from trafficfeed.network.road_graph import FloatArray, RoadGraph

_SNAP_M = 20.0  # openlr-dereferencer's `candidate_threshold`
_MOST_TURNED = 45.0  # and its `max_bear_deviation`
_DOUBT_M, _DOUBT_DEGREES = 1.0, 5.0  # it measures on the ellipsoid, we on a plane


def likely_edges(
    graph: RoadGraph, at: tuple[float, float], bearing: float, *, is_last: bool, within_m: float
) -> list[int]:
    """Return the edges near a point that the decoder would not drop, and those in doubt.

    Parameters
    ----------
    at
        EPSG:4326 lon, lat of the point.
    bearing
        Of the point, degrees from north.
    is_last
        Whether it is a reference's last point, whose bearing looks backward.
    within_m
        Farthest that an edge may be.

    Source: openlr-dereferencer 1.2, ``make_candidates``: what it snaps to an end, what it leaves to the next line, and
    what it drops for its bearing.
    """
    plane, attributes = plane_of(graph), openlr_attributes(graph)
    point = shapely.points(plane.to_xy(at))
    near = np.sort(plane.tree.query(point, predicate="dwithin", distance=within_m))
    lines, length = plane.lines[near], attributes.length_m[near]
    from_start = shapely.line_locate_point(lines, point)
    to_end = length - from_start
    is_bend = (attributes.arriving == 1) & (attributes.leaving == 1)
    at_start, at_end = is_bend[graph.from_node[near]], is_bend[graph.to_node[near]]
    if is_last:
        snapped = (to_end <= _SNAP_M) & ~at_end
        dropped = ~snapped & (from_start <= _SNAP_M)
        position = np.where(snapped, length, from_start)
        towards = np.maximum(position - BEARING_M, 0.0)
    else:
        snapped = (from_start <= _SNAP_M) & ~at_start
        dropped = ~snapped & (to_end <= _SNAP_M) & ~at_end
        position = np.where(snapped, 0.0, from_start)
        towards = np.minimum(position + BEARING_M, length)
    turned = np.abs((_bearing(lines, position, towards) - bearing + 180) % 360 - 180)
    doubtful = (np.abs(from_start - _SNAP_M) < _DOUBT_M) | (np.abs(to_end - _SNAP_M) < _DOUBT_M)
    kept = doubtful | (~dropped & (turned <= _MOST_TURNED + _DOUBT_DEGREES))
    return [int(edge) for edge in near[kept]]


def _bearing(lines: npt.NDArray[Any], begin_m: FloatArray, towards_m: FloatArray) -> FloatArray:
    begin = shapely.get_coordinates(shapely.line_interpolate_point(lines, begin_m))
    towards = shapely.get_coordinates(shapely.line_interpolate_point(lines, towards_m))
    east, north = (towards - begin).T
    return np.asarray(np.degrees(np.arctan2(east, north)))
