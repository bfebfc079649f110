from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from trafficfeed.errors import SimulationFailed
from trafficfeed.network.vehicle_classes import VehicleClass
from trafficfeed.simulation.accounting import check, fates
from trafficfeed.simulation.departures import read_demand
from trafficfeed.simulation.interventions import EdgeClosure
from trafficfeed.simulation.outputs import Teleport, Trip, read_teleports, read_trips
from trafficfeed.simulation.results import Fate
from trafficfeed.simulation.runs import run_many
from trafficfeed.simulation.scenario import RunSpec, Scenario

NAN = float("nan")
DROVE = Trip(depart_s=1.0, arrival_s=9.0, vaporized="")


def fate(trip: Trip | None, *, moved: Teleport | None = None, short: bool = False) -> Fate:
    trips = {} if trip is None else {"v": trip}
    shortened = frozenset({"v"}) if short else frozenset()
    return fates(["v"], trips, [] if moved is None else [moved], ended_short=shortened)[0]


MOVED = Teleport(vehicle_id="v", time_s=100.0, edge="e")


def test_each_way_a_trip_can_end_is_one_fate() -> None:
    assert fate(DROVE) is Fate.ARRIVED
    assert fate(DROVE, short=True) is Fate.ENDED_SHORT
    assert fate(DROVE, moved=MOVED) is Fate.TELEPORTED
    assert fate(Trip(depart_s=1.0, arrival_s=NAN, vaporized="end")) is Fate.UNFINISHED
    assert fate(Trip(depart_s=NAN, arrival_s=NAN, vaporized="end")) is Fate.NEVER_DEPARTED
    assert fate(Trip(depart_s=1.0, arrival_s=9.0, vaporized="teleport")) is Fate.TELEPORTED
    assert fate(Trip(depart_s=1.0, arrival_s=9.0, vaporized="collision")) is Fate.DROPPED
    assert fate(None) is Fate.DROPPED


def test_a_disagreement_with_sumos_totals_names_the_vehicles() -> None:
    counts = {"inserted": 2, "running": 0}
    with pytest.raises(SimulationFailed, match="lost-one"):
        check(["lost-one", "v"], [Fate.DROPPED, Fate.ARRIVED], {"v": DROVE}, counts)
    with pytest.raises(SimulationFailed, match="stranger"):
        check([], [], {"stranger": DROVE}, {"inserted": 1, "running": 0})
    under_way = Trip(depart_s=1.0, arrival_s=NAN, vaporized="end")
    with pytest.raises(SimulationFailed, match="still-there"):
        check(["still-there"], [Fate.UNFINISHED], {"still-there": under_way}, {"inserted": 1, "running": 0})


def test_every_kind_of_teleport_message_is_read(tmp_path: Path) -> None:
    log = tmp_path / "sumo.log"
    log.write_text(
        "Warning: Teleporting vehicle 'a'; waited too long (wrong lane), lane='B2C2_0', time=1549.00.\n"
        "Warning: Teleporting vehicle 'b'; collision with vehicle 'x', lane=':n_1_0', gap=-1.00, time=12.00 stage.\n"
        "Warning: Teleporting vehicle 'c'; waited too long (disconnected), from edge 'E2D2':0 to edge ':D2_5':0, "
        "time=1202.38.\n"
        "Warning: Teleporting vehicle 'c'; waited too long, from edge ':D2_5':0, time=1204.46.\n"
        "Warning: Vehicle 'c' ends teleporting on edge 'C2B2', time=1214.22.\n",
        "utf-8",
    )
    read = read_teleports(log)
    assert [(t.vehicle_id, t.edge) for t in read] == [
        ("a", "B2C2"),
        ("b", ":n_1"),
        ("c", "E2D2"),
        ("c", ":D2_5"),
    ]
    assert read[1].time_s == 12.0


