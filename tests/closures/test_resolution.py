"""An order's places to sections of the road graph."""

import json
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_cases import block, measure, order
from made_graphs import boulevard, grid, ids_of, lonlat

from trafficfeed.closures.access import permitted_classes
from trafficfeed.closures.orders import (
    Area,
    Closure,
    Direction,
    DrawnLine,
    Exemption,
    LanesClosed,
    OneWay,
    Points,
    SpeedLimit,
    StreetSection,
    Turn,
    TurnBan,
    VehicleRestriction,
    Ways,
)
from trafficfeed.closures.resolution import match_place, resolve
from trafficfeed.network.vehicle_classes import VehicleClass

ALL = frozenset(VehicleClass)


def test_every_kind_of_place_comes_down_to_sections():
    graph = grid()
    ring = lonlat((90, 90), (210, 90), (210, 210), (90, 210), (90, 90))
    places = [
        block("R2 Road", "C1 Street", "C2 Street"),
        DrawnLine(coordinates=lonlat((105, 200), (195, 200))),
        Area(ring=ring),
        Ways(ids=(200,)),
        Points(coordinates=lonlat((150, 200))),
    ]
    for place in places:
        resolved, findings = resolve(order(measure(place)), graph)
        assert findings == ()
        assert resolved[0].sections, place.kind
        assert all(s.confidence > 0.9 for s in resolved[0].sections)
    turn = measure(Turn(from_street="R0 Road", to_street="C0 Street"), rule=TurnBan())
    resolved, findings = resolve(order(turn), graph)
    assert findings == ()
    assert resolved[0].turns
    assert not resolved[0].sections


def test_a_finding_says_which_place_of_which_measure():
    first = measure(block("R2 Road", "C1 Street", "C2 Street"), name="good")
    second = measure(block("R2 Road", "C1 Street", "C2 Street"), StreetSection(street="Nowhere"), name="bad")
    resolved, findings = resolve(order(first, second), grid())
    assert [f.where for f in findings] == ["measures[1].where[1]"]
    assert [r.measure_id for r in resolved] == ["good", "bad"]
    assert resolved[1].sections


def test_a_place_that_another_one_covers_is_not_listed_twice():
    graph = grid()
    twice = measure(block("R2 Road", "C1 Street", "C3 Street"), block("R2 Road", "C1 Street", "C2 Street"))
    resolved, _ = resolve(order(twice), graph)
    assert ids_of(graph, resolved[0].sections) == [["c1r2>c2r2", "c2r2>c3r2"], ["c3r2>c2r2", "c2r2>c1r2"]]


def test_a_one_way_comes_down_to_the_direction_that_it_closes():
    graph = grid()
    place = block("R2 Road", "C1 Street", "C3 Street", direction=Direction.FORWARD)
    resolved, _ = resolve(order(measure(place, rule=OneWay())), graph)
    assert [s.compass for s in resolved[0].sections] == ["westbound"]
    back, _ = resolve(order(measure(replace(place, direction=Direction.BACKWARD), rule=OneWay())), graph)
    assert [s.compass for s in back[0].sections] == ["eastbound"]


def test_a_street_that_is_one_way_already_is_no_reason_to_refuse():
    graph = boulevard(names=("East Way", "West Way"))
    place = block("East Way", "A Street", "C Street", direction=Direction.FORWARD)
    resolved, findings = resolve(order(measure(place, rule=OneWay())), graph)
    assert resolved[0].sections == ()
    assert [(f.rule, f.severity) for f in findings] == [("match.one_way", "warning")]


def test_a_turn_ban_away_from_a_turn_is_refused_and_so_is_a_closure_at_a_turn():
    graph = grid()
    _, ban = resolve(order(measure(block("R2 Road", "C1 Street", "C2 Street"), rule=TurnBan())), graph)
    _, closure = resolve(order(measure(Turn(from_street="R0 Road", to_street="C0 Street"))), graph)
    assert [f.rule for f in (*ban, *closure)] == ["match.kind", "match.kind"]


