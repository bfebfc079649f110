"""One intersection from the links of its traffic light: lanes, connections, signal groups, conflicts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import atan2, degrees

import numpy as np
import shapely

from trafficfeed.network.naming import compass
from trafficfeed.network.sumo_signals import NetLane, NetLink, NetProgramme, SignalNet
from trafficfeed.signals.signal_index import with_yielding
from trafficfeed.signals.topology import Manoeuvre, SignalConnection, SignalGroup, SignalLane

MOST_GROUPS = 255  # MAP SignalGroupID is a byte; 0 says unknown
_REACH_M = 150.0  # of a lane's line from the stop line
_TOLERANCE_M = 0.1
_HEADING_M = 20.0  # the last part of an approach tells where it leads
_DECIMALS = 7
_MANOEUVRES = {
    "s": Manoeuvre.STRAIGHT,
    "l": Manoeuvre.LEFT,
    "L": Manoeuvre.LEFT,
    "r": Manoeuvre.RIGHT,
    "R": Manoeuvre.RIGHT,
    "t": Manoeuvre.U_TURN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalLinks:
    """A traffic light's own part of a network: its links (controlled first), its programmes, its links' crossings.

    `yields` are pairs of link indices of different arms: the first must give way to the second.
    """

    links: Sequence[NetLink]
    programmes: Sequence[NetProgramme]
    crossings: frozenset[tuple[int, int]]
    yields: frozenset[tuple[int, int]]
    net: SignalNet

    def lane(self, lane_id: str) -> NetLane:
        """Return a lane by SUMO's id."""
        return self.net.lanes[lane_id]

    def arm(self, link: NetLink) -> str:
        """Return the edge that a link comes from."""
        return self.lane(link.from_lane).edge


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedLanes:
    """The lanes of an intersection, with the number of each SUMO lane as ingress and as egress."""

    lanes: Sequence[SignalLane]
    ingress: Mapping[str, int]
    egress: Mapping[str, int]


def signal_links(net: SignalNet, signal: str, links: Sequence[NetLink]) -> SignalLinks:
    """Return a traffic light's part of `net`; `links` are its own and the uncontrolled ones beside them."""
    controlled = [link for link in links if link.signal == signal]
    crossings: set[tuple[int, int]] = set()
    yields: set[tuple[int, int]] = set()
    for a, b in combinations(controlled, 2):
        if a.index == b.index or a.junction != b.junction or net.lanes[a.from_lane].edge == net.lanes[b.from_lane].edge:
            continue
        size = len(net.foes[a.junction])
        if not (0 <= a.request < size and 0 <= b.request < size and net.foes[a.junction][a.request, b.request]):
            continue
        crossings.add((min(a.index, b.index), max(a.index, b.index)))
        for one, other in ((a, b), (b, a)):
            if net.yields[a.junction][one.request, other.request]:
                yields.add((one.index, other.index))
    return SignalLinks(
        links=links,
        programmes=[programme for programme in net.programmes if programme.signal == signal],
        crossings=frozenset(crossings),
        yields=frozenset((a, b) for a, b in yields if (b, a) not in yields),
        net=net,
    )


def lanes_of(part: SignalLinks) -> NumberedLanes:
    """Return the lanes that the links begin and end on, numbered arm by arm clockwise from north, ingress first."""
    arriving = _arms(part, dict.fromkeys(link.from_lane for link in part.links), inbound=True)
    leaving = _arms(part, dict.fromkeys(link.to_lane for link in part.links), inbound=False)
    lanes: list[SignalLane] = []
    numbers: dict[bool, dict[str, int]] = {True: {}, False: {}}
    for inbound, arms in ((True, arriving), (False, leaving)):
        for approach, names in enumerate(arms, 1):
            for name in names:
                if not inbound and part.lane(name).crossing:
                    numbers[False][name] = numbers[True][name]  # people leave by the crossing that they came on
                    continue
                numbers[inbound][name] = len(lanes) + 1
                lanes.append(_signal_lane(part.lane(name), len(lanes) + 1, approach, ingress=inbound))
    return NumberedLanes(lanes=tuple(lanes), ingress=numbers[True], egress=numbers[False])


def groups_of(part: SignalLinks, numbered: NumberedLanes) -> tuple[list[SignalGroup], dict[int, int]]:
    """Return the signal groups and the group of each link index.

    Links of one arm that show the same in every phase of every programme are one group. Were that more than MAP can
    number, arms that always show the same share one.
    """
    keys = _keys(part, by_arm=True)
    if len(set(keys.values())) > MOST_GROUPS:
        keys = _keys(part, by_arm=False)
    approach = {lane.id: lane.approach for lane in numbered.lanes}
    first: dict[tuple[str, ...], tuple[int, int, int]] = {}
    for link in part.links:
        if link.index >= 0:
            lane = numbered.ingress[link.from_lane]
            rank = (approach[lane], lane, link.index)
            first[keys[link.index]] = min(first.get(keys[link.index], rank), rank)
    ordered = sorted(first, key=first.__getitem__)
    number = {key: n for n, key in enumerate(ordered, 1)}
    of_link = {index: number[key] for index, key in keys.items()}
    members: dict[int, list[NetLink]] = {}
    for link in part.links:
        if link.index >= 0:
            members.setdefault(of_link[link.index], []).append(link)
    return [_group(part, numbered, n, members[n]) for n in sorted(members)], of_link


