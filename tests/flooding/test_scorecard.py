"""The score of a storm's decisions: what counts as real, needless, in time and wrong."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from trafficfeed.flooding.decisions import Basis, Decision, DecisionRule, Level
from trafficfeed.flooding.scorecard import scored
from trafficfeed.flooding.storms import TrueWater

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
MINUTES = np.arange(0.0, 241.0)


def water(depths: dict[int, float], site: str = "square") -> TrueWater:
    line = np.interp(MINUTES, list(depths), list(depths.values()))
    return TrueWater(site=site, times=NOON.timestamp() + 60 * MINUTES, depth_m=line)


FLOOD = water({0: 0.0, 60: 0.0, 80: 0.4, 120: 0.4, 160: 0.0, 240: 0.0})
"""15 cm from minute 68 to 145, 30 cm from 75 to 130."""


def decided(*steps: tuple[int, Level]) -> list[Decision]:
    return [
        Decision(
            site="square",
            level=level,
            basis=Basis.OBSERVED,
            decided_at=NOON + timedelta(minutes=minute),
            since=NOON + timedelta(minutes=minute),
        )
        for minute, level in steps
    ]


def test_a_storm_handled_well() -> None:
    made = decided((50, Level.HAZARD), (70, Level.CLOSED), (150, Level.HAZARD), (165, Level.CLEAR))
    card = scored(made, {"square": FLOOD}, DecisionRule())
    one = card.sites[0]
    assert (one.real, one.closures, one.needless, one.missed, one.exposed_s) == (1, 1, 0, 0, 0.0)
    assert one.warnings_s == (pytest.approx(18 * 60, abs=60),)
    assert card.clears_above == 0
    assert card.closures_per_real == 1.0
    assert card.false_alarm_ratio == 0.0


def test_a_closure_too_late_leaves_the_road_open_in_deep_water_and_is_no_warning() -> None:
    one = scored(decided((100, Level.CLOSED)), {"square": FLOOD}, DecisionRule()).sites[0]
    assert one.exposed_s == pytest.approx(25 * 60, abs=60)
    assert one.warnings_s == (pytest.approx(-32 * 60, abs=60),)


def test_a_flood_that_nobody_saw_is_missed() -> None:
    one = scored([], {"square": FLOOD}, DecisionRule()).sites[0]
    assert (one.real, one.missed, one.closures) == (1, 1, 0)
    assert one.warnings_s[0] < 0


def test_a_closure_on_a_dry_road_is_needless_and_a_false_alarm() -> None:
    card = scored(decided((10, Level.CLOSED), (20, Level.CLEAR)), {"square": FLOOD}, DecisionRule())
    assert card.sites[0].needless == 1
    assert card.false_alarm_ratio == 1.0


def test_clearing_in_water_or_just_before_it_comes_back_is_wrong() -> None:
    again = water({0: 0.0, 60: 0.0, 80: 0.4, 100: 0.05, 110: 0.05, 115: 0.3, 150: 0.0, 240: 0.0})
    in_water = decided((70, Level.CLOSED), (90, Level.CLEAR))
    before_more = decided((70, Level.CLOSED), (105, Level.CLEAR))
    for made in (in_water, before_more):
        assert scored(made, {"square": again}, DecisionRule()).clears_above == 1
