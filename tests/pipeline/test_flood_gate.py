"""What is driven of a storm: closures as they were published, the true water on its roads, the wettest stretch."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from trafficfeed.flooding.made_storm import made_storm
from trafficfeed.flooding.sites import Site, SiteRoad, SiteSource
from trafficfeed.pipeline.flood_gate import Closing, closings_of, flood_question
from trafficfeed.simulation.drive_scenario import DriveScenario
from trafficfeed.simulation.sumo_process import run_program

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_an_edge_is_closed_from_the_release_that_closes_it_to_the_one_that_opens_it() -> None:
    def after(minutes: float) -> datetime:
        return NOON + timedelta(minutes=minutes)

    released = [
        (after(5), frozenset({"a"})),
        (after(9), frozenset({"a", "b"})),
        (after(40), frozenset({"b"})),
        (after(50), frozenset({"a", "b"})),
    ]
    until = NOON + timedelta(hours=2)
    assert closings_of(released, until, lag=timedelta(seconds=30)) == [
        Closing(edge="a", start=after(5.5), end=after(40.5)),
        Closing(edge="b", start=after(9.5), end=until),
        Closing(edge="a", start=after(50.5), end=until),
    ]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> DriveScenario:
    folder = tmp_path_factory.mktemp("town")
    arguments = ["--grid", "--grid.number", "3", "--grid.length", "150", "-o", "g.net.xml"]
    run_program("netgenerate", arguments, folder=folder, time_limit_s=60)
    return DriveScenario(
        name="town",
        net_path=folder / "g.net.xml",
        route_paths=(),
        additional_paths=(),
        begin_s=3600.0,
        until_s=10800.0,
        watch_from_s=3600.0,
    )


def site(name: str, *roads: SiteRoad, outfall_m: float | None = 1.0) -> Site:
    return Site(
        id=name,
        name=name,
        lon=24.95,
        lat=60.17,
        source=SiteSource.LIST,
        outfall_level_m=outfall_m,
        roads=roads,
        sensors=(f"{name}-gauge",),
    )


def test_the_wettest_stretch_lies_on_the_demand_and_the_deeper_of_two_sites_counts(town: DriveScenario) -> None:
    sites = [
        site("square", SiteRoad(edge="A0A1"), SiteRoad(edge="B0B1", sill_m=0.2)),
        site("quay", SiteRoad(edge="A0A1", sill_m=0.5)),
        site("hill", SiteRoad(edge="B1B2", sill_m=9.0)),
    ]
    storm = made_storm(sites, NOON)
    closings = [Closing(edge=edge, start=NOON, end=NOON + timedelta(hours=8)) for edge in ("A0A1", "B0B1")]
    question = flood_question(town, storm, sites, closings)
    by_edge = {one.edge: one for one in question.water}
    assert sorted(by_edge) == ["A0A1", "B0B1"]
    assert by_edge["A0A1"].depth_m.max() == pytest.approx(storm.truth["square"].depth_m.max())
    assert by_edge["B0B1"].depth_m.max() == pytest.approx(storm.truth["square"].depth_m.max() - 0.2, abs=1e-6)
    stretch = np.arange(town.begin_s, town.until_s, 60.0)
    assert np.interp(stretch, by_edge["A0A1"].times_s, by_edge["A0A1"].depth_m).max() > 0.3
    slow = {one.edge: one for one in question.slowed}["A0A1"]
    assert min(speed for _, speed in slow.steps) == pytest.approx(1.4)
    assert {one.edge for one in question.feed} == {"A0A1", "B0B1"}
    assert question.inputs["subject"]["synthetic"] is True


def test_a_storm_is_the_same_each_time_and_says_that_it_is_made_up() -> None:
    sites = [site("square"), site("hill", outfall_m=None)]
    one, again = made_storm(sites, NOON), made_storm(sites, NOON)
    np.testing.assert_array_equal(one.truth["square"].depth_m, again.truth["square"].depth_m)
    assert one.readings == again.readings
    assert one.synthetic and "Synthetic" in one.note
    assert all(reading.received_at > reading.observed_at for reading in one.readings)
    assert one.truth["square"].depth_m.max() > one.truth["hill"].depth_m.max()


def test_no_forecast_of_a_made_storm_is_issued_with_the_rain_that_falls() -> None:
    storm = made_storm([site("square")], NOON)
    fallen = sum(gauge.rain_mm for gauge in storm.gauges)
    amounts = [float(member.sum()) for issue in storm.rain for member in issue.rain_mm]
    assert all(abs(amount - fallen) > 0.01 for amount in amounts)
