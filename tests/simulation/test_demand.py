import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from trafficfeed.errors import ScenarioInvalid
from trafficfeed.network.places import PlaceKind, Places
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.sumo_net import read_net
from trafficfeed.simulation.demand import HOURLY_SHARE, synthesise
from trafficfeed.simulation.demand_ends import ends_of
from trafficfeed.simulation.departures import Demand, read_demand

NOWHERE = Places(kind=(), label=(), osm_id=(), lonlat=np.zeros((0, 2)), edge=np.zeros(0, np.int32))


@pytest.fixture(scope="module")
def graph(grid: Path) -> RoadGraph:
    return read_net(grid)


@pytest.fixture(scope="module")
def made(grid: Path, graph: RoadGraph, tmp_path_factory: pytest.TempPathFactory) -> Demand:
    path = tmp_path_factory.mktemp("demand") / "day.rou.xml"
    synthesise(graph, NOWHERE, net_path=grid, out=path, seed=5, max_trips=4000)
    return read_demand([path], begin_s=0.0, end_s=86_400.0)


def test_a_network_without_names_classes_or_places_gets_a_day_of_traffic(made: Demand) -> None:
    assert 3000 <= len(made.vehicles) <= 4000
    times = np.array([v.depart_s for v in made.vehicles])
    assert np.all(np.diff(times) >= 0)
    by_hour = np.bincount((times // 3600).astype(int), minlength=24)
    assert np.allclose(by_hour / by_hour.sum(), HOURLY_SHARE / HOURLY_SHARE.sum(), atol=0.002)


def test_every_route_can_be_driven_by_the_class_that_drives_it(made: Demand, graph: RoadGraph) -> None:
    turns = set(zip(graph.turn_from.tolist(), graph.turn_to.tolist(), strict=True))
    for vehicle in made.vehicles:
        path = [graph.index[e] for e in vehicle.edges]
        assert len(path) >= 2
        assert all(pair in turns for pair in itertools.pairwise(path))


def test_most_vehicles_are_cars_and_there_are_vans_trucks_and_buses(made: Demand) -> None:
    classes = [v.vehicle_class for v in made.vehicles]
    assert 0.8 < classes.count("passenger") / len(classes) < 0.9
    assert {"delivery", "truck", "bus", "taxi"} <= set(classes)


def test_the_same_seed_writes_the_same_bytes_and_another_seed_others(
    grid: Path, graph: RoadGraph, tmp_path: Path
) -> None:
    def bytes_of(name: str, seed: int) -> bytes:
        report = synthesise(graph, NOWHERE, net_path=grid, out=tmp_path / name, seed=seed, max_trips=500)
        return report.path.read_bytes()

    assert bytes_of("a", 1) == bytes_of("b", 1)
    assert bytes_of("c", 2) != bytes_of("a", 1)


def test_the_volume_is_what_the_streets_bear_and_the_report_says_how_that_was_seen(
    grid: Path, graph: RoadGraph, tmp_path: Path
) -> None:
    report = synthesise(graph, NOWHERE, net_path=grid, out=tmp_path / "day.rou.xml", seed=1)
    trial = report.trials[-1]
    assert trial.keeps_moving
    assert trial.vehicles >= report.peak_hour_trips
    assert str(report.trips) in report.method
    assert "98" in report.method or "arrived" in report.method


def test_people_go_where_the_addresses_and_car_parks_are(graph: RoadGraph) -> None:
    edge = graph.index["C2D2"]
    kinds = (PlaceKind.ADDRESS,) * 20 + (PlaceKind.CAR_PARK,)
    places = Places(
        kind=kinds,
        label=("x",) * 21,
        osm_id=("node/1",) * 21,
        lonlat=np.zeros((21, 2)),
        edge=np.full(21, edge, np.int32),
    )
    plain, served = ends_of(graph, NOWHERE), ends_of(graph, places)
    for before, after in ((plain.homes, served.homes), (plain.activities, served.activities)):
        assert after.weight[after.edge == edge] > 3 * before.weight[before.edge == edge]


def test_a_network_on_which_nobody_can_drive_is_refused(grid: Path, graph: RoadGraph, tmp_path: Path) -> None:
    footpaths = replace(graph, access=np.zeros_like(graph.access))
    with pytest.raises(ScenarioInvalid, match="no demand can be made"):
        synthesise(footpaths, NOWHERE, net_path=grid, out=tmp_path / "day.rou.xml", seed=1)
