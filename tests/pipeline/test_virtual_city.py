"""The virtual city: its seconds when they are due, its lamps through the door and labelled, and nothing left behind."""

import asyncio
import os
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from made_gridtown import build_gridtown

from trafficfeed.network.city import City
from trafficfeed.network.graph_cache import load_graph
from trafficfeed.network.netconvert import strip_header
from trafficfeed.network.sumo_binary import binary, sumo_home
from trafficfeed.pipeline.cities import BuildOptions, build_city
from trafficfeed.pipeline.virtual_clock import _on_time, _within_the_day, day_of, paced
from trafficfeed.pipeline.virtual_signals import SOURCE, LampReader, run_virtual_city
from trafficfeed.signals.events import LampEvent
from trafficfeed.signals.ingest.intake import Intake
from trafficfeed.signals.topology_building import build_topology
from trafficfeed.simulation.virtual_city import lap_of


class Clock:
    """Goes on when somebody sleeps, and a little with each look."""

    def __init__(self, at: float, look_s: float = 0.0) -> None:
        self.at = at
        self.look_s = look_s

    def __call__(self) -> float:
        self.at += self.look_s
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> City:
    """A small town with signals and an hour of demand."""
    folder = tmp_path_factory.mktemp("cities")
    net = folder / "grid.net.xml"
    command = [binary("netgenerate"), "--grid", "--grid.number", "3", "--default-junction-type", "traffic_light"]
    subprocess.run(
        [*command, "-o", net], env={"SUMO_HOME": str(sumo_home())}, check=True, capture_output=True, timeout=60
    )
    strip_header(net)
    cars = "".join(f'<trip id="c{t}" depart="{t}" from="A0A1" to="C1C2"/>' for t in range(0, 3600, 20))
    (folder / "cars.rou.xml").write_text(f"<routes>{cars}</routes>", "utf-8")
    options = BuildOptions(title="Town", timezone="Asia/Tokyo", routes=(folder / "cars.rou.xml",), fit=False)
    build_city("town", net=net, cities_dir=folder, options=options)
    return City.load(folder / "town")


def test_a_lap_of_an_hours_demand_repeats_it_from_now_to_midnight(town: City, tmp_path: Path) -> None:
    lap = lap_of(town, begin_s=80_000.0, folder=tmp_path)
    assert (lap.begin_s, lap.until_s) == (80_000.0, 86_400.0)
    departures = [part.split('"')[0] for part in lap.routes_path.read_text("utf-8").split('depart="')[1:]]
    assert departures[0] == "80000.00"
    assert len(departures) == 2 * 180


def test_a_lap_of_a_days_demand_is_the_day_itself(tmp_path: Path) -> None:
    gridtown = City.load(build_gridtown(tmp_path) / "gridtown")
    day = gridtown.file.demand.model_copy(update={"kind": "day"})
    city = City(gridtown.folder, gridtown.file.model_copy(update={"demand": day}))
    lap = lap_of(city, begin_s=120.0, folder=tmp_path / "work")
    assert lap.until_s == 86_400.0
    assert 'depart="0.00"' in lap.routes_path.read_text("utf-8")


def test_seconds_come_when_they_are_due_and_the_first_brings_every_lamp(town: City, tmp_path: Path) -> None:
    clock = Clock(datetime(2026, 5, 4, 3, 0, 0, 400_000, tzinfo=UTC).timestamp())
    seconds = paced(town, tmp_path, clock=clock, sleep=clock.sleep)
    told = [(at, lamps, clock.at) for _, (at, lamps) in zip(range(100), seconds, strict=False)]
    seconds.close()  # type: ignore[attr-defined]
    assert [at for at, _, _ in told] == [told[0][0] + n for n in range(100)]
    assert all(now >= at for at, _, now in told)
    assert len(told[0][1]) == 9
    assert 1 < sum(bool(lamps) for _, lamps, _ in told) < 60
    assert not list(tmp_path.glob("lap-*"))


