"""OSM extracts: what is read of them, who may drive where, and what is refused."""

import gzip
from pathlib import Path

import pytest
from made_osm import convert, street, write_osm

from trafficfeed.errors import ScenarioInvalid, SourceMalformed, SourceUnavailable
from trafficfeed.network.osm import read_extract
from trafficfeed.network.osm_access import road_mask
from trafficfeed.network.osm_lanes import lane_tags
from trafficfeed.network.vehicle_classes import ALL_CLASSES_MASK, VehicleClass, classes_of, mask_of

V = VehicleClass
LINE = {1: (0.0, 0.0), 2: (300.0, 0.0)}
SERVICE = mask_of({V.BICYCLE, V.DELIVERY, V.EMERGENCY, V.AUTHORITY})


@pytest.mark.parametrize("suffix", [".osm", ".osm.pbf", ".osm.gz", ".osm.bz2"])
def test_every_form_of_osm_gives_the_same_extract(tmp_path: Path, suffix: str) -> None:
    ways = {10: ((1, 2), street())}
    plain = read_extract(write_osm(tmp_path / "a.osm", LINE, ways))
    assert read_extract(write_osm(tmp_path / f"b{suffix}", LINE, ways)) == plain


def test_the_form_is_told_by_content_not_by_name(tmp_path: Path) -> None:
    made = write_osm(tmp_path / "a.osm.pbf", LINE, {10: ((1, 2), street())})
    assert len(read_extract(made.rename(tmp_path / "download")).ways) == 1


def test_ways_may_come_before_their_nodes_and_twice(tmp_path: Path) -> None:
    path = tmp_path / "overpass.osm"
    path.write_text(
        '<osm version="0.6">'
        '<way id="10"><nd ref="1"/><nd ref="2"/><tag k="highway" v="residential"/></way>'
        '<node id="1" lat="1.0" lon="2.0"/><node id="2" lat="1.001" lon="2.0"/>'
        '<way id="10"><nd ref="1"/><nd ref="2"/></way></osm>'
    )
    assert read_extract(path).ways[10].nodes == (1, 2)


def test_an_editors_unsaved_objects_with_negative_ids_are_read(tmp_path: Path) -> None:
    nodes = {-1: (0.0, 0.0), -2: (300.0, 0.0)}
    assert set(read_extract(write_osm(tmp_path / "a.osm", nodes, {-10: ((-1, -2), street())})).nodes) == {-1, -2}


def test_garbage_is_refused_with_the_file_named(tmp_path: Path) -> None:
    whole = write_osm(tmp_path / "whole.osm.pbf", LINE, {10: ((1, 2), street())}).read_bytes()
    xml = write_osm(tmp_path / "whole.osm", LINE, {10: ((1, 2), street())}).read_bytes()
    garbage = {
        "empty.osm": b"",
        "blank.osm": b"  \n ",
        "page.osm": b"<!doctype html><html><body>404</body></html>",
        "notes.osm.pbf": b"Dear colleague, the extract is attached.",
        "noise.osm.pbf": bytes(range(256)) * 40,
        "short.osm.pbf": whole[: len(whole) - 20],
        "short.osm": xml[: len(xml) // 2],
        "short.osm.gz": gzip.compress(xml)[:-30],
        "routes.osm": b'<routes><vehicle id="1"/></routes>',
        "letters.osm": b'<osm version="0.6"><node id="x" lat="a" lon="b"/></osm>',
    }
    for name, content in garbage.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SourceMalformed, match=name):
            read_extract(tmp_path / name)


def test_an_extract_without_roads_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioInvalid, match="no road"):
        read_extract(write_osm(tmp_path / "a.osm", LINE, {10: ((1, 2), {"highway": "footway"})}))
    with pytest.raises(SourceUnavailable):
        read_extract(tmp_path / "nothing.osm")


def test_restrictions_with_members_outside_are_counted_not_kept(tmp_path: Path) -> None:
    whole = ([("w", 10, "from"), ("n", 2, "via"), ("w", 10, "to")], {"type": "restriction", "restriction": "no_u_turn"})
    torn = (
        [("w", 10, "from"), ("n", 2, "via"), ("w", 99, "to")],
        {"type": "restriction", "restriction": "no_left_turn"},
    )
    extract = read_extract(write_osm(tmp_path / "a.osm", LINE, {10: ((1, 2), street())}, relations={5: whole, 6: torn}))
    assert [relation for relation, _, _ in extract.restrictions] == [5]
    assert extract.cut_restrictions == 1


def test_a_turn_restriction_takes_the_turn_out_of_the_graph(tmp_path: Path) -> None:
    nodes = {1: (-200.0, 0.0), 2: (0.0, 0.0), 3: (200.0, 0.0), 4: (0.0, -200.0), 5: (0.0, 200.0)}
    ways = {10: ((1, 2), street()), 11: ((2, 3), street()), 12: ((4, 2), street("B")), 13: ((2, 5), street("B"))}
    members = [("w", 10, "from"), ("n", 2, "via"), ("w", 13, "to")]
    ban = {7: (members, {"type": "restriction", "restriction": "no_left_turn"})}
    free = _turns(convert(write_osm(tmp_path / "a.osm", nodes, ways)))
    banned = _turns(convert(write_osm(tmp_path / "b.osm", nodes, ways, relations=ban)))
    assert free - banned == {("10", "13")}


