"""The instant checks, one rule after the other."""

from dataclasses import replace
from datetime import timedelta

from made_cases import NOW, block, checked, measure, only, order, places
from made_graphs import Street, graph_of, grid, lonlat

from trafficfeed.closures.checks import CHECKS, check_order
from trafficfeed.closures.orders import (
    Direction,
    DrawnLine,
    Exemption,
    LanesClosed,
    Metering,
    OneWay,
    Reason,
    SpeedLimit,
    StreetSection,
    Turn,
    TurnBan,
)
from trafficfeed.closures.resolution import resolve
from trafficfeed.network.vehicle_classes import ALL_CLASSES_MASK, VehicleClass

MIDDLE = block("R2 Road", "C1 Street", "C3 Street")


def test_a_sound_order_on_a_street_with_a_way_around_has_no_findings():
    assert checked(grid(6, 6), order(measure(MIDDLE))) == ()


def test_the_worst_findings_come_first():
    graph = grid()
    first = measure(MIDDLE, rule=SpeedLimit(limit_kmh=30), name="slow", hours=(1, 5))
    second = measure(MIDDLE, rule=SpeedLimit(limit_kmh=50), name="fast", hours=(1, 5))
    severities = [f.severity for f in checked(graph, order(first, second))]
    assert severities[0] == "error"
    assert severities == sorted(severities, key=["error", "warning", "info"].index)


def test_every_check_stands_a_measure_that_could_not_be_placed():
    graph = grid()
    one = order(measure(block("Nowhere", "C1 Street", "C2 Street")))
    resolved, findings = resolve(one, graph)
    assert findings
    found = check_order(one, resolved, {}, graph=graph, places=places(graph), as_of=NOW)
    assert not [f for f in found if f.rule.startswith(("isolation", "detour", "overlap"))]
    assert len(CHECKS) >= 7


# --- lanes


def wide(lanes: int = 2):
    return graph_of(
        {"a": (0, 0), "b": (300, 0), "c": (0, 200), "d": (300, 200)},
        [
            Street(name="Wide", nodes=["a", "b"], lanes=lanes),
            Street(name="Left", nodes=["a", "c"]),
            Street(name="Top", nodes=["c", "d"]),
            Street(name="Right", nodes=["d", "b"]),
        ],
    )


def test_a_lane_that_the_street_does_not_have_is_an_error():
    one = order(measure(block("Wide", "Left", "Right"), rule=LanesClosed(lanes=(3,))))
    (finding, *_) = only(checked(wide(), one), "lanes")
    assert (finding.rule, finding.severity) == ("lanes.missing", "error")
    assert finding.detail["lanes"] == 2


def test_all_lanes_closed_is_a_full_closure():
    one = order(measure(block("Wide", "Left", "Right"), rule=LanesClosed(lanes=(1, 2))))
    assert {f.rule for f in only(checked(wide(), one), "lanes")} == {"lanes.all"}


def test_one_of_two_lanes_closed_is_fine_and_needs_no_detour():
    one = order(measure(block("Wide", "Left", "Right"), rule=LanesClosed(lanes=(1,))))
    assert checked(wide(), one) == ()


def beside_a_pavement():
    """Wide with one traffic lane, and a pavement that SUMO counts as its lane 0."""
    graph = wide(1)
    return replace(graph, lane_access=[(0, *masks) for masks in graph.lane_access], lane_count=graph.lane_count + 1)


def test_a_pavement_is_no_lane_that_is_left_to_cars():
    one = order(measure(block("Wide", "Left", "Right"), rule=LanesClosed(lanes=(1,))))
    rules = {f.rule for f in checked(beside_a_pavement(), one)}
    assert {"lanes.all", "detour.none"} <= rules


def test_a_pavement_is_no_lane_that_an_officer_counts():
    one = order(measure(block("Wide", "Left", "Right"), rule=LanesClosed(lanes=(2,))))
    (finding, *_) = only(checked(beside_a_pavement(), one), "lanes")
    assert (finding.rule, finding.severity, finding.detail["lanes"]) == ("lanes.missing", "error", 1)