def test_a_doubtful_match_is_kept_with_a_warning():
    resolved, findings = resolve(order(measure(DrawnLine(coordinates=lonlat((5, -17), (395, -17))))), boulevard())
    assert resolved[0].sections
    assert [(f.rule, f.severity) for f in findings] == [("match.confidence", "warning")]


longitudes, latitudes = st.floats(-180, 180), st.floats(-90, 90)
near = st.tuples(st.floats(-600, 1000), st.floats(-600, 1000)).map(lambda p: lonlat(p)[0])
points = st.one_of(near, near, near, st.tuples(longitudes, latitudes))
names = st.one_of(st.sampled_from(["C1 Street", "R2 Road", "r2 rd", "R9 Road"]), st.text(min_size=1, max_size=20))
directions = st.sampled_from(Direction)
any_place = st.one_of(
    st.builds(DrawnLine, coordinates=st.lists(points, min_size=2, max_size=12).map(tuple), direction=directions),
    st.builds(
        Area,
        ring=st.lists(points, min_size=4, max_size=8).map(tuple),
        holes=st.lists(st.lists(points, min_size=4, max_size=5).map(tuple), max_size=1).map(tuple),
        select=st.sampled_from(["inside", "entering"]),
    ),
    st.builds(Points, coordinates=st.lists(points, min_size=1, max_size=5).map(tuple), direction=directions),
    st.builds(StreetSection, street=names, between=st.none() | st.tuples(names, names), direction=directions),
    st.builds(Ways, ids=st.lists(st.integers(90, 210), min_size=1, max_size=5).map(tuple), direction=directions),
    st.builds(Turn, from_street=names, to_street=names, near=st.none() | points),
)
GRIDS = {named: grid(named=named) for named in (True, False)}


@settings(max_examples=300, deadline=None)
@given(place=any_place, named=st.booleans())
def test_any_place_at_all_gives_consecutive_edges_or_an_error_and_never_raises(place, named):
    graph = GRIDS[named]
    match = match_place(place, graph)
    refusals = [f for f in match.findings if f.severity == "error"]
    assert bool(refusals) != bool(match.sections or match.turns)
    assert all(f.message and f.mend and json.dumps(dict(f.detail)) for f in match.findings)
    for section in match.sections:
        assert all(graph.to_node[a] == graph.from_node[b] for a, b in pairwise(section.edges))
        assert {graph.names[e] for e in section.edges} == {section.street}
        assert 0 <= section.confidence <= 1
        assert section.compass in {"northbound", "eastbound", "southbound", "westbound"}


@pytest.mark.parametrize(
    ("rule", "exceptions", "permitted"),
    [
        (Closure(), [], frozenset()),
        (Closure(), [Exemption.EMERGENCY], {VehicleClass.EMERGENCY, VehicleClass.AUTHORITY}),
        (Closure(), [Exemption.RESIDENTS], {VehicleClass.CUSTOM1}),
        (LanesClosed(lanes=(1,)), [Exemption.BUS], {VehicleClass.BUS, VehicleClass.COACH}),
        (VehicleRestriction(only=(VehicleClass.BUS,)), [], {VehicleClass.BUS}),
        (VehicleRestriction(banned=(VehicleClass.TRUCK,)), [], ALL - {VehicleClass.TRUCK}),
        (VehicleRestriction(permit="stadium"), [Exemption.TAXI], {VehicleClass.CUSTOM1, VehicleClass.TAXI}),
        (SpeedLimit(limit_kmh=30), [], ALL),
        (
            VehicleRestriction(max_height_m=3.0),
            [],
            ALL
            - {
                VehicleClass.BUS,
                VehicleClass.COACH,
                VehicleClass.TRUCK,
                VehicleClass.TRAILER,
                VehicleClass.EMERGENCY,
            },
        ),
        (
            VehicleRestriction(max_weight_t=20.0),
            [],
            ALL - {VehicleClass.TRAILER},
        ),
    ],
)
def test_who_may_still_pass(rule, exceptions, permitted):
    assert permitted_classes(rule, exceptions) == permitted
