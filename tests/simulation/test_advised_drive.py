"""SUMO driven by an adviser: obeyed within SUMO's own rules, and changing nothing where he only watches."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from trafficfeed.errors import ScenarioInvalid, SimulationFailed, SourceUnavailable
from trafficfeed.network.sumo_binary import binary, sumo_home
from trafficfeed.simulation.advised_drive import Approaching, drive
from trafficfeed.simulation.drive_scenario import DriveScenario, read_configuration
from trafficfeed.simulation.driven_trips import pair_figures, read_driven
from trafficfeed.simulation.lamp_record import actuated, record_lamps


class Watcher:
    """Advises every vehicle the same speed, or nobody."""

    def __init__(self, speed_mps: float | None = None) -> None:
        self.speed_mps = speed_mps
        self.lamps: list[tuple[float, Mapping[str, str]]] = []
        self.seen: list[Approaching] = []

    def see(self, time_s: float, lamps: Mapping[str, str]) -> None:
        self.lamps.append((time_s, dict(lamps)))

    def advise(self, time_s: float, vehicles: Sequence[Approaching]) -> Mapping[str, float]:
        self.seen.extend(vehicles)
        return {} if self.speed_mps is None else {one.vehicle: self.speed_mps for one in vehicles}


@pytest.fixture(scope="module")
def signalled(tmp_path_factory: pytest.TempPathFactory) -> DriveScenario:
    """Three by three junctions with signals, a car every five seconds for five minutes along the middle street."""
    folder = tmp_path_factory.mktemp("signalled")
    subprocess.run(
        [
            *(binary("netgenerate"), "--grid", "--grid.number", "3", "--grid.length", "300"),
            *("--grid.attach-length", "300", "--default-junction-type", "traffic_light", "-o", folder / "g.net.xml"),
        ],
        env={"SUMO_HOME": str(sumo_home())},
        check=True,
        capture_output=True,
    )
    edges = " ".join(a + b for a, b in pairwise(["left1", "A1", "B1", "C1", "right1"]))
    cars = "".join(f'<vehicle id="c{t}" depart="{t}"><route edges="{edges}"/></vehicle>' for t in range(600, 900, 5))
    (folder / "cars.rou.xml").write_text(f"<routes>{cars}</routes>", "utf-8")
    (folder / "detectors.add.xml").write_text(
        '<additional><e1Detector id="e" lane="A1B1_0" pos="5" freq="60" file="e.xml"/></additional>', "utf-8"
    )
    (folder / "town.sumocfg").write_text(
        '<configuration><input><net-file value="g.net.xml"/><route-files value="cars.rou.xml"/>'
        '<additional-files value="detectors.add.xml"/></input>'
        '<time><begin value="600"/><end value="900"/></time></configuration>',
        "utf-8",
    )
    return replace(read_configuration(folder / "town.sumocfg", watch_s=60), until_s=1500.0)


def test_a_configuration_is_read_without_what_only_measures(signalled: DriveScenario) -> None:
    assert signalled.additional_paths == ()
    assert (signalled.name, signalled.begin_s, signalled.watch_from_s) == ("town", 600.0, 540.0)


def test_without_an_end_the_last_departure_counts(signalled: DriveScenario, tmp_path: Path) -> None:
    path = tmp_path / "open.sumocfg"
    path.write_text(
        f'<configuration><input><net-file value="{signalled.net_path}"/>'
        f'<route-files value="{signalled.route_paths[0]}"/></input></configuration>',
        "utf-8",
    )
    assert read_configuration(path).until_s == 895.0 + 3600.0


def test_a_configuration_without_routes_is_refused(signalled: DriveScenario, tmp_path: Path) -> None:
    path = tmp_path / "bare.sumocfg"
    path.write_text(f'<configuration><input><net-file value="{signalled.net_path}"/></input></configuration>', "utf-8")
    with pytest.raises(ScenarioInvalid, match="no routes"):
        read_configuration(path)
    with pytest.raises(SourceUnavailable):
        read_configuration(tmp_path / "none.sumocfg")


def test_one_who_only_watches_changes_nothing(signalled: DriveScenario, tmp_path: Path) -> None:
    alone = drive(signalled, 1, folder=tmp_path / "alone", adviser=None)
    watched = drive(signalled, 1, folder=tmp_path / "watched", adviser=Watcher())
    assert len(alone.trip_s) == 60
    np.testing.assert_array_equal(alone.trip_s, watched.trip_s)
    np.testing.assert_array_equal(alone.stops, watched.stops)
    assert pair_figures(alone, watched)["trip_change"] == 0.0


def test_advised_vehicles_do_not_drive_faster_than_they_are_told(signalled: DriveScenario, tmp_path: Path) -> None:
    slow = Watcher(speed_mps=5.0)
    driven = drive(signalled, 1, folder=tmp_path, adviser=slow)
    assert driven.unfinished == 0
    entering = {one.vehicle: one.signals[0].distance_m for one in reversed(slow.seen)}
    settled = [one for one in slow.seen if one.signals[0].distance_m < entering[one.vehicle] - 60]
    assert len(settled) > 1000
    assert max(one.speed_mps for one in settled) < 5.01
    assert np.all(driven.trip_s > 1000 / 5.0)
    assert driven.counts["collisions"] == 0


def test_whoever_is_not_equipped_is_neither_seen_nor_told(signalled: DriveScenario, tmp_path: Path) -> None:
    adviser = Watcher()
    drive(signalled, 1, folder=tmp_path, adviser=adviser, share=0.3)
    assert 5 < len({one.vehicle for one in adviser.seen}) < 30


def test_vehicles_come_by_lane_the_foremost_first(signalled: DriveScenario, tmp_path: Path) -> None:
    adviser = Watcher()
    shown: list[list[Approaching]] = []
    adviser.advise = lambda time_s, vehicles: (shown.append(list(vehicles)), {})[1]  # type: ignore[method-assign]
    drive(signalled, 1, folder=tmp_path, adviser=adviser)
    for vehicles in shown:
        places = [(one.lane, one.signals[0].distance_m) for one in vehicles]
        assert places == sorted(places)
    assert max(len(vehicles) for vehicles in shown) > 5


def test_lamps_are_told_as_they_change_and_as_sumo_itself_records_them(
    signalled: DriveScenario, tmp_path: Path
) -> None:
    adviser = Watcher()
    drive(signalled, 1, folder=tmp_path / "drive", adviser=adviser)
    told = {(at, signal): state for at, lamps in adviser.lamps for signal, state in lamps.items() if at > 540}
    recorded = {(c.time_s, c.signal): c.state for c in record_lamps(signalled, 1, folder=tmp_path / "record")}
    last = max(at for at, _ in told)
    assert told == {key: state for key, state in recorded.items() if 540 < key[0] <= last}
    assert adviser.lamps[0][1].keys() == {signal for _, signal in recorded}


def test_actuated_programmes_react_where_fixed_ones_do_not(signalled: DriveScenario, tmp_path: Path) -> None:
    reacting = actuated(signalled, tmp_path / "programmes.add.xml")
    fixed, free = (record_lamps(one, 1, folder=tmp_path / name) for one, name in ((signalled, "f"), (reacting, "a")))

    def greens(changes: Sequence[tuple[float, str, str]]) -> set[float]:
        times = [(at, state) for at, signal, state in changes if signal == "B1"]
        return {after - at for (at, state), (after, _) in pairwise(times) if "y" not in state}

    assert len(greens(fixed)) < len(greens(free))


def test_a_sumo_that_cannot_start_says_why(signalled: DriveScenario, tmp_path: Path) -> None:
    broken = replace(signalled, net_path=tmp_path / "none.net.xml")
    with pytest.raises(SimulationFailed, match=r"none\.net\.xml"):
        drive(broken, 1, folder=tmp_path, adviser=Watcher())


def test_trips_that_were_not_written_to_the_end_are_refused(tmp_path: Path) -> None:
    (tmp_path / "trips.xml").write_text('<tripinfos><tripinfo id="a"', "utf-8")
    with pytest.raises(SimulationFailed, match=r"trips\.xml"):
        read_driven(tmp_path / "trips.xml", tmp_path / "statistics.xml")
