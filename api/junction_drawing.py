"""One junction drawn to scale: its lanes as wide as they are, a bar at each stop line, an arc for each move."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from api.map_frame import WIDTH, Frame
from trafficfeed.network.road_graph import FloatArray
from trafficfeed.signals.topology import Intersection, SignalLane

_M_PER_DEGREE: Final = 111_194.93
_LEAST_REACH_M: Final = 22.0
_MOST_REACH_M: Final = 80.0
_APRON_M: Final = 26.0  # that is shown of the lanes behind the farthest stop line
_ARROW_M: Final = 2.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke:
    """SVG path data; `group` is the signal group whose aspect colours it."""

    path: str
    group: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JunctionDrawing:
    """What the template draws, in user units of a square."""

    lanes: Sequence[str]
    moves: Sequence[Stroke]
    bars: Sequence[Stroke]
    labels: Sequence[tuple[float, float, int]]  # x, y and number of each group, behind its stop line
    lane_units: float
    size: int = int(WIDTH)


def draw_junction(one: Intersection) -> JunctionDrawing:
    """Draw an intersection, north up."""
    frame = _frame(one)
    lines = {lane.id: frame.project(lane.line) for lane in one.lanes}
    metre = 1 / frame.metres_per_unit
    groups_of_lane = _groups_of_lanes(one)
    bars: list[Stroke] = []
    labels: dict[int, tuple[float, float]] = {}
    for lane in one.lanes:
        groups = groups_of_lane.get(lane.id, ())
        for k, group in enumerate(groups):
            bar, behind = _bar(lines[lane.id], lane, metre, (k, len(groups)))
            bars.append(Stroke(path=bar, group=group))
            labels.setdefault(group, behind)
    return JunctionDrawing(
        lanes=[_path(line) for line in lines.values() if len(line) > 1],
        moves=_moves(one, lines, metre),
        bars=bars,
        labels=_apart(labels, 4.4 * metre),
        lane_units=round(3.0 * metre, 1),
    )


def _frame(one: Intersection) -> Frame:
    """Choose a square about the stop lines, and some of the lanes behind them."""
    lon, lat = one.lonlat
    scale = np.array([np.cos(np.radians(lat)), 1.0]) * _M_PER_DEGREE
    stops = (np.array([lane.line[0] for lane in one.lanes] or [one.lonlat]) - (lon, lat)) * scale
    reach = float(np.clip(np.abs(stops).max() + _APRON_M, _LEAST_REACH_M, _MOST_REACH_M))
    east, north = reach / scale
    return Frame(west=lon - east, south=lat - north, east=lon + east, north=lat + north)


def _groups_of_lanes(one: Intersection) -> Mapping[int, Sequence[int]]:
    """Return the groups that rule each ingress lane, the one for the rightmost move last."""
    found: dict[int, list[int]] = {}
    for connection in one.connections:
        if connection.group is not None and connection.group not in found.setdefault(connection.from_lane, []):
            found[connection.from_lane].append(connection.group)
    return found


def _bar(line: FloatArray, lane: SignalLane, metre: float, part: tuple[int, int]) -> tuple[str, tuple[float, float]]:
    """Return one group's part of the bar across a lane at its stop line, and a place for its number behind it."""
    back = _direction(line)
    across = np.array([-back[1], back[0]]) * lane.width_m * metre * 0.46
    k, n = part
    middle = line[0] + back * 0.8 * metre
    low, high = (middle + across * (2 * share - 1) for share in (k / n, (k + 1) / n))
    behind = line[0] + back * 4.6 * metre
    return _path(np.array([low, high])), (float(behind[0]), float(behind[1]))


def _moves(one: Intersection, lines: Mapping[int, FloatArray], metre: float) -> list[Stroke]:
    moves = []
    for connection in one.connections:
        start, end = lines.get(connection.from_lane), lines.get(connection.to_lane)
        if connection.group is None or start is None or end is None:
            continue
        moves.append(Stroke(path=_arc(start, end, metre), group=connection.group))
    return moves


def _arc(start: FloatArray, end: FloatArray, metre: float) -> str:
    """Return a curve that leaves one lane and enters the other straight, with an arrow's head."""
    out, into = -_direction(start), _direction(end)
    distance = float(np.hypot(*(end[0] - start[0])))
    a, b = start[0] + out * distance * 0.4, end[0] - into * distance * 0.4
    side = np.array([-into[1], into[0]])
    barbs = [end[0] - into * _ARROW_M * metre + side * sign * 0.5 * _ARROW_M * metre for sign in (1, -1)]
    (x0, y0), (x1, y1), (x2, y2), (x3, y3), (x4, y4), (x5, y5) = np.rint([start[0], a, b, end[0], *barbs]).astype(int)
    return f"M{x0} {y0}C{x1} {y1} {x2} {y2} {x3} {y3}M{x4} {y4}L{x3} {y3}L{x5} {y5}"


def _direction(line: FloatArray) -> FloatArray:
    """Return the unit vector from the stop line along the lane."""
    for point in line[1:]:
        step = point - line[0]
        if (length := float(np.hypot(*step))) > 1e-6:
            return np.asarray(step / length)
    return np.array([0.0, -1.0])


def _path(line: FloatArray) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in np.round(line, 1).tolist())


def _apart(labels: Mapping[int, tuple[float, float]], least: float) -> list[tuple[float, float, int]]:
    """Move numbers that lie on one another apart, outwards from the middle."""
    placed: list[tuple[float, float, int]] = []
    middle = np.array([WIDTH / 2, WIDTH / 2])
    for group, spot in labels.items():
        at = np.array(spot)
        outwards = (at - middle) / max(float(np.hypot(*(at - middle))), 1e-6)
        while any(np.hypot(x - at[0], y - at[1]) < least for x, y, _ in placed):
            at = at + outwards * least / 4
        at = np.clip(at, 24, WIDTH - 24)
        placed.append((round(float(at[0])), round(float(at[1])), group))
    return placed
