from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from made_orders import made_order
from made_town import town

from trafficfeed.closures.effects import DemandClock, Effects, interventions_of
from trafficfeed.closures.orders import Order
from trafficfeed.closures.resolution import resolve
from trafficfeed.closures.schedules import windows_of
from trafficfeed.network.vehicle_classes import VehicleClass
from trafficfeed.simulation.interventions import EdgeClosure, FlowMetering, LaneClosure, SpeedChange, TurnClosure

SINCE, UNTIL = datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 12, 31, tzinfo=UTC)
PEAKS = DemandClock(
    kind="day", begin_s=0, end_s=86_400, departures_by_hour=[1] * 7 + [50, 50] + [10] * 7 + [60, 60] + [5] * 6
)
HOUR = DemandClock(kind="hour", begin_s=0, end_s=3600, warm_up_s=600)
HIGH_STREET = {"kind": "street", "street": "High Street", "between": ["Abbey Row", "Ring Road"], "direction": "forward"}
ONE_DAY = {"periods": [{"start": "2026-12-05T07:00", "end": "2026-12-05T09:00"}]}


def measure(rule: dict[str, Any], where: dict[str, Any], when: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "m", "rule": rule, "where": [where], "when": when, **more}


def effects(*measures: dict[str, Any], clock: DemandClock = PEAKS) -> Effects:
    order = made_order(measures=[{**m, "id": f"m{n}"} for n, m in enumerate(measures)])
    resolved, found = resolve(order, town())
    assert not found, [str(f) for f in found]
    occurrences = {m.id: windows_of(m, order.timezone, since=SINCE, until=UNTIL) for m in order.measures}
    return interventions_of(order, resolved, occurrences, graph=town(), clock=clock)


def closure(when: dict[str, Any], street: str = "Ring Road") -> dict[str, Any]:
    return measure({"kind": "closure"}, {"kind": "street", "street": street}, when)


def times(found: Effects) -> list[tuple[float, float]]:
    return [(i.begin_s / 3600, i.end_s / 3600) for i in found.interventions]


def test_a_closure_shuts_its_edges_to_all_but_the_exempt_at_its_clock_times() -> None:
    found = effects(closure(ONE_DAY))
    (shut,) = found.interventions
    assert isinstance(shut, EdgeClosure)
    assert sorted(shut.edges) == ["20to21", "21to20", "21to22", "22to21"]
    assert shut.permitted == {VehicleClass.EMERGENCY, VehicleClass.AUTHORITY}
    assert (shut.begin_s, shut.end_s) == (7 * 3600, 9 * 3600)
    assert shut.cause == "water-main.m0"
    assert "Saturday 2026-12-05" in found.assumption


def test_the_kerbside_lane_is_the_first_lane_for_cars_and_not_the_pavement() -> None:
    found = effects(measure({"kind": "lanes_closed", "lanes": [1, 3]}, HIGH_STREET, ONE_DAY))
    assert all(isinstance(i, LaneClosure) for i in found.interventions)
    assert {(i.edge, i.lanes) for i in found.interventions if isinstance(i, LaneClosure)} == {
        ("01to11", (1, 3)),
        ("11to21", (1, 3)),
    }


def test_closing_every_lane_closes_the_edge() -> None:
    (shut,) = effects(measure({"kind": "lanes_closed", "lanes": [1, 2, 3]}, HIGH_STREET, ONE_DAY)).interventions
    assert isinstance(shut, EdgeClosure)


def test_a_one_way_shuts_the_other_direction() -> None:
    (shut,) = effects(measure({"kind": "one_way"}, HIGH_STREET, ONE_DAY)).interventions
    assert isinstance(shut, EdgeClosure)
    opposite = effects(measure({"kind": "closure"}, {**HIGH_STREET, "direction": "backward"}, ONE_DAY)).interventions
    assert sorted(shut.edges) == sorted(i for o in opposite if isinstance(o, EdgeClosure) for i in o.edges)


def test_a_bus_street_lets_buses_and_nobody_else_in() -> None:
    rule = {"kind": "vehicles", "only": ["bus"]}
    (shut,) = effects(measure(rule, HIGH_STREET, ONE_DAY, exceptions=["emergency"])).interventions
    assert isinstance(shut, EdgeClosure)
    assert shut.permitted == {VehicleClass.BUS, VehicleClass.EMERGENCY, VehicleClass.AUTHORITY}


def test_a_speed_limit_is_in_metres_a_second() -> None:
    (slow,) = effects(measure({"kind": "speed_limit", "limit_kmh": 36}, HIGH_STREET, ONE_DAY)).interventions
    assert isinstance(slow, SpeedChange)
    assert slow.speed_mps == pytest.approx(10.0)


def test_metering_acts_where_the_section_begins() -> None:
    (drip,) = effects(measure({"kind": "metering", "flow_vph": 300}, HIGH_STREET, ONE_DAY)).interventions
    assert isinstance(drip, FlowMetering)
    assert len(drip.edges) == 1


def test_a_turn_ban_names_its_moves() -> None:
    turn = {"kind": "turn", "from_street": "Abbey Row", "to_street": "East Street"}
    (ban,) = effects(measure({"kind": "turn_ban"}, turn, ONE_DAY)).interventions
    assert isinstance(ban, TurnClosure)
    assert ban.turns == (("01to02", "02to12"),)


