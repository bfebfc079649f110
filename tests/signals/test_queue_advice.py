"""Speeds to one stop line: each to his place in the queue, nobody held on the junction behind, none early."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trafficfeed.signals.advice import AdviceRule, GreenWindow, time_to
from trafficfeed.signals.queue_advice import Driver, queue_speeds

RULE = AdviceRule()
LIMIT = 14.0
RED = (GreenWindow(begins_s=30.0, ends_s=50.0, over_s=51.0), GreenWindow(begins_s=120.0, ends_s=140.0, over_s=141.0))


def coming(*distances_m: float, speed_mps: float = LIMIT, windows: tuple[GreenWindow, ...] = RED) -> list[Driver]:
    return [Driver(distance_m=one, speed_mps=speed_mps, limit_mps=LIMIT, windows=windows) for one in distances_m]


def test_the_first_reaches_the_stop_line_when_it_is_green() -> None:
    (speed,) = queue_speeds(coming(200)).speeds
    assert speed is not None
    assert time_to(200, LIMIT, speed) == pytest.approx(30.0, abs=0.01)


def test_the_others_reach_their_places_as_the_queue_begins_to_roll() -> None:
    speeds = queue_speeds(coming(200, 220, 240)).speeds
    for place, (distance_m, speed) in enumerate(zip((200, 220, 240), speeds, strict=True)):
        assert speed is not None
        way_m = distance_m - place * RULE.gap_m
        assert time_to(way_m, LIMIT, speed) == pytest.approx(30.0 + place * RULE.wave_s, abs=0.01)


def test_who_comes_when_the_queue_has_gone_drives_on() -> None:
    assert queue_speeds(coming(200, 550)).speeds[1] is None


def test_whom_the_green_leaves_behind_is_timed_for_the_next_one_and_counted() -> None:
    short = (GreenWindow(begins_s=30.0, ends_s=30.5, over_s=31.0), RED[1])
    rule = replace(RULE, headway_s=2.0, grace_s=2.0)
    said = queue_speeds(coming(*(200.0 + 10 * n for n in range(6)), windows=short), rule)
    assert said.missed == 4
    assert said.speeds[1] is not None
    assert time_to(210 - rule.gap_m, LIMIT, said.speeds[1]) == pytest.approx(30.0 + rule.wave_s, abs=0.01)
    assert said.speeds[2] == pytest.approx(220 / rule.sooner_s)


def test_whoever_follows_a_queue_that_rolls_is_not_held() -> None:
    green = (GreenWindow(begins_s=0.0, ends_s=40.0, over_s=41.0),)
    assert queue_speeds(coming(20, 40, 60, speed_mps=8.0, windows=green)).speeds == (None, None, None)


def test_the_tail_is_where_somebody_stands() -> None:
    standing = replace(coming(18.0)[0], speed_mps=0.0)
    behind, alone = queue_speeds([standing, *coming(200)]).speeds[1], queue_speeds(coming(200)).speeds[0]
    assert behind is not None
    assert alone is not None
    assert time_to(200 - 18.0 - RULE.gap_m, LIMIT, behind) == pytest.approx(30.0 + RULE.wave_s, abs=0.01)
    assert behind < alone


def test_nobody_is_slowed_on_the_junction_that_he_leaves() -> None:
    (driver,) = coming(200)
    leaving = replace(driver, left_m=10.0, room_m=210.0)
    assert queue_speeds([leaving]).speeds == (pytest.approx(RULE.clear_share * LIMIT),)
    clear = replace(leaving, left_m=RULE.clear_m)
    assert queue_speeds([clear]) == queue_speeds([driver])


def test_where_it_is_crowded_nobody_is_slowed_long_before_his_place() -> None:
    assert queue_speeds(coming(200), crowded=True).speeds == (None,)
    (near,) = queue_speeds(coming(30), crowded=True).speeds
    assert near == pytest.approx(30 / RULE.crowded_s)


def test_a_long_way_off_nobody_crawls() -> None:
    late = (GreenWindow(begins_s=170.0),)
    assert queue_speeds(coming(360, windows=late)).speeds == (pytest.approx(360 / RULE.sooner_s),)
    assert queue_speeds(coming(60, windows=late)).speeds == (RULE.floor_mps,)


def test_who_has_no_windows_is_told_nothing_and_takes_a_place() -> None:
    silent = replace(coming(210)[0], windows=())
    with_him, without = queue_speeds([*coming(200), silent, *coming(220)]), queue_speeds(coming(200, 220))
    assert with_him.speeds[1] is None
    assert with_him.speeds[2] != without.speeds[1]


@given(
    distances_m=st.lists(st.floats(2, 600), min_size=1, max_size=12).map(sorted),
    speed_mps=st.floats(0, 14),
    begins_s=st.floats(0.5, 100),
)
def test_no_speed_is_beyond_the_limit_or_below_the_floor_and_none_that_is_timed_comes_before_the_green(
    distances_m: list[float], speed_mps: float, begins_s: float
) -> None:
    windows = (GreenWindow(begins_s=begins_s, ends_s=begins_s + 20, over_s=begins_s + 21),)
    for driver, speed in zip(
        drivers := coming(*distances_m, speed_mps=speed_mps, windows=windows), queue_speeds(drivers).speeds, strict=True
    ):
        if speed is None:
            continue
        assert RULE.floor_mps - 1e-9 <= speed <= LIMIT
        if speed > max(RULE.floor_mps, driver.distance_m / RULE.sooner_s) + 1e-9:
            assert time_to(driver.distance_m, speed_mps, speed) >= begins_s - 0.51
