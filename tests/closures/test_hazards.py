"""Hazards and the water of a measure: nobody is forbidden anything, traffic is slowed down, edges are taken exactly."""

from datetime import UTC, datetime
from typing import Any

import pytest
from made_orders import made_order
from made_town import town

from trafficfeed.closures.access import permitted_classes
from trafficfeed.closures.document import dump_order, order_bytes, parse_order
from trafficfeed.closures.effects import DemandClock, interventions_of
from trafficfeed.closures.lanes import lane_impact
from trafficfeed.closures.orders import Hazard
from trafficfeed.closures.publication import road_events
from trafficfeed.closures.resolution import resolve
from trafficfeed.closures.road_events import RoadEvent, Validation
from trafficfeed.closures.schedules import windows_of
from trafficfeed.errors import OrderInvalid
from trafficfeed.network.vehicle_classes import VehicleClass
from trafficfeed.simulation.interventions import SpeedChange

SINCE, UNTIL = datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 12, 31, tzinfo=UTC)
WATER = {
    "basis": "observed", "valid_from": "2026-12-05T07:00:00+02:00", "valid_until": "2026-12-05T09:00:00+02:00",
    "depth_m": 0.2, "p10_m": 0.1, "p90_m": 0.3, "speed_kmh": 12.0, "passable": ["large", "emergency"], "site": "dip",
    "area": [[24.95, 60.17], [24.951, 60.17], [24.951, 60.171], [24.95, 60.17]],
}  # fmt: skip
ON_THE_RING = {"kind": "edges", "ids": ["20to21", "21to20"]}


def order(kind: str = "hazard", where: dict[str, Any] = ON_THE_RING, water: dict[str, Any] | None = WATER) -> Any:
    one = {
        "id": "water",
        "rule": {"kind": kind},
        "where": [where],
        "when": {"periods": [{"start": "2026-12-05T07:00", "end": "2026-12-05T09:00"}]},
        "exceptions": [],
    }
    return made_order(measures=[one | ({"water": water} if water else {})], reason="flooding")


def events(given: Any) -> tuple[RoadEvent, ...]:
    resolved, _ = resolve(given, town())
    occurrences = {m.id: windows_of(m, given.timezone, since=SINCE, until=UNTIL) for m in given.measures}
    return road_events(
        given, 1, resolved, occurrences, graph=town(), certificate=None, validation=Validation.PENDING,
        created=SINCE, updated=SINCE,
    )  # fmt: skip


def slowed(given: Any) -> dict[str, float]:
    resolved, _ = resolve(given, town())
    occurrences = {m.id: windows_of(m, given.timezone, since=SINCE, until=UNTIL) for m in given.measures}
    clock = DemandClock(kind="day", begin_s=0, end_s=86_400, departures_by_hour=[1] * 24)
    found = interventions_of(given, resolved, occurrences, graph=town(), clock=clock).interventions
    assert all(isinstance(one, SpeedChange) for one in found)
    return {edge: one.speed_mps for one in found if isinstance(one, SpeedChange) for edge in one.edges}


def test_a_hazard_lets_everybody_pass_and_leaves_every_lane_open() -> None:
    assert permitted_classes(Hazard(), ()) == frozenset(VehicleClass)
    assert lane_impact(town(), [0], Hazard()).closed == ()


def test_edges_are_taken_as_they_are_both_directions_apart() -> None:
    found = events(order())
    assert {one.compass for one in found} == {"eastbound", "westbound"}
    assert all(one.match_confidence == 1.0 and one.detour is None for one in found)


def test_a_closure_for_water_has_no_detour_that_may_lie_under_water_too() -> None:
    assert [one.detour for one in events(order("closure"))] == [None, None]
    assert any(one.detour for one in events(order("closure", water=None)))


def test_the_record_has_the_water_and_its_area() -> None:
    first, *_ = events(order())
    assert first.water is not None and first.water.depth_m == 0.2
    assert first.areas == (((24.95, 60.17), (24.951, 60.17), (24.951, 60.171), (24.95, 60.17)),)


def test_traffic_slows_down_to_what_the_water_leaves_and_to_no_more_than_the_limit() -> None:
    assert set(slowed(order()).values()) == {3.33}
    graph = town()
    limits = {edge: round(float(graph.speed_mps[graph.index[edge]]), 2) for edge in ON_THE_RING["ids"]}
    assert slowed(order(water=WATER | {"speed_kmh": 120.0})) == limits
    assert slowed(order(water=None)) == limits
    assert set(slowed(order(water=WATER | {"speed_kmh": 0.0})).values()) == {1.4}, "nobody stops in the water"


def test_edges_that_a_new_network_does_not_have_are_named() -> None:
    _, some = resolve(order(where={"kind": "edges", "ids": ["20to21", "gone"]}), town())
    assert [(one.rule, one.severity.value) for one in some] == [("match.edges", "warning")] and "gone" in some[
        0
    ].message
    _, none = resolve(order(where={"kind": "edges", "ids": ["gone"]}), town())
    assert [(one.rule, one.severity.value) for one in none] == [("match.edges", "error")]


def test_water_is_written_and_read_back_as_it_was() -> None:
    given = order()
    assert parse_order(order_bytes(given), name="again") == given
    assert "water" not in dump_order(order(water=None))["measures"][0], "orders of before keep their hash"


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"p10_m": 0.5}, "order.water.band"),
        ({"valid_until": "2026-12-05T06:00:00+02:00"}, "order.water.until"),
        ({"valid_from": "2026-12-05T07:00:00"}, "order.water.offset"),
        ({"closed_to": ["large"]}, "order.water.classes"),
        ({"area": [[0, 0], [1, 1], [0, 1], [1, 0], [0, 0]]}, "order.geometry.ring"),
        ({"depth_m": -0.1}, "order.field.greater_than_equal"),
        ({"depth_m": 35.0}, "order.field.less_than_equal"),
    ],
)
def test_water_that_makes_no_sense_is_refused(change: dict[str, Any], rule: str) -> None:
    with pytest.raises(OrderInvalid) as refused:
        order(water=WATER | change)
    assert rule in {one.rule for one in refused.value.findings}


def test_a_one_way_needs_more_than_edges() -> None:
    with pytest.raises(OrderInvalid) as refused:
        order("one_way", water=None)
    assert {one.rule for one in refused.value.findings} == {"order.rule.place"}
