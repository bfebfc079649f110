import pytest
from real_cities import bologna, resco

from trafficfeed.simulation.calibration import MOST_VEHICLES, STRETCH_S, fit_meso, fitting_stretch, mean_trips
from trafficfeed.simulation.departures import read_demand
from trafficfeed.simulation.runs import run
from trafficfeed.simulation.scenario import RunSpec


@pytest.fixture(scope="module")
def city():
    return resco("cologne8", begin_s=25200, end_s=25800)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def fitted(city, runs):
    return fit_meso(city, runs=runs)


def test_the_mean_trip_comes_within_ten_per_cent_of_micro_on_a_seed_not_fitted(fitted):
    assert fitted.fitted
    assert set(fitted.held_out_seeds).isdisjoint(fitted.seeds)
    assert abs(fitted.held_out_error) < 0.10


def test_what_it_says_of_itself_is_what_the_model_does(city, runs, fitted):
    scenario = fitting_stretch(city)
    micro = run(RunSpec(scenario=scenario, tier="micro", seed=fitted.seeds[0]), runs=runs, time_limit_s=60)

    assert micro.trip_s.mean() == pytest.approx(fitted.micro_mean_trip_s, abs=0.06)
    assert abs(fitted.meso_mean_trip_s / fitted.micro_mean_trip_s - 1) < 0.10


def test_fitting_again_gives_the_same_numbers(city, fitted, tmp_path):
    assert fit_meso(city, runs=tmp_path, workers=1) == fitted


def test_a_dense_demand_is_fitted_on_a_shorter_stretch():
    scenario = fitting_stretch(bologna())
    paths = (*scenario.additional_paths, *scenario.route_paths)

    driven = len(read_demand(paths, begin_s=scenario.begin_s, end_s=scenario.end_s).vehicles)

    assert scenario.end_s - scenario.begin_s < STRETCH_S
    assert 0.9 * MOST_VEHICLES < driven <= MOST_VEHICLES


def test_drivers_keep_to_their_routes_while_fitting_so_that_trips_can_be_compared(city, runs, fitted):
    scenario = fitting_stretch(city)

    assert scenario.informed_share == 0.0
    assert scenario.emergency_probes == 0
    results = [run(RunSpec(scenario=scenario, tier="micro", seed=s), runs=runs, time_limit_s=60) for s in (1, 2)]
    first, second = mean_trips(*results)
    assert first == pytest.approx(second, rel=0.1)
