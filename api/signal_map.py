"""The city's signals on the schematic map: a ring of lamps about each junction, each on the side of its stop line."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from scipy.optimize import isotonic_regression
from scipy.spatial import cKDTree

from api.map_frame import WIDTH, Frame, frame_of
from api.map_streets import StreetLabel, labels_on, streets_of
from api.schematic import scale_bar
from trafficfeed.network.road_graph import FloatArray, RoadGraph
from trafficfeed.signals.topology import Intersection

_LAMP = (4.0, 9.0)  # least and most radius of a lamp, user units
_TURNS = 60  # in which junctions that lie on one another push one another apart


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedLamp:
    """A lamp on the map, in user units."""

    group: int
    name: str
    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedJunction:
    """A junction on the map, in user units; `reach` is the radius that its lamps take up."""

    id: str
    name: str
    x: float
    y: float
    reach: float
    lamps: Sequence[PlacedLamp]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalMap:
    """What the template draws; `lamp` is the radius of a lamp."""

    height: int
    minor: str
    major: str
    labels: Sequence[StreetLabel]
    junctions: Sequence[PlacedJunction]
    lamp: float
    bar_units: int
    bar_text: str


def draw_signals(graph: RoadGraph, intersections: Sequence[Intersection]) -> SignalMap:
    """Draw the lamps of `intersections` on the streets of `graph`; costs a second in a big city, keep it."""
    frame = frame_of(graph, [[one.lonlat for one in intersections]] if intersections else [])
    streets = streets_of(graph, frame)
    lamp = _lamp_radius(frame, intersections)
    ordered = sorted(intersections, key=lambda one: one.id)
    centres = _apart(ordered, frame, lamp)
    junctions = [_placed(one, centre, frame, lamp) for one, centre in zip(ordered, centres, strict=True)]
    covered = [shapely.Point(one.x, one.y).buffer(one.reach) for one in junctions]
    bar_units, bar_text = scale_bar(frame)
    return SignalMap(
        height=round(frame.height),
        minor=streets.minor,
        major=streets.major,
        labels=labels_on(streets, frame, covered),
        junctions=junctions,
        lamp=lamp,
        bar_units=bar_units,
        bar_text=bar_text,
    )


def _lamp_radius(frame: Frame, intersections: Sequence[Intersection]) -> float:
    """Choose lamps as big as the distances between most junctions allow."""
    if len(intersections) < 2:
        return _LAMP[1]
    points = frame.project([one.lonlat for one in intersections])
    nearest = np.asarray(cKDTree(points).query(points, k=2)[0])[:, 1]
    return float(np.clip(np.quantile(nearest, 0.3) / 6, *_LAMP).round(1))


def _ring(one: Intersection, lamp: float) -> float:
    """Return the radius of the ring that an intersection's lamps lie on."""
    return max(1.7 * lamp, 2.3 * lamp * len(one.groups) / (2 * np.pi))


def _apart(ordered: Sequence[Intersection], frame: Frame, lamp: float) -> FloatArray:
    """Return where to draw the junctions: as much beside their places as they would lie on one another."""
    if not ordered:
        return np.zeros((0, 2))
    centres = frame.project([one.lonlat for one in ordered])
    reach = np.array([_ring(one, lamp) + lamp + 2 for one in ordered])
    edge = np.array([WIDTH, frame.height])
    for _ in range(_TURNS):
        pairs = cKDTree(centres).query_pairs(2 * float(reach.max()), output_type="ndarray")
        a, b = pairs[:, 0], pairs[:, 1]
        step = centres[b] - centres[a]
        step[(step == 0).all(axis=1)] = (1.0, 0.0)
        distance = np.hypot(step[:, 0], step[:, 1])
        short = np.maximum(reach[a] + reach[b] - distance, 0.0)
        if not short.any():
            break
        push = step * (short / distance / 2)[:, None]
        np.subtract.at(centres, a, push)
        np.add.at(centres, b, push)
        centres = np.clip(centres, reach[:, None], edge - reach[:, None])
    return np.clip(centres, reach[:, None], edge - reach[:, None])


def _placed(one: Intersection, centre: FloatArray, frame: Frame, lamp: float) -> PlacedJunction:
    place, *stops = frame.project([one.lonlat, *(group.stop_line for group in one.groups)])
    wanted = np.array([np.arctan2(stop[1] - place[1], stop[0] - place[0]) for stop in stops])
    (x, y), ring = centre, _ring(one, lamp)
    angles = spread(wanted, 2 * np.arcsin(min(1.1 * lamp / ring, 1.0)))
    return PlacedJunction(
        id=one.id,
        name=one.name,
        x=round(float(x), 1),
        y=round(float(y), 1),
        reach=round(float(ring + lamp + 2), 1),
        lamps=[
            PlacedLamp(
                group=group.id,
                name=group.name,
                x=round(float(x + ring * np.cos(angle)), 1),
                y=round(float(y + ring * np.sin(angle)), 1),
            )
            for group, angle in zip(one.groups, angles, strict=True)
        ],
    )


def spread(wanted: FloatArray, least: float) -> FloatArray:
    """Return angles (radians) near the wanted ones, in their order all round, that lie at least so far apart.

    Where the circle has no room for that they are spread evenly, from the first on.
    """
    n = len(wanted)
    if n < 2:
        return wanted
    turned = np.mod(wanted, 2 * np.pi)
    order = np.argsort(turned, kind="stable")
    gaps = np.mod(np.diff(turned[order], append=turned[order[0]]), 2 * np.pi)
    order = np.roll(order, -1 - int(gaps.argmax()))  # cut where there is most room
    line = turned[order[0]] + np.mod(turned[order] - turned[order[0]], 2 * np.pi)
    steps = least * np.arange(n)
    line = np.asarray(isotonic_regression(line - steps).x) + steps
    if line[-1] - line[0] > 2 * np.pi - least:
        line = line[0] + np.arange(n) * 2 * np.pi / n
    placed = np.empty(n)
    placed[order] = line
    return placed
