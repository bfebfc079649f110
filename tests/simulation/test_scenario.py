from pathlib import Path

import pytest

from trafficfeed.errors import ScenarioInvalid
from trafficfeed.network.city import City, CityFile
from trafficfeed.settings import SimulationSettings
from trafficfeed.simulation.interventions import Intervention, SpeedChange
from trafficfeed.simulation.scenario import Scenario, scenario_of

SETTINGS = SimulationSettings(warm_up_s=600.0, cool_down_s=1800.0, longest_s=7200.0)


def city(kind: str, begin: float, end: float) -> City:
    demand = {"route_files": ["d.rou.xml"], "kind": kind, "begin_s": begin, "end_s": end, "method": "made up"}
    file = CityFile.model_validate(
        {
            "name": "town",
            "title": "Town",
            "timezone": "Europe/Helsinki",
            "licence": "x",
            "attribution": "x",
            "network": {"net_file": "n.net.xml", "source": "net", "crs": "EPSG:3067"},
            "demand": demand,
        }
    )
    return City(Path("/somewhere"), file)


def slow(begin: float, end: float) -> Intervention:
    return SpeedChange(cause="x", edges=("e",), speed_mps=5.0, begin_s=begin, end_s=end)


def stretch(town: City, *interventions: Intervention) -> tuple[Scenario, Scenario]:
    return scenario_of(town, interventions, settings=SETTINGS, informed_share=0.3)


DAY = city("day", 0.0, 86_400.0)


def test_a_day_is_cut_to_the_intervention_with_warm_up_and_cool_down() -> None:
    base, plan = stretch(DAY, slow(30_000, 33_000))
    assert (base.begin_s, base.end_s, base.until_s) == (29_400.0, 33_000.0, 34_800.0)
    assert base.interventions == ()
    assert (plan.begin_s, plan.end_s, plan.until_s) == (base.begin_s, base.end_s, base.until_s)
    assert plan.interventions == (slow(30_000, 33_000),)
    assert base.informed_share == plan.informed_share == 0.3


def test_a_long_intervention_is_cut_to_the_longest_stretch_allowed() -> None:
    base, _ = stretch(DAY, slow(30_000, 80_000))
    assert base.end_s - 30_000 == SETTINGS.longest_s


def test_an_hour_that_stands_for_any_time_is_simulated_whole_with_the_intervention_moved_into_it() -> None:
    base, plan = stretch(city("hour", 57_600.0, 61_200.0), slow(1000, 2000))
    assert (base.begin_s, base.end_s) == (57_600.0, 61_200.0)
    assert plan.interventions == (slow(58_200, 59_200),)


def test_what_stands_already_is_moved_together_with_what_is_asked() -> None:
    base, plan = scenario_of(
        city("hour", 57_600.0, 61_200.0),
        [slow(1000, 2000)],
        standing=[slow(0, 1500), slow(-9000, -8000)],
        settings=SETTINGS,
        informed_share=0.3,
    )
    assert base.interventions == (slow(57_600, 58_700),)
    assert plan.interventions == (*base.interventions, slow(58_200, 59_200))


def test_an_intervention_inside_the_hour_stays_where_it_is() -> None:
    _, plan = stretch(city("hour", 57_600.0, 61_200.0), slow(59_000, 60_000))
    assert plan.interventions == (slow(59_000, 60_000),)


def test_the_next_day_has_the_same_traffic() -> None:
    assert stretch(DAY, slow(86_400 + 30_000, 86_400 + 33_000)) == stretch(DAY, slow(30_000, 33_000))


def test_an_intervention_outside_the_demand_is_refused() -> None:
    with pytest.raises(ScenarioInvalid, match="outside the demand"):
        stretch(city("day", 20_000.0, 40_000.0), slow(50_000, 60_000))


def test_nothing_to_simulate_is_refused() -> None:
    with pytest.raises(ScenarioInvalid, match="nothing to simulate"):
        stretch(DAY)
