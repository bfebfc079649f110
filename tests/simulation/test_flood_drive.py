"""SUMO driven through water: who follows the feed goes round it, who does not drives in, and each is accounted for."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from trafficfeed.errors import SimulationFailed
from trafficfeed.simulation.certificate import Verdict
from trafficfeed.simulation.drive_scenario import DriveScenario
from trafficfeed.simulation.flood_drive import ShutOnFeed, SlowedEdge, drive_through_water
from trafficfeed.simulation.flood_effect import TrueDepth, effect_of
from trafficfeed.simulation.flood_trial import FloodQuestion, run_trial
from trafficfeed.simulation.passages import read_passages

WET = "C2D2"
WATER = TrueDepth(
    edge=WET, times_s=np.array([0.0, 300.0, 600.0, 1500.0, 1800.0]), depth_m=np.array([0, 0, 0.4, 0.4, 0])
)
SLOW = SlowedEdge(edge=WET, steps=((0.0, 13.9), (450.0, 1.4), (1700.0, 13.9)))
FEED = ShutOnFeed(edge=WET, from_s=400.0, until_s=1800.0)


@pytest.fixture(scope="module")
def town(grid: Path, traffic: Path) -> DriveScenario:
    return DriveScenario(
        name="grid",
        net_path=grid,
        route_paths=(traffic,),
        additional_paths=(),
        begin_s=0.0,
        until_s=3600.0,
        watch_from_s=0.0,
    )


def test_those_who_follow_go_round_the_water_and_the_others_drive_into_it(town: DriveScenario, tmp_path: Path) -> None:
    runs = {
        share: drive_through_water(town, 1, folder=tmp_path / f"{share}", water=[SLOW], feed=[FEED], following=share)
        for share in (0.0, 1.0)
    }
    effect = effect_of(runs[0.0], runs[1.0], [WATER])
    assert effect["base_entered_deep"] > 50
    assert effect["entered_deep_share"] < -0.9
    assert effect["unfinished"] == 0
    assert not runs[0.0].rerouted
    assert {one.edge for one in runs[1.0].rerouted} == {WET}
    assert effect["affected_trip_s"] < 0


def test_a_closure_where_no_water_is_costs_vehicle_hours_and_spares_nobody(town: DriveScenario, tmp_path: Path) -> None:
    dry = TrueDepth(edge=WET, times_s=np.array([0.0]), depth_m=np.array([0.0]))
    without, followed = (
        drive_through_water(town, 1, folder=tmp_path / f"{share}", water=[], feed=[FEED], following=share)
        for share in (0.0, 1.0)
    )
    effect = effect_of(without, followed, [dry])
    assert effect["needless_h"] > 0
    assert effect["base_entered_deep"] == effect["entered_deep"] == 0
    assert effect["trip_s"] > 0


def test_a_trip_into_the_water_ends_before_it_and_gains_nothing(grid: Path, tmp_path: Path) -> None:
    cars = tmp_path / "cars.rou.xml"
    route = '<route edges="A2B2 B2C2 C2D2"/>'
    rows = "".join(f'<vehicle id="c{t}" depart="{t}">{route}</vehicle>' for t in range(500, 560, 6))
    cars.write_text(f"<routes>{rows}</routes>", "utf-8")
    town = DriveScenario(
        name="grid",
        net_path=grid,
        route_paths=(cars,),
        additional_paths=(),
        begin_s=0.0,
        until_s=1800.0,
        watch_from_s=0.0,
    )
    without, followed = (
        drive_through_water(town, 1, folder=tmp_path / f"{share}", water=[], feed=[FEED], following=share)
        for share in (0.0, 1.0)
    )
    assert len(followed.ended_short) == 10
    assert WET not in followed.passages.by_edge
    assert effect_of(without, followed, [WATER])["trip_s"] >= 0


def test_runs_of_other_vehicles_are_not_compared(town: DriveScenario, grid: Path, tmp_path: Path) -> None:
    one = drive_through_water(town, 1, folder=tmp_path / "a", water=[], feed=[], following=0.0)
    cars = tmp_path / "one.rou.xml"
    cars.write_text('<routes><vehicle id="x" depart="0"><route edges="A2B2 B2C2"/></vehicle></routes>', "utf-8")
    lone = DriveScenario(
        name="grid",
        net_path=grid,
        route_paths=(cars,),
        additional_paths=(),
        begin_s=0.0,
        until_s=900.0,
        watch_from_s=0.0,
    )
    other = drive_through_water(lone, 1, folder=tmp_path / "b", water=[], feed=[], following=0.0)
    with pytest.raises(SimulationFailed, match="same vehicles"):
        effect_of(one, other, [WATER])


def test_a_trial_over_seeds_comes_to_a_certificate_that_says_what_was_driven(
    town: DriveScenario, tmp_path: Path
) -> None:
    question = FloodQuestion(
        scenario=town, water=[WATER], slowed=[SLOW], feed=[FEED], following=(1.0,), seeds=(1, 2, 3)
    )
    report = run_trial(question, folder=tmp_path)
    certificate = report.certificate(datetime(2026, 7, 1, tzinfo=UTC))
    assert certificate.metrics["entered_deep_at_100pc"].high < 0
    spared, *others = certificate.reasons
    assert spared.passed
    assert certificate.verdict is not Verdict.HOLD
    assert (certificate.verdict is Verdict.PUBLISH) is all(one.passed for one in others)
    assert certificate.inputs["feed"] == [[WET, 400.0, 1800.0]]
    assert not list(tmp_path.iterdir())


def test_an_output_that_was_cut_off_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "routes.xml").write_text('<routes><vehicle id="a" depart="1">', "utf-8")
    (tmp_path / "trips.xml").write_text("<tripinfos/>", "utf-8")
    with pytest.raises(SimulationFailed, match="finish"):
        read_passages(tmp_path / "routes.xml", tmp_path / "trips.xml", until_s=10)