def test_of_many_days_the_one_with_most_traffic_is_simulated() -> None:
    found = effects(
        closure(
            {
                "periods": [
                    {"start": "2026-12-05T01:00", "end": "2026-12-05T06:00"},
                    {"start": "2026-12-06T16:00", "end": "2026-12-06T18:00"},
                    {"start": "2026-12-07T10:00", "end": "2026-12-07T12:00"},
                ]
            }
        )
    )
    assert times(found) == [(16, 18)]
    assert "2026-12-06" in found.assumption


def test_a_night_is_cut_at_midnight_on_its_busier_side_and_stays_shut_behind_it() -> None:
    night = {"periods": [{"start": "2026-12-05T21:00", "end": "2026-12-06T05:00"}]}
    assert times(effects(closure(night))) == [(21, 29)]
    into_the_peak = {"periods": [{"start": "2026-12-05T23:00", "end": "2026-12-06T08:00"}]}
    assert times(effects(closure(into_the_peak))) == [(0, 8)]


def test_a_recurring_night_shows_both_its_halves_on_one_day() -> None:
    first = {"start": "2026-12-07T22:00", "end": "2026-12-08T05:00"}
    nights = {"recurrences": [{"first": first, "rrule": "FREQ=DAILY;COUNT=5"}]}
    assert sorted(times(effects(closure(nights)))) == [(0, 5), (22, 29)]


def test_clock_times_are_kept_on_the_day_of_a_dst_change() -> None:
    when = {"periods": [{"start": "2027-03-28T01:00", "end": "2027-03-28T08:00"}]}
    assert times(effects(closure(when))) == [(1, 8)]


def test_a_closure_within_the_hour_that_the_clocks_show_twice_lasts_as_long_as_it_does() -> None:
    when = {"periods": [{"start": "2027-10-31T03:50+03:00", "end": "2027-10-31T03:10+02:00"}]}
    assert times(effects(closure(when))) == [(3 + 50 / 60, 4 + 10 / 60)]


def test_a_closure_of_weeks_fills_its_day() -> None:
    when = {"periods": [{"start": "2026-12-05T12:00", "end": "2027-01-20T12:00"}]}
    ((begin, end),) = times(effects(closure(when)))
    assert (begin, end) == (0, 48)


def test_of_a_long_day_the_busiest_stretch_is_simulated_and_the_sentence_says_which() -> None:
    when = {"periods": [{"start": "2026-12-05T00:00", "end": "2026-12-06T00:00"}]}
    found = effects(closure(when), clock=replace(PEAKS, longest_s=3 * 3600))
    assert times(found) == [(15, 24)]
    assert "the 3 h from 15:00 on" in found.assumption


def test_the_day_is_chosen_by_the_stretch_that_is_simulated() -> None:
    all_but_the_peaks = {"start": "2026-12-05T09:00", "end": "2026-12-05T16:00"}
    one_peak = {"start": "2026-12-06T16:00", "end": "2026-12-06T16:50"}
    when = {"periods": [all_but_the_peaks, one_peak]}
    assert times(effects(closure(when))) == [(9, 16)]
    assert times(effects(closure(when), clock=replace(PEAKS, longest_s=3 * 3600))) == [(16, 16 + 5 / 6)]


def test_what_is_open_again_before_the_stretch_is_left_out() -> None:
    early = {"periods": [{"start": "2026-12-05T01:00", "end": "2026-12-05T02:00"}]}
    peak = {"periods": [{"start": "2026-12-05T16:00", "end": "2026-12-05T18:00"}]}
    found = effects(closure(early), closure(peak, "West Street"), clock=replace(PEAKS, longest_s=3 * 3600))
    assert [i.cause for i in found.interventions] == ["water-main.m1"]


def test_measures_keep_their_order_in_time() -> None:
    early = {"periods": [{"start": "2026-12-05T07:00", "end": "2026-12-05T08:00"}]}
    late = {"periods": [{"start": "2026-12-05T07:30", "end": "2026-12-05T09:00"}]}
    assert times(effects(closure(early), closure(late, "West Street"))) == [(7, 8), (7.5, 9)]
    on_an_hour = effects(closure(early), closure(late, "West Street"), clock=HOUR).interventions
    assert sorted((i.begin_s, i.end_s) for i in on_an_hour) == [(600, 2400), (600, 6000)]


def test_on_an_hour_that_stands_for_any_time_the_closure_begins_after_the_warm_up() -> None:
    found = effects(closure(ONE_DAY), clock=HOUR)
    assert [(i.begin_s, i.end_s) for i in found.interventions] == [(600, 600 + 2 * 3600)]
    assert "any time" in found.assumption


def test_on_an_hour_a_quarter_of_an_hours_closure_opens_again() -> None:
    when = {"periods": [{"start": "2026-12-05T07:00", "end": "2026-12-05T07:15"}]}
    found = effects(closure(when), clock=HOUR)
    assert [(i.begin_s, i.end_s) for i in found.interventions] == [(600, 1500)]


def test_hours_without_demand_are_said_to_have_none() -> None:
    clock = DemandClock(kind="day", begin_s=7 * 3600, end_s=9 * 3600)
    found = effects(closure({"periods": [{"start": "2026-12-05T01:00", "end": "2026-12-05T03:00"}]}), clock=clock)
    assert times(found) == [(1, 3)]
    assert "no departures" in found.assumption


def test_an_order_whose_windows_are_past_has_no_effect() -> None:
    order: Order = made_order()
    resolved, _ = resolve(order, town())
    found = interventions_of(order, resolved, {"closure": ()}, graph=town(), clock=PEAKS)
    assert found.interventions == ()
    assert found.assumption
