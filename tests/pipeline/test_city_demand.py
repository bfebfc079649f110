"""A new city's demand: trips routed once and counted, explicit routes untouched, a day that stands still said so."""

from dataclasses import replace
from pathlib import Path

import pytest

from trafficfeed.errors import ScenarioInvalid
from trafficfeed.findings import Severity
from trafficfeed.network.places_import import no_places
from trafficfeed.network.projection import locate
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.sumo_net import graph_of, parse_net
from trafficfeed.pipeline import city_demand
from trafficfeed.pipeline.city_demand import made_demand, own_demand
from trafficfeed.pipeline.city_sources import BuildOptions
from trafficfeed.simulation.demand import DemandReport
from trafficfeed.simulation.demand import synthesise as real_synthesise
from trafficfeed.simulation.departures import read_demand
from trafficfeed.simulation.sumo_process import run_program

ROUTED = b'<routes>\n  <!-- mine -->\n<vehicle id="v" depart="1"><route edges="A0B0 B0C0"/></vehicle></routes>'
TRIPS = b"""<routes><trip id="a" depart="1" from="A0B0" to="D0E0"/><trip id="b" depart="2" from="A0B0" to="gone"/>
<flow id="f" begin="0" end="100" number="5" from="A1B1" to="D1E1"/></routes>"""


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("net")
    arguments = ["--grid", "--grid.number", "5", "--grid.length", "150", "-o", "g.net.xml"]
    run_program("netgenerate", arguments, folder=folder, time_limit_s=60)
    return folder / "g.net.xml"


@pytest.fixture(scope="module")
def graph(net: Path) -> RoadGraph:
    parsed = parse_net(net)
    return graph_of(parsed, locate(parsed.location))


def _options(folder: Path, **files: bytes) -> BuildOptions:
    for name, content in files.items():
        (folder / f"{name}.rou.xml").write_bytes(content)
    return BuildOptions(routes=tuple(folder / f"{name}.rou.xml" for name in files), begin_s=0.0, end_s=3600.0)


@pytest.fixture
def city(tmp_path: Path) -> Path:
    folder = tmp_path / "city"
    folder.mkdir()
    return folder


def test_trips_are_routed_and_those_without_a_route_are_reported(
    net: Path, graph: RoadGraph, tmp_path: Path, city: Path
) -> None:
    section, findings = own_demand(_options(tmp_path, trips=TRIPS, mine=ROUTED), graph, net=net, folder=city)
    vehicles = read_demand([city / name for name in section.route_files], begin_s=0.0, end_s=3600.0).vehicles
    assert {v.id for v in vehicles} == {"a", "v", *(f"f.{i}" for i in range(5))}
    assert all(v.edges for v in vehicles)
    assert sum(section.departures_by_hour) == 7
    (finding,) = findings
    assert (finding.rule, finding.severity) == ("import.trips_without_route", Severity.WARNING)
    assert finding.message == "1 of 7 trips has no route and was left out, e.g. b"
    assert "6 of them were given by their ends only" in section.method
    assert "1 of 7 trips has no route and was left out" in section.method


def test_files_with_routes_are_copied_byte_for_byte(net: Path, graph: RoadGraph, tmp_path: Path, city: Path) -> None:
    section, findings = own_demand(_options(tmp_path, trips=TRIPS, mine=ROUTED), graph, net=net, folder=city)
    assert (city / "demand" / "mine.rou.xml").read_bytes() == ROUTED
    assert (city / "demand" / "trips.rou.xml").read_bytes() != TRIPS
    assert (tmp_path / "trips.rou.xml").read_bytes() == TRIPS
    (city / "demand" / "mine.rou.xml").unlink()
    only = tmp_path / "only"
    only.mkdir()
    section, findings = own_demand(_options(tmp_path, mine=ROUTED), graph, net=net, folder=only)
    assert section.method == "1 vehicles of the user's own routes (mine.rou.xml)."
    assert findings == []


def test_trips_none_of_which_can_be_driven_are_refused(net: Path, graph: RoadGraph, tmp_path: Path, city: Path) -> None:
    options = _options(tmp_path, t=b'<routes><trip id="b" depart="2" from="A0B0" to="gone"/></routes>')
    with pytest.raises(ScenarioInvalid, match="none of the 1 trips can be driven"):
        own_demand(options, graph, net=net, folder=city)


@pytest.mark.parametrize("arrived", [0.9, 1.0])
def test_a_made_up_day_that_stands_still_is_a_warning(
    net: Path, graph: RoadGraph, city: Path, monkeypatch: pytest.MonkeyPatch, arrived: float
) -> None:
    def ending(*args: object, **named: object) -> DemandReport:  # a network on which it truly sticks takes minutes
        made = real_synthesise(*args, **named, max_trips=500)  # type: ignore[arg-type]
        return replace(made, trials=(*made.trials, replace(made.trials[-1], arrived=arrived, teleported=0.0)))

    monkeypatch.setattr(city_demand, "synthesise", ending)
    _, findings = made_demand(graph, no_places(), options=BuildOptions(), net=net, folder=city)
    assert [finding.rule for finding in findings] == (["import.demand_stands_still"] if arrived < 0.98 else [])