def test_a_pavement_carries_no_metered_cars():
    one = order(measure(block("Wide", "Left", "Right"), rule=Metering(flow_vph=1800)))
    assert only(checked(beside_a_pavement(), one), "regulation.metering")


def test_closing_a_street_that_only_the_exempt_may_use_changes_nothing():
    buses = VehicleClass.BUS.bit | VehicleClass.COACH.bit
    graph = graph_of({"a": (0, 0), "b": (300, 0)}, [Street(name="Bus Lane", nodes=["a", "b"], access=buses)])
    lane = StreetSection(street="Bus Lane")
    found = checked(graph, order(measure(lane, exceptions=[Exemption.BUS])))
    assert {(f.rule, f.severity) for f in found} == {("geometry.access", "warning")}
    assert checked(graph, order(measure(lane))) == ()


def test_a_speed_limit_above_the_present_one_is_doubtful_and_a_lower_one_is_not():
    graph = grid()  # 50 km/h
    high, low = (measure(MIDDLE, rule=SpeedLimit(limit_kmh=kmh)) for kmh in (80, 30))
    assert {f.rule for f in checked(graph, order(high))} == {"regulation.speed"}
    assert checked(graph, order(low)) == ()


def test_a_metered_release_beyond_the_street_s_capacity_holds_nobody_back():
    graph = grid()
    loose, tight = (measure(MIDDLE, rule=Metering(flow_vph=vph)) for vph in (2500, 300))
    assert {(f.rule, f.severity) for f in checked(graph, order(loose))} == {("regulation.metering", "info")}
    assert checked(graph, order(tight)) == ()


def test_hundreds_of_measures_in_turn_are_looked_at_by_their_largest_sets():
    graph = grid(6, 6)
    many = [measure(MIDDLE, name=f"m{i}", hours=(100 + i, 102.5 + i)) for i in range(300)]
    assert not only(checked(graph, order(*many)), "isolation")


# --- windows and notice


def test_a_measure_that_is_over_is_an_error():
    one = order(measure(MIDDLE, hours=(-50, -40)))
    assert [(f.rule, f.severity) for f in checked(grid(), one)] == [("window.past", "error")]


def test_a_measure_that_lies_beyond_the_windows_given_is_not_over_and_is_checked_all_the_same():
    graph = bridge(beside=False)
    one = order(measure(block("Bridge", "West Bank", "East Bank"), hours=(5000, 5010)))
    resolved, _ = resolve(one, graph)
    found = check_order(one, resolved, {"closed": []}, graph=graph, places=places(graph), as_of=NOW)
    assert {f.rule for f in found} == {"detour.none"}


def test_more_than_a_year_at_a_stretch_is_doubtful():
    one = order(measure(MIDDLE, hours=(100, 100 + 24 * 400)))
    (finding,) = only(checked(grid(), one), "window")
    assert (finding.rule, finding.detail["days"]) == ("window.long", 400)


def test_two_minutes_are_doubtful():
    one = order(measure(MIDDLE, hours=(100, 100 + 2 / 60)))
    assert [f.rule for f in only(checked(grid(), one), "window")] == ["window.short"]


def test_a_planned_order_needs_a_day_s_notice_and_an_accident_none():
    soon = measure(MIDDLE, hours=(5, 9))
    (finding,) = only(checked(grid(), order(soon)), "notice")
    assert (finding.severity, finding.detail["notice_h"]) == ("warning", 5.0)
    assert not only(checked(grid(), order(soon, reason=Reason.ACCIDENT)), "notice")
    assert not only(checked(grid(), order(soon), as_of=NOW - timedelta(days=2)), "notice")


# --- overlap


def test_the_same_street_closed_by_two_authorities_at_one_time_is_a_warning():
    theirs = order(measure(block("R2 Road", "C2 Street", "C4 Street")), name="theirs", authority="Harbour")
    (finding,) = only(checked(grid(), order(measure(MIDDLE)), others=[theirs]), "overlap")
    assert finding.severity == "warning"
    assert "'theirs' (Harbour)" in finding.message
    assert finding.detail["edges"] == 2


def test_the_same_street_closed_at_different_times_or_another_street_is_fine():
    later = order(measure(MIDDLE, hours=(200, 210)), name="later", authority="Harbour")
    aside = order(measure(block("R4 Road", "C1 Street", "C3 Street")), name="aside", authority="Harbour")
    assert not only(checked(grid(), order(measure(MIDDLE)), others=[later, aside]), "overlap")


