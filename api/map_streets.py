"""The grey streets of a schematic map and their names, drawn once for each frame."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
import shapely.ops

from api.map_frame import WIDTH, Frame
from trafficfeed.network.road_graph import FloatArray, RoadGraph
from trafficfeed.network.vehicle_classes import MOTOR_CLASSES, mask_of

_MOST_MINOR_EDGES = 5000
_MAJOR = ("motorway", "trunk", "primary", "secondary")
_LABEL_SIZE = 25.0  # the size of a street's name on a phone, user units
_MOST_LABELS = 16
_MOST_FRAMES = 50
_JUNCTION_GAP = 40.0  # streets of a SUMO network end at the junction's edge, user units at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Streets:
    """The grey streets of one frame: path data, and their lines in user units by name."""

    minor: str
    major: str
    named: Mapping[str, Sequence[Any]]


def streets_of(graph: RoadGraph, frame: Frame) -> Streets:
    """Return the streets of a frame, drawn once for it: it changes only with the closures."""
    kept: dict[Frame, Streets] = graph.derived.setdefault("schematic", {})
    if frame not in kept:
        if len(kept) >= _MOST_FRAMES:
            kept.clear()
        kept[frame] = _draw_streets(graph, frame)
    return kept[frame]


def _draw_streets(graph: RoadGraph, frame: Frame) -> Streets:
    edges, major = _streets_within(graph, frame)
    lines = _geometry(graph, edges, frame)
    named: dict[str, list[Any]] = {}
    for edge, line in zip(edges, lines, strict=True):
        if graph.names[edge] and not line.is_empty:
            named.setdefault(graph.names[edge], []).append(line)
    return Streets(minor=path_data(lines[~major]), major=path_data(lines[major]), named=named)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class StreetLabel:
    """A street's name along a path, in user units."""

    text: str
    path: str


def labels_on(streets: Streets, frame: Frame, covered: Sequence[Any]) -> list[StreetLabel]:
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
        labels.append(StreetLabel(text=name, path=path_data([free])))
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


def path_data(lines: Sequence[Any] | npt.NDArray[Any]) -> str:
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