def test_who_is_moved_beyond_the_destination_has_arrived_although_sumo_writes_no_arrival(tmp_path: Path) -> None:
    trips = tmp_path / "trips.xml"
    line = (
        '<tripinfo id="{}" depart="{}" departLane="" departDelay="0.00" arrival="{}" duration="{}" vaporized="{}"/>\n'
    )
    trips.write_text(
        "<tripinfos>\n"
        + line.format("beyond", "2010.00", "-1.00", "1255.00", "")
        + line.format("driving", "3000.00", "-1.00", "600.00", "end")
        + line.format("driving too", "3000.00", "-1.00", "600.00", "")
        + line.format("waiting &amp; waiting", "-1", "-1.00", "0.00", "end")
        + "</tripinfos>",
        "utf-8",
    )
    read = read_trips(trips, until_s=3600.0)
    assert read["beyond"].arrival_s == 3265.0
    assert np.isnan(read["driving"].arrival_s)
    assert np.isnan(read["driving too"].arrival_s)
    assert np.isnan(read["waiting & waiting"].depart_s)


def _bologna(shared: Path) -> Scenario:
    folder = shared / "data" / "networks" / "bologna_acosta"
    additional = ("vtypes", "detectors", "bus_stops", "tls")
    return Scenario(
        net_path=folder / "acosta_buslanes.net.xml",
        route_paths=(folder / "acosta.rou.xml", folder / "acosta_busses.rou.xml"),
        additional_paths=tuple(folder / f"acosta_{name}.add.xml" for name in additional),
        begin_s=0.0,
        end_s=900.0,
        until_s=2400.0,
        emergency_probes=20,
    )


def _ingolstadt() -> Scenario:
    sumo_rl = pytest.importorskip("importlib.util").find_spec("sumo_rl")
    if sumo_rl is None:
        pytest.skip("sumo-rl, which ships the RESCO networks, is not installed")
    folder = Path(sumo_rl.submodule_search_locations[0]) / "nets" / "RESCO" / "ingolstadt21"
    return Scenario(
        net_path=folder / "ingolstadt21.net.xml",
        route_paths=(folder / "ingolstadt21.rou.xml",),
        additional_paths=(),
        begin_s=57600.0,
        end_s=58500.0,
        until_s=60000.0,
        emergency_probes=20,
    )


def _busiest_edges(scenario: Scenario, count: int) -> list[str]:
    demand = read_demand(
        [*scenario.additional_paths, *scenario.route_paths], begin_s=scenario.begin_s, end_s=scenario.end_s
    )
    return [e for e, _ in Counter(e for v in demand.vehicles for e in (v.edges or [v.origin])).most_common(count)]


@pytest.mark.parametrize("where", ["bologna", "ingolstadt"])
def test_all_vehicles_of_a_real_demand_are_accounted_for(where: str, request: pytest.FixtureRequest) -> None:
    base = _bologna(request.getfixturevalue("shared")) if where == "bologna" else _ingolstadt()
    tmp_path: Path = request.getfixturevalue("tmp_path")
    closure = EdgeClosure(
        cause="works",
        edges=_busiest_edges(base, 4),
        permitted=frozenset({VehicleClass.EMERGENCY}),
        begin_s=base.begin_s + 200,
        end_s=base.begin_s + 700,
    )
    specs = [
        RunSpec(scenario=s, tier=tier, seed=1)
        for s in (base, replace(base, interventions=(closure,)))
        for tier in ("meso", "micro")
    ]
    demand = read_demand([*base.additional_paths, *base.route_paths], begin_s=base.begin_s, end_s=base.end_s)
    wanted = {v.id for v in demand.vehicles}
    assert len(wanted) > 500
    for result in run_many(specs, runs=tmp_path, workers=2, time_limit_s=250):
        probes = {n for n in result.vehicle_id if n.startswith("emergency-probe.")}
        assert set(result.vehicle_id) - probes == wanted
        assert len(result.vehicle_id) == len(wanted) + 20
        arrived = np.array([f in (Fate.ARRIVED, Fate.ENDED_SHORT, Fate.TELEPORTED) for f in result.fate])
        assert np.array_equal(arrived, np.isfinite(result.trip_s))
        assert Fate.DROPPED not in result.fate
