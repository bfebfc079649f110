"""Lines run in the direction of travel, along connected roads; a way round is no way through a closure."""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from math import cos, hypot, radians
from typing import NamedTuple

from trafficfeed.findings import Severity
from trafficfeed.formats.records import Record, Shape
from trafficfeed.formats.rules.roads import roads_of
from trafficfeed.formats.rules.rule import Drawn, Fault, Yardstick, rule
from trafficfeed.formats.rules.times import instant

_VECTORS = {"northbound": (0, 1), "eastbound": (1, 0), "southbound": (0, -1), "westbound": (-1, 0)}
_WORD = re.compile(rf"\b({'|'.join(_VECTORS)})\b", re.IGNORECASE)
_DEGREE_M = 111_195.0
_SHORT_M = 12.0  # a ring, or so short that its direction says nothing
_JOINT_M = 30.0  # as wide as the junctions between two segments of one closure


@rule("travel.compass", mend="list the points in the direction of travel")
def keeps_its_compass(yard: Yardstick) -> Iterator[Fault]:
    """A line runs where its compass direction says, not the other way.

    Source: WZDx 4.2, Direction and RoadEventFeature.geometry (in the direction of travel); measured: of 60 reversed
    lines a matcher put 59 on the other carriageway.
    """
    for one in yard.placed:
        vector = _VECTORS.get(one.record.compass)
        if vector and one.line is one.record.lines[0] and one.line.shape is Shape.LINE and not one.line.is_detour:
            east, north = _across(one)
            if hypot(east, north) > _SHORT_M and east * vector[0] + north * vector[1] < 0:
                yield Fault(one.line.path, f"runs against its direction, {one.record.compass}")


@rule("travel.id", mend="list the points in the direction of travel")
def keeps_the_direction_of_its_id(yard: Yardstick) -> Iterator[Fault]:
    """A line runs where a compass word in its id says; a segment of several, so that the next begins where it ends.

    Source: our ids name the direction, for standards that have no field for it (CIFS specification, polyline: "the
    order of the coordinates must reflect the direction of the traffic").
    """
    groups: dict[tuple[str, str], list[_Piece]] = defaultdict(list)
    for one in yard.placed:
        word = _WORD.search(one.record.id)
        if word and one.line is one.record.lines[0] and _is_one_way_line(one):
            start = instant(one.record.start[1])
            key = (one.record.id[: word.end()], start.isoformat() if start else "")
            groups[key].append(_Piece(one, word[1].lower()))
    for pieces in groups.values():
        yield from _against(pieces)


@rule("travel.road", mend="publish the matched roads' own shape, in the direction of travel")
def follows_the_roads(yard: Yardstick) -> Iterator[Fault]:
    """Each step of a line is a step of a road in its direction of travel, or crosses a junction between two.

    Source: WZDx 4.2, RoadEventFeature.geometry; CIFS specification, polyline; measured: lines shifted by 5 m matched
    in 20 of 60 cases, by their ends alone 5 of 60 wrong.
    """
    if yard.graph is None or yard.feed.datum != "wgs84":
        return
    drawn = [one for one in yard.placed if one.line.shape is Shape.LINE and len(one.lonlat) > 1]
    different = {one.lonlat.tobytes() + bytes([one.record.both_directions]): one for one in drawn}
    ones = list(different.values())
    faults = roads_of(yard.graph).faults_of([one.lonlat for one in ones], [one.record.both_directions for one in ones])
    said = dict(zip(different, faults, strict=True))
    for one in drawn:
        fault = said[one.lonlat.tobytes() + bytes([one.record.both_directions])]
        if fault:
            yield Fault(one.line.path, fault, Severity.WARNING if one.line.is_detour else None)


