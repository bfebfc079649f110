"""Junctions that people direct: their approaches, what may go together, and what is published of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from made_graphs import Street, boulevard, graph_of, lonlat
from made_virtual_signals import (
    EAST_ARM,
    MIDDLE,
    NORTH_ARM,
    SOUTH_ARM,
    WEST_ARM,
    crossing,
    crossroads,
    made_virtual_signal,
)

from trafficfeed.errors import OrderConflict, OrderInvalid
from trafficfeed.formats import mapem, signals_json, spatem
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.topology import Intersection, SignalLane
from trafficfeed.signals.virtual import Say, VirtualSignal, ended, faults_of, state_of, told
from trafficfeed.signals.virtual_junction import junction_at, junction_of

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
GO, STOP = Say.GO, Say.STOP


def _aspects(signal: VirtualSignal, after_s: float = 0) -> list[Aspect]:
    return [group.aspect for group in state_of(signal, as_of=NOW + timedelta(seconds=after_s)).groups]


def test_a_crossing_has_an_approach_for_each_arm_clockwise_from_north() -> None:
    names = [approach.name for approach in crossing().approaches]
    assert names == [
        "Cross Street southbound", "Main Street westbound", "Cross Street northbound", "Main Street eastbound",
    ]  # fmt: skip
    assert crossing().intersection.name == "Cross Street / Main Street"


def test_only_opposite_approaches_may_go_together() -> None:
    assert crossing().conflicts == ((1, 2), (1, 4), (2, 3), (3, 4))


def test_at_a_side_street_the_main_road_goes_both_ways_and_the_side_street_alone() -> None:
    graph = graph_of(
        {"m": (0.0, 0.0), "e": (200.0, 0.0), "s": (0.0, -200.0), "w": (-200.0, 0.0)},
        [Street(name="Main", nodes=["w", "m", "e"]), Street(name="Side", nodes=["s", "m"])],
    )
    found = junction_at(graph, MIDDLE, id="virtual-t", number=300)
    streets = {approach.id: approach.name.split()[0] for approach in found.approaches}
    assert {frozenset(streets[id] for id in pair) for pair in found.conflicts} == {frozenset({"Main", "Side"})}
    assert len(found.conflicts) == 2


def test_two_carriageways_and_the_street_across_are_one_junction_to_who_stands_on_it() -> None:
    found = junction_at(boulevard(), lonlat((200.0, 12.0))[0], id="virtual-b", number=300)
    assert len(found.approaches) == 4
    assert len(found.conflicts) == 4


def test_where_no_streets_meet_there_is_no_junction() -> None:
    with pytest.raises(OrderInvalid, match="no junction within"):
        junction_at(crossroads(), lonlat((200.0, 0.0))[0], id="virtual-x", number=300)


@pytest.mark.parametrize("left_hand", [False, True])
def test_at_a_real_intersection_what_crosses_is_told_by_its_lanes(left_hand: bool) -> None:
    """Lanes lie beside the middle of the street, and opposite streams give way only where they turn."""
    found = junction_of(_with_lanes_apart(crossing().intersection, left_hand=left_hand))
    assert (found.approaches, found.conflicts) == (crossing().approaches, crossing().conflicts)


def _with_lanes_apart(one: Intersection, *, left_hand: bool) -> Intersection:
    def beside(lane: SignalLane) -> SignalLane:
        (x0, y0), (x1, y1) = lane.line[0], lane.line[-1]
        length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        side = (0.00003 if lane.ingress is left_hand else -0.00003) / length
        return replace(lane, line=[(x + (y1 - y0) * side, y - (x1 - x0) * side) for x, y in lane.line])

    return replace(one, lanes=[beside(lane) for lane in one.lanes])


def test_an_intersection_without_lanes_for_vehicles_cannot_be_directed() -> None:
    with pytest.raises(OrderInvalid, match="no approach for vehicles"):
        junction_of(replace(crossing().intersection, connections=()))


def test_approaches_that_share_a_signal_group_are_told_the_same() -> None:
    one, two, *others = crossing().approaches
    shared = replace(crossing(), approaches=(one, replace(two, groups=one.groups), *others), conflicts=())
    assert [fault.rule for fault in faults_of(shared, {1: GO, 2: STOP})] == ["virtual_signal.shared_group"]
    assert faults_of(shared, {1: GO, 2: GO}) == []


def test_go_is_permissive_stop_is_red_and_who_is_told_nothing_is_unavailable() -> None:
    signal = made_virtual_signal(as_of=NOW, says={NORTH_ARM: GO, EAST_ARM: STOP, SOUTH_ARM: GO})
    green, red, unknown = Aspect.PERMISSIVE_GREEN, Aspect.STOP_AND_REMAIN, Aspect.UNAVAILABLE
    assert _aspects(signal) == [green, red, green, unknown]
    assert signal.advisory and state_of(signal, as_of=NOW).advisory


def test_approaches_that_cross_are_refused_together_at_the_start_and_later() -> None:
    with pytest.raises(OrderInvalid) as refusal:
        made_virtual_signal(as_of=NOW, says={NORTH_ARM: GO, WEST_ARM: GO})
    assert [finding.rule for finding in refusal.value.findings] == ["virtual_signal.conflict"]
    signal = made_virtual_signal(as_of=NOW)
    with pytest.raises(OrderInvalid, match="cross"):
        told(signal, {EAST_ARM: GO, SOUTH_ARM: GO}, as_of=NOW)
    with pytest.raises(OrderInvalid, match="no approach 9"):
        told(signal, {9: STOP}, as_of=NOW)


def test_a_statement_takes_the_place_of_the_last_and_keeps_since_when_what_stays_holds() -> None:
    signal = made_virtual_signal(as_of=NOW, says={NORTH_ARM: GO, EAST_ARM: STOP})
    later = NOW + timedelta(seconds=30)
    after = told(signal, {NORTH_ARM: STOP, EAST_ARM: STOP}, as_of=later)
    assert (after.version, after.said[NORTH_ARM].since, after.said[EAST_ARM].since) == (2, later, NOW)


def test_it_ends_at_its_time_or_before_and_is_then_unavailable_for_good() -> None:
    signal = made_virtual_signal(as_of=NOW, says={NORTH_ARM: GO}, minutes=5)
    assert _aspects(signal, 299.9)[0] is Aspect.PERMISSIVE_GREEN
    assert set(_aspects(signal, 300)) == {Aspect.UNAVAILABLE}
    assert set(_aspects(ended(signal, as_of=NOW), 1)) == {Aspect.UNAVAILABLE}
    with pytest.raises(OrderConflict, match="has ended"):
        told(signal, {NORTH_ARM: GO}, as_of=NOW + timedelta(minutes=5))


@pytest.mark.parametrize("hours", [-1, 0, 12.01, 10_000])
def test_an_end_is_required_to_come_and_to_come_soon(hours: float) -> None:
    with pytest.raises(OrderInvalid) as refusal:
        made_virtual_signal(as_of=NOW, hours=hours)
    assert refusal.value.findings[0].where == "expires_at"


def test_no_message_of_it_tells_an_end_and_each_says_that_it_is_advisory() -> None:
    signal = made_virtual_signal(as_of=NOW, says={NORTH_ARM: GO, EAST_ARM: STOP})
    state = state_of(signal, as_of=NOW)
    assert all(group.forecast is None for group in state.groups)
    value = signals_json.value_of(state)
    assert (value["advisory"], value["authority"]) == (True, "Police")
    assert not any("end" in key for group in value["groups"] for key in group)
    assert spatem.label_of(state) == "ADVISORY Police"
    for movement in spatem.value_of(state)["spat"]["intersections"][0]["states"]:
        timing = movement["state-time-speed"][0].get("timing", {})
        assert "likelyTime" not in timing and timing.get("minEndTime", 36001) == 36001
    assert mapem.encode(signal.junction.intersection)
