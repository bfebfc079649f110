"""Check `detour.closed`: a signed detour that cannot be driven, or leads through another closure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from trafficfeed.closures.access import shut_to
from trafficfeed.closures.checks.case import Case, Placed
from trafficfeed.closures.checks.overlap import first_overlap
from trafficfeed.findings import Finding, Severity
from trafficfeed.network.line_matching import match_line
from trafficfeed.network.matching import street_name
from trafficfeed.network.naming import listed
from trafficfeed.network.vehicle_classes import VehicleClass


def check(case: Case) -> Iterator[Finding]:
    """Match each signed detour, and look for measures on it while it is signed; others' detours likewise."""
    for mine in case.own:
        yield from _signed(case, mine)
    for others in case.standing:
        for theirs in others:
            yield from _theirs(case, theirs)


def _signed(case: Case, mine: Placed) -> Iterator[Finding]:
    if mine.measure.detour is None:
        return
    match = match_line(case.graph, mine.measure.detour.coordinates, "forward")
    yield from (replace(f, rule=f"detour.{f.rule}", where=f"{mine.path}.detour") for f in match.findings)
    edges = [e for s in match.sections for e in s.edges]
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


def _theirs(case: Case, theirs: Placed) -> Iterator[Finding]:
    """The order checked closes what another order signs as its detour."""
    if theirs.measure.detour is None:
        return
    match = match_line(case.graph, theirs.measure.detour.coordinates, "forward")
    edges = [e for s in match.sections for e in s.edges]
    for mine in case.own:
        closed = _closed_on(case, mine, edges)
        shared = first_overlap(mine.windows, theirs.windows)
        if closed and shared:
            yield Finding(
                rule="detour.closed",
                severity=Severity.ERROR,
                message=f"closes {listed([street_name(case.graph, e) for e in closed])}, over which order "
                f"'{theirs.order.id}' ({theirs.order.authority.name}) signs its detour at the same time",
                where=mine.path,
                mend="agree with that authority on another detour, or move this measure in time",
                detail={"order": theirs.order.id, "measure": theirs.measure.id, "edges": len(closed)},
            )


def _closed_on(case: Case, placed: Placed, edges: Sequence[int]) -> list[int]:
    shut = set(shut_to(case.graph, placed.measure, placed.resolved, VehicleClass.PASSENGER).edges.tolist())
    return [e for e in edges if e in shut]