@rule("travel.detour_closed", mend="lead the way round past what is closed, or close them at different times")
def no_detour_through_a_closure(yard: Yardstick) -> Iterator[Fault]:
    """A detour does not run through what it is to avoid, nor through what another record closes at the same time.

    Source: two closures whose detours run through each other send drivers in a circle; no schema compares lines.
    """
    closed: dict[_Step, list[Record]] = defaultdict(list)
    for one in yard.placed:
        if one.record.closes and not one.record.cancelled and not one.line.is_detour and one.line.shape is Shape.LINE:
            for step in _steps(one):
                closed[step].append(one.record)
    for one in yard.placed:
        if not one.line.is_detour or one.line.shape is not Shape.LINE:
            continue
        crossed = {record.id: record for step in _steps(one) for record in closed.get(step, ())}
        met = [id for id, record in crossed.items() if _overlap(record, one.record)]
        if met:
            own = [id for id in met if id == one.record.id or ("related-work-zone", id) in one.record.links]
            message = f"runs through {(own or met)[0]!r}, which is closed then"
            yield Fault(one.line.path, message, None if own else Severity.WARNING)


RULES = (keeps_its_compass, keeps_the_direction_of_its_id, follows_the_roads, no_detour_through_a_closure)

_Step = tuple[tuple[float, float], tuple[float, float]]


class _Piece(NamedTuple):
    """A line whose id names a direction."""

    one: Drawn
    word: str

    @property
    def against(self) -> bool:
        east, north = _across(self.one)
        x, y = _VECTORS[self.word]
        return hypot(east, north) > _SHORT_M and east * x + north * y < 0

    def leads_to(self, other: "_Piece") -> bool:
        return _apart_m(self.one.lonlat[-1].tolist(), other.one.lonlat[0].tolist()) < _JOINT_M


def _against(pieces: list[_Piece]) -> Iterator[Fault]:
    """Yield the pieces that run against the word; a street may wind, so of several they must also break the chain."""
    wrong = [piece for piece in pieces if piece.against]
    if not wrong:
        return
    as_a_whole = _against_as_a_whole(pieces)
    for piece in (piece for piece in wrong if as_a_whole or not _is_chained(piece, pieces)):
        yield Fault(piece.one.line.path, f"runs against the direction in its id, {piece.word}")


def _against_as_a_whole(pieces: list[_Piece]) -> bool:
    east, north = (sum(values) for values in zip(*(_across(piece.one) for piece in pieces), strict=True))
    x, y = _VECTORS[pieces[0].word]
    return hypot(east, north) > _SHORT_M and east * x + north * y < 0


def _is_chained(piece: _Piece, pieces: list[_Piece]) -> bool:
    others = [other for other in pieces if other is not piece]
    if hypot(*_across(piece.one)) < 2 * _JOINT_M:  # its two ends are too near one another to tell
        return bool(others)
    return any(piece.leads_to(other) or other.leads_to(piece) for other in others)


def _is_one_way_line(one: Drawn) -> bool:
    is_plain = one.line.shape is Shape.LINE and not one.line.is_detour and not one.record.both_directions
    is_turn = one.record.kind == "turn_ban" or one.record.subtype == "other"  # DATEX has no word for a banned turn
    return is_plain and not is_turn and one.record.kind != "detour" and one.record.compass in ("", *_VECTORS)


def _across(one: Drawn) -> tuple[float, float]:
    (lon_a, lat_a), (lon_b, lat_b) = one.lonlat[0].tolist(), one.lonlat[-1].tolist()
    scale = _DEGREE_M * cos(radians(max(min(lat_a, 90.0), -90.0)))
    return (lon_b - lon_a) * scale, (lat_b - lat_a) * _DEGREE_M


def _apart_m(a: list[float], b: list[float]) -> float:
    return hypot((a[0] - b[0]) * _DEGREE_M * cos(radians(max(min(a[1], 90.0), -90.0))), (a[1] - b[1]) * _DEGREE_M)


def _steps(one: Drawn) -> Iterator[_Step]:
    points = [(lon, lat) for lon, lat in one.lonlat.round(6).tolist()]
    return ((a, b) for a, b in pairwise(points) if a != b)


def _overlap(a: Record, b: Record) -> bool:
    begins = [instant(record.start[1]) for record in (a, b)]
    ends = [instant(record.end[1]) for record in (a, b)]
    latest = max((time for time in begins if time), default=None)
    earliest = min((time for time in ends if time), default=None)
    return _before(latest, earliest)


def _before(start: datetime | None, end: datetime | None) -> bool:
    return start is None or end is None or start < end
