from datetime import UTC, datetime
from typing import Any

import pytest
import shapely
from made_graphs import Street, graph_of
from made_orders import made_order, with_periods
from made_town import town

from trafficfeed.closures.lanes import lane_impact
from trafficfeed.closures.orders import LanesClosed, Order
from trafficfeed.closures.publication import road_events, slug_of
from trafficfeed.closures.resolution import resolve
from trafficfeed.closures.road_events import RoadEvent, Validation
from trafficfeed.closures.schedules import Occurrences, windows_of
from trafficfeed.network.matching import sections_of
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.sections import Resolved

SINCE, UNTIL = datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 12, 31, tzinfo=UTC)
MADE = datetime(2026, 11, 22, 12, tzinfo=UTC)
WHEN = {"periods": [{"start": "2026-12-05T07:00", "end": "2026-12-05T09:00"}]}
HIGH_STREET = {"kind": "street", "street": "High Street", "between": ["Abbey Row", "Ring Road"]}


def published(*where: dict[str, Any], rule: dict[str, Any] | None = None, **measure: Any) -> tuple[RoadEvent, ...]:
    document = {"id": "works", "rule": rule or {"kind": "closure"}, "where": list(where), "when": WHEN, **measure}
    order = made_order("order.7", measures=[document])
    resolved, found = resolve(order, town())
    assert not found, [str(f) for f in found]
    occurrences = {m.id: windows_of(m, order.timezone, since=SINCE, until=UNTIL) for m in order.measures}
    return of_order(order, resolved, occurrences)


def of_order(
    order: Order, resolved: tuple[Resolved, ...], occurrences: dict[str, Occurrences], graph: RoadGraph | None = None
) -> tuple[RoadEvent, ...]:
    return road_events(
        order,
        3,
        resolved,
        occurrences,
        graph=graph or town(),
        certificate=None,
        validation=Validation.PENDING,
        created=MADE,
        updated=MADE,
    )


def test_each_direction_is_an_event_of_its_own_with_a_stable_id() -> None:
    north, south = published(HIGH_STREET)
    assert north.id == "order.7.works.high-street-northbound.p1"
    assert south.id == "order.7.works.high-street-southbound.p1"
    assert (north.from_street, north.to_street) == ("Abbey Row", "Ring Road")
    assert (north.order_version, north.validation) == (3, Validation.PENDING)


def test_each_period_is_an_event_of_its_own() -> None:
    first = {"start": "2026-12-07T22:00", "end": "2026-12-08T05:00"}
    nights = {"recurrences": [{"first": first, "rrule": "FREQ=DAILY;COUNT=3"}]}
    found = published({**HIGH_STREET, "direction": "forward"}, when=nights)
    assert [e.id.rsplit(".", 1)[1] for e in found] == ["2026-12-07", "2026-12-08", "2026-12-09"]
    assert all(event.recurring for event in found)
    assert len({e.coordinates for e in found}) == 1


def test_ids_do_not_hang_on_the_wording_of_the_place() -> None:
    line = {"kind": "line", "coordinates": [[10.0028, 59.9], [10.0028, 59.9028]], "direction": "forward"}
    (drawn,) = published(line)
    (named,) = published({**HIGH_STREET, "direction": "forward"})
    assert drawn.id == named.id


def test_the_whole_shape_runs_in_the_direction_of_travel_without_repeated_points() -> None:
    north, south = published(HIGH_STREET)
    for event, sign in ((north, 1), (south, -1)):
        latitudes = [lat for _, lat in event.coordinates]
        assert (latitudes[-1] - latitudes[0]) * sign > 0.002
        assert all(a != b for a, b in zip(event.coordinates, event.coordinates[1:], strict=False))
    bend = {"kind": "points", "coordinates": [[10.00405, 59.90154]], "direction": "both"}
    for event in published(bend):
        assert len(event.coordinates) == 3  # the bend between its ends is kept
        assert (10.00405, 59.90154) in event.coordinates


