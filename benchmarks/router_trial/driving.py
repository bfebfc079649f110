"""Routes past a closure: one that would use the closed edge, and one the other way."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely

from benchmarks.router_trial.choosing import CAR
from benchmarks.router_trial.partner import Partner, Positions, passed_m
from benchmarks.router_trial.reading_feeds import LonLat
from trafficfeed.network.moves import after_edge, before_edge
from trafficfeed.network.plane import plane_of, turn_angle
from trafficfeed.network.road_graph import RoadGraph

_OFF_M = (15.0, 40.0, 5.0)  # how far before and after the edge a trip begins and ends
_USED_SHARE = 0.5  # of the edge that a route follows to be called a user of it
_MOST_PAIRS = 6
MOST_TRIPS = 3  # tested of each closure


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """From before an edge to after it: a trip whose best way, with all open, is along the edge."""

    origin: LonLat
    destination: LonLat


def trips_along(graph: RoadGraph, edge: int, closed: frozenset[int], partner: Partner) -> list[Trip]:
    """Return up to three trips that the router sends along `edge` while nothing is closed.

    Parameters
    ----------
    closed
        Edges on which a trip must not begin or end.
    """
    line = np.array(graph.geometry[edge].coords)
    found: list[Trip] = []
    for trip in _candidates(graph, edge, closed):
        route = partner.route(trip.origin, trip.destination)
        if uses(route, line):
            found.append(trip)
        if len(found) == MOST_TRIPS:
            break
    return found


def uses(route: Positions | None, line: Positions) -> bool:
    """Tell whether a route follows most of an edge."""
    return route is not None and passed_m(route, line) >= _USED_SHARE * passed_m(line, line)


def touches(route: Positions | None, lines: list[Positions]) -> bool:
    """Tell whether a route follows any part of some edges, from one OSM node to the next."""
    return route is not None and any(passed_m(route, line) > 0.0 for line in lines)


def _candidates(graph: RoadGraph, edge: int, closed: frozenset[int]) -> Iterator[Trip]:
    plane = plane_of(graph)
    taken = closed | {edge, int(plane.opposite[edge])}
    before = [e for e in before_edge(graph, edge, CAR) if e not in taken]
    after = [e for e in after_edge(graph, edge, CAR) if e not in taken]
    straight = sorted(
        ((turn_angle(plane, b, edge) + turn_angle(plane, edge, a), b, a) for b in before for a in after),
    )[:_MOST_PAIRS]
    for off in _OFF_M:
        for _, b, a in straight:
            yield Trip(origin=_point(graph, b, -off), destination=_point(graph, a, off))
    for _, b, a in straight:
        farther_back = [e for e in before_edge(graph, b, CAR) if e not in taken and e != plane.opposite[b]]
        farther_on = [e for e in after_edge(graph, a, CAR) if e not in taken and e != plane.opposite[a]]
        for origin, destination in zip(farther_back, farther_on, strict=False):
            yield Trip(origin=_point(graph, origin, -_OFF_M[0]), destination=_point(graph, destination, _OFF_M[0]))


def _point(graph: RoadGraph, edge: int, off_m: float) -> LonLat:
    """Return the point so far from an edge's start, or (negative) its end; at most its middle."""
    plane = plane_of(graph)
    line: shapely.LineString = plane.lines[edge]
    near = min(abs(off_m), line.length / 2)
    lon, lat = plane.to_lonlat(line.interpolate(near if off_m > 0 else line.length - near).coords[0])
    return float(lon), float(lat)
