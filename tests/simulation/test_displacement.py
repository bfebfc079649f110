from pathlib import Path

from trafficfeed.network.vehicle_classes import VehicleClass
from trafficfeed.simulation.departures import Demand, Vehicle
from trafficfeed.simulation.displacement import Displaced, displace
from trafficfeed.simulation.interventions import EdgeClosure
from trafficfeed.simulation.sumo_network import read_network

STREET = ("A2B2", "B2C2", "C2D2", "D2E2", "E2F2")
NEXT_DOOR = (
    {"C2D2", "D2C2", "C1D1", "D1C1", "C3D3", "D3C3", "B2C2", "C2B2", "D2E2", "E2D2"}
    | {f"{a}{b}" for a, b in [("C1", "C2"), ("C2", "C1"), ("C2", "C3"), ("C3", "C2"), ("D1", "D2"), ("D2", "D1")]}
    | {"D2D3", "D3D2"}
)


def vehicle(edges: tuple[str, ...] = STREET, *, depart: float = 1000.0, kind: str = "passenger", **more) -> Vehicle:
    return Vehicle(id="v", type_id="t", vehicle_class=kind, depart_s=depart, edges=edges, **more)


def displaced(net: Path, one: Vehicle, *closed: str, permitted: frozenset[VehicleClass] = frozenset()) -> Displaced:
    closure = EdgeClosure(cause="x", edges=closed, permitted=permitted, begin_s=900.0, end_s=2000.0)
    demand = Demand(types={"t": f'<vType id="t" vClass="{one.vehicle_class}"/>'}, vehicles=[one])
    return displace(demand, read_network(net), [closure], {"stop": "C2D2", "other": "D2E2"})


def test_a_destination_that_is_shut_moves_to_the_nearest_open_street(grid: Path) -> None:
    made = displaced(grid, vehicle(STREET[:3]), "C2D2")
    assert made.ended_short == {"v"}
    route = made.demand.vehicles[0].edges
    assert route[0] == "A2B2"
    assert route[-1] in NEXT_DOOR - {"C2D2"}
    assert "C2D2" not in route


def test_a_start_that_is_shut_moves_and_the_destination_stays(grid: Path) -> None:
    made = displaced(grid, vehicle(STREET[2:]), "C2D2")
    route = made.demand.vehicles[0].edges
    assert made.ended_short == {"v"}
    assert route[0] in NEXT_DOOR - {"C2D2"}
    assert route[-1] == "E2F2"
    assert "C2D2" not in route


def test_who_arrives_before_the_closure_or_after_it_keeps_the_destination(grid: Path) -> None:
    assert displaced(grid, vehicle(STREET[:3], depart=100.0), "C2D2").ended_short == frozenset()
    assert displaced(grid, vehicle(STREET[:3], depart=2500.0), "C2D2").ended_short == frozenset()


def test_who_only_passes_through_is_left_to_find_out(grid: Path) -> None:
    made = displaced(grid, vehicle(), "C2D2")
    assert made.demand.vehicles[0].edges == STREET
    assert made.ended_short == frozenset()


def test_a_permitted_class_keeps_its_destination(grid: Path) -> None:
    taxi = vehicle(STREET[:3], kind="taxi")
    made = displaced(grid, taxi, "C2D2", permitted=frozenset({VehicleClass.TAXI}))
    assert made.demand.vehicles[0] == taxi


def test_residents_get_a_permit_where_permits_are_let_in(grid: Path) -> None:
    made = displaced(grid, vehicle(STREET[:3]), "C2D2", permitted=frozenset({VehicleClass.CUSTOM1}))
    resident = made.demand.vehicles[0]
    assert (resident.vehicle_class, resident.edges) == ("custom1", STREET[:3])
    assert 'vClass="custom1"' in made.demand.types[resident.type_id]
    assert made.ended_short == frozenset()


def test_a_bus_is_led_round_the_closure_and_misses_the_stop_inside(grid: Path) -> None:
    stops = ('<stop busStop="stop" duration="20"/>', '<stop busStop="other" duration="20"/>')
    made = displaced(grid, vehicle(kind="bus", children=stops), "C2D2")
    bus = made.demand.vehicles[0]
    assert "C2D2" not in bus.edges
    assert (bus.edges[0], bus.edges[-1]) == ("A2B2", "E2F2")
    assert "D2E2" in bus.edges
    assert bus.children == stops[1:]
    assert (made.stops_skipped, made.rerouted) == (1, {"v"})


def test_a_vehicle_with_nowhere_else_to_go_keeps_its_route(grid: Path) -> None:
    everything = read_network(grid).edge_ids
    one = vehicle(STREET[:3])
    assert displaced(grid, one, *everything).demand.vehicles[0] == one


def test_a_destination_that_the_closure_cuts_off_moves_although_it_is_not_shut_itself(grid: Path) -> None:
    ways_in = ("A1B1", "B0B1", "B2B1", "C1B1", "C0B0", "A0B0")  # B1 and B0 can then be left only
    made = displaced(grid, vehicle(("C2B2", "B2B1", "B1B0"), depart=1000.0), *ways_in)
    route = made.demand.vehicles[0].edges
    assert made.ended_short == {"v"}
    assert set(ways_in).isdisjoint(route)
    assert route[0] == "C2B2"
