import pytest

from trafficfeed.settings import SimulationSettings, Thresholds
from trafficfeed.simulation.certificate import Estimate
from trafficfeed.simulation.stopping import confirmation_rule, looks_of, needs_confirmation, stopping_rule

SIMULATION = SimulationSettings(confirm_always_h=1000, confirm_most_h=10000, confirm_near=0.5)


def metrics(delay_s):
    exact = {"delay_s": delay_s, "delay_emergency_s": 0.0, "lost_share": 0.0, "unfinished_share": 0.0}
    exact |= {"delay_share": 0.0, "emergency_cut_off_vehicles": 0.0}
    return {name: Estimate(mean=x, low=x, high=x, pairs=5) for name, x in exact.items()}


def test_the_gates_are_read_at_a_few_growing_numbers_of_pairs():
    assert looks_of(5, 25) == (5, 8, 12, 18, 25)
    assert looks_of(3, 12) == (3, 5, 8, 12)


def test_with_least_and_most_equal_there_is_one_look():
    assert looks_of(4, 4) == (4,)


def test_the_rule_is_stated_with_its_numbers_and_its_weakness():
    assert "5, 8, 12, 18 and 25 pairs" in stopping_rule(looks_of(5, 25))
    assert "nominal" in stopping_rule(looks_of(5, 25))


@pytest.mark.parametrize(
    "delay_s, vehicle_hours, confirmed",
    [
        (1.0, 500, True),  # small: always
        (1.0, 5000, False),  # clearly passes
        (15.0, 5000, True),  # within half of its limit of 20 s
        (45.0, 5000, True),  # held: meso may be too pessimistic
        (90.0, 500, False),  # held by more than meso was ever seen to err
        (15.0, 50000, False),  # too large
        (90.0, 50000, False),
    ],
)
def test_micro_confirms_what_matters_and_what_it_can(delay_s, vehicle_hours, confirmed):
    assert needs_confirmation(Thresholds(), SIMULATION, metrics(delay_s), vehicle_hours) is confirmed


def test_the_confirmation_rule_names_its_limits():
    text = confirmation_rule(SIMULATION)

    assert "1000 vehicle-hours" in text and "10000" in text and "50 %" in text
