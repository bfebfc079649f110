"""A flood decision to the order that says it: a measure for all roads of a site that lie equally deep; pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from math import cos, inf, radians, sin, tau
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import shapely

from trafficfeed.closures.orders import (
    Authority,
    Closure,
    Contact,
    Edges,
    Exemption,
    Hazard,
    LonLat,
    Measure,
    Order,
    Period,
    Reason,
    Rule,
    Schedule,
    VehicleRestriction,
    Wader,
    Water,
    WaterBasis,
)
from trafficfeed.flooding.decisions import Basis, Decision, DecisionRule, Level
from trafficfeed.flooding.road_state import SUMO_CLASSES, WaterClass, passable_at, speed_in_water
from trafficfeed.flooding.sites import Site, SiteRoad
from trafficfeed.formats.flood_text import FloodFacts, languages_for, messages, titles, until_texts
from trafficfeed.network.plane import plane_of
from trafficfeed.network.road_graph import RoadGraph

DEPTH_CLASSES_M: Final = (0.10, 0.15, 0.30, 0.45)
"""Depths at which a published record is told anew: a hazard, small cars, closed, up to the doors."""

_BAND_CM: Final = 5
_FLAPPING_M: Final = 0.02  # twice what gauges tremble
_LATER: Final = timedelta(minutes=10)
_EARLIER: Final = timedelta(minutes=30)
_STEP: Final = timedelta(minutes=5)
_SOONEST: Final = timedelta(minutes=15)
_LEAST_RADIUS_M: Final = 40.0
_MOST_RADIUS_M: Final = 500.0
_CORNERS: Final = 16
_M_PER_DEGREE: Final = 111_195.0
_FASTEST_KMH: Final = 130.0
_LONGEST_ID: Final = 64
_BASIS: Final = MappingProxyType(
    {
        Basis.OBSERVED: WaterBasis.OBSERVED,
        Basis.FORECAST: WaterBasis.FORECAST,
        Basis.OFFICER: WaterBasis.OFFICER,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """Who publishes a city's flood orders, in which zone and languages; `note` is what must be known of the source."""

    city: str
    authority: str
    legal_basis: str
    contact_name: str
    contact_email: str | None
    language: str
    timezone: str
    unknown_end: timedelta
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Band:
    """Roads of a site that lie within 5 cm of one another: `sill_m` above the site's low point."""

    id: str
    sill_m: float
    edges: tuple[str, ...]


def order_of(
    decision: Decision, site: Site, graph: RoadGraph, issuer: Issuer, rule: DecisionRule, *,
    order_id: str, before: Order | None, as_of: datetime, method: str = "",
) -> Order | None:  # fmt: skip
    """Return the order that publishes a decision; None where no road of the graph is wet.

    Roads that lie higher than the site's low point have less water: each 5 cm of height is a measure of its own, closed
    where it is itself as deep as `rule.closes_m`, warned of from `rule.hazard_m` on. What was closed stays so while the
    decision does. A measure keeps its start from version to version, so that its records keep their ids and starts.

    Parameters
    ----------
    decision
        Not `Level.CLEAR`.
    before
        The order's latest version, None where this is the first.
    as_of
        Aware: now.
    method
        How the depth is known, in a word: the forecast's method, "sensor".
    """
    end = _end(decision, before, issuer, as_of)
    earlier = {} if before is None else {measure.id: measure for measure in before.measures}
    made = [
        _measure(decision, site, band, graph, issuer, rule, earlier.get(band.id), end=end, method=method)
        for band in _bands(site, graph)
    ]
    measures = tuple(measure for measure in made if measure is not None)
    if not measures:
        return None
    languages = languages_for(issuer.language)
    facts = facts_of(decision, place_name(site, graph), issuer, end)
    return Order(
        id=order_id,
        city=issuer.city,
        authority=Authority(name=issuer.authority),
        legal_basis=issuer.legal_basis,
        reason=Reason.FLOODING,
        contact=Contact(name=issuer.contact_name, email=issuer.contact_email),
        title=titles(facts, languages),
        description=messages(facts, languages),
        timezone=issuer.timezone,
        measures=measures,
    )