def test_one_way_in_opposite_directions_is_a_contradiction():
    def one_way(direction, name):
        return order(measure(block("R2 Road", "C1 Street", "C3 Street", direction=direction), rule=OneWay()), name=name)

    mine, theirs = one_way(Direction.FORWARD, "mine"), one_way(Direction.BACKWARD, "theirs")
    (finding,) = only(checked(grid(), mine, others=[theirs]), "overlap")
    assert (finding.rule, finding.severity) == ("overlap.contradiction", "error")


def test_two_speed_limits_on_one_street_contradict_each_other():
    theirs = order(measure(MIDDLE, rule=SpeedLimit(limit_kmh=50)), name="theirs")
    findings = checked(grid(), order(measure(MIDDLE, rule=SpeedLimit(limit_kmh=30))), others=[theirs])
    assert [f.rule for f in findings] == ["overlap.contradiction"]


# --- detours


def test_a_signed_detour_through_another_closure_at_the_same_time_is_an_error():
    detour = DrawnLine(coordinates=lonlat((100, 200), (100, 300), (300, 300), (300, 200)))
    mine = order(measure(MIDDLE, detour=detour))
    theirs = order(measure(block("R3 Road", "C1 Street", "C2 Street")), name="theirs")
    (finding,) = only(checked(grid(), mine, others=[theirs]), "detour.closed")
    assert finding.severity == "error"
    assert "'R3 Road'" in finding.message
    assert finding.detail["order"] == "theirs"
    later = order(measure(block("R3 Road", "C1 Street", "C2 Street"), hours=(200, 210)), name="later")
    assert not only(checked(grid(), mine, others=[later]), "detour.closed")


def test_a_detour_that_is_drawn_backward_is_followed_backward():
    detour = DrawnLine(coordinates=lonlat((100, 200), (100, 300), (300, 300), (300, 200)), direction=Direction.BACKWARD)
    mine = order(measure(MIDDLE, detour=detour))
    for direction, found in ((Direction.BACKWARD, 1), (Direction.FORWARD, 0)):
        theirs = order(measure(block("R3 Road", "C1 Street", "C3 Street", direction=direction)), name="theirs")
        assert len(only(checked(grid(), mine, others=[theirs]), "detour.closed")) == found


def test_a_signed_detour_by_a_banned_turn_is_an_error():
    detour = DrawnLine(coordinates=lonlat((100, 200), (100, 300), (300, 300), (300, 200)))
    mine = order(measure(MIDDLE, detour=detour))
    turn = Turn(from_street="C1 Street", to_street="R3 Road", near=lonlat((100, 300))[0])
    (finding,) = only(
        checked(grid(), mine, others=[order(measure(turn, rule=TurnBan()), name="theirs")]), "detour.closed"
    )
    assert (finding.severity, finding.detail["edges"]) == ("error", 1)


def test_closing_a_street_over_which_another_order_signs_its_detour_is_an_error():
    detour = DrawnLine(coordinates=lonlat((100, 200), (100, 300), (300, 300), (300, 200)))
    theirs = order(measure(MIDDLE, detour=detour), name="theirs")
    mine = order(measure(block("R3 Road", "C1 Street", "C2 Street")))
    (finding,) = only(checked(grid(), mine, others=[theirs]), "detour.closed")
    assert (finding.severity, finding.where) == ("error", "measures[0]")


def test_closing_a_street_over_which_another_order_s_computed_detour_leads_is_a_warning():
    graph = graph_of(
        {"a": (0, 0), "b": (200, 0), "c": (400, 0), "d": (600, 0), "n": (200, 100), "m": (400, 100)}
        | {"p": (200, -300), "q": (400, -300)},
        [
            Street(name="Main", nodes=["a", "b", "c", "d"]),
            Street(name="North", nodes=["b", "n", "m", "c"]),
            Street(name="South", nodes=["b", "p", "q", "c"]),
        ],
    )
    line = DrawnLine(coordinates=lonlat((205, 0), (395, 0)))
    mine = order(measure(DrawnLine(coordinates=lonlat((205, 100), (395, 100)))))
    (finding,) = only(checked(graph, mine, others=[order(measure(line), name="theirs")]), "detour.closed")
    assert (finding.severity, "'North'" in finding.message) == ("warning", True)


