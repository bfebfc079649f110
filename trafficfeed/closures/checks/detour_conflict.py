"""Check `detour.closed`: a detour, signed or computed, that cannot be driven or leads through another closure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import shapely

from trafficfeed.closures.access import shut_to
from trafficfeed.closures.checks.case import Case, Placed
from trafficfeed.closures.checks.overlap import first_overlap
from trafficfeed.closures.orders import Direction, DrawnLine
from trafficfeed.findings import Finding, Severity
from trafficfeed.network.line_matching import match_line
from trafficfeed.network.matching import Match, Travel, street_name
from trafficfeed.network.naming import listed
from trafficfeed.network.plane import plane_of
from trafficfeed.network.routing import detour_around
from trafficfeed.network.vehicle_classes import VehicleClass

SERVED = {VehicleClass.BUS: "buses", VehicleClass.TRUCK: "lorries"}
MOST_SECTIONS = 20
MOST_MEASURES = 10
FARTHEST_M = 2000.0


def check(case: Case) -> Iterator[Finding]:
    """Match each signed detour and look for closures on it at the same time; then for own closures on others' detours.

    The order's own computed detours go around all that is closed at the time, so only those that others rely on can
    lead through it: the signed ones, and those computed while this order was not there.
    """
    for mine in case.own:
        if mine.measure.detour is not None:
            yield from _signed(case, mine, mine.measure.detour)
    for theirs in _nearest(case):
        yield from _theirs(case, theirs)


def _nearest(case: Case) -> list[Placed]:
    """The measures of other orders whose detours could lead over a street of this one: the nearest few."""
    lines = plane_of(case.graph).lines
    mine = shapely.MultiLineString(list(lines[sorted(e for own in case.own for e in own.edges)]))
    near = []
    for theirs in (p for others in case.standing for p in others if p.edges):
        apart = float(shapely.MultiLineString(list(lines[sorted(theirs.edges)])).distance(mine))
        if apart <= FARTHEST_M:
            near.append((apart, theirs.order.id, theirs.measure.id, theirs))
    return [theirs for *_, theirs in sorted(near, key=lambda row: row[:3])[:MOST_MEASURES]]


def _signed(case: Case, mine: Placed, detour: DrawnLine) -> Iterator[Finding]:
    match = _matched(case, detour)
    yield from (replace(f, rule=f"detour.{f.rule}", where=f"{mine.path}.detour") for f in match.findings)
    edges = [e for s in match.sections for e in s.edges]
    yield from _too_small(case, mine, edges)
    for theirs in (*case.own, *(p for others in case.standing for p in others)):
        closed = _closed_on(case, theirs, edges)
        shared = first_overlap(mine.windows, theirs.windows)
        if closed and shared:
            whose = f"measure '{theirs.measure.id}' of order '{theirs.order.id}'"
            yield Finding(
                rule="detour.closed",
                severity=Severity.ERROR,
                message=f"the signed detour leads through {listed([street_name(case.graph, e) for e in closed])}, "
                f"which {whose} closes from {shared.start:%Y-%m-%d %H:%M}Z",
                where=f"{mine.path}.detour",
                mend="sign the detour along streets that stay open, or move one of the two in time",
                detail={"order": theirs.order.id, "measure": theirs.measure.id, "edges": len(closed)},
            )


def _matched(case: Case, detour: DrawnLine) -> Match:
    """Match a signed detour in the direction that it leads; one for both is followed as it is drawn."""
    travel: Travel = "backward" if detour.direction is Direction.BACKWARD else "forward"
    return match_line(case.graph, detour.coordinates, travel)


def _too_small(case: Case, mine: Placed, edges: Sequence[int]) -> Iterator[Finding]:
    """A class that is kept out of the street, and may not drive on all of the detour either."""
    graph = case.graph
    for vehicle_class, name in SERVED.items():
        shut = shut_to(graph, mine.measure, mine.resolved, vehicle_class)
        barred = [e for e in edges if not int(graph.access[e]) & vehicle_class.bit]
        if shut and barred:
            yield Finding(
                rule="detour.class",
                severity=Severity.WARNING,
                message=f"the signed detour leads over {listed([street_name(graph, e) for e in barred])}, "
                f"where {name} may not drive, but the closed street serves them",
                where=f"{mine.path}.detour",
                mend=f"sign another way for {name}, or except them",
                detail={"class": vehicle_class.value, "edges": len(barred)},
            )


def _theirs(case: Case, theirs: Placed) -> Iterator[Finding]:
    """The order checked closes what another order's detour leads over."""
    together = [m for m in case.own if first_overlap(m.windows, theirs.windows)]
    if not together:
        return
    signed = theirs.measure.detour
    if signed is not None:
        edges = [e for s in _matched(case, signed).sections for e in s.edges]
    else:
        edges = _computed(case, theirs)
    for mine in together:
        closed = _closed_on(case, mine, edges)
        if closed:
            yield Finding(
                rule="detour.closed",
                severity=Severity.ERROR if signed is not None else Severity.WARNING,
                message=f"closes {listed([street_name(case.graph, e) for e in closed])}, over which order "
                f"'{theirs.order.id}' ({theirs.order.authority.name}) {'signs' if signed is not None else 'has'} "
                "its detour at the same time",
                where=mine.path,
                mend="agree with that authority on another detour, or move this measure in time",
                detail={"order": theirs.order.id, "measure": theirs.measure.id, "edges": len(closed)},
            )


def _computed(case: Case, theirs: Placed) -> list[int]:
    shut = shut_to(case.graph, theirs.measure, theirs.resolved, VehicleClass.PASSENGER)
    if not len(shut.edges):
        return []
    edges: list[int] = []
    for section in theirs.resolved.sections[:MOST_SECTIONS]:
        if np.isin(section.edges, shut.edges).any():
            found = detour_around(case.graph, section.edges, shut.edges, VehicleClass.PASSENGER, shut.turns)
            edges += found.edges if found else ()
    return edges


def _closed_on(case: Case, placed: Placed, edges: Sequence[int]) -> list[int]:
    """The edges on which a measure stops a car that follows `edges`: shut, or entered by a banned turn."""
    shut = shut_to(case.graph, placed.measure, placed.resolved, VehicleClass.PASSENGER)
    closed = set(shut.edges.tolist()) | {after for before, after in pairwise(edges) if (before, after) in shut.turns}
    return [e for e in edges if e in closed]
