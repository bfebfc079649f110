"""Each rule of the topology finds its own fault, and nothing in a sound crossroads."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from made_lamp_states import made_crossroads, made_plan

from trafficfeed.findings import Severity
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.topology import Intersection, Manoeuvre, SignalConnection, SignalPlan, Stage, Topology
from trafficfeed.signals.topology_checks import check_intersection, check_topology

GREEN, RED = Aspect.PROTECTED_GREEN.value, Aspect.STOP_AND_REMAIN.value


def with_stage(number: int, **changes: object) -> Intersection:
    stages = list(made_plan().stages)
    stages[number] = replace(stages[number], **changes)  # type: ignore[arg-type]
    return with_plan(stages=tuple(stages))


def with_plan(**changes: object) -> Intersection:
    return replace(made_crossroads(), plans=(replace(made_plan(), **changes),))  # type: ignore[arg-type]


def without_amber() -> Intersection:
    plan = made_plan()
    stages = (plan.stages[0], replace(plan.stages[2], duration_s=30.0, min_s=30.0, max_s=30.0))
    return with_plan(stages=stages)


def with_connection(**changes: object) -> Intersection:
    one = made_crossroads()
    return replace(one, connections=(replace(one.connections[0], **changes), one.connections[1]))  # type: ignore[arg-type]


def with_a_free_turn() -> Intersection:
    one = made_crossroads()
    free = SignalConnection(id=3, from_lane=1, to_lane=4, manoeuvre=Manoeuvre.RIGHT, group=None)
    return replace(one, connections=(*one.connections, free))


FAULTS: dict[str, Callable[[], Intersection]] = {
    "plan.conflict": lambda: with_stage(0, aspects={1: GREEN, 2: GREEN}),
    "plan.clearance": without_amber,
    "plan.cycle": lambda: with_plan(cycle_s=75.0),
    "plan.stage.times": lambda: with_stage(1, min_s=4.0, max_s=3.0),
    "plan.stage.fixed": lambda: with_stage(0, max_s=50.0),
    "plan.group": lambda: with_stage(2, aspects={2: GREEN}),
    "plan.green": lambda: with_plan(stages=(Stage(aspects={1: RED, 2: RED}, duration_s=60, min_s=60, max_s=60),)),
    "plan.missing": lambda: replace(made_crossroads(), plans=()),
    "topology.group": lambda: with_connection(group=9),
    "topology.group.empty": lambda: with_connection(group=2),
    "topology.lane": lambda: with_connection(to_lane=77),
    "topology.uncontrolled": with_a_free_turn,
    "topology.conflict": lambda: replace(made_crossroads(), conflicts=((2, 1),)),
    "topology.size": lambda: replace(made_crossroads(), lanes=(*made_crossroads().lanes,) * 64),
}


def test_a_sound_crossroads_has_no_findings() -> None:
    assert check_intersection(made_crossroads()) == ()


@pytest.mark.parametrize("rule", FAULTS)
def test_a_fault_is_found_by_its_rule_with_a_place_and_a_mend(rule: str) -> None:
    found = [finding for finding in check_intersection(FAULTS[rule]()) if finding.rule == rule]
    assert found
    assert found[0].where.startswith(made_crossroads().id)
    assert found[0].mend


def test_conflicting_greens_are_an_error_and_a_permissive_one_beside_a_protected_is_none() -> None:
    (finding,) = (f for f in check_intersection(FAULTS["plan.conflict"]()) if f.rule == "plan.conflict")
    assert finding.severity is Severity.ERROR
    yielding = with_stage(0, aspects={1: GREEN, 2: Aspect.PERMISSIVE_GREEN.value})
    assert "plan.conflict" not in {finding.rule for finding in check_intersection(yielding)}


def test_an_amber_that_is_too_short_is_found() -> None:
    plan = made_plan()
    stages = [
        replace(stage, duration_s=1, min_s=1, max_s=1) if stage.duration_s == 3 else stage for stage in plan.stages
    ]
    short = replace(made_crossroads(), plans=(SignalPlan(id="x", stages=stages, cycle_s=56.0),))
    assert {finding.rule for finding in check_intersection(short)} == {"plan.clearance"}


def test_two_intersections_with_one_map_number_are_found() -> None:
    one = made_crossroads()
    twice = {one.id: one, "b-x-c": replace(one, id="b-x-c")}
    made_at = datetime(2026, 5, 1, tzinfo=UTC)
    topology = Topology(city="x", version="", source="", made_at=made_at, intersections=twice)
    assert [finding.rule for finding in check_topology(topology)] == ["topology.number"] * 2
