from collections import Counter

import pytest
from driven_routes import Driver

from trafficfeed.errors import ScenarioInvalid
from trafficfeed.network.vehicle_classes import VehicleClass
from trafficfeed.simulation.interventions import EdgeClosure, FlowMetering, LaneClosure, SpeedChange, TurnClosure
from trafficfeed.simulation.rerouters import supported_tiers

RESCUE = frozenset({VehicleClass.EMERGENCY})
BEGIN, END = 600.0, 1200.0
TIERS = pytest.mark.parametrize("tier", ["meso", "micro"])


def closure(edges: str, permitted: frozenset[VehicleClass] = RESCUE) -> EdgeClosure:
    return EdgeClosure(cause="works", edges=edges.split(), permitted=permitted, begin_s=BEGIN, end_s=END)


@TIERS
def test_nobody_enters_a_closure_but_those_already_inside_who_leave_it_unteleported(drive: Driver, tier: str) -> None:
    run = drive(tier, closure("B2C2 C2D2 D2E2"))
    assert len(run.entered("C2D2", 0, BEGIN)) > 20
    assert run.entered("B2C2 C2D2 D2E2", BEGIN + 60, END) == []
    assert len(run.entered("C2D2", END, 3600)) > 20
    assert "Teleporting" not in run.log


@TIERS
def test_only_the_vehicles_inside_move_on_when_a_street_is_closed(drive: Driver, tier: str) -> None:
    run = drive(tier, closure("B2C2 C2D2 D2E2"))
    inside = {e.before for e in run.entered("B2C2 C2D2 D2E2", BEGIN + 2, END)}
    assert inside <= {"B2C2", "C2D2"}


@TIERS
def test_an_emergency_vehicle_drives_through_a_closure_that_permits_it(drive: Driver, tier: str) -> None:
    most = " ".join(f"{a}{r}{b}{r}" for r in range(5) for a, b in ("CD", "DC"))
    run = drive(tier, closure(most))
    assert run.entered(most, BEGIN + 90, END, prefix="emergency")
    assert len(run.entered(most, BEGIN + 90, END, prefix="car")) <= (1 if tier == "meso" else 0)  # past the last notice


def test_two_closures_at_once_permit_only_whom_both_permit(drive: Driver) -> None:
    buses = EdgeClosure(cause="b", edges=["C2D2"], permitted=RESCUE, begin_s=BEGIN, end_s=END)
    all_cars = EdgeClosure(
        cause="a", edges=["C2D2"], permitted=frozenset({VehicleClass.PASSENGER}), begin_s=0.0, end_s=1800.0
    )
    run = drive("micro", buses, all_cars)
    assert run.entered("C2D2", 0, BEGIN)
    assert run.entered("C2D2", BEGIN + 60, END) == []
    assert run.entered("C2D2", END, 1800)


def test_a_closed_lane_is_empty_while_it_is_closed_and_used_again_afterwards(drive: Driver) -> None:
    lane = LaneClosure(cause="works", edge="C2D2", lanes=[0], permitted=frozenset(), begin_s=BEGIN, end_s=END)
    run = drive("micro", lane)
    assert run.lanes.get(("C2D2_0", 300.0), 0) > 0
    assert run.lanes.get(("C2D2_0", 900.0), 0) == 0
    assert run.lanes.get(("C2D2_1", 900.0), 0) > 0
    assert run.lanes.get(("C2D2_0", 1500.0), 0) > 0
    assert "Teleporting" not in run.log


@TIERS
def test_a_banned_turn_is_not_made_while_it_is_banned(drive: Driver, tier: str) -> None:
    run = drive(tier, TurnClosure(cause="ban", turns=[("B2C2", "C2D2")], begin_s=BEGIN, end_s=END))

    def turns(begin: float, end: float) -> int:
        return sum(e.before == "B2C2" for e in run.entered("C2D2", begin, end))

    assert turns(0, BEGIN) > 20
    assert turns(BEGIN + 60, END) <= (1 if tier == "meso" else 0)  # past the last notice
    assert turns(END, 3600) > 20


@TIERS
def test_a_lower_speed_limit_holds_only_in_its_window(drive: Driver, tier: str) -> None:
    run = drive(tier, SpeedChange(cause="limit", edges=["C2D2"], speed_mps=3.0, begin_s=BEGIN, end_s=END))

    def fastest(begin: float, end: float) -> float:
        start = {e.vehicle: e.time_s for e in run.entered("C2D2", begin, end)}
        after = {e.vehicle: e.time_s for e in run.entered("D2E2", begin, end + 100)}
        return min(after[v] - t for v, t in start.items() if v in after)

    assert fastest(0, BEGIN - 60) < 20
    assert fastest(BEGIN + 20, END - 60) > 35
    assert fastest(END + 60, 1700) < 20


def test_metering_lets_no_more_vehicles_pass_than_it_says_and_stops_nobody_outside_its_window(drive: Driver) -> None:
    run = drive("micro", FlowMetering(cause="drip", edges=["C2D2"], flow_vph=120.0, begin_s=BEGIN, end_s=END))
    assert len(run.entered("C2D2", 0, BEGIN)) > 50
    assert 5 <= len(run.entered("C2D2", BEGIN, END)) <= 22
    assert len(run.entered("C2D2", END, 3600)) > 50


def test_meso_is_not_offered_for_what_it_cannot_show() -> None:
    lane = LaneClosure(cause="x", edge="C2D2", lanes=[0], permitted=frozenset(), begin_s=0, end_s=1)
    drip = FlowMetering(cause="x", edges=["C2D2"], flow_vph=60, begin_s=0, end_s=1)
    assert supported_tiers([closure("C2D2")]) == {"meso", "micro"}
    assert supported_tiers([closure("C2D2"), lane]) == {"micro"}
    assert supported_tiers([drip]) == {"micro"}


def test_an_intervention_on_an_unknown_edge_is_refused_by_name(drive: Driver) -> None:
    with pytest.raises(ScenarioInvalid, match="Z9Z8"):
        drive("micro", closure("Z9Z8"))


def test_no_vehicle_circles_between_the_notices_of_a_closure(drive: Driver) -> None:
    run = drive("meso", closure("B2C2 C2D2 B3C3 C3D3"))
    visits = Counter((e.vehicle, e.edge) for e in run.entries)
    assert max(visits.values()) <= 2
