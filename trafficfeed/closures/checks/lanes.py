"""Check `lanes` and `geometry.access`: lanes that do not exist, all lanes closed, a street that is closed anyway."""

from collections.abc import Iterator

from trafficfeed.closures.access import lanes_closed_everywhere, permitted_classes
from trafficfeed.closures.checks.case import Case, Placed
from trafficfeed.closures.lanes import traffic_lanes
from trafficfeed.closures.orders import Closure, LanesClosed
from trafficfeed.findings import Finding, Severity
from trafficfeed.network.matching import describe
from trafficfeed.network.sections import Section
from trafficfeed.network.vehicle_classes import mask_of


def check(case: Case) -> Iterator[Finding]:
    """Find measures that change nothing, and lanes closed that a street does not have."""
    for placed in case.own:
        if isinstance(placed.measure.rule, LanesClosed):
            yield from _lanes(case, placed, placed.measure.rule)
        elif isinstance(placed.measure.rule, Closure):
            yield from _closed_anyway(case, placed)


def _closed_anyway(case: Case, placed: Placed) -> Iterator[Finding]:
    exempt = mask_of(permitted_classes(placed.measure.rule, placed.measure.exceptions))
    sections = placed.resolved.sections
    if sections and not any(int(case.graph.access[e]) & ~exempt for e in placed.edges):
        yield Finding(
            rule="geometry.access",
            severity=Severity.WARNING,
            message=f"{describe(case.graph, sections[0])}"
            + (f" and {len(sections) - 1} more sections are" if len(sections) > 1 else " is")
            + " open to nobody but the exempt as it is: the measure changes nothing",
            where=placed.path,
            mend="leave it out, or check that the right street was matched",
            detail={"sections": len(sections)},
        )


def _lanes(case: Case, placed: Placed, rule: LanesClosed) -> Iterator[Finding]:
    for section in placed.resolved.sections:
        counts = [len(traffic_lanes(case.graph, e)) for e in section.edges]
        count = min(counts)
        if all(lanes_closed_everywhere(case.graph, e, rule) for e in section.edges):
            yield _finding(
                case, placed, section, "lanes.all", Severity.WARNING, count,
                f"all {count} lanes closed on {describe(case.graph, section)}: this is a full closure",
                "make it a closure, so that it is published as one",
            )  # fmt: skip
        elif max(rule.lanes) > count:
            severity = Severity.ERROR if max(rule.lanes) > max(counts) else Severity.WARNING
            yield _finding(
                case, placed, section, "lanes.missing", severity, count,
                f"lane {max(rule.lanes)} is closed, but {describe(case.graph, section)} has {count} at its narrowest",
                "number the lanes from the kerb (1), per direction; name a direction if only one side is meant",
            )  # fmt: skip


def _finding(
    case: Case, placed: Placed, section: Section, rule: str, severity: Severity, count: int, message: str, mend: str
) -> Finding:
    return Finding(
        rule=rule,
        severity=severity,
        message=message,
        where=placed.path,
        mend=mend,
        detail={"lanes": count, "street": section.street, "direction": section.compass},
    )
