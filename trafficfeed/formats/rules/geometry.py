"""Lines have length, lie in the city, are precise enough to be matched, and do not run back into themselves."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from trafficfeed.findings import Severity
from trafficfeed.formats.records import Line, Shape, is_point
from trafficfeed.formats.rules.rule import Bounds, Drawn, Fault, Yardstick, first_outside, rule
from trafficfeed.network.road_graph import RoadGraph

_DEGREE_M = 111_195.0
_STRAIGHT_M = 300.0  # few city blocks are longer and perfectly straight
_RING = 4


def bounds_of(graph: RoadGraph | None) -> Bounds | None:
    """Return west, south, east, north of the graph's junctions, degrees; None without a graph."""
    if graph is None or not len(graph.node_lonlat):
        return None
    known: Bounds | None = graph.derived.get("bounds")
    if known is None:
        west, south = graph.node_lonlat.min(axis=0)
        east, north = graph.node_lonlat.max(axis=0)
        known = graph.derived["bounds"] = float(west), float(south), float(east), float(north)
    return known


def metres(lonlat: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return ``(n, 2)`` lon, lat as metres east and north of the first point; good for a few kilometres."""
    scale = np.array([_DEGREE_M * np.cos(np.radians(np.clip(lonlat[0, 1], -90.0, 90.0))), _DEGREE_M])
    return np.asarray((lonlat - lonlat[0]) * scale)


@rule("geometry.numbers", mend="write two finite numbers for each point")
def consists_of_numbers(yard: Yardstick) -> Iterator[Fault]:
    """A coordinate is two finite numbers; a list of numbers by turns has an even count of them.

    Source: RFC 7946, 3.1.1; GML 3.2.1, posList; CIFS specification, polyline.
    """
    sound = {id(one.line) for one in yard.drawn}
    for line in (line for record in yard.feed.records for line in record.lines if id(line) not in sound):
        bad = next((point for point in line.coordinates if not is_point(point)), None)
        if bad is not None:
            yield Fault(line.path, f"{_short(bad)} is not a point")


@rule("geometry.length", mend="give the road's whole shape")
def has_length(yard: Yardstick) -> Iterator[Fault]:
    """A line has at least two different points.

    Source: RFC 7946, 3.1.4; CIFS specification, polyline ("we cannot deduct the traffic direction from a single
    point").
    """
    for record in yard.feed.records:
        for line in record.lines:
            if not line.coordinates:
                yield Fault(line.path, "has no coordinates")
    for one in yard.drawn:
        if one.line.shape is Shape.LINE and not np.any(one.lonlat != one.lonlat[0]):
            yield Fault(one.line.path, "has fewer than two different points")


@rule("geometry.axes", mend="GeoJSON: longitude, latitude; CIFS, DATEX and CAP: latitude, longitude")
def has_its_axes_in_order(yard: Yardstick) -> Iterator[Fault]:
    """Coordinates come in the order of the standard.

    Source: RFC 7946, 3.1.1 (lon, lat); CIFS specification, polyline; EPSG:4326 in GML; CAP 1.2, polygon (lat, lon).
    """
    for one in yard.drawn:
        outside = first_outside(one.lonlat, yard.bounds)
        if outside is not None and first_outside(one.lonlat[outside : outside + 1, ::-1], yard.bounds) is None:
            yield Fault(one.line.path, f"{_as_written(one, outside)} has its axes swapped")


@rule("geometry.bounds", mend="check the datum, the axes and the city")
def lies_in_the_city(yard: Yardstick) -> Iterator[Fault]:
    """Every point lies in the city or hard by it; on Earth, where no city is known.

    Source: a shift of 500 m (GCJ-02) or a sign matches no road at all: 0 of 60 lines (findings, published geometry).
    """
    for one in yard.drawn:
        outside = first_outside(one.lonlat, yard.bounds)
        if outside is not None and first_outside(one.lonlat[outside : outside + 1, ::-1], yard.bounds) is not None:
            yield Fault(one.line.path, f"{_as_written(one, outside)} lies outside the city")


@rule("geometry.precision", mend="keep at least five decimals, better six")
def is_precise(yard: Yardstick) -> Iterator[Fault]:
    """A line has five decimals or more.

    Source: measured: of 60 lines a map matcher found all with 5 decimals, 19 with 4, 1 with 3; CIFS specification,
    polyline ("at least 6 digits after the decimal point").
    """
    for one in yard.drawn:
        if one.line.shape is not Shape.AREA and np.array_equal(np.round(one.lonlat, 4), one.lonlat):
            drawn_by_hand = one.line.is_detour or one.line.shape is Shape.POINTS
            message = "no coordinate has more than four decimals (10 m)"
            yield Fault(one.line.path, message, Severity.WARNING if drawn_by_hand else None)


@rule("geometry.doubling", mend="list each point once, in the direction of travel")
def does_not_double_back(yard: Yardstick) -> Iterator[Fault]:
    """A line does not go back along itself, unless it stands for a turn.

    Source: a matcher takes the way there and back for both directions of the road.
    """
    for one in yard.drawn:
        points = one.lonlat
        back = np.flatnonzero((points[2:] == points[:-2]).all(axis=1) & (points[1:-1] != points[:-2]).any(axis=1))
        if one.line.shape is Shape.LINE and len(back) and one.record.kind != "turn_ban":
            hand = one.line.is_detour or one.record.compass in ("undefined", "unknown")
            message = f"doubles back at {_as_written(one, int(back[0]) + 1)}"
            yield Fault(one.line.path, message, Severity.WARNING if hand else None)


@rule("geometry.ring", mend="cut it in two where it meets itself")
def is_no_ring(yard: Yardstick) -> Iterator[Fault]:
    """A line does not close on itself: its direction would be anybody's guess.

    Source: CIFS road closure guidelines, one closure from junction to junction; elsewhere a warning.
    """
    for one in yard.drawn:
        points = one.lonlat
        closed = len(points) >= _RING and bool((points[0] == points[-1]).all())
        if closed and one.line.shape is Shape.LINE and not one.line.is_detour:
            is_cifs = one.record.id and yard.feed.standard.startswith("cifs")
            yield Fault(one.line.path, "ends where it begins", None if is_cifs else Severity.WARNING)


@rule("geometry.area", mend="repeat the first point at the end; draw the outline once round, without crossing it")
def is_a_closed_area(yard: Yardstick) -> Iterator[Fault]:
    """An area has at least four points, the last the same as the first, and does not cross itself.

    Source: CAP 1.2, 3.2.4 polygon.
    """
    for one in yard.drawn:
        if one.line.shape is not Shape.AREA:
            continue
        points = one.lonlat
        if len(points) < _RING:
            yield Fault(one.line.path, f"has {len(points)} points")
        elif (points[0] != points[-1]).any():
            yield Fault(one.line.path, "is not closed")
        elif not shapely.is_valid(shapely.Polygon(points)):
            yield Fault(one.line.path, "crosses itself", Severity.WARNING)


@rule("geometry.shape", severity=Severity.WARNING, mend="give the road's whole shape, not its ends alone")
def is_more_than_its_ends(yard: Yardstick) -> Iterator[Fault]:
    """A long line has more than two points; with the road graph, `feed.travel.road` is the exact test.

    Source: measured: of 60 lines given by their ends alone 5 matched other streets (findings, published geometry);
    CIFS road closure guidelines ("too crude since it provides only the start and end points").
    """
    if yard.graph is not None:
        return
    for one in yard.drawn:
        if one.line.shape is Shape.LINE and len(one.lonlat) == 2:
            length_m = float(np.hypot(*metres(one.lonlat)[-1]))
            if length_m > _STRAIGHT_M:
                yield Fault(one.line.path, f"has two points, {length_m:.0f} m apart")


RULES = (
    consists_of_numbers, has_length, has_its_axes_in_order, lies_in_the_city, is_precise, does_not_double_back,
    is_no_ring, is_a_closed_area, is_more_than_its_ends,
)  # fmt: skip


def _as_written(one: Drawn, number: int) -> str:
    return written(one.line, one.lonlat[number])


def written(line: Line, point: npt.NDArray[np.float64]) -> str:
    """Return a point as the document has it, for a message."""
    lon, lat = (f"{value:.10g}" for value in point)
    return f"{lat} {lon}" if line.latitude_first else f"[{lon}, {lat}]"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