def test_a_signed_detour_against_a_one_way_street_is_an_error():
    graph = graph_of(
        {"a": (0, 0), "b": (200, 0), "c": (400, 0), "d": (600, 0), "n": (200, 100), "m": (400, 100)},
        [
            Street(name="Main", nodes=["a", "b", "c", "d"]),
            Street(name="North", nodes=["c", "m", "n", "b"], one_way=True),
        ],
    )
    signed = DrawnLine(coordinates=lonlat((200, 0), (200, 100), (400, 100), (400, 0)))
    line = DrawnLine(coordinates=lonlat((205, 0), (395, 0)), direction=Direction.FORWARD)
    (finding,) = only(checked(graph, order(measure(line, detour=signed))), "detour.match")
    assert (finding.severity, finding.where) == ("error", "measures[0].detour")


def bridge(*, beside: bool, access: int | None = None):
    """Two banks joined by a bridge, and by a long way round where `beside`."""
    streets = [
        Street(name="West Bank", nodes=["w1", "w2", "w3"]),
        Street(name="East Bank", nodes=["e1", "e2", "e3"]),
        Street(name="Bridge", nodes=["w2", "e2"]),
        Street(name="West Block", nodes=["w1", "w4", "w3"]),
        Street(name="East Block", nodes=["e1", "e4", "e3"]),
    ]
    if beside:
        mask = ALL_CLASSES_MASK if access is None else access
        streets.append(Street(name="Ferry Road", nodes=["w3", "f1", "f2", "e3"], access=mask))
    junctions = {"w1": (0, -300), "w2": (0, 0), "w3": (0, 300), "e1": (200, -300), "e2": (200, 0), "e3": (200, 300)}
    junctions |= {"w4": (-900, 0), "e4": (1100, 0), "f1": (0, 900), "f2": (200, 900)}
    return graph_of(junctions, streets)


def test_a_bridge_without_another_way_has_no_detour_for_anybody():
    graph = bridge(beside=False)
    findings = only(checked(graph, order(measure(block("Bridge", "West Bank", "East Bank")))), "detour")
    assert {(f.rule, f.severity) for f in findings} == {("detour.none", "warning")}
    assert findings[0].detail["classes"] == ["passenger", "bus", "truck"]


def test_no_detour_for_emergency_vehicles_is_an_error():
    graph = bridge(beside=False)
    one = order(measure(block("Bridge", "West Bank", "East Bank"), exceptions=()))
    assert {f.severity for f in only(checked(graph, one), "detour.none")} == {"error"}


def test_a_class_without_a_detour_is_named_where_others_have_one():
    graph = bridge(beside=True, access=ALL_CLASSES_MASK & ~VehicleClass.TRUCK.bit)
    findings = only(checked(graph, order(measure(block("Bridge", "West Bank", "East Bank")))), "detour")
    assert {tuple(f.detail["classes"]) for f in findings if f.rule == "detour.none"} == {("truck",)}
    long = [f for f in findings if f.rule == "detour.length"]
    assert {tuple(f.detail["classes"]) for f in long} == {("passenger", "bus")}
    assert long[0].detail["factor"] > 2
    assert long[0].detail["detour_m"] == 2000


def test_a_closed_loop_needs_no_way_around():
    graph = graph_of(
        {"a": (0, 0), "b": (200, 0), "c": (400, 0), "x": (100, 200), "y": (300, 200)},
        [Street(name="Main", nodes=["a", "b", "c"]), Street(name="Crescent", nodes=["b", "x", "y", "b"])],
    )
    loop = DrawnLine(coordinates=lonlat((200, 0), (100, 200), (300, 200), (200, 0)), direction=Direction.FORWARD)
    assert not only(checked(graph, order(measure(loop))), "detour")


def test_the_way_around_a_short_block_is_not_called_long():
    assert not only(checked(grid(), order(measure(block("R2 Road", "C1 Street", "C2 Street")))), "detour")
