"""Green-wave speed: late rather than early, within the limit, and nothing where nothing may be counted down."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trafficfeed.signals.advice import (
    AdviceRule,
    GreenWindow,
    SignalAhead,
    advise,
    approach_speeds,
    green_windows,
    speed_for,
    time_to,
)
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import GroupKey
from trafficfeed.signals.forecast import Forecast, Method
from trafficfeed.signals.prediction.plan import PlanTiming
from trafficfeed.signals.states import GroupState

NOW = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
RULE = AdviceRule()
LIMIT = 14.0
TIMING = PlanTiming(
    origin=NOW.timestamp(),
    cycle_s=90.0,
    changes=((0.0, Aspect.STOP_AND_REMAIN), (40.0, Aspect.PROTECTED_GREEN), (80.0, Aspect.PROTECTED_AMBER)),
)


def in_s(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def shown(
    aspect: Aspect = Aspect.STOP_AND_REMAIN,
    *,
    ends_s: float = 20.0,
    early_s: float = 0.5,
    late_s: float = 1.0,
    following: Aspect | None = Aspect.PROTECTED_GREEN,
    method: Method = Method.ANALOGUES,
    countdown: bool = True,
) -> GroupState:
    forecast = Forecast(
        key=GroupKey("a", 1),
        aspect=aspect,
        since=in_s(-10),
        made_at=NOW,
        method=method,
        likely_end=in_s(ends_s),
        p10=in_s(ends_s - early_s),
        p50=in_s(ends_s),
        p90=in_s(ends_s + late_s),
        countdown_allowed=countdown,
        next_aspect=following,
    )
    return GroupState(group=1, aspect=aspect, since=in_s(-10), forecast=forecast)


def at(distance_m: float, *windows: GreenWindow, after_s: float | None = None) -> SignalAhead:
    return SignalAhead(distance_m=distance_m, windows=windows, after_s=after_s)


def test_a_green_is_counted_on_from_the_late_quantile_of_the_red_on() -> None:
    assert green_windows(shown(ends_s=20, late_s=1.0), NOW) == (GreenWindow(begins_s=21.0),)


def test_red_and_amber_is_waited_out_before_the_green() -> None:
    (window,) = green_windows(shown(following=Aspect.PRE_MOVEMENT), NOW)
    assert window.begins_s == pytest.approx(21.0 + RULE.red_amber_s)


def test_a_green_ends_early_for_whoever_is_to_meet_it_and_late_for_whoever_would_be_slowed() -> None:
    (window,) = green_windows(shown(Aspect.PERMISSIVE_GREEN, ends_s=12, following=Aspect.PERMISSIVE_AMBER), NOW)
    assert window == GreenWindow(begins_s=0.0, ends_s=11.5, over_s=13.0)


def test_the_end_of_a_green_that_another_green_follows_is_not_its_end() -> None:
    (window,) = green_windows(shown(Aspect.PROTECTED_GREEN, following=Aspect.PERMISSIVE_GREEN), NOW)
    assert window.ends_s == inf


@pytest.mark.parametrize(
    "state",
    [
        shown(countdown=False),
        shown(late_s=5.0),
        shown(following=None),
        shown(Aspect.PROTECTED_AMBER, following=Aspect.STOP_AND_REMAIN),
        shown(ends_s=-2.0),
        replace(shown(), stale=True),
        replace(shown(), forecast=None),
        replace(shown(), aspect=Aspect.FLASHING_AMBER),
    ],
    ids=["no countdown", "too wide", "green never seen", "amber", "overdue", "stale", "no forecast", "another aspect"],
)
def test_nothing_is_said_where_nothing_can_be_relied_on(state: GroupState) -> None:
    assert green_windows(state, NOW) == ()


def test_a_plan_that_is_followed_tells_the_greens_after_this_one_too() -> None:
    state = shown(ends_s=40, late_s=0.4, early_s=0.4, method=Method.PLAN)
    windows = green_windows(state, NOW, TIMING)
    assert [(round(w.begins_s, 3), round(w.ends_s, 3)) for w in windows] == [(40.4, 79.6), (130.4, 169.6)]


def test_a_plan_that_is_not_followed_tells_nothing() -> None:
    assert green_windows(shown(ends_s=33), NOW, TIMING) == (GreenWindow(begins_s=34.0),)


def test_a_green_over_midnight_of_the_cycle_is_one_green() -> None:
    timing = PlanTiming(
        origin=NOW.timestamp(),
        cycle_s=60.0,
        changes=((0.0, Aspect.PROTECTED_GREEN), (10.0, Aspect.STOP_AND_REMAIN), (50.0, Aspect.PROTECTED_GREEN)),
    )
    state = shown(ends_s=50, late_s=0.0, early_s=0.0, method=Method.PLAN)
    later = green_windows(state, in_s(20), timing)
    assert [(round(w.begins_s), round(w.ends_s)) for w in later[:2]] == [(30, 50), (90, 110)]


def test_a_driver_slows_down_to_arrive_when_it_is_green() -> None:
    said = advise([at(200, GreenWindow(begins_s=30.0))], speed_mps=LIMIT, limit_mps=LIMIT)
    assert said is not None
    assert said.speed_mps < 200 / 30
    assert time_to(200, LIMIT, said.speed_mps) == pytest.approx(30.0, abs=0.01)


def test_who_meets_the_green_anyway_may_drive_the_limit() -> None:
    said = advise([at(200, GreenWindow(begins_s=0.0, ends_s=40.0, over_s=41.0))], speed_mps=10, limit_mps=LIMIT)
    assert said is not None
    assert (said.speed_mps, said.greens) == (LIMIT, 1)


def test_nobody_is_slowed_for_the_next_green_who_may_still_pass_on_this_one() -> None:
    this, following = GreenWindow(begins_s=0.0, ends_s=13.0, over_s=14.0), GreenWindow(begins_s=70.0)
    may_be_late = advise([at(200, this, following)], speed_mps=LIMIT, limit_mps=LIMIT)
    is_late = advise([at(300, this, following)], speed_mps=LIMIT, limit_mps=LIMIT)
    assert may_be_late is not None
    assert is_late is not None
    assert may_be_late.speed_mps == LIMIT
    assert is_late.speed_mps < 300 / 70


def test_the_floor_is_advised_to_whoever_comes_too_early_even_so() -> None:
    said = advise([at(50, GreenWindow(begins_s=60.0))], speed_mps=LIMIT, limit_mps=LIMIT)
    assert said is not None
    assert (said.speed_mps, said.greens) == (RULE.floor_mps, 0)
    assert said.passes_s == pytest.approx(60.0)


def test_the_vehicle_before_has_to_be_out_of_the_way() -> None:
    alone, behind = (
        advise([at(200, GreenWindow(begins_s=30.0), after_s=after_s)], speed_mps=LIMIT, limit_mps=LIMIT)
        for after_s in (None, 34.0)
    )
    assert alone is not None
    assert behind is not None
    assert behind.passes_s == pytest.approx(34.0 + RULE.headway_s)
    assert behind.speed_mps < alone.speed_mps


def test_along_a_corridor_the_speed_is_the_one_that_meets_most_greens() -> None:
    first, second = at(200, GreenWindow(begins_s=0.0, ends_s=40.0, over_s=41.0)), at(600, GreenWindow(begins_s=60.0))
    said = advise([first, second], speed_mps=LIMIT, limit_mps=LIMIT)
    assert said is not None
    assert said.greens == 2
    assert time_to(600, LIMIT, said.speed_mps) == pytest.approx(60.0, abs=0.01)
    assert time_to(200, LIMIT, said.speed_mps) <= 40.0


def test_a_corridor_is_known_up_to_the_first_signal_that_says_nothing() -> None:
    first = at(200, GreenWindow(begins_s=30.0))
    said = advise([first, at(400), at(600, GreenWindow(begins_s=0.0))], speed_mps=LIMIT, limit_mps=LIMIT)
    assert said == advise([first], speed_mps=LIMIT, limit_mps=LIMIT)
    assert advise([at(200)], speed_mps=LIMIT, limit_mps=LIMIT) is None
    assert advise([], speed_mps=LIMIT, limit_mps=LIMIT) is None


def test_an_approach_is_told_a_speed_for_each_distance_that_has_one() -> None:
    said = approach_speeds([GreenWindow(begins_s=20.0)], limit_mps=LIMIT, distances_m=(30, 150, 280, 400))
    assert 30 not in said
    assert RULE.floor_mps < said[150] < said[280] <= LIMIT
    assert said[400] == LIMIT


@given(
    distance_m=st.floats(5, 1000),
    speed_mps=st.floats(0, 20),
    begins_s=st.floats(0, 120),
    length_s=st.floats(5, 60),
    limit_mps=st.floats(3, 30),
)
def test_no_advice_leads_to_the_stop_line_before_the_green_or_beyond_the_limit(
    distance_m: float, speed_mps: float, begins_s: float, length_s: float, limit_mps: float
) -> None:
    window = GreenWindow(begins_s=begins_s, ends_s=begins_s + length_s, over_s=begins_s + length_s + 1)
    said = advise([at(distance_m, window)], speed_mps=min(speed_mps, limit_mps), limit_mps=limit_mps)
    if said is None:
        return
    assert said.speed_mps <= limit_mps
    assert said.speed_mps >= min(RULE.floor_mps, limit_mps) - 1e-9
    if said.greens:
        arrives_s = time_to(distance_m, min(speed_mps, limit_mps), said.speed_mps)
        assert arrives_s >= begins_s - 0.51


@given(distance_m=st.floats(1, 1000), speed_mps=st.floats(0, 30), seconds=st.floats(0.5, 300))
def test_the_speed_for_a_time_takes_that_time(distance_m: float, speed_mps: float, seconds: float) -> None:
    speed = speed_for(distance_m, speed_mps, seconds)
    if 0.05 < speed < inf:
        assert time_to(distance_m, speed_mps, speed) == pytest.approx(seconds, rel=1e-3, abs=1e-3)
