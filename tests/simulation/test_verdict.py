import math

import pytest

from trafficfeed.settings import Thresholds
from trafficfeed.simulation.certificate import Estimate, Verdict
from trafficfeed.simulation.verdict import nearest_gate, reasons_of, settled, text_of, verdict_of

LIMITS = Thresholds()


def near(mean, half=0.5, pairs=5):
    return Estimate(mean=mean, low=mean - half, high=mean + half, pairs=pairs)


def metrics(**changes):
    """Figures of a plan that passes every gate clearly, but for `changes` (None: not measured)."""
    figures = {
        "delay_s": near(2.0),
        "delay_share": near(0.01, 0.001),
        "base_trip_s": near(200.0),
        "delay_emergency_s": near(3.0),
        "base_trip_emergency_s": near(150.0),
        "emergency_cut_off_vehicles": near(0.0, 0.0),
        "lost_share": near(0.0, 0.0),
        "unfinished_share": near(0.0, 0.0),
        "delay_bus_s": near(5.0),
    }
    return {name: value for name, value in (figures | changes).items() if value is not None}


def test_a_plan_that_clears_every_gate_is_published():
    assert verdict_of(LIMITS, metrics()) is Verdict.PUBLISH


@pytest.mark.parametrize(
    "name, value",
    [
        ("delay_s", near(40.0)),
        ("delay_share", near(0.3, 0.01)),
        ("delay_emergency_s", near(80.0)),
        ("delay_bus_s", near(100.0)),
        ("unfinished_share", near(0.2, 0.01)),
        ("emergency_cut_off_vehicles", near(2.0)),
    ],
)
def test_one_gate_clearly_failed_holds_the_plan(name, value):
    assert verdict_of(LIMITS, metrics(**{name: value})) is Verdict.HOLD
    assert settled(LIMITS, metrics(**{name: value}))


@pytest.mark.parametrize("name, limit", [("delay_s", 20.0), ("delay_emergency_s", 30.0), ("delay_bus_s", 60.0)])
def test_an_interval_that_straddles_its_limit_decides_nothing(name, limit):
    straddling = metrics(**{name: near(limit, 1.0)})

    assert verdict_of(LIMITS, straddling) is Verdict.INCONCLUSIVE
    assert not settled(LIMITS, straddling)


def test_too_many_lost_vehicles_are_inconclusive_and_never_passed():
    assert verdict_of(LIMITS, metrics(lost_share=near(0.10, 0.01))) is Verdict.INCONCLUSIVE


def test_delays_over_the_limit_hold_even_where_vehicles_were_lost_because_they_are_lower_bounds():
    assert verdict_of(LIMITS, metrics(lost_share=near(0.10, 0.01), delay_s=near(300.0))) is Verdict.HOLD


def test_the_emergency_limit_is_the_laxer_of_seconds_and_share():
    long_trips = metrics(base_trip_emergency_s=near(600.0), delay_emergency_s=near(50.0))
    short_trips = metrics(base_trip_emergency_s=near(100.0), delay_emergency_s=near(50.0))

    assert verdict_of(LIMITS, long_trips) is Verdict.PUBLISH
    assert verdict_of(LIMITS, short_trips) is Verdict.HOLD


def test_a_hard_limit_that_was_not_measured_is_not_passed():
    assert verdict_of(LIMITS, metrics(delay_emergency_s=None)) is Verdict.INCONCLUSIVE


def test_a_demand_without_buses_passes_the_bus_gate_and_says_so():
    (bus,) = [r for r in reasons_of(LIMITS, metrics(delay_bus_s=None)) if r.gate == "bus delay"]

    assert bus.passed and bus.decided
    assert "no such vehicle" in bus.measured


def test_one_pair_never_passes_a_plan():
    one = {name: Estimate(mean=e.mean, low=-math.inf, high=math.inf, pairs=1) for name, e in metrics().items()}

    assert verdict_of(LIMITS, one) is Verdict.INCONCLUSIVE


def test_reasons_carry_figures_that_a_person_can_read():
    (reason,) = [r for r in reasons_of(LIMITS, metrics(delay_s=near(42.0, 2.0))) if r.gate == "delay"]

    assert (reason.passed, reason.decided) == (False, True)
    assert reason.measured == "42.0 s (95 %: 40.0 to 44.0, 5 pairs)"
    assert reason.threshold == "at most 20 s"


def test_shares_are_written_in_per_cent():
    assert text_of(near(0.0214, 0.001), "%") == "2.14 % (95 %: 2.04 to 2.24, 5 pairs)"


def test_distance_to_the_nearest_gate_is_relative_to_its_limit():
    assert nearest_gate(LIMITS, metrics(delay_s=near(14.5))) == pytest.approx(0.25)
    assert nearest_gate(LIMITS, metrics(delay_s=near(20.0))) == 0.0
    assert nearest_gate(LIMITS, metrics(delay_s=near(30.5))) == pytest.approx(0.5)
