"""The schematic map: grey streets, numbered closures, a scale bar; inline SVG from the road graph, no tiles.

One user unit is a thousandth of the map's width. Widths of strokes and sizes of text are set in `web/style.css`, so
that they can differ between phone and desktop; here is only where things lie.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
import shapely.ops

from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.vehicle_classes import MOTOR_CLASSES, mask_of

WIDTH = 1000.0
_EARTH_M_PER_DEGREE = 111_194.93  # mean radius 6,371,008.8 m
_SHORTEST_SIDE_M = 900.0
_ASPECTS = (0.78, 1.45)  # width / height
_MOST_MINOR_EDGES = 5000
_MAJOR = ("motorway", "trunk", "primary", "secondary")
_LABEL_SIZE = 25.0  # the size of a street's name on a phone, user units
_MOST_LABELS = 16
_MOST_FRAMES = 50
_MARKER_SPACING = 54.0
_JUNCTION_GAP = 40.0  # streets of a SUMO network end at the junction's edge, user units at most

FloatArray = npt.NDArray[np.float64]


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
class StreetLabel:
    """A street's name along a path, in user units."""

    text: str
    path: str


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


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The part of the world that the map shows: bounds in EPSG:4326 degrees, projected equirectangularly."""

    west: float
    south: float
    east: float
    north: float

    @cached_property
    def units_per_degree(self) -> FloatArray:
        """``(2,)``: user units per degree of longitude and of latitude (negative: y grows downwards)."""
        per_lon = WIDTH / (self.east - self.west)
        return np.array([per_lon, -per_lon / np.cos(np.radians((self.south + self.north) / 2))])

    @property
    def height(self) -> float:
        """The map's height in user units."""
        return float((self.south - self.north) * self.units_per_degree[1])

    @property
    def metres_per_unit(self) -> float:
        """Metres on the ground per user unit."""
        return float(_EARTH_M_PER_DEGREE / -self.units_per_degree[1])

    def project(self, lonlat: npt.ArrayLike) -> FloatArray:
        """Return ``(n, 2)`` user units of ``(n, 2)`` lon, lat."""
        return (np.asarray(lonlat, dtype=np.float64) - (self.west, self.north)) * self.units_per_degree


def frame_of(graph: RoadGraph, lines: Sequence[MapLine]) -> Frame:
    """Choose what to show: the closures with their surroundings, or the whole network where there are none."""
    whole = np.concatenate([graph.node_lonlat.min(axis=0), graph.node_lonlat.max(axis=0)])
    stretch = float(np.cos(np.radians((whole[1] + whole[3]) / 2)))  # a degree of longitude, in degrees of latitude
    scale = np.array([stretch, 1.0])
    low, high = whole[:2] * scale, whole[2:] * scale
    if lines:
        points = np.concatenate([np.asarray(line.coordinates) for line in lines]) * scale
        side = max(float(np.ptp(points, axis=0).max()), _SHORTEST_SIDE_M / _EARTH_M_PER_DEGREE)
        low = np.maximum(points.min(axis=0) - 0.35 * side, np.minimum(low, points.min(axis=0)))
        high = np.minimum(points.max(axis=0) + 0.35 * side, np.maximum(high, points.max(axis=0)))
    size = np.maximum(high - low, 1e-4) * 1.04
    size = np.maximum(size, [size[1] * _ASPECTS[0], size[0] / _ASPECTS[1]])
    middle = (low + high) / 2
    west, south = (middle - size / 2) / scale
    east, north = (middle + size / 2) / scale
    return Frame(west=float(west), south=float(south), east=float(east), north=float(north))


