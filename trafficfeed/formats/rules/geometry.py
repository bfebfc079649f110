"""Lines have length, lie in the city with longitude first, and are precise enough to be matched."""

from collections.abc import Iterator

from trafficfeed.findings import Finding, Severity
from trafficfeed.formats.records import Feed, is_point
from trafficfeed.network.road_graph import RoadGraph

Bounds = tuple[float, float, float, float]
_MARGIN_DEGREES = 0.02  # a detour may leave the city's edge by a kilometre or two


def bounds_of(graph: RoadGraph | None) -> Bounds | None:
    """Return west, south, east, north of the graph's junctions, degrees; None without a graph."""
    if graph is None or not len(graph.node_lonlat):
        return None
    west, south = graph.node_lonlat.min(axis=0)
    east, north = graph.node_lonlat.max(axis=0)
    return float(west), float(south), float(east), float(north)


def lines_have_length(feed: Feed) -> Iterator[Finding]:
    """A line has at least two different points, each of two numbers."""
    for record in feed.records:
        for line in record.lines:
            points = [tuple(point) if isinstance(point, list) else point for point in line.coordinates]
            if not all(is_point(point) for point in points):
                yield _error("geometry.numbers", line.path, "holds something other than lon, lat", "write two numbers")
            elif len(set(points)) < 2:
                yield _error("geometry.length", line.path, "has fewer than two different points", "give its shape")


def coordinates_lie_in_the_city(feed: Feed, bounds: Bounds | None) -> Iterator[Finding]:
    """Longitude comes first, and every point lies in the city or hard by it."""
    for record in feed.records:
        for line in record.lines:
            outside = next((p for p in line.coordinates if is_point(p) and not _inside(p[0], p[1], bounds)), None)
            if outside is None:
                continue
            if _inside(outside[1], outside[0], bounds):
                message, mend = f"{list(outside)} has latitude first", "write longitude, then latitude"
                yield _error("geometry.axes", line.path, message, mend)
            else:
                message, mend = f"{list(outside)} lies outside the city", "check the datum and the axes"
                yield _error("geometry.bounds", line.path, message, mend)


def coordinates_are_precise(feed: Feed) -> Iterator[Finding]:
    """A line has five decimals or more: with four a map matcher finds one in three (design/findings.md)."""
    for record in feed.records:
        for line in record.lines:
            values = [value for point in line.coordinates if is_point(point) for value in point[:2]]
            if values and all(round(value, 4) == value for value in values):
                severity = Severity.WARNING if line.is_detour else Severity.ERROR  # a detour may be drawn by hand
                message = "no coordinate has more than four decimals (10 m)"
                mend = "keep at least five"
                yield _error("geometry.precision", line.path, message, mend, severity)


def _inside(lon: float, lat: float, bounds: Bounds | None) -> bool:
    if bounds is None:
        return -180 <= lon <= 180 and -90 <= lat <= 90
    west, south, east, north = bounds
    return (
        west - _MARGIN_DEGREES <= lon <= east + _MARGIN_DEGREES
        and south - _MARGIN_DEGREES <= lat <= north + _MARGIN_DEGREES
    )


def _error(rule: str, where: str, message: str, mend: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(rule=f"feed.{rule}", severity=severity, message=message, where=where, mend=mend)
