from datetime import UTC, datetime, timedelta
from random import Random

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import GroupKey, LampEvent
from trafficfeed.signals.forecast import Method
from trafficfeed.signals.prediction.clearance import Clearances
from trafficfeed.signals.prediction.plan import PlanTiming, plan_timing
from trafficfeed.signals.prediction.predictor import Predictor
from trafficfeed.signals.topology import SignalPlan, Stage

START = datetime(2026, 3, 2, tzinfo=UTC)
MAIN, SIDE = GroupKey("junction", 1), GroupKey("junction", 2)
RED, GREEN, AMBER = Aspect.STOP_AND_REMAIN, Aspect.PROTECTED_GREEN, Aspect.PROTECTED_AMBER
PLAN = SignalPlan(
    id="p1",
    cycle_s=80,
    offset_s=10,
    stages=[
        Stage(aspects={1: GREEN, 2: RED}, duration_s=40, min_s=40, max_s=40),
        Stage(aspects={1: AMBER, 2: RED}, duration_s=3, min_s=3, max_s=3),
        Stage(aspects={1: RED, 2: GREEN}, duration_s=34, min_s=34, max_s=34),
        Stage(aspects={1: RED, 2: AMBER}, duration_s=3, min_s=3, max_s=3),
    ],
)


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def show(predictor: Predictor, second: float, aspect: Aspect, key: GroupKey = MAIN) -> tuple[GroupKey, ...]:
    event = LampEvent(key=key, aspect=aspect, observed_at=at(second), received_at=at(second), source="test:made")
    return predictor.observe(event)


def timing() -> PlanTiming:
    found = plan_timing(PLAN, 1, START.timestamp())
    assert found is not None
    return found


def follow_the_plan(predictor: Predictor, cycles: int, late_s: float = 0.0) -> None:
    for n in range(cycles):
        for second, aspect in ((0, GREEN), (40, AMBER), (43, RED)):
            show(predictor, 10 + 80 * n + second + late_s, aspect)


def test_a_plan_that_is_followed_is_the_best_rung() -> None:
    predictor = Predictor()
    predictor.use_plan(MAIN, timing())
    follow_the_plan(predictor, 4)
    said = predictor.forecast(MAIN, at(10 + 3 * 80 + 50))
    assert said is not None
    assert (said.method, said.likely_end, said.countdown_allowed) == (Method.PLAN, at(10 + 4 * 80), True)


def test_a_plan_that_is_not_followed_is_not_believed() -> None:
    predictor = Predictor()
    predictor.use_plan(MAIN, timing())
    follow_the_plan(predictor, 4, late_s=7)
    said = predictor.forecast(MAIN, at(10 + 3 * 80 + 60))
    assert said is not None and said.method is not Method.PLAN


def test_a_controller_that_leaves_its_plan_loses_the_rung_at_once() -> None:
    predictor = Predictor()
    predictor.use_plan(MAIN, timing())
    follow_the_plan(predictor, 4)
    show(predictor, 10 + 4 * 80 + 12, GREEN)  # a red that lasted twelve seconds too long
    said = predictor.forecast(MAIN, at(10 + 4 * 80 + 15))
    assert said is not None and said.method is not Method.PLAN


def test_a_promised_end_that_passes_is_not_promised_again() -> None:
    predictor = Predictor()
    predictor.use_plan(MAIN, timing())
    follow_the_plan(predictor, 4)
    said = predictor.forecast(MAIN, at(10 + 4 * 80 + 5))
    assert said is not None and said.method is not Method.PLAN and not said.countdown_allowed


def test_a_stage_that_goes_on_over_the_end_of_the_cycle_is_one() -> None:
    two_stages = SignalPlan(
        id="p2",
        cycle_s=60,
        stages=[
            Stage(aspects={1: RED}, duration_s=10, min_s=10, max_s=10),
            Stage(aspects={1: GREEN}, duration_s=20, min_s=20, max_s=20),
            Stage(aspects={1: RED}, duration_s=30, min_s=30, max_s=30),
        ],
    )
    found = plan_timing(two_stages, 1, 0.0)
    assert found is not None
    assert found.end_of(RED, 45.0) == 70.0
    assert found.end_of(GREEN, 15.0) == 30.0


def test_an_actuated_plan_promises_nothing() -> None:
    actuated = SignalPlan(id="p3", cycle_s=80, stages=PLAN.stages, fixed=False)
    assert plan_timing(actuated, 1, 0.0) is None


def side_then_main(predictor: Predictor, cycles: int, seed: int = 3) -> float:
    """Greens of random length in turn, each six seconds after the other's has ended; return the end of the last."""
    random, second = Random(seed), 0.0
    show(predictor, second, RED, MAIN)
    for _ in range(cycles):
        for key in (SIDE, MAIN):
            show(predictor, second, GREEN, key)
            second += random.randint(10, 60)
            show(predictor, second, AMBER, key)
            show(predictor, second + 3, RED, key)
            second += 6
    return second - 6


def test_a_red_is_locked_in_when_the_conflicting_green_ends() -> None:
    predictor = Predictor()
    end = side_then_main(predictor, 14)
    show(predictor, end + 6, GREEN, SIDE)
    undecided = predictor.forecast(MAIN, at(end + 20))
    assert undecided is not None and not undecided.countdown_allowed
    assert set(show(predictor, end + 31, AMBER, SIDE)) == {SIDE, MAIN}
    said = predictor.forecast(MAIN, at(end + 32))
    assert said is not None
    assert (said.method, said.likely_end, said.countdown_allowed) == (Method.CLEARANCE, at(end + 37), True)


def test_a_lag_is_not_believed_where_another_group_may_be_next() -> None:
    lags = Clearances()
    second, locked = 0.0, []
    for n in range(30):
        for group, aspect in ((1, GREEN), (2, RED), (3, RED)):
            lags.observe(group, aspect, second)
        locked += lags.observe(1, AMBER, second + 20)
        lags.observe(1, RED, second + 23)
        lags.observe(2 + n % 2, GREEN, second + 26)
        lags.observe(2 + n % 2, RED, second + 40)
        second += 50
    assert locked == []


def test_groups_that_do_not_conflict_do_not_wait_for_one_another() -> None:
    predictor = Predictor()
    predictor.use_conflicts("junction", [])
    end = side_then_main(predictor, 14)
    show(predictor, end + 6, GREEN, SIDE)
    assert show(predictor, end + 31, AMBER, SIDE) == (SIDE,)