def order_id_of(episode: str) -> str:
    """Return the id of an episode's order: the episode's own, as far as ids have its characters."""
    plain = re.sub(r"[^a-z0-9_-]+", "-", episode.casefold()).strip("-_")
    if plain == episode and len(plain) <= _LONGEST_ID:
        return plain
    digest = sha256(episode.encode()).hexdigest()[:8]
    return f"{plain[: _LONGEST_ID - 9].strip('-_') or 'flood'}-{digest}"


def says_the_same(new: Order, old: Order) -> bool:
    """Tell whether `new` says nothing that would be worth a new version of `old`.

    Worth one: another rule, other roads, another depth class (10, 15, 30, 45 cm), other vehicles, observed instead of
    forecast, an end that is 10 min later or 30 min earlier.
    """
    if [_gist(measure) for measure in new.measures] != [_gist(measure) for measure in old.measures]:
        return False
    if not all(_is_as_deep(*pair) for pair in zip(new.measures, old.measures, strict=True)):
        return False
    was, now = (order.measures[0].when.periods[0].estimated_end for order in (old, new))
    return was is not None and now is not None and -_EARLIER < now - was < _LATER and new.reason is old.reason


def telling_depth(decision: Decision) -> float | None:
    """Return the depth that a decision is about: the one measured, or the deepest that is expected."""
    if decision.basis is Basis.FORECAST:
        depths = [depth for depth in (decision.depth_m, decision.high_m) if depth is not None]
        return max(depths, default=None)
    return decision.depth_m if decision.depth_m is not None else decision.high_m


def depth_class(depth_m: float) -> int:
    """Return how many of `DEPTH_CLASSES_M` a depth has reached."""
    return sum(depth_m >= limit_m for limit_m in DEPTH_CLASSES_M)


def site_area(site: Site, graph: RoadGraph) -> tuple[LonLat, ...]:
    """Return a ring round the site's low point that holds what it floods of its roads: 16 corners, closed."""
    radius_m = min(max(_reach_m(site, graph) + 10.0, _LEAST_RADIUS_M), _MOST_RADIUS_M)
    east = _M_PER_DEGREE * max(cos(radians(site.lat)), 0.01)
    turns = [tau * n / _CORNERS for n in range(_CORNERS)]
    ring = [
        (round(site.lon + radius_m * sin(turn) / east, 6), round(site.lat + radius_m * cos(turn) / _M_PER_DEGREE, 6))
        for turn in turns
    ]
    return (*ring, ring[0])


def place_name(site: Site, graph: RoadGraph) -> str:
    """Return what a site is called: its own name, else the street it floods; "" where neither has one."""
    named = (graph.names[graph.index[road.edge]] for road in site.roads if road.edge in graph.index)
    return site.name or next((name for name in named if name), "")


def roads_on(site: Site, graph: RoadGraph) -> tuple[SiteRoad, ...]:
    """Return the site's roads that the graph has, in both directions: one lane is as wet as the one beside it."""
    opposite = plane_of(graph).opposite
    found = {road.edge: road for road in site.roads if road.edge in graph.index}
    for road in tuple(found.values()):
        other = int(opposite[graph.index[road.edge]])
        if other >= 0 and graph.edge_ids[other] not in found:
            length_m = float(graph.length_m[graph.index[road.edge]])
            to_m = length_m if road.to_m is None else road.to_m
            found[graph.edge_ids[other]] = SiteRoad(
                edge=graph.edge_ids[other],
                sill_m=road.sill_m,
                from_m=max(length_m - to_m, 0.0),
                to_m=max(length_m - road.from_m, 0.0),
            )
    return tuple(road for edge, road in sorted(found.items()) if graph.access[graph.index[edge]])


