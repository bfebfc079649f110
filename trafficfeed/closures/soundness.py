"""Faults of an order that no single field shows: repeated ids, rules at places that do not suit them, crossed rings."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from shapely import Polygon
from shapely.validation import explain_validity

from trafficfeed.closures.orders import (
    Area,
    Closure,
    Direction,
    DrawnLine,
    Edges,
    LonLat,
    Measure,
    OneWay,
    Order,
    Place,
    Turn,
    TurnBan,
    VehicleRestriction,
    Water,
)
from trafficfeed.closures.schedule_checks import schedule_findings
from trafficfeed.closures.wall_time import TimeFault, zone_of
from trafficfeed.findings import Finding, Severity


def order_findings(order: Order) -> tuple[Finding, ...]:
    """Return what is wrong, or worth a look, in `order` by itself: no city, no network, no clock."""
    return tuple(_order_findings(order))


def _order_findings(order: Order) -> Iterator[Finding]:
    try:
        zone_of(order.timezone)
    except TimeFault as fault:
        yield _error("timezone", "timezone", str(fault), fault.mend)
    for name, link in order.links.items():
        if urlsplit(link).scheme not in ("http", "https"):
            yield _error("link", f"links.{name}", f"{link!r} is not a web address", "begin it with https://")
    seen: dict[str, int] = {}
    for number, measure in enumerate(order.measures):
        path = f"measures[{number}]"
        if measure.id in seen:
            message = f"the id {measure.id!r} is taken by measures[{seen[measure.id]}]"
            yield _error("measure.id", f"{path}.id", message, "give each measure its own id")
        seen.setdefault(measure.id, number)
        yield from _rule_findings(measure, path)
        for position, place in enumerate(measure.where):
            yield from _place_findings(place, measure, f"{path}.where[{position}]")
        if measure.detour is not None:
            yield from _line_findings(measure.detour, f"{path}.detour")
        if measure.water is not None:
            yield from _water_findings(measure.water, f"{path}.water")
        yield from schedule_findings(measure.when, order.timezone, where=f"{path}.when")


def _rule_findings(measure: Measure, path: str) -> Iterator[Finding]:
    rule = measure.rule
    if isinstance(rule, VehicleRestriction):
        limits = (rule.max_weight_t, rule.max_height_m, rule.max_width_m, rule.max_length_m, rule.permit)
        if not rule.banned and not rule.only and not any(limits):
            mend = "give `banned`, `only`, a limit or a `permit`"
            yield _error("rule.vehicles", f"{path}.rule", "restricts nobody", mend)
        if rule.banned and rule.only:
            mend = "keep one: `only` keeps out all others"
            yield _error("rule.vehicles", f"{path}.rule", "has both `banned` and `only`", mend)
    if len(set(measure.exceptions)) < len(measure.exceptions):
        yield _error("exceptions", f"{path}.exceptions", "names an exception twice", "name it once")
    if isinstance(rule, Closure) and not measure.exceptions:
        message = "lets not even emergency vehicles pass"
        mend = "add `emergency`, unless the street is impassable"
        yield Finding(rule="exceptions", severity=Severity.WARNING, message=message, where=path, mend=mend)


def _place_findings(place: Place, measure: Measure, path: str) -> Iterator[Finding]:
    if isinstance(measure.rule, TurnBan) != isinstance(place, Turn):
        if isinstance(place, Turn):
            message, mend = f"a {measure.rule.kind} cannot hold at a turn", "use a street, line, area, ways or points"
        else:
            message, mend = f"a turn ban needs a turn, not a {place.kind}", "use kind: turn, from_street, to_street"
        yield _error("rule.place", path, message, mend)
    if isinstance(measure.rule, OneWay):
        if isinstance(place, Area | Edges):
            one = "an area has" if isinstance(place, Area) else "edges by their ids have"
            yield _error("rule.place", path, f"{one} no direction to be one-way in", "name the streets one by one")
        elif not isinstance(place, Turn) and place.direction is Direction.BOTH:
            mend = "say `direction: forward` (as the place is written) or `backward`"
            yield _error("rule.place", f"{path}.direction", "one-way needs the direction that stays open", mend)
    if isinstance(place, DrawnLine):
        yield from _line_findings(place, path)
    if isinstance(place, Area):
        yield from _area_findings(place, path)


def _water_findings(water: Water, path: str) -> Iterator[Finding]:
    band = [depth for depth in (water.p10_m, water.p90_m) if depth is not None]
    if band != sorted(band):
        yield _error("water.band", f"{path}.p90_m", "is less than p10_m", "give the lower depth as p10_m")
    times = {"valid_from": water.valid_from, "valid_until": water.valid_until}
    bare = [name for name, time in times.items() if time is not None and time.tzinfo is None]
    for name in bare:
        yield _error("water.offset", f"{path}.{name}", "has no offset", "add the offset, as 2026-12-05T18:00+02:00")
    if not bare and water.valid_until is not None and water.valid_until <= water.valid_from:
        yield _error("water.until", f"{path}.valid_until", "is not after valid_from", "say when it will be gone")
    if water.area and (fault := _ring_fault(water.area)):
        yield _error("geometry.ring", f"{path}.area", fault, "draw it once around, without crossing itself")
    if set(water.passable) & set(water.closed_to):
        yield _error("water.classes", f"{path}.passable", "names who is kept out", "name each vehicle once")


def _line_findings(line: DrawnLine, path: str) -> Iterator[Finding]:
    if len(set(line.coordinates)) < 2:
        yield _error("geometry.line", f"{path}.coordinates", "all its points are one", "draw it along the street")


def _area_findings(area: Area, path: str) -> Iterator[Finding]:
    outer = None
    for name, ring in (("ring", area.ring), *((f"holes[{n}]", hole) for n, hole in enumerate(area.holes))):
        fault = _ring_fault(ring)
        if fault:
            yield _error("geometry.ring", f"{path}.{name}", fault, "draw it once around, without crossing itself")
        elif name == "ring":
            outer = Polygon(ring)
        elif outer is not None and not outer.covers(Polygon(ring)):
            yield _error("geometry.hole", f"{path}.{name}", "does not lie inside the ring", "draw it inside")


def _ring_fault(ring: tuple[LonLat, ...]) -> str:
    if len(set(ring)) < 3:
        return "has fewer than three different points"
    polygon = Polygon(ring)
    if not polygon.is_valid:
        return f"is not a simple ring ({explain_validity(polygon)})"
    return "" if polygon.area > 0 else "encloses no area"


def _error(rule: str, where: str, message: str, mend: str) -> Finding:
    return Finding(rule=f"order.{rule}", severity=Severity.ERROR, message=message, where=where, mend=mend)