def connections_of(
    part: SignalLinks, numbered: NumberedLanes, group_of: Mapping[int, int]
) -> tuple[SignalConnection, ...]:
    """Return the moves from lane to lane, by ingress lane, then egress lane."""
    ends = sorted(
        part.links, key=lambda link: (numbered.ingress[link.from_lane], numbered.egress[link.to_lane], link.index)
    )
    return tuple(
        SignalConnection(
            id=n,
            from_lane=numbered.ingress[link.from_lane],
            to_lane=numbered.egress[link.to_lane],
            manoeuvre=_MANOEUVRES.get(link.direction, Manoeuvre.STRAIGHT),
            group=group_of.get(link.index),
            length_m=round(link.length_m, 2),
        )
        for n, link in enumerate(ends, 1)
    )


def conflicts_of(part: SignalLinks, group_of: Mapping[int, int]) -> tuple[tuple[int, int], ...]:
    """Return the pairs of groups whose streams cross or meet, the smaller number first."""
    pairs = {(group_of[a], group_of[b]) for a, b in part.crossings}
    return tuple(sorted({(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]}))


def _keys(part: SignalLinks, *, by_arm: bool) -> dict[int, tuple[str, ...]]:
    states = [with_yielding(phase.state, part.yields) for p in part.programmes for phase in p.phases]
    keys: dict[int, tuple[str, ...]] = {}
    for link in part.links:
        if link.index >= 0 and link.index not in keys:
            column = "".join(state[link.index] if link.index < len(state) else "?" for state in states)
            keys[link.index] = (part.arm(link) if by_arm else "", column)
    return keys


def _group(part: SignalLinks, numbered: NumberedLanes, number: int, members: Sequence[NetLink]) -> SignalGroup:
    first = min(members, key=lambda link: (numbered.ingress[link.from_lane], link.index))
    lane = numbered.lanes[numbered.ingress[first.from_lane] - 1]
    manoeuvres = tuple(dict.fromkeys(_MANOEUVRES.get(m.direction, Manoeuvre.STRAIGHT) for m in members))
    ordered = tuple(m for m in Manoeuvre if m in manoeuvres)
    heading = compass(*_heading(part.lane(first.from_lane), inbound=True))
    on_foot = part.lane(first.from_lane).crossing
    moves = "on foot" if on_foot else " and ".join(m.value for m in ordered)
    return SignalGroup(
        id=number,
        name=" ".join(word for word in (lane.street, heading, moves) if word),
        street=lane.street,
        compass=heading,
        manoeuvres=ordered,
        stop_line=lane.line[0],
    )


def _arms(part: SignalLinks, names: Iterable[str], *, inbound: bool) -> list[list[str]]:
    """Return lanes by edge; edges clockwise by where they lie, lanes of one from the right."""
    edges: dict[str, list[NetLane]] = {}
    for name in names:
        edges.setdefault(part.lane(name).edge, []).append(part.lane(name))

    def place(lanes: list[NetLane]) -> tuple[float, float, float]:
        dx, dy = _heading(lanes[0], inbound=inbound)
        away = (-dx, -dy) if inbound else (dx, dy)
        stop = lanes[0].xy[-1 if inbound else 0]
        return round(degrees(atan2(*away)) % 360.0, 1), round(float(stop[0]), 1), round(float(stop[1]), 1)

    ordered = sorted(edges.values(), key=place)
    return [[lane.id for lane in sorted(lanes, key=lambda lane: lane.index)] for lanes in ordered]


def _heading(lane: NetLane, *, inbound: bool) -> tuple[float, float]:
    line = shapely.LineString(lane.xy)
    reach = min(_HEADING_M, line.length)
    a, b = (line.length - reach, line.length) if inbound else (0.0, reach)
    start, end = line.interpolate(a), line.interpolate(b)
    return float(end.x - start.x), float(end.y - start.y)


def _signal_lane(lane: NetLane, number: int, approach: int, *, ingress: bool) -> SignalLane:
    return SignalLane(
        id=number,
        ingress=ingress,
        approach=approach,
        street=lane.street,
        line=_line_from_stop(lane, ingress=ingress),
        width_m=round(lane.width_m, 2),
        speed_limit_mps=round(lane.speed_mps, 2),
        vehicles=lane.vehicles,
    )


def _line_from_stop(lane: NetLane, *, ingress: bool) -> tuple[tuple[float, float], ...]:
    """Return the lane's line in lon, lat from the junction outward, as far as `_REACH_M`, without needless points."""
    xy, lonlat = (lane.xy[::-1], lane.line[::-1]) if ingress else (lane.xy, lane.line)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    if along[-1] > _REACH_M:
        cut = int(np.searchsorted(along, _REACH_M))
        share = (_REACH_M - along[cut - 1]) / (along[cut] - along[cut - 1])
        xy = np.vstack([xy[:cut], xy[cut - 1] + share * (xy[cut] - xy[cut - 1])])
        lonlat = np.vstack([lonlat[:cut], lonlat[cut - 1] + share * (lonlat[cut] - lonlat[cut - 1])])
    kept = {tuple(p) for p in shapely.get_coordinates(shapely.LineString(xy).simplify(_TOLERANCE_M))}
    points = [
        tuple(at) for at, plane in zip(np.round(lonlat, _DECIMALS).tolist(), xy, strict=True) if tuple(plane) in kept
    ]
    return tuple((lon, lat) for lon, lat in points)
