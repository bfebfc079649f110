"""Check `overlap`: the same street under two measures at one time, and measures that contradict each other."""

from collections.abc import Iterator, Sequence
from itertools import combinations

from trafficfeed.closures.checks.case import Case, Placed
from trafficfeed.closures.orders import Closure, LanesClosed, Metering, OneWay, SpeedLimit, VehicleRestriction
from trafficfeed.findings import Finding, Severity
from trafficfeed.network.matching import street_name
from trafficfeed.network.naming import listed
from trafficfeed.network.plane import plane_of
from trafficfeed.windows import Window


def check(case: Case) -> Iterator[Finding]:
    """Compare the order's measures with those of other orders, and among themselves."""
    for mine in case.own:
        for others in case.standing:
            for theirs in others:
                yield from _compare(case, mine, theirs)
    for first, second in combinations(case.own, 2):
        yield from _compare(case, first, second)


def _compare(case: Case, mine: Placed, theirs: Placed) -> Iterator[Finding]:
    common, against = sorted(mine.edges & theirs.edges), _opposite_ways(case, mine, theirs)
    if not common and not against:
        return
    shared = first_overlap(mine.windows, theirs.windows)
    if shared is None:
        return
    if against:
        yield _contradiction(case, mine, theirs, against, shared)
    elif fault := _fault(mine, theirs):
        yield _finding(case, mine, theirs, common, shared, *fault)


def _opposite_ways(case: Case, mine: Placed, theirs: Placed) -> list[int]:
    """Edges that one measure closes for a one-way, while another closes their other direction for one."""
    if not (isinstance(mine.measure.rule, OneWay) and isinstance(theirs.measure.rule, OneWay)):
        return []
    opposite = plane_of(case.graph).opposite
    return sorted(e for e in mine.edges if int(opposite[e]) in theirs.edges)


def _fault(mine: Placed, theirs: Placed) -> tuple[Severity, str, str] | None:
    """What is wrong with two measures on one edge at one time; None where they go together."""
    a, b = mine.measure.rule, theirs.measure.rule
    same_order = mine.order.id == theirs.order.id
    closing = (Closure, OneWay)
    if isinstance(a, closing) and isinstance(b, closing):
        if same_order:
            return None  # rings that overlap are how rings are drawn
        by = "by the same authority" if mine.order.authority == theirs.order.authority else "by another authority"
        return Severity.WARNING, f"closed {by} at the same time", "agree on who closes it, or leave it out here"
    if isinstance(a, SpeedLimit) and isinstance(b, SpeedLimit) and a.limit_kmh != b.limit_kmh:
        what = f"limited to {a.limit_kmh} and to {b.limit_kmh} km/h at the same time"
        return Severity.ERROR, what, "keep one of the two"
    if isinstance(a, Metering) and isinstance(b, Metering) and a.flow_vph != b.flow_vph:
        return Severity.WARNING, "metered twice at the same time: the lower flow holds", "keep one of the two"
    if isinstance(a, LanesClosed) and isinstance(b, LanesClosed) and set(a.lanes) != set(b.lanes) and not same_order:
        return Severity.WARNING, "lanes are closed by both: together they may leave none", "agree on the lanes"
    passing = (SpeedLimit, Metering, LanesClosed, VehicleRestriction)
    if isinstance(a, closing) != isinstance(b, closing) and isinstance(a, (*closing, *passing)) and not same_order:
        return Severity.INFO, "closed while another measure regulates its traffic", "check which of the two is meant"
    return None


def first_overlap(mine: Sequence[Window], theirs: Sequence[Window]) -> Window | None:
    """Return the first time that two lists of windows, each by start, share."""
    i = j = 0
    while i < len(mine) and j < len(theirs):
        if mine[i].overlaps(theirs[j]):
            return Window(start=max(mine[i].start, theirs[j].start), end=min(mine[i].end, theirs[j].end))
        if mine[i].end <= theirs[j].end:
            i += 1
        else:
            j += 1
    return None


def _contradiction(case: Case, mine: Placed, theirs: Placed, edges: Sequence[int], shared: Window) -> Finding:
    return _finding(
        case, mine, theirs, edges, shared, Severity.ERROR,
        "one-way in opposite directions at the same time: together they close it", "keep one direction",
    )  # fmt: skip


def _finding(
    case: Case,
    mine: Placed,
    theirs: Placed,
    edges: Sequence[int],
    shared: Window,
    severity: Severity,
    what: str,
    mend: str,
) -> Finding:
    streets = listed([street_name(case.graph, e) for e in edges], 4)
    whose = f"measure '{theirs.measure.id}'"
    if theirs.order.id != mine.order.id:
        whose += f" of order '{theirs.order.id}' ({theirs.order.authority.name})"
    return Finding(
        rule="overlap" if severity is not Severity.ERROR else "overlap.contradiction",
        severity=severity,
        message=f"{streets}: {what}; see {whose}, from {shared.start:%Y-%m-%d %H:%M}Z to {shared.end:%Y-%m-%d %H:%M}Z",
        where=mine.path,
        mend=mend,
        detail={
            "order": theirs.order.id,
            "measure": theirs.measure.id,
            "edges": len(edges),
            "from": shared.start.isoformat(),
            "to": shared.end.isoformat(),
        },
    )