def test_unnamed_roads_are_called_road_and_two_pieces_of_a_street_are_told_apart() -> None:
    order, graph = with_periods(*WHEN["periods"]), town()
    pieces = tuple(sections_of(graph, [graph.index[edge]])[0] for edge in ("10to11", "11to12"))
    occurrences = {"closure": windows_of(order.measures[0], order.timezone, since=SINCE, until=UNTIL)}
    resolved = (Resolved(measure_id="closure", sections=pieces),)
    assert [e.id for e in of_order(order, resolved, occurrences)] == [
        "water-main.closure.road-eastbound-2.p1",
        "water-main.closure.road-eastbound.p1",
    ]


def test_a_closed_road_has_all_lanes_closed_and_a_detour_along_named_streets() -> None:
    (north,) = published({**HIGH_STREET, "direction": "forward"})
    assert (north.lanes_total, tuple(north.lanes_closed)) == (3, (1, 2, 3))
    assert north.detour
    assert "East Street" in north.detour_streets or "West Street" in north.detour_streets
    closed = shapely.LineString(north.coordinates)
    assert not shapely.LineString(north.detour).covers(closed)


def test_a_lane_closure_has_no_detour_and_says_which_lanes() -> None:
    (north,) = published({**HIGH_STREET, "direction": "forward"}, rule={"kind": "lanes_closed", "lanes": [1, 3]})
    assert (north.lanes_total, tuple(north.lanes_closed)) == (3, (1, 3))
    assert north.detour is None


def test_lanes_are_told_at_the_least_favourable_point() -> None:
    wide, narrow = town().index["01to11"], town().index["00to01"]
    impact = lane_impact(town(), (wide, narrow), LanesClosed(lanes=(1,)))
    assert (impact.total, impact.closed) == (1, (1,))


def test_a_signed_detour_is_published_as_the_roads_under_it() -> None:
    drawn = [[10.0027, 59.9], [10.0054, 59.9], [10.0054, 59.9028], [10.0027, 59.9028]]
    (north,) = published({**HIGH_STREET, "direction": "forward"}, detour={"coordinates": drawn, "direction": "forward"})
    assert list(north.detour_streets) == ["Abbey Row", "East Street", "Ring Road"]


def test_a_signed_detour_belongs_to_the_direction_that_it_leads() -> None:
    drawn = [[10.0027, 59.9], [10.0054, 59.9], [10.0054, 59.9028], [10.0027, 59.9028]]
    north, south = published(HIGH_STREET, detour={"coordinates": drawn, "direction": "forward"})
    assert list(north.detour_streets) == ["Abbey Row", "East Street", "Ring Road"]
    assert south.detour
    assert south.detour[0][1] > south.detour[-1][1]
    assert "East Street" not in south.detour_streets  # it is one-way north


def test_a_detour_does_not_lead_through_what_the_order_s_other_measures_shut_meanwhile() -> None:
    def detour(when: dict[str, Any]) -> RoadEvent:
        rule = {"kind": "closure"}
        east = {"kind": "street", "street": "East Street"}
        order = made_order(
            measures=[
                {"id": "main", "rule": rule, "where": [{**HIGH_STREET, "direction": "forward"}], "when": WHEN},
                {"id": "side", "rule": rule, "where": [east], "when": when},
            ]
        )
        resolved, _ = resolve(order, town())
        windows = {m.id: windows_of(m, order.timezone, since=SINCE, until=UNTIL) for m in order.measures}
        return next(e for e in of_order(order, resolved, windows) if e.measure_id == "main")

    later = {"periods": [{"start": "2026-12-06T07:00", "end": "2026-12-06T09:00"}]}
    (free,) = published({**HIGH_STREET, "direction": "forward"})
    assert detour(later).detour == free.detour
    assert "East Street" not in detour(WHEN).detour_streets