def _bands(site: Site, graph: RoadGraph) -> list[_Band]:
    """Return the roads by height, the lowest first; the first is called ``water``, the others by their centimetres."""
    by_cm: dict[int, list[SiteRoad]] = {}
    for road in roads_on(site, graph):
        by_cm.setdefault(int(max(road.sill_m, 0.0) * 100 + 1e-6) // _BAND_CM * _BAND_CM, []).append(road)
    return [
        _Band(
            id="water" if cm == 0 else f"water-{cm:02d}cm",
            sill_m=max(min(road.sill_m for road in roads), 0.0),
            edges=tuple(road.edge for road in roads),
        )
        for cm, roads in sorted(by_cm.items())
    ]


def _measure(
    decision: Decision, site: Site, band: _Band, graph: RoadGraph, issuer: Issuer, rule: DecisionRule,
    before: Measure | None, *, end: datetime, method: str,
) -> Measure | None:  # fmt: skip
    level = _level(decision, band, rule, before)
    if level is Level.CLEAR:
        return None
    zone = ZoneInfo(issuer.timezone)
    start = before.when.periods[0].start if before is not None else _second(decision.since, zone)
    period = Period(start=start, until=until_texts(languages_for(issuer.language)), estimated_end=_second(end, zone))
    closed_to = tuple(decision.closed_to) if level is Level.CLOSED else ()
    is_lowest = band.id == "water" or band == _bands(site, graph)[0]
    return Measure(
        id=band.id,
        rule=_rule(level, closed_to),
        where=(Edges(ids=band.edges),),
        when=Schedule(periods=(period,)),
        exceptions=_exceptions(level, closed_to),
        water=water_of(
            decision, issuer, sill_m=band.sill_m, closed_to=closed_to, end=end, method=method,
            area=site_area(site, graph) if is_lowest else (),
        ),
    )  # fmt: skip


def water_of(
    decision: Decision, issuer: Issuer, *, sill_m: float, closed_to: Sequence[WaterClass], end: datetime, method: str,
    area: tuple[LonLat, ...],
) -> Water:  # fmt: skip
    """Return what a decision says of the water on roads that lie `sill_m` above the site's low point."""
    zone = ZoneInfo(issuer.timezone)
    return Water(
        basis=_BASIS[decision.basis],
        valid_from=_second(decision.since, zone),
        valid_until=_second(end, zone),
        **_depths(decision, sill_m),
        chance=None if decision.chance is None else round(decision.chance, 2),
        passable=_passable(decision, sill_m, closed_to),
        closed_to=tuple(Wader(kind.value) for kind in closed_to),
        site=decision.site,
        method=method,
        note=issuer.note,
        area=area,
    )


def _level(decision: Decision, band: _Band, rule: DecisionRule, before: Measure | None) -> Level:
    """Return what the decision means for roads that lie higher than the low point."""
    deepest = telling_depth(decision)
    if band.sill_m == 0 or deepest is None:
        return decision.level
    depth = deepest - band.sill_m
    if decision.level is Level.CLOSED:
        was_closed = before is not None and not isinstance(before.rule, Hazard)
        if depth >= rule.closes_m or was_closed:
            return Level.CLOSED
    least = rule.hazard_m if before is None else rule.hazard_m / 2
    return Level.HAZARD if depth >= least else Level.CLEAR


def _rule(level: Level, closed_to: Sequence[WaterClass]) -> Rule:
    """Return a closure where everybody but emergency vehicles is kept out, else the vehicles that are."""
    if level is Level.HAZARD:
        return Hazard()
    ordinary = set(WaterClass) - {WaterClass.EMERGENCY}
    if not closed_to or ordinary <= set(closed_to):
        return Closure()
    banned = {vehicle for kind in closed_to for vehicle in SUMO_CLASSES[kind]}
    return VehicleRestriction(banned=tuple(sorted(banned)))


def _exceptions(level: Level, closed_to: Sequence[WaterClass]) -> tuple[Exemption, ...]:
    if level is Level.HAZARD or WaterClass.EMERGENCY in closed_to:
        return ()
    return (Exemption.EMERGENCY,)


def _depths(decision: Decision, sill_m: float) -> dict[str, float | None]:
    """Return the depths on roads that lie so much higher, m to the centimetre, and the speed that they leave, km/h."""

    def there(depth_m: float | None) -> float | None:
        return None if depth_m is None else round(max(depth_m - sill_m, 0.0), 2)

    deepest = there(telling_depth(decision))
    low_m, high_m = there(decision.low_m), there(decision.high_m)
    speed = None if deepest is None else float(speed_in_water(np.array(deepest), _FASTEST_KMH / 3.6)) * 3.6
    return {
        "depth_m": there(decision.depth_m),
        "p10_m": None if low_m is None or high_m is None else min(low_m, high_m),
        "p90_m": high_m,
        "speed_kmh": None if speed is None else float(round(speed)),
    }


def _passable(decision: Decision, sill_m: float, closed_to: Sequence[WaterClass]) -> tuple[Wader, ...]:
    """Return who passes the deepest that is there or expected, and is not kept out; nobody, where nothing is known."""
    depths = [depth for depth in (decision.depth_m, decision.high_m) if depth is not None]
    deepest = round(max(depths, default=inf) - sill_m, 2)  # as it is told: 49.7 cm are told as 50
    return tuple(Wader(kind.value) for kind in passable_at(deepest) if kind not in closed_to)


def _end(decision: Decision, before: Order | None, issuer: Issuer, as_of: datetime) -> datetime:
    """Return when it is expected to be over, in steps of 5 min and 15 min ahead at least; a guess where nobody knows.

    Where nobody knows any more, what was said before stands as long as it lies ahead.
    """
    known = decision.expected_end
    if known is None and before is not None:
        said = before.measures[0].when.periods[0].estimated_end
        known = said if said is not None and said - as_of >= _SOONEST else None
    end = max(known if known is not None else as_of + issuer.unknown_end, as_of + _SOONEST)
    late = end.timestamp() % _STEP.total_seconds()
    return end + timedelta(seconds=_STEP.total_seconds() - late) if late else end


def facts_of(decision: Decision, place: str, issuer: Issuer, end: datetime) -> FloodFacts:
    """Return what a message for people is made of."""
    deepest = telling_depth(decision)
    return FloodFacts(
        place=place,
        closed=decision.level is Level.CLOSED,
        depth_m=deepest,
        foretold=decision.basis is Basis.FORECAST and not (decision.depth_m or 0.0) >= DEPTH_CLASSES_M[0],
        until=end if decision.expected_end is not None else None,
        timezone=issuer.timezone,
        synthetic="synthetic" in issuer.note.casefold(),
    )


def _gist(measure: Measure) -> tuple[object, ...]:
    water = measure.water
    assert water is not None
    return (measure.id, measure.rule, measure.exceptions, measure.where, water.basis, water.closed_to, water.note)


def _is_as_deep(new: Measure, old: Measure) -> bool:
    """Tell whether the depth is of the class that is published; it falls out of it only by 2 cm, against flapping."""
    now, was = (_told_m(measure.water) for measure in (new, old))
    if now is None or was is None:
        return now is was
    return depth_class(was) in (depth_class(now), depth_class(now + _FLAPPING_M)) and depth_class(now) <= depth_class(
        was
    )


def _told_m(water: Water | None) -> float | None:
    if water is None:
        return None
    return water.p90_m if water.basis is WaterBasis.FORECAST else water.depth_m


def _reach_m(site: Site, graph: RoadGraph) -> float:
    """Return how far from the low point the wet stretches of its roads go, m."""
    plane = plane_of(graph)
    middle = shapely.Point(plane.to_xy((site.lon, site.lat)))
    reach = 0.0
    for road in site.roads:
        edge = graph.index.get(road.edge)
        if edge is None:
            continue
        line, length_m = plane.lines[edge], float(graph.length_m[edge]) or 1.0
        for along_m in (road.from_m, length_m if road.to_m is None else road.to_m):
            point = shapely.line_interpolate_point(line, min(along_m / length_m, 1.0), normalized=True)
            reach = max(reach, float(shapely.distance(middle, point)))
    return reach


def _second(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return local time with its plain offset: two times of the hour that a change repeats stay two, and compare."""
    local = instant.astimezone(zone).replace(microsecond=0)
    return local.astimezone(timezone(local.utcoffset() or timedelta(0)))


def levels_by_edge(order: Order) -> Mapping[str, Level]:
    """Return what an order says of each of its edges."""
    return {
        edge: Level.HAZARD if isinstance(measure.rule, Hazard) else Level.CLOSED
        for measure in order.measures
        for place in measure.where
        if isinstance(place, Edges)
        for edge in place.ids
    }