def test_plans_mean_the_time_of_day_in_the_citys_zone(town: City) -> None:
    noon = datetime(2026, 5, 4, 3, 0, tzinfo=UTC).timestamp()  # 12:00 in Tokyo
    assert noon - day_of(noon, town).begin == 12 * 3600


@pytest.mark.parametrize("hours", [23, 24, 25])
def test_a_lap_ends_at_midnight_on_days_on_which_clocks_are_changed_too(town: City, tmp_path: Path, hours: int) -> None:
    begin_s = (hours - 0.5) * 3600
    lap = _within_the_day(lap_of(town, begin_s=begin_s, folder=tmp_path), hours * 3600.0)
    assert (lap.begin_s, lap.until_s) == (begin_s, hours * 3600.0)
    early = _within_the_day(lap_of(town, begin_s=0.0, folder=tmp_path), hours * 3600.0)
    assert early.until_s == hours * 3600.0


def test_what_was_missed_while_sumo_loaded_is_told_at_once_and_in_time() -> None:
    clock = Clock(1008.0)
    told = list(_on_time(_seconds(20), 1000.0, 1.0, clock, clock.sleep))
    assert told[0] == (1008.0, {f"s{n}": "G" for n in range(9)})
    assert [at for at, _ in told] == [float(at) for at in range(1008, 1020)]


def test_a_machine_that_slept_begins_anew() -> None:
    clock = Clock(1000.0)
    told = _on_time(_seconds(100), 1000.0, 1.0, clock, clock.sleep)
    assert [next(told)[0] for _ in range(5)] == [1000.0, 1001.0, 1002.0, 1003.0, 1004.0]
    clock.at += 3600
    assert list(told) == []


def test_only_changes_are_told_and_all_are_labelled_simulated(town: City) -> None:
    topology, index = build_topology(load_graph(town.graph_folder), town.net_path)
    signal = next(iter(index.by_id.values()))
    reader, at = LampReader(index), datetime(2026, 5, 4, tzinfo=UTC)
    links = len(signal.group_of_link)
    first = reader.events({signal.signal: "G" * links, "nobody": "G"}, at=at, received_at=at)
    same = reader.events({signal.signal: "G" * links}, at=at + timedelta(seconds=1), received_at=at)
    ended = reader.events({signal.signal: "y" * links}, at=at + timedelta(seconds=2), received_at=at)
    assert len(first) == len(ended) == len(topology.intersections[signal.intersection].groups)
    assert same == []
    assert all(event.simulated and event.source == SOURCE for event in (*first, *ended))


def test_it_comes_in_by_the_door_and_cancelled_leaves_no_process(town: City, tmp_path: Path) -> None:
    topology, index = build_topology(load_graph(town.graph_folder), town.net_path)
    door = _Door(Intake(topology=topology))

    async def a_while() -> None:
        running = asyncio.create_task(
            run_virtual_city(town, index, door, clock=lambda: datetime.now(UTC), work=tmp_path)
        )
        give_up = time.monotonic() + 60
        while len(door.beats) < 3 and time.monotonic() < give_up:
            await asyncio.sleep(0.1)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(a_while())

    assert len(door.beats) >= 3
    assert {event.key.intersection for event in door.taken} == set(topology.intersections)
    assert door.intake.findings() == ()
    left = [one for one in psutil.process_iter(["cmdline"]) if str(tmp_path) in " ".join(one.info["cmdline"] or [])]
    assert [one for one in left if one.pid != os.getpid()] == []


class _Door:
    def __init__(self, intake: Intake) -> None:
        self.intake = intake
        self.taken: list[LampEvent] = []
        self.beats: list[datetime] = []

    def take(self, events: Iterable[LampEvent]) -> object:
        self.taken.extend(events := list(events))
        return self.intake.take(events)

    def heartbeat(self, source: str, received_at: datetime) -> None:
        self.beats.append(received_at)
        self.intake.heartbeat(source, received_at)


def _seconds(n: int) -> Iterator[tuple[float, Mapping[str, str]]]:
    for second in range(n):
        yield float(second), {f"s{second}": "G"}