def test_pieces_without_cross_streets_are_numbered_whatever_the_order_of_their_places() -> None:
    pieces = {"a": (0, 0), "b": (100, 0), "c": (0, 900), "d": (100, 900)}
    streets = [Street(name="", nodes=["a", "b"], way=20), Street(name="", nodes=["c", "d"], way=10)]
    graph = graph_of(pieces, streets)

    def ways_of_ids(*ids: int) -> dict[str, int]:
        where = [{"kind": "ways", "ids": [i], "direction": "forward"} for i in ids]
        order = made_order(measures=[{"id": "m", "rule": {"kind": "closure"}, "where": where, "when": WHEN}])
        resolved, _ = resolve(order, graph)
        windows = {m.id: windows_of(m, order.timezone, since=SINCE, until=UNTIL) for m in order.measures}
        return {e.id.split(".")[2]: e.osm_ways[0][0] for e in of_order(order, resolved, windows, graph)}

    assert ways_of_ids(20, 10) == ways_of_ids(10, 20) == {"road-eastbound": 10, "road-eastbound-2": 20}


def test_a_one_way_publishes_the_direction_that_is_shut() -> None:
    (south,) = published({**HIGH_STREET, "direction": "forward"}, rule={"kind": "one_way"})
    assert south.compass == "southbound"
    assert tuple(south.lanes_closed) == (1, 2, 3)


def test_a_turn_ban_is_published_along_the_move() -> None:
    turn = {"kind": "turn", "from_street": "Abbey Row", "to_street": "East Street"}
    (ban,) = published(turn, rule={"kind": "turn_ban"})
    assert ban.id == "order.7.works.abbey-row-to-east-street-eastbound.p1"
    assert (ban.street, ban.to_street) == ("Abbey Row", "East Street")
    assert ban.coordinates[0][0] < ban.coordinates[-1][0]
    assert ban.coordinates[0][1] < ban.coordinates[-1][1]


def test_a_measure_without_windows_publishes_nothing() -> None:
    past = {"periods": [{"start": "2025-12-05T07:00", "end": "2025-12-05T09:00"}]}
    assert published(HIGH_STREET, when=past) == ()


@pytest.mark.parametrize(
    ("street", "slug"),
    [
        ("Eteläesplanadi", "etelaesplanadi"),
        ("Straße des 17. Juni", "strasse-des-17-juni"),
        ("Øvre Slottsgate", "ovre-slottsgate"),
        ("Rue Neuve - Nieuwstraat", "rue-neuve-nieuwstraat"),
        ("中山路", "u4e2du5c71u8def"),
        ("", "road"),
        ("—", "road"),
    ],
)
def test_streets_have_ascii_names_in_ids(street: str, slug: str) -> None:
    assert slug_of(street) == slug


def test_streets_in_other_scripts_stay_apart() -> None:
    assert slug_of("中山路") != slug_of("人民路")


def test_segments_cover_the_event_from_junction_to_junction() -> None:
    north, south = published(HIGH_STREET)
    assert not north.recurring
    for event in (north, south):
        first, second = event.segments
        assert (*first.coordinates, *second.coordinates[1:]) == event.coordinates
        assert {first.street, second.street} == {"High Street"}
    assert (north.segments[0].from_street, north.segments[1].to_street) == ("Abbey Row", "Ring Road")


def test_the_areas_that_a_measure_was_drawn_with_are_kept_closed() -> None:
    open_ring = [[9.999, 59.8995], [10.004, 59.8995], [10.004, 59.9005], [9.999, 59.9005]]
    events = published({"kind": "area", "ring": [*open_ring, open_ring[0]]}, HIGH_STREET)
    assert len(events) > 2
    for event in events:
        assert [list(map(list, ring)) for ring in event.areas] == [[*open_ring, open_ring[0]]]
    assert published(HIGH_STREET)[0].areas == ()
