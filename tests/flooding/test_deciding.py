"""Decisions on a site's water: at once on water, never cleared on silence, held, overridden."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trafficfeed.errors import OrderConflict
from trafficfeed.flooding.deciding import Decider, approved, overridden
from trafficfeed.flooding.decisions import Basis, Decision, DecisionRule, Level
from trafficfeed.flooding.forecast import HORIZONS_S, THRESHOLDS_M, CityForecast, Method
from trafficfeed.flooding.observations import Quality, Reading, Report, ReportedDepth
from trafficfeed.flooding.road_state import WaterClass
from trafficfeed.flooding.sites import Site, SiteSource

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
SITE = Site(id="underpass", name="Underpass", lon=0.0, lat=0.0, source=SiteSource.LIST, sensors=("a", "b"))
RULE = DecisionRule()
RANK = {Level.CLEAR: 0, Level.HAZARD: 1, Level.CLOSED: 2}


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


def reading(minute: float, depth_m: float, *, sensor: str = "a", quality: Quality = Quality.GOOD) -> Reading:
    return Reading(
        id=f"{sensor}@{minute}",
        sensor=sensor,
        observed_at=at(minute),
        received_at=at(minute),
        depth_m=depth_m,
        quality=quality,
    )


def report(minute: float, depth: ReportedDepth, *, by_police: bool) -> Report:
    return Report(
        id=f"r@{minute}", lon=0.0, lat=0.0, observed_at=at(minute), received_at=at(minute), depth=depth,
        by_police=by_police, site=SITE.id,
    )  # fmt: skip


def forecast(minute: float, chances: tuple[float, float, float], high_m: float = 0.4) -> CityForecast:
    """Return a forecast with the same chances of 10, 15 and 30 cm within any time."""
    shape = (1, len(HORIZONS_S))
    within = np.stack([np.full(shape, chance) for chance in chances])
    return CityForecast(
        issued_at=at(minute),
        sites=(SITE.id,),
        horizons_s=HORIZONS_S,
        p10_m=np.zeros(shape),
        p50_m=np.full(shape, high_m / 2),
        p90_m=np.full(shape, high_m),
        exceedance=within,
        within=within,
        method=(Method.ASSIMILATED,),
        confidence=np.ones(1),
        to_flood_s=np.zeros((1, 3)),
        to_clear_s=np.array([[600.0, 1200.0, 3600.0]]),
        inputs={},
    )


DRY = (0.0, 0.0, 0.0)


def run(
    depths: Sequence[float | None],
    rule: DecisionRule = RULE,
    chances: tuple[float, float, float] | None = DRY,
    before: Decision | None = None,
) -> list[Decision]:
    """Decide each minute on a gauge that reads `depths`; None: silent."""
    held: list[Reading] = []
    made = []
    for minute, depth in enumerate(depths):
        if depth is not None:
            held.append(reading(minute, depth))
        told = forecast(minute, chances) if chances is not None else None
        before = Decider(rule).decide(SITE, before, held, told, at(minute))
        made.append(before)
    return made


def levels(decisions: Sequence[Decision]) -> list[Level]:
    return [one.level for one in decisions]


def test_a_good_reading_of_30_cm_closes_at_once_and_says_what_was_read() -> None:
    made = Decider(RULE).decide(SITE, None, [reading(0, 0.31)], None, at(0))
    assert (made.level, made.basis, made.episode) == (Level.CLOSED, Basis.OBSERVED, "underpass-20260701t1200")
    assert made.readings == ("a@0",)
    assert "31 cm measured by a at 12:00 UTC" in made.reason


@pytest.mark.parametrize("quality", [one for one in Quality if one is not Quality.GOOD])
def test_a_reading_that_did_not_pass_the_checks_closes_nothing(quality: Quality) -> None:
    made = Decider(RULE).decide(SITE, None, [reading(0, 0.9, quality=quality)], None, at(0))
    assert made.level is Level.CLEAR
    assert made.depth_m is None


def test_ten_centimetres_are_warned_of() -> None:
    assert levels(run([0.05, 0.09, 0.10])) == [Level.CLEAR, Level.CLEAR, Level.HAZARD]


def test_a_peak_that_came_in_between_two_decisions_closes() -> None:
    before = Decider(RULE).decide(SITE, None, [reading(0, 0.05)], None, at(0))
    made = Decider(RULE).decide(SITE, before, [reading(0, 0.05), reading(2, 0.33), reading(4, 0.28)], None, at(5))
    assert made.level is Level.CLOSED
    assert made.depth_m == 0.28


def test_a_forecast_closes_above_the_cost_ratio_only() -> None:
    decider = Decider(replace(RULE, cost_ratio=0.5))
    below = decider.decide(SITE, None, [reading(0, 0.12)], forecast(0, (1.0, 1.0, 0.5)), at(0))
    above = decider.decide(SITE, None, [reading(0, 0.12)], forecast(0, (1.0, 1.0, 0.51)), at(0))
    assert (below.level, above.level, above.basis) == (Level.HAZARD, Level.CLOSED, Basis.FORECAST)
    assert above.forecast == at(0)
    assert above.chance == pytest.approx(0.51)
    assert above.expected_end == at(60)


def test_a_forecast_that_abstains_decides_nothing() -> None:
    nan = float("nan")
    made = Decider(RULE).decide(SITE, None, [reading(0, 0.02)], forecast(0, (nan, nan, nan), high_m=nan), at(0))
    assert made.level is Level.CLEAR
    assert (made.chance, made.high_m) == (None, None)


def test_a_forecast_of_hours_ago_decides_nothing() -> None:
    made = Decider(RULE).decide(SITE, None, [reading(180, 0.0)], forecast(0, (1.0, 1.0, 1.0)), at(180))
    assert made.level is Level.CLEAR
    assert made.forecast is None


def test_a_forecast_closure_waits_for_an_officer_where_the_rule_says_so_and_stays_approved() -> None:
    decider = Decider(replace(RULE, approval=True))
    waits = decider.decide(SITE, None, [reading(0, 0.12)], forecast(0, (1.0, 1.0, 0.9)), at(0))
    assert waits.awaits_approval
    passed = approved(waits, by="Sgt. Lin", as_of=at(1))
    later = decider.decide(SITE, passed, [reading(2, 0.12)], forecast(2, (1.0, 1.0, 0.9)), at(2))
    assert not passed.awaits_approval
    assert not later.awaits_approval
    assert later.since == at(1)
    with pytest.raises(OrderConflict, match="nothing awaits approval"):
        approved(later, by="Sgt. Lin", as_of=at(3))


def test_water_that_comes_while_a_closure_awaits_approval_closes_without_it() -> None:
    decider = Decider(replace(RULE, approval=True))
    waits = decider.decide(SITE, None, [reading(0, 0.12)], forecast(0, (1.0, 1.0, 0.9)), at(0))
    made = decider.decide(SITE, waits, [reading(5, 0.32)], forecast(5, (1.0, 1.0, 1.0)), at(5))
    assert (made.level, made.basis, made.awaits_approval, made.since) == (
        Level.CLOSED, Basis.OBSERVED, False, at(5)
    )  # fmt: skip


def test_it_clears_after_fifteen_minutes_of_readings_below_fifteen_centimetres() -> None:
    made = run([0.35] * 3 + [0.14] * 5 + [0.09, 0.08, 0.07, 0.06, 0.05, 0.04, 0.03, 0.02] + [0.01] * 20)
    first = next(i for i, one in enumerate(made) if one.level is not Level.CLOSED)
    assert first == 3 + 15
    assert len(made[first].readings) >= 15
    assert made[-1].level is Level.CLEAR
    assert made[-1].episode == ""


def test_it_does_not_clear_while_a_re_flood_is_forecast() -> None:
    wet = [0.35] * 3 + [0.12, 0.11, 0.10, 0.08, 0.06] + [0.02] * 60
    assert levels(run(wet, chances=DRY))[-1] is Level.CLEAR
    assert levels(run(wet, chances=(0.3, 0.15, 0.0)))[-1] is Level.CLOSED


def test_without_a_forecast_it_has_to_be_dry_for_twice_as_long() -> None:
    wet = [0.35] * 3 + [0.01] * 60
    told, untold = (levels(run(wet, chances=chances)).index(Level.CLEAR) for chances in (DRY, None))
    assert (told, untold) == (18, 33)


def test_water_that_rises_again_is_not_cleared() -> None:
    wet = [0.35] * 3 + [0.06] * 5 + [0.05] * 9 + [0.08]
    assert levels(run(wet))[-1] is Level.CLOSED


def test_a_gauge_that_does_not_move_is_not_believed_that_the_water_is_gone() -> None:
    assert levels(run([0.35] * 3 + [0.09] * 60))[-1] is Level.CLOSED


def test_another_sensors_dry_readings_do_not_clear_what_a_silent_one_found() -> None:
    wet = [reading(0, 0.35, sensor="b")]
    dry = [reading(minute, 0.0) for minute in range(90)]
    before = Decider(RULE).decide(SITE, None, wet, forecast(0, DRY), at(0))
    kept = Decider(RULE).decide(SITE, before, [*wet, *dry], forecast(89, DRY), at(89))
    assert kept.level is Level.CLOSED
    assert "b last found 35 cm" in kept.reason
    seen = [report(80, ReportedDepth.WET, by_police=True)]
    assert Decider(RULE).decide(SITE, before, [*wet, *dry], forecast(89, DRY), at(89), seen).level is Level.CLEAR


def test_a_jump_that_is_not_yet_confirmed_holds_a_clearing_back() -> None:
    dry = [reading(minute, 0.4 if minute == 0 else 0.0) for minute in range(60)]
    before = Decider(RULE).decide(SITE, None, dry[:1], forecast(0, DRY), at(0))
    jump = reading(60, 0.5, quality=Quality.SPIKE)
    assert Decider(RULE).decide(SITE, before, dry, forecast(60, DRY), at(60)).level is Level.CLEAR
    held = Decider(RULE).decide(SITE, before, [*dry, jump], forecast(60, DRY), at(60))
    assert held.level is Level.CLOSED
    assert "50 cm at 13:00 is not yet confirmed" in held.reason


def test_an_officers_report_closes_and_a_citizens_does_not() -> None:
    decider = Decider(RULE)
    by_police = [report(0, ReportedDepth.KNEE, by_police=True)]
    by_citizen = [report(0, ReportedDepth.KNEE, by_police=False)]
    assert decider.decide(SITE, None, [], None, at(1), by_police).level is Level.CLOSED
    asked = decider.decide(SITE, None, [], None, at(1), by_citizen)
    assert asked.level is Level.CLEAR
    assert "have a look" in asked.reason


def test_a_gauge_that_never_saw_the_water_an_officer_reported_cannot_clear_it() -> None:
    readings = [reading(minute, 0.0) for minute in range(120)]
    seen = [report(10, ReportedDepth.KNEE, by_police=True)]
    before = Decider(RULE).decide(SITE, None, readings[:11], forecast(10, DRY), at(10), seen)
    kept = Decider(RULE).decide(SITE, before, readings, forecast(119, DRY), at(119), seen)
    assert (before.level, kept.level) == (Level.CLOSED, Level.CLOSED)
    assert "police last found 45 cm" in kept.reason


def test_all_but_emergency_vehicles_are_kept_out_and_these_too_where_it_is_too_deep() -> None:
    shallow, deep, later = run([0.32, 0.55, 0.32])
    assert WaterClass.EMERGENCY not in shallow.closed_to
    assert set(deep.closed_to) == set(WaterClass)
    assert set(later.closed_to) == set(WaterClass)


def test_an_override_holds_against_readings_until_it_ends() -> None:
    opened = overridden(
        SITE.id, None, Level.CLEAR, by="Insp. Wu", reason="gauge hangs in a gutter", as_of=at(0), until=at(30)
    )
    made = run([0.5] * 32, before=opened)
    assert levels(made[:30]) == [Level.CLEAR] * 30
    assert made[10].basis is Basis.OFFICER
    assert "gutter" in made[10].reason
    assert made[30].level is Level.CLOSED


@pytest.mark.parametrize(("reason", "minutes"), [("  ", 30), ("bridge inspected", 0)])
def test_an_override_needs_a_reason_and_an_end(reason: str, minutes: int) -> None:
    with pytest.raises(OrderConflict):
        overridden(SITE.id, None, Level.CLOSED, by="Wu", reason=reason, as_of=at(0), until=at(minutes))


def test_an_officers_closure_of_a_watched_site_outlives_its_end_while_the_gauge_is_silent() -> None:
    closed = overridden(SITE.id, None, Level.CLOSED, by="Wu", reason="water seen", as_of=at(0), until=at(30))
    assert set(levels(run([None] * 90, before=closed))) == {Level.CLOSED}


def test_where_no_gauge_looks_a_forecast_closure_is_withdrawn_when_the_forecast_goes() -> None:
    site = replace(SITE, sensors=())
    made = Decider(RULE).decide(site, None, [], forecast(0, (1.0, 1.0, 0.9)), at(0))
    early = Decider(RULE).decide(site, made, [], forecast(5, DRY), at(5))
    later = Decider(RULE).decide(site, made, [], forecast(20, DRY), at(20))
    silent = Decider(RULE).decide(site, made, [], None, at(20))
    assert levels([made, early, later, silent]) == [Level.CLOSED, Level.CLOSED, Level.CLEAR, Level.CLOSED]
    assert "nothing was ever observed" in later.reason


def test_what_is_decided_does_not_depend_on_the_order_of_readings_or_on_later_ones() -> None:
    readings = [reading(minute, 0.01 * minute) for minute in range(20)]
    later = [*readings[::-1], reading(30, 0.9)]
    assert Decider(RULE).decide(SITE, None, readings, None, at(19)) == Decider(RULE).decide(
        SITE, None, later, None, at(19)
    )


def test_a_depth_that_swings_about_the_limits_does_not_make_the_road_open_and_close() -> None:
    for middle in (0.10, 0.15, 0.30):
        swing = [middle + 0.02 * (-1) ** (minute // 3) for minute in range(240)]
        made = levels(run(swing))
        assert sum(one is not other for one, other in pairwise(made)) <= 2


depths = st.one_of(st.none(), st.floats(0.0, 0.6), st.sampled_from([0.0, 0.05, 0.12, 0.149, 0.15, 0.29, 0.30]))
spells = st.lists(st.tuples(depths, st.integers(1, 25)), min_size=1, max_size=12)
chances = st.sampled_from([None, DRY, (0.3, 0.15, 0.0), (1.0, 0.9, 0.85)])


@settings(max_examples=60, deadline=None)
@given(spells, chances)
def test_it_is_never_relaxed_on_silence_nor_above_fifteen_centimetres_nor_before_the_hold_is_over(
    spells: list[tuple[float | None, int]], chances: tuple[float, float, float] | None
) -> None:
    read = [depth for depth, minutes in spells for _ in range(minutes)]
    made = run(read, chances=chances)
    for minute in range(1, len(made)):
        if RANK[made[minute].level] >= RANK[made[minute - 1].level]:
            continue
        last_five = [depth for depth in read[max(minute - 5, 0) : minute + 1] if depth is not None]
        quarter = [depth for depth in read[max(minute - 15, 0) : minute + 1] if depth is not None]
        assert last_five, "relaxed on silence"
        assert max(quarter) < RULE.clears_m, "relaxed above 15 cm"
        assert at(minute) - made[minute - 1].since >= timedelta(seconds=RULE.hold_s), "relaxed before the hold is over"
        assert chances is None or chances[THRESHOLDS_M.index(0.15)] <= RULE.reflood_chance, "relaxed against a forecast"


@settings(max_examples=40, deadline=None)
@given(spells)
def test_every_reading_of_thirty_centimetres_finds_the_road_closed(spells: list[tuple[float | None, int]]) -> None:
    read = [depth for depth, minutes in spells for _ in range(minutes)]
    for depth, decision in zip(read, run(read), strict=True):
        assert depth is None or depth < RULE.closes_m or decision.level is Level.CLOSED
        assert (decision.episode == "") is (decision.level is Level.CLEAR)


def test_one_low_reading_does_not_clear_rising_water() -> None:
    rising = [0.11, 0.09, *(0.03 + 0.004 * minute for minute in range(15)), 0.0]
    assert levels(run(rising, RULE))[-2:] == [Level.HAZARD, Level.HAZARD]
