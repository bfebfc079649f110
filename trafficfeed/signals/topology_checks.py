"""What is wrong with a topology: links without a signal, conflicting greens in a plan, ambers and cycles missing."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

from trafficfeed.findings import Finding, Severity
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.topology import Intersection, SignalPlan, Topology

_MOST = 255  # lanes, groups: a byte in MAP
_MOST_FROM_LANE = 16  # source: ISO TS 19091, ConnectsToList
_LEAST_AMBER_S = 2.0
_TOLERANCE_S = 0.01


def check_topology(topology: Topology) -> tuple[Finding, ...]:
    """Return what is wrong with a topology, intersection by intersection."""
    findings = [f for one in topology.intersections.values() for f in check_intersection(one)]
    numbers = Counter((one.region, one.number) for one in topology.intersections.values())
    for one in topology.intersections.values():
        if numbers[one.region, one.number] > 1:
            message = f"MAP number {one.number} of region {one.region} is used twice: receivers cannot tell them apart"
            findings.append(_finding("topology.number", one.id, message, "give each intersection its own number"))
    return tuple(findings)


def check_intersection(one: Intersection) -> tuple[Finding, ...]:
    """Return what is wrong with one intersection and its plans."""
    findings = [finding for check in _OF_INTERSECTION for finding in check(one)]
    findings += [finding for plan in one.plans for check in _OF_PLAN for finding in check(one, plan)]
    return tuple(findings)


def _references(one: Intersection) -> Iterator[Finding]:
    lanes = {lane.id for lane in one.lanes}
    groups = {group.id for group in one.groups}
    for connection in one.connections:
        where = f"{one.id}, connection {connection.id}"
        if {connection.from_lane, connection.to_lane} - lanes:
            message = f"it leads from lane {connection.from_lane} to {connection.to_lane}; the lanes are {len(lanes)}"
            yield _finding("topology.lane", where, message, "name lanes of the same intersection")
        if connection.group is not None and connection.group not in groups:
            message = f"it is ruled by group {connection.group}, which is not there"
            yield _finding("topology.group", where, message, "add the group, or name the one that rules it")
    for number in sorted(groups - {connection.group for connection in one.connections}):
        message = f"group {number} rules no connection"
        yield _finding("topology.group.empty", one.id, message, "remove it, or say what it rules")
    for pair in one.conflicts:
        if set(pair) - groups or pair[0] >= pair[1]:
            message = f"conflict {pair} is no pair of groups, smaller first"
            yield _finding("topology.conflict", one.id, message, "name two groups of the intersection")


def _uncontrolled(one: Intersection) -> Iterator[Finding]:
    """A lane partly ruled: the driver at the stop line sees one signal, and no rule for the other move."""
    ruled = {connection.from_lane for connection in one.connections if connection.group is not None}
    for connection in one.connections:
        if connection.group is None and connection.from_lane in ruled:
            message = f"lane {connection.from_lane} has a signal, its move to lane {connection.to_lane} has none"
            where = f"{one.id}, connection {connection.id}"
            mend = "give the move a link index in the signal programme, or a lane of its own"
            yield _finding("topology.uncontrolled", where, message, mend, Severity.WARNING)


def _sizes(one: Intersection) -> Iterator[Finding]:
    per_lane = Counter(connection.from_lane for connection in one.connections)
    facts = {
        f"{len(one.lanes)} lanes": len(one.lanes) > _MOST,
        f"{len(one.groups)} groups": len(one.groups) > _MOST,
        f"{max(per_lane.values(), default=0)} moves from one lane": max(per_lane.values(), default=0) > _MOST_FROM_LANE,
        "a lane without a line": any(len(lane.line) < 2 for lane in one.lanes),
        "group numbers beyond 1..255": any(not 0 < group.id <= _MOST for group in one.groups),
    }
    for fact, wrong in facts.items():
        if wrong:
            yield _finding("topology.size", one.id, f"{fact}: MAP has no room for it", "split the intersection")


def _without_plan(one: Intersection) -> Iterator[Finding]:
    if not one.plans:
        mend = "load its programme; until then nothing is forecast from plans"
        yield _finding("plan.missing", one.id, "it has no signal plan", mend, Severity.WARNING)


def _cycle(one: Intersection, plan: SignalPlan) -> Iterator[Finding]:
    total_s = sum(stage.duration_s for stage in plan.stages)
    if not plan.stages or plan.cycle_s <= 0 or abs(total_s - plan.cycle_s) > _TOLERANCE_S:
        message = f"its {len(plan.stages)} stages last {total_s:g} s, its cycle {plan.cycle_s:g} s"
        yield _finding("plan.cycle", _where(one, plan), message, "make the stages fill the cycle")
    for n, stage in enumerate(plan.stages):
        if not 0 < stage.min_s <= stage.max_s or stage.duration_s <= 0:
            message = f"stage {n} lasts {stage.duration_s:g} s, between {stage.min_s:g} and {stage.max_s:g} s"
            yield _finding("plan.stage.times", _where(one, plan), message, "give 0 < minimum ≤ maximum")
        elif plan.fixed and not stage.min_s == stage.max_s == stage.duration_s:
            message = f"stage {n} of a fixed plan may last {stage.min_s:g} to {stage.max_s:g} s"
            yield _finding("plan.stage.fixed", _where(one, plan), message, "mark the plan as not fixed")


def _every_group(one: Intersection, plan: SignalPlan) -> Iterator[Finding]:
    groups = {group.id for group in one.groups}
    for n, stage in enumerate(plan.stages):
        shown = {group for group, aspect in stage.aspects.items() if aspect != Aspect.UNAVAILABLE.value}
        if missing := sorted(groups - shown):
            message = f"stage {n} says nothing of groups {', '.join(map(str, missing))}"
            yield _finding("plan.group", _where(one, plan), message, "give every group an aspect in every stage")


def _conflicts(one: Intersection, plan: SignalPlan) -> Iterator[Finding]:
    names = {group.id: group.name or str(group.id) for group in one.groups}
    for a, b in one.conflicts:
        for n, stage in enumerate(plan.stages):
            shown = {Aspect(stage.aspects[group]) for group in (a, b) if group in stage.aspects}
            if len(shown) == 1 and Aspect.PROTECTED_GREEN in shown and {a, b} <= set(stage.aspects):
                message = f"stage {n} gives {names[a]} ({a}) and {names[b]} ({b}) a protected green at once"
                mend = "give one of them red, or a permissive green if it yields"
                yield _finding("plan.conflict", _where(one, plan), message, mend)
                break


def _clearance(one: Intersection, plan: SignalPlan) -> Iterator[Finding]:
    """Every green must end in an amber; people on foot have none."""
    on_foot = {lane.id for lane in one.lanes if set(lane.vehicles) == {"pedestrian"}}
    walked = {connection.group for connection in one.connections if connection.from_lane in on_foot}
    for group in one.groups:
        if group.id in walked:
            continue
        runs = _runs(plan, group.id)
        for (aspect, _), (after, length_s) in pairwise([*runs, *runs[:1]]):
            if aspect.is_green and after.is_red:
                message = f"{group.name} ({group.id}) goes from green to red without an amber"
                yield _finding(
                    "plan.clearance", _where(one, plan), message, "put an amber in between", Severity.WARNING
                )
            elif aspect.is_green and after.is_amber and length_s < _LEAST_AMBER_S:
                message = f"{group.name} ({group.id}) has an amber of {length_s:g} s"
                yield _finding("plan.clearance", _where(one, plan), message, "make it 3 s or longer", Severity.WARNING)


def _never_green(one: Intersection, plan: SignalPlan) -> Iterator[Finding]:
    for group in one.groups:
        shown = {Aspect(stage.aspects[group.id]) for stage in plan.stages if group.id in stage.aspects}
        if shown and all(aspect.is_red for aspect in shown):
            message = f"{group.name} ({group.id}) is red for the whole cycle"
            yield _finding("plan.green", _where(one, plan), message, "give it a green", Severity.WARNING)


def _runs(plan: SignalPlan, group: int) -> list[tuple[Aspect, float]]:
    """Return what a group shows through the cycle, each aspect once with its least length."""
    runs: list[tuple[Aspect, float]] = []
    for stage in plan.stages:
        aspect = Aspect(stage.aspects.get(group, Aspect.UNAVAILABLE.value))
        if runs and runs[-1][0] is aspect:
            runs[-1] = (aspect, runs[-1][1] + stage.min_s)
        else:
            runs.append((aspect, stage.min_s))
    if len(runs) > 1 and runs[0][0] is runs[-1][0]:
        runs[0] = (runs[0][0], runs[0][1] + runs.pop()[1])
    return runs


def _where(one: Intersection, plan: SignalPlan) -> str:
    return f"{one.id}, plan {plan.id}"


def _finding(rule: str, where: str, message: str, mend: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(rule=rule, severity=severity, message=message, where=where, mend=mend)


_OF_INTERSECTION: Final[tuple[Callable[[Intersection], Iterator[Finding]], ...]] = (
    _references,
    _uncontrolled,
    _sizes,
    _without_plan,
)
_OF_PLAN: Final[tuple[Callable[[Intersection, SignalPlan], Iterator[Finding]], ...]] = (
    _cycle,
    _every_group,
    _conflicts,
    _clearance,
    _never_green,
)
