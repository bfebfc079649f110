"""Roads that bend: arcs of a known radius with straight roads before and behind."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import cos, pi, sin

import numpy as np
import shapely
from made_graphs import Street, graph_of, lonlat

from trafficfeed.network.road_graph import RoadGraph


def arc(radius_m: float, turn_deg: float, *, straight_m: float = 150.0) -> list[tuple[float, float]]:
    """Return a road that runs east, then turns left, metres."""
    turn = turn_deg * pi / 180
    points = [(-straight_m, 0.0)]
    points += [(radius_m * sin(a), radius_m * (1 - cos(a))) for a in np.linspace(0, turn, 40)]
    x, y = points[-1]
    return [*points, (x + straight_m * cos(turn), y + straight_m * sin(turn))]


def bent_road(
    radius_m: float, turn_deg: float, *, speed_mps: float = 13.9, one_way: bool = False, cuts: Sequence[int] = ()
) -> RoadGraph:
    """Return one road of an arc; `cuts` are points of it at which one edge ends and the next begins."""
    points = arc(radius_m, turn_deg)
    at = [0, *cuts, len(points) - 1]
    nodes = {f"n{i}": points[i] for i in at}
    graph = graph_of(
        nodes, [Street(name="Quarry Road", nodes=list(nodes), one_way=one_way, speed_mps=speed_mps, highway="tertiary")]
    )
    pieces = [points[a : b + 1] for a, b in pairwise(at)]
    lines = [line for piece in pieces for line in ([piece] if one_way else [piece, piece[::-1]])]
    geometry = np.array([shapely.LineString(lonlat(*line)) for line in lines], dtype=object)
    lengths = np.array([shapely.LineString(line).length for line in lines])
    return replace(graph, geometry=geometry, length_m=lengths)
