"""Trips and flows without a route get one, once, on the open network."""

import gzip
from itertools import pairwise
from pathlib import Path

import pytest
from lxml import etree

from trafficfeed.errors import SourceMalformed
from trafficfeed.simulation.departures import Demand, read_demand
from trafficfeed.simulation.trip_routing import route_trips, without_route, write_routed

MIXED = """<routes xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="x.xsd">
<vType id="lorry" vClass="truck"/>
<route id="west" edges="F0E0 E0D0"/>
<trip id="t" type="lorry" depart="30" from="A0B0" to="E0F0" via="B3C3" departLane="best"/>
<vehicle id="own" depart="5" route="west"/>
<flow id="f" begin="0" end="60" number="3" from="A1B1" to="E1F1"/>
<person id="p" depart="40"><walk edges="A0B0 B0C0"/></person>
<trip id="lost" depart="50" from="A0B0" to="nowhere"/>
<trip id="stopping" depart="20" from="A2B2" to="E2F2"><stop busStop="halt" duration="10"/></trip>
</routes>"""
HALT = '<additional><vType id="unused"/><busStop id="halt" lane="C5D5_0" startPos="20" endPos="60"/></additional>'


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    path = tmp_path / "mixed.rou.xml"
    path.write_text(MIXED, "utf-8")
    return path


@pytest.fixture
def halt(tmp_path: Path) -> Path:
    path = tmp_path / "halt.add.xml"
    path.write_text(HALT, "utf-8")
    return path


def _demand(*paths: Path) -> Demand:
    return read_demand(paths, begin_s=0.0, end_s=3600.0)


def test_every_vehicle_without_a_route_is_routed_or_named(grid: Path, mixed: Path, halt: Path) -> None:
    demand = _demand(halt, mixed)
    routed = route_trips(demand, net=grid, additional=[halt], begin_s=0.0, seed=1)
    assert [v.id for v in routed.vehicles] == ["f.0", "f.1", "stopping", "t", "f.2"]
    assert routed.without_route == ("lost",)
    assert len(routed.vehicles) + len(routed.without_route) + 1 == len(demand.vehicles)


def test_routes_join_their_ends_and_pass_the_via_and_the_stops(grid: Path, mixed: Path, halt: Path) -> None:
    routed = route_trips(_demand(halt, mixed), net=grid, additional=[halt], begin_s=0.0, seed=1)
    ways = {v.id: v.edges for v in routed.vehicles}
    assert (ways["t"][0], ways["t"][-1]) == ("A0B0", "E0F0")
    assert "B3C3" in ways["t"]
    assert "C5D5" in ways["stopping"]
    assert ways["f.0"] == ("A1B1", "B1C1", "C1D1", "D1E1", "E1F1")
    assert all(one[2:] == next_[:2] for way in ways.values() for one, next_ in pairwise(way))


def test_the_same_seed_gives_the_same_routes(grid: Path, mixed: Path, halt: Path) -> None:
    first, second = (route_trips(_demand(halt, mixed), net=grid, additional=[halt], begin_s=0.0, seed=4) for _ in "ab")
    assert first == second


@pytest.mark.parametrize("packed", [False, True])
def test_a_rewritten_file_has_routes_only_and_keeps_the_rest_by_departure(
    grid: Path, mixed: Path, halt: Path, tmp_path: Path, packed: bool
) -> None:
    path = mixed
    if packed:
        path = tmp_path / "mixed.rou.xml.gz"
        path.write_bytes(gzip.compress(mixed.read_bytes()))
    assert without_route(path) == {"t", "f", "lost", "stopping"}
    routed = route_trips(_demand(halt, path), net=grid, additional=[halt], begin_s=0.0, seed=1)
    write_routed(path, routed.vehicles)
    assert not without_route(path)
    again = _demand(halt, path)
    assert {v.id: v.edges for v in routed.vehicles} | {"own": ("F0E0", "E0D0")} == {
        v.id: v.edges for v in again.vehicles
    }
    kept = {v.id: v for v in again.vehicles}
    assert kept["t"].type_id == "lorry"
    assert kept["t"].attributes == {"departLane": "best"}
    assert kept["stopping"].has_stops
    root = etree.fromstring(gzip.decompress(path.read_bytes()) if packed else path.read_bytes())
    assert [e.get("id") for e in root] == ["lorry", "west", "f.0", "own", "f.1", "stopping", "t", "p", "f.2"]


def test_junctions_are_ends_too(grid: Path, tmp_path: Path) -> None:
    path = tmp_path / "j.rou.xml"
    path.write_text('<routes><trip id="j" depart="0" fromJunction="A0" toJunction="C0"/></routes>', "utf-8")
    (vehicle,) = route_trips(_demand(path), net=grid, additional=[], begin_s=0.0, seed=1).vehicles
    assert (vehicle.edges[0][:2], vehicle.edges[-1][2:], dict(vehicle.attributes)) == ("A0", "C0", {})


def test_zones_are_ends_too(grid: Path, tmp_path: Path) -> None:
    path, zones = tmp_path / "z.rou.xml", tmp_path / "zones.add.xml"
    path.write_text('<routes><trip id="z" depart="0" fromTaz="a" toTaz="b"/></routes>', "utf-8")
    zones.write_text('<tazs><taz id="a" edges="A0B0"/><taz id="b" edges="E0F0"/></tazs>', "utf-8")
    (vehicle,) = route_trips(_demand(path), net=grid, additional=[zones], begin_s=0.0, seed=1).vehicles
    assert (vehicle.edges[0], vehicle.edges[-1], dict(vehicle.attributes)) == ("A0B0", "E0F0", {})


def test_a_demand_with_routes_needs_no_router(grid: Path, traffic: Path) -> None:
    routed = route_trips(_demand(traffic), net=grid, additional=[], begin_s=0.0, seed=1)
    assert (routed.vehicles, routed.without_route) == ((), ())


def test_a_broken_route_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.rou.xml"
    path.write_text("<routes><trip id=", "utf-8")
    with pytest.raises(SourceMalformed, match=r"broken\.rou\.xml"):
        without_route(path)