def test_a_road_without_a_name_goes_by_its_number(tmp_path: Path) -> None:
    made = convert(write_osm(tmp_path / "a.osm", LINE, {10: ((1, 2), {"highway": "primary", "ref": "E 75"})}))
    assert set(made.graph.names) == {"E 75"}


def test_left_hand_traffic_is_written_into_the_network(tmp_path: Path) -> None:
    made = convert(write_osm(tmp_path / "a.osm", LINE, {10: ((1, 2), street())}), left_hand=True)
    assert made.net.left_hand


@pytest.mark.parametrize(
    ("tags", "usual", "expected"),
    [
        ({}, ALL_CLASSES_MASK, set(V)),
        ({"motor_vehicle": "no", "psv": "yes"}, ALL_CLASSES_MASK, {V.TAXI, V.BUS, V.BICYCLE}),
        ({"access": "no", "bus": "yes"}, ALL_CLASSES_MASK, {V.BUS}),
        ({"vehicle": "no", "motor_vehicle": "yes"}, ALL_CLASSES_MASK, set(V) - {V.BICYCLE}),
        ({"hgv": "no"}, ALL_CLASSES_MASK, set(V) - {V.TRUCK, V.TRAILER}),
        ({"access": "destination"}, ALL_CLASSES_MASK, set(V)),
        ({"access": "private"}, SERVICE, {V.BICYCLE, V.DELIVERY}),
        ({"psv": "yes"}, SERVICE, {V.BICYCLE, V.DELIVERY, V.BUS, V.TAXI}),
        ({"motor_vehicle": "destination"}, 0, {V.DELIVERY, V.TAXI, V.CUSTOM1}),
        ({"motorcar": "private"}, 0, {V.CUSTOM1}),
        ({"motor_vehicle": "delivery"}, 0, {V.DELIVERY}),
        ({"foot": "yes", "access": "yes"}, 0, set()),
    ],
)
def test_access_tags_are_read_as_osm_means_them(tags: dict[str, str], usual: int, expected: set[V]) -> None:
    always = {V.EMERGENCY, V.AUTHORITY} if expected else set()
    assert classes_of(road_mask(tags, usual)) == expected | always


def test_a_bus_street_admits_no_cars_in_the_network(tmp_path: Path) -> None:
    made = convert(write_osm(tmp_path / "a.osm", LINE, {10: ((1, 2), street(motor_vehicle="no", bus="yes"))}))
    assert {classes_of(mask) for mask in made.graph.access.tolist()} == {
        frozenset({V.BUS, V.BICYCLE, V.EMERGENCY, V.AUTHORITY})
    }
    assert set(made.graph.highway) == {"residential"}


def test_a_square_that_deliveries_may_enter_is_a_road_and_another_is_not(tmp_path: Path) -> None:
    square = {"highway": "pedestrian", "name": "Square"}
    ways = {10: ((1, 2), {**square, "motor_vehicle": "delivery"}), 11: ((1, 2), square)}
    made = convert(write_osm(tmp_path / "a.osm", LINE, ways))
    assert {p.way_id for of_edge in made.link.pieces for p in of_edge} == {10}
    assert V.DELIVERY in classes_of(int(made.graph.access[0]))
    assert V.PASSENGER not in classes_of(int(made.graph.access[0]))


@pytest.mark.parametrize(
    "tags",
    [
        {"psv:lanes": "||designated"},
        {"psv:lanes": "yes|yes|designated", "vehicle:lanes": "yes|yes|no"},
        {"lanes:psv": "1"},
    ],
)
def test_a_bus_lane_is_the_kerb_lane_however_it_is_tagged(tmp_path: Path, tags: dict[str, str]) -> None:
    road = {"highway": "primary", "oneway": "yes", "lanes": "3", **tags}
    made = convert(write_osm(tmp_path / "a.osm", LINE, {10: ((1, 2), road)}))
    kerb, *others = (classes_of(mask) for mask in made.graph.lane_access[0])
    assert V.BUS in kerb and V.PASSENGER not in kerb
    assert len(others) == 2 and all(V.PASSENGER in lane for lane in others)


def test_a_counted_bus_lane_lies_left_where_traffic_keeps_left() -> None:
    tags = {"oneway": "yes", "lanes": "3", "lanes:psv": "1"}
    assert lane_tags(tags, left_hand=True) == {"psv:lanes": "designated|yes|yes"}


def test_a_count_that_leaves_no_lane_or_no_direction_is_passed_over() -> None:
    assert lane_tags({"oneway": "yes", "lanes": "1", "lanes:psv": "1"}, left_hand=False) == {}
    assert lane_tags({"lanes": "4", "lanes:psv": "1"}, left_hand=False) == {}


def _turns(made) -> set[tuple[str, str]]:
    graph = made.graph
    return {(graph.edge_ids[a], graph.edge_ids[b]) for a, b in zip(graph.turn_from, graph.turn_to, strict=True)}
