import math

import numpy as np
import pytest
from made_runs import UNTIL_S, made_run

from trafficfeed.errors import SimulationFailed
from trafficfeed.simulation.comparison import accounting, estimate, estimates, figures_of, paired_delays, time_to_95_out


def test_delay_is_the_mean_of_the_differences_vehicle_by_vehicle():
    base = made_run(trips=[100, 200, 300])
    plan = made_run(trips=[110, 230, 290])

    figures = figures_of(base, plan, until_s=UNTIL_S)

    assert figures["delay_per_vehicle_s"] == pytest.approx(10.0)
    assert figures["delay_s"] == pytest.approx(10.0)
    assert figures["delay_share"] == pytest.approx(0.05)


def test_a_vehicle_that_vanishes_in_the_plan_costs_at_least_the_rest_of_the_run():
    base = made_run(trips=[100, 100], wanted=[0, 600])
    plan = made_run(trips=[100, None], wanted=[0, 600], fates=["arrived", "unfinished"])

    figures = figures_of(base, plan, until_s=UNTIL_S)

    assert figures["delay_per_vehicle_s"] == 0.0, "those that finish in both lose nothing"
    assert figures["delay_s"] == pytest.approx((UNTIL_S - 600 - 100) / 2)
    assert figures["unfinished_share"] == 0.5


@pytest.mark.parametrize("fate", ["unfinished", "never_departed", "dropped"])
def test_a_plan_never_looks_better_for_losing_its_slowest_vehicle(fate):
    base = made_run(trips=[100, 1000])
    plan = made_run(trips=[100, None], fates=["arrived", fate])

    assert figures_of(base, plan, until_s=UNTIL_S)["delay_s"] > 0


@pytest.mark.parametrize("fate", ["ended_short", "teleported"])
def test_being_cut_off_or_teleported_may_cost_time_but_never_gains_any(fate):
    base = made_run(trips=[500, 500])
    shorter = made_run(trips=[10, 500], fates=[fate, "arrived"])
    longer = made_run(trips=[700, 500], fates=[fate, "arrived"])

    assert figures_of(base, shorter, until_s=UNTIL_S)["delay_s"] == 0.0
    assert figures_of(base, longer, until_s=UNTIL_S)["delay_s"] == pytest.approx(100.0)


def test_a_vehicle_stuck_in_the_base_gains_nothing_by_being_cut_off_in_the_plan():
    base = made_run(trips=[2000, 500], fates=["teleported", "arrived"])
    plan = made_run(trips=[10, 500], fates=["ended_short", "arrived"])

    assert figures_of(base, plan, until_s=UNTIL_S)["delay_s"] == 0.0


def test_a_vehicle_that_the_base_already_dropped_says_nothing_about_the_plan():
    base = made_run(trips=[100, None], fates=["arrived", "dropped"])
    plan = made_run(trips=[130, 50])

    figures = figures_of(base, plan, until_s=UNTIL_S)

    assert figures["delay_s"] == pytest.approx(30.0)
    assert figures["lost_share"] == -0.5


def test_emergency_and_buses_are_measured_apart():
    classes = ["passenger", "emergency", "bus", "coach"]
    base = made_run(trips=[100, 100, 100, 100], classes=classes)
    plan = made_run(trips=[100, 160, 110, 130], classes=classes)

    figures = figures_of(base, plan, until_s=UNTIL_S)

    assert figures["delay_emergency_s"] == pytest.approx(60.0)
    assert figures["delay_bus_s"] == pytest.approx(20.0)
    assert figures["base_trip_emergency_s"] == pytest.approx(100.0)


def test_what_was_not_driven_is_left_out_instead_of_being_zero():
    figures = figures_of(made_run(trips=[100]), made_run(trips=[100]), until_s=UNTIL_S)

    assert "delay_emergency_s" not in figures
    assert "delay_bus_s" not in figures
    assert all(math.isfinite(value) for value in figures.values())


def test_an_ambulance_that_cannot_get_to_its_address_is_counted():
    base = made_run(trips=[100, 100], classes=["emergency", "passenger"])
    plan = made_run(trips=[90, 90], classes=["emergency", "passenger"], fates=["ended_short", "ended_short"])

    figures = figures_of(base, plan, until_s=UNTIL_S)

    assert figures["emergency_cut_off_vehicles"] == 1.0
    assert figures["cut_off_vehicles"] == 2.0


def test_runs_with_different_vehicles_cannot_be_paired():
    with pytest.raises(SimulationFailed, match="same vehicles"):
        paired_delays(made_run(trips=[100]), made_run(trips=[100, 100]), until_s=UNTIL_S)


def test_a_pair_without_vehicles_gives_no_delay():
    figures = figures_of(made_run(trips=[]), made_run(trips=[]), until_s=UNTIL_S)

    assert "delay_s" not in figures
    assert figures["lost_share"] == 0.0


def test_time_to_95_out_ignores_the_last_twentieth_and_knows_when_it_is_never():
    trips = [100.0] * 95 + [3000.0] * 5
    assert time_to_95_out(made_run(trips=trips), UNTIL_S) == 100.0

    stuck = made_run(trips=[100.0] * 94 + [None] * 6, fates=["arrived"] * 94 + ["unfinished"] * 6)
    assert time_to_95_out(stuck, UNTIL_S) == UNTIL_S


def test_accounting_names_every_fate_and_adds_up_to_the_demand():
    run = made_run(trips=[1, None, None], fates=["arrived", "dropped", "never_departed"])

    counts = accounting([run, run])

    assert counts["demand"] == 6
    assert counts["arrived"] == counts["dropped"] == counts["never_departed"] == 2
    assert sum(counts.values()) == 2 * counts["demand"]


def test_the_interval_is_students_t_of_the_paired_differences():
    result = estimate([1.0, 2.0, 3.0, 4.0, 5.0])

    assert result.mean == 3.0
    assert result.high - result.mean == pytest.approx(2.776445 * math.sqrt(2.5 / 5), rel=1e-5)
    assert result.mean - result.low == pytest.approx(result.high - result.mean)


def test_one_pair_decides_nothing():
    assert estimate([3.0]).low == -math.inf
    assert estimate([3.0]).high == math.inf


def test_the_interval_covers_the_truth_about_nineteen_times_in_twenty():
    draws = np.random.default_rng(1).normal(10.0, 4.0, size=(2000, 5))
    intervals = [estimate(row.tolist()) for row in draws]

    covered = np.mean([low.low <= 10.0 <= low.high for low in intervals])

    assert 0.935 < covered < 0.965


def test_a_figure_that_some_pairs_lack_is_estimated_from_those_that_have_it():
    result = estimates([{"a": 1.0, "b": 5.0}, {"a": 3.0}, {"a": 5.0, "b": 7.0}])

    assert (result["a"].pairs, result["b"].pairs) == (3, 2)
    assert result["b"].mean == 6.0
