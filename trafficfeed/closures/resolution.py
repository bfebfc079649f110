"""An order's places to sections of the road graph; what cannot be matched, or not without doubt, becomes a finding."""

from collections.abc import Iterable
from dataclasses import replace

from trafficfeed.closures.orders import (
    Area,
    Direction,
    DrawnLine,
    Edges,
    Measure,
    OneWay,
    Order,
    Place,
    Points,
    StreetSection,
    Turn,
    TurnBan,
    Ways,
)
from trafficfeed.findings import Finding, Severity
from trafficfeed.network.area_matching import match_area
from trafficfeed.network.edge_matching import match_edges
from trafficfeed.network.line_matching import match_line
from trafficfeed.network.matching import Match, Travel, describe, refused
from trafficfeed.network.point_matching import match_points
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.sections import Resolved, Section
from trafficfeed.network.street_matching import match_street
from trafficfeed.network.turn_matching import match_turn
from trafficfeed.network.way_matching import match_ways

LOW_CONFIDENCE = 0.6

_TRAVEL: dict[Direction, Travel] = {
    Direction.BOTH: "both",
    Direction.FORWARD: "forward",
    Direction.BACKWARD: "backward",
}
_AGAINST: dict[Direction, Travel] = {
    Direction.BOTH: "backward",
    Direction.FORWARD: "backward",
    Direction.BACKWARD: "forward",
}


def resolve(order: Order, graph: RoadGraph) -> tuple[tuple[Resolved, ...], tuple[Finding, ...]]:
    """Return each measure's places on the road graph, and what is wrong with them.

    A measure with a place that was refused keeps the sections of its other places; the refusal is an ERROR finding. A
    one-way comes down to the sections that it closes.
    """
    resolved, findings = [], []
    for i, measure in enumerate(order.measures):
        one, found = _resolve_measure(measure, graph, f"measures[{i}]")
        resolved.append(one)
        findings += found
    return tuple(resolved), tuple(findings)


def _resolve_measure(measure: Measure, graph: RoadGraph, path: str) -> tuple[Resolved, list[Finding]]:
    sections: list[Section] = []
    turns: list[tuple[int, int]] = []
    findings: list[Finding] = []
    for i, place in enumerate(measure.where):
        where = f"{path}.where[{i}]"
        match = match_place(place, graph, one_way=isinstance(measure.rule, OneWay))
        if isinstance(measure.rule, TurnBan) != isinstance(place, Turn) and not match.findings:
            match = _wrong_kind(measure)
        if isinstance(measure.rule, OneWay):
            match = _already_one_way(match)
        findings += [replace(f, where=where) for f in match.findings]
        findings += _doubts(match, graph, where)
        sections += match.sections
        turns += match.turns
    unique = tuple(_without_repeats(sections))
    return Resolved(measure_id=measure.id, sections=unique, turns=tuple(dict.fromkeys(turns))), findings


def match_place(place: Place, graph: RoadGraph, *, one_way: bool = False) -> Match:
    """Match one place; with `one_way`, its direction against the one that stays open."""
    match place:
        case Area():
            return match_area(graph, place.ring, place.holes, place.select)
        case Turn():
            return match_turn(graph, place.from_street, place.to_street, place.near)
        case Edges():
            return match_edges(graph, place.ids)
    travel = (_AGAINST if one_way else _TRAVEL)[place.direction]
    match place:
        case StreetSection():
            return match_street(graph, place.street, place.between, travel)
        case DrawnLine():
            return match_line(graph, place.coordinates, travel)
        case Ways():
            return match_ways(graph, place.ids, travel)
        case Points():
            return match_points(graph, place.coordinates, travel)


def _already_one_way(match: Match) -> Match:
    """A one-way whose closed direction does not exist asks for nothing; that is no reason to refuse the order."""
    if match.sections or {f.rule for f in match.findings} != {"match.one_way"}:
        return match
    return Match(
        findings=(
            Finding(
                rule="match.one_way",
                severity=Severity.WARNING,
                message="the street is one-way in this direction already: the measure changes nothing",
                mend="leave it out, or check the direction that is to stay open",
            ),
        )
    )


def _wrong_kind(measure: Measure) -> Match:
    if isinstance(measure.rule, TurnBan):
        return refused("match.kind", "a turn ban needs a turn as its place", "give kind: turn with two street names")
    return refused("match.kind", f"a {measure.rule.kind} cannot hold at a turn", "give a street, line, area or points")


def _without_repeats(sections: Iterable[Section]) -> Iterable[Section]:
    """Drop sections whose edges have all been named by a place before."""
    seen: set[int] = set()
    for section in sections:
        if not seen.issuperset(section.edges):
            yield section
        seen.update(section.edges)


def _doubts(match: Match, graph: RoadGraph, where: str) -> list[Finding]:
    unsure = [s for s in match.sections if s.confidence < LOW_CONFIDENCE]
    if not unsure:
        return []
    worst = min(unsure, key=lambda s: s.confidence)
    return [
        Finding(
            rule="match.confidence",
            severity=Severity.WARNING,
            message=f"matched to {describe(graph, worst)} with a confidence of only {worst.confidence:.2f}",
            where=where,
            mend="draw nearer to the street that is meant, or name it",
            detail={"confidence": worst.confidence, "sections": len(unsure)},
        )
    ]
