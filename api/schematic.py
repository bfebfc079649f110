"""The schematic map: grey streets, numbered closures, a scale bar; inline SVG from the road graph, no tiles.

One user unit is a thousandth of the map's width. Widths of strokes and sizes of text are set in `web/style.css`, so
that they can differ between phone and desktop; here is only where things lie.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import shapely
import shapely.ops

from api.map_frame import WIDTH, Frame, frame_of
from api.map_streets import StreetLabel, labels_on, path_data, streets_of
from trafficfeed.network.road_graph import RoadGraph

_MARKER_SPACING = 54.0


class LineKind(StrEnum):
    """How a closure is drawn."""

    CLOSED = "closed"
    RESTRICTED = "restricted"
    NEXT = "next"


@dataclass(frozen=True, slots=True, kw_only=True)
class MapLine:
    """One published line: `coordinates` EPSG:4326 lon, lat; `number` is its entry in the list beside the map."""

    coordinates: Sequence[tuple[float, float]]
    kind: LineKind
    number: int
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """A numbered disc, in user units."""

    x: int
    y: int
    number: int
    kind: LineKind
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Schematic:
    """What the template draws: SVG path data by class, labels, markers, and the bar's length."""

    height: int
    minor: str
    major: str
    lines: Sequence[tuple[LineKind, str, str]]  # kind, path data, title; what is closed now comes last, on top
    labels: Sequence[StreetLabel]
    markers: Sequence[Marker]
    bar_units: int
    bar_text: str


def draw(graph: RoadGraph, lines: Sequence[MapLine]) -> Schematic:
    """Draw `lines` on the streets of `graph`."""
    frame = frame_of(graph, [line.coordinates for line in lines])
    streets = streets_of(graph, frame)
    units = [shapely.LineString(frame.project(line.coordinates)) for line in lines]
    markers = _markers(lines, units, frame)
    bar_units, bar_text = scale_bar(frame)
    return Schematic(
        height=round(frame.height),
        minor=streets.minor,
        major=streets.major,
        lines=_strokes(lines, units),
        labels=labels_on(streets, frame, [*units, *(shapely.Point(m.x, m.y).buffer(25) for m in markers)]),
        markers=markers,
        bar_units=bar_units,
        bar_text=bar_text,
    )


def _strokes(lines: Sequence[MapLine], units: Sequence[Any]) -> list[tuple[LineKind, str, str]]:
    """Join the lines of one entry that are drawn alike, so that no seam shows where one ends and the next begins."""
    strokes: dict[tuple[int, int], list[tuple[MapLine, Any]]] = {}
    for line, unit in zip(lines, units, strict=True):
        strokes.setdefault((-list(LineKind).index(line.kind), line.number), []).append((line, unit))
    drawn = []
    for _, own in sorted(strokes.items(), key=lambda item: item[0]):
        merged = shapely.line_merge(shapely.union_all([unit.simplify(0.5) for _, unit in own], grid_size=1.0))
        title = "; ".join(dict.fromkeys(line.title for line, _ in own))
        drawn.append((own[0][0].kind, path_data(shapely.get_parts(merged)), title))
    return drawn


def scale_bar(frame: Frame) -> tuple[int, str]:
    """Return the length of a scale bar in user units, and what is written on it."""
    bar_m = _round_length(frame.metres_per_unit * WIDTH / 4)
    return round(bar_m / frame.metres_per_unit), f"{bar_m / 1000:g} km" if bar_m >= 1000 else f"{bar_m:g} m"


def _round_length(most_m: float) -> float:
    """Return the largest 1, 2 or 5 times a power of ten that is not above `most_m`."""
    power = 10.0 ** np.floor(np.log10(most_m))
    return float(max(step * power for step in (1, 2, 5) if step * power <= most_m))


def _markers(lines: Sequence[MapLine], units: Sequence[Any], frame: Frame) -> list[Marker]:
    """Place one disc a number on its longest line, moved along the lines where discs would lie on one another."""
    placed: list[Marker] = []
    for number in sorted({line.number for line in lines}):
        own = sorted(
            ((line, unit) for line, unit in zip(lines, units, strict=True) if line.number == number),
            key=lambda pair: (list(LineKind).index(pair[0].kind), -pair[1].length),
        )
        spots = [
            unit.interpolate(share, normalized=True) for share in (0.5, 0.3, 0.7, 0.1, 0.9) for _, unit in own[:20]
        ]
        clearance = [
            min((np.hypot(spot.x - m.x, spot.y - m.y) for m in placed), default=_MARKER_SPACING) for spot in spots
        ]
        free = [spot for spot, room in zip(spots, clearance, strict=True) if room >= _MARKER_SPACING]
        spot = free[0] if free else spots[int(np.argmax(clearance))]
        x, y = np.clip([spot.x, spot.y], 30, [WIDTH - 30, frame.height - 30])
        line = own[0][0]
        placed.append(Marker(x=round(x), y=round(y), number=number, kind=line.kind, title=line.title))
    return placed