def draw(graph: RoadGraph, lines: Sequence[MapLine]) -> Schematic:
    """Draw `lines` on the streets of `graph`."""
    frame = frame_of(graph, lines)
    streets = _streets_of(graph, frame)
    units = [shapely.LineString(frame.project(line.coordinates)) for line in lines]
    markers = _markers(lines, units, frame)
    bar_m = _round_length(frame.metres_per_unit * WIDTH / 4)
    return Schematic(
        height=round(frame.height),
        minor=streets.minor,
        major=streets.major,
        lines=_strokes(lines, units),
        labels=_labels(streets, frame, [*units, *(shapely.Point(m.x, m.y).buffer(25) for m in markers)]),
        markers=markers,
        bar_units=round(bar_m / frame.metres_per_unit),
        bar_text=f"{bar_m / 1000:g} km" if bar_m >= 1000 else f"{bar_m:g} m",
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
        drawn.append((own[0][0].kind, _path_data(shapely.get_parts(merged)), title))
    return drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class _Streets:
    """The grey streets of one frame: path data, and their lines in user units by name."""

    minor: str
    major: str
    named: Mapping[str, Sequence[Any]]


def _streets_of(graph: RoadGraph, frame: Frame) -> _Streets:
    """Return the streets of a frame, drawn once for it: it changes only with the closures."""
    kept: dict[Frame, _Streets] = graph.derived.setdefault("schematic", {})
    if frame not in kept:
        if len(kept) >= _MOST_FRAMES:
            kept.clear()
        kept[frame] = _draw_streets(graph, frame)
    return kept[frame]


def _draw_streets(graph: RoadGraph, frame: Frame) -> _Streets:
    edges, major = _streets_within(graph, frame)
    lines = _geometry(graph, edges, frame)
    named: dict[str, list[Any]] = {}
    for edge, line in zip(edges, lines, strict=True):
        if graph.names[edge] and not line.is_empty:
            named.setdefault(graph.names[edge], []).append(line)
    return _Streets(minor=_path_data(lines[~major]), major=_path_data(lines[major]), named=named)


def _streets_within(graph: RoadGraph, frame: Frame) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return the edges to draw, one of each pair of opposite ones, and which are major; in a big frame these alone."""
    bounds = shapely.bounds(graph.geometry)
    inside = (
        (bounds[:, 2] >= frame.west) & (bounds[:, 0] <= frame.east)
        & (bounds[:, 3] >= frame.south) & (bounds[:, 1] <= frame.north)
        & ((graph.access & mask_of(MOTOR_CLASSES)) != 0)
    )  # fmt: skip
    edges = np.flatnonzero(inside)
    ends = np.sort(np.stack([graph.from_node[edges], graph.to_node[edges]], axis=1), axis=1)
    key = np.column_stack([ends, np.round(graph.length_m[edges] / 5)])
    _, first = np.unique(key, axis=0, return_index=True)
    edges = edges[np.sort(first)]
    major = np.array([_is_major(graph, int(edge)) for edge in edges], dtype=np.bool_)
    if major.any() and (~major).sum() > _MOST_MINOR_EDGES:
        return edges[major], major[major]
    return edges, major


def _geometry(graph: RoadGraph, edges: npt.NDArray[np.int64], frame: Frame) -> npt.NDArray[Any]:
    """Return the edges' lines in user units, simplified to a unit, drawn on to the middle of their junctions."""
    nodes = np.rint(frame.project(graph.node_lonlat))
    lines = shapely.transform(graph.geometry[edges], frame.project)
    joined = [
        _joined(line, nodes[start], nodes[end])
        for line, start, end in zip(lines, graph.from_node[edges], graph.to_node[edges], strict=True)
    ]
    return np.asarray(shapely.simplify(np.array(joined, dtype=object), 1.0, preserve_topology=False))


def _joined(line: Any, start: FloatArray, end: FloatArray) -> Any:
    """Return the line drawn on to the middle of the junctions at its ends, unless these lie far off."""
    points = shapely.get_coordinates(line)
    before = [start] if np.hypot(*(points[0] - start)) < _JUNCTION_GAP else []
    after = [end] if np.hypot(*(points[-1] - end)) < _JUNCTION_GAP else []
    return shapely.LineString(np.vstack([*before, points, *after]))


def _is_major(graph: RoadGraph, edge: int) -> bool:
    highway = graph.highway[edge].removeprefix("highway.")
    if highway:
        return highway.startswith(_MAJOR)
    return bool(graph.lane_count[edge] >= 2 or graph.speed_mps[edge] > 16)


def _path_data(lines: Sequence[Any] | npt.NDArray[Any]) -> str:
    """Return SVG path data in whole units, relative after each start."""
    parts: list[str] = []
    for line in lines:
        points = np.rint(shapely.get_coordinates(line)).astype(int)
        if len(points) < 2:
            continue
        steps = np.diff(points, axis=0)
        steps = steps[(steps != 0).any(axis=1)]
        if len(steps):
            parts.append(f"M{points[0, 0]} {points[0, 1]}l" + " ".join(f"{x} {y}" for x, y in steps))
    return "".join(parts)


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


def _labels(streets: _Streets, frame: Frame, covered: Sequence[Any]) -> list[StreetLabel]:
    """Name the longest streets, on them or beside them, where their names fit and cover nothing."""
    window = shapely.box(20, 20, WIDTH - 20, frame.height - 20)
    bar = shapely.box(0, frame.height - 80, WIDTH / 3, frame.height)
    taken = [*(shape.buffer(6) for shape in covered), bar]
    pieces = [(_longest(own).intersection(window), name) for name, own in streets.named.items()]
    labels: list[StreetLabel] = []
    for piece, name in sorted(pieces, key=lambda pair: (-pair[0].length, pair[1])):
        spine = _spine(piece, 0.56 * _LABEL_SIZE * len(name) + 10)
        beside = [] if spine is None else [spine, *(spine.offset_curve(side) for side in (24, -24))]
        free = next((s for s in beside if not shapely.intersects(taken, s.buffer(_LABEL_SIZE * 0.6)).any()), None)
        if free is None:
            continue
        taken.append(free.buffer(_LABEL_SIZE * 0.6))
        labels.append(StreetLabel(text=name, path=_path_data([free])))
        if len(labels) == _MOST_LABELS:
            break
    return labels


def _longest(lines: Sequence[Any]) -> Any:
    merged = shapely.line_merge(shapely.union_all(lines))
    return max(shapely.get_parts(merged), key=lambda part: part.length)


def _spine(piece: Any, length: float) -> Any | None:
    """Return a nearly straight stretch of `length` units from the middle of `piece`, left to right, or None."""
    parts = [part for part in shapely.get_parts(piece) if part.geom_type == "LineString"]
    line = max(parts, key=lambda part: part.length, default=None)
    if line is None or line.length < length:
        return None
    middle = line.length / 2
    cut = shapely.ops.substring(line, middle - length / 2, middle + length / 2)
    ends = shapely.LineString([cut.coords[0], cut.coords[-1]])
    if ends.length < 0.9 * cut.length:
        return None  # letters would fan out in a bend
    return ends if ends.coords[0][0] <= ends.coords[-1][0] else ends.reverse()
