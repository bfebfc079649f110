"""MAPEM: written and read back, every intersection of the demo city and a foreign lane or two."""

from dataclasses import replace
from datetime import UTC, datetime
from math import cos, hypot, radians

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_lamp_states import made_crossroads

from trafficfeed.errors import FeedNonConformant, SourceMalformed
from trafficfeed.formats import its_asn1, mapem
from trafficfeed.formats.mapem_reading import topology_from_map, topology_from_mapem
from trafficfeed.network.graph_cache import load_graph
from trafficfeed.settings import REPOSITORY
from trafficfeed.signals.topology import Intersection, Manoeuvre, SignalLane
from trafficfeed.signals.topology_building import build_topology
from trafficfeed.signals.topology_checks import check_topology

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def demo() -> list[Intersection]:
    folder = REPOSITORY / "sumo_scenarios" / "helsinki"
    if not (folder / "graph/manifest.json").is_file():
        pytest.skip("the demo city is not built: run `make run`, or `trafficfeed city build helsinki`")
    topology, _ = build_topology(load_graph(folder / "graph"), folder / "network" / "helsinki.net.xml")
    return list(topology.intersections.values())


def back(one: Intersection) -> Intersection:
    return topology_from_mapem(mapem.encode(one), made_at=AT).intersections[one.id]


def test_lanes_moves_and_groups_come_back_and_lines_to_the_centimetre(demo: list[Intersection]) -> None:
    for one in demo:
        read = back(one)
        assert (read.number, read.region, read.revision) == (one.number, one.region, one.revision)
        assert _moves(read) == _moves(one)
        assert [group.id for group in read.groups] == [group.id for group in one.groups]
        for lane, again in zip(one.lanes, read.lanes, strict=True):
            assert (again.id, again.ingress, again.approach) == (lane.id, lane.ingress, lane.approach)
            assert again.width_m == lane.width_m
            assert lane.speed_limit_mps is not None
            assert again.speed_limit_mps is not None
            assert 0 <= lane.speed_limit_mps - again.speed_limit_mps < 0.021  # never more than the limit
            assert max(_metres(a, b) for a, b in zip(lane.line, again.line, strict=True)) < 0.02


def test_the_conflicts_that_the_lines_tell_are_those_of_sumo_s_matrix(demo: list[Intersection]) -> None:
    ours = {(one.id, pair) for one in demo for pair in one.conflicts}
    told = {(one.id, pair) for one in demo for pair in back(one).conflicts}
    assert len(ours) > 200
    assert len(ours - told) <= len(ours) // 100
    assert len(told - ours) <= len(ours) // 20


def test_a_topology_that_was_read_is_sound_but_for_its_plans(demo: list[Intersection]) -> None:
    topology = topology_from_mapem(mapem.encode(demo[0]), made_at=AT, city="helsinki")
    assert {finding.rule for finding in check_topology(topology)} == {"plan.missing"}
    assert topology.source == "MAPEM"


def test_the_message_decodes_to_the_value_it_was_made_of(demo: list[Intersection]) -> None:
    for one in demo:
        assert its_asn1.decode("MAPEM", mapem.encode(one))["map"] == mapem.value_of(one)


@given(st.floats(-89.0, 89.0), st.floats(-179.9, 179.9))
@settings(max_examples=40, deadline=None)
def test_lines_come_back_anywhere_on_earth(latitude: float, longitude: float) -> None:
    one = _moved(made_crossroads(), longitude, latitude)
    for lane, again in zip(one.lanes, back(one).lanes, strict=True):
        assert max(_metres(a, b) for a, b in zip(lane.line, again.line, strict=True)) < 0.03


def test_a_stop_line_beyond_the_reach_of_an_offset_is_written_as_lon_lat() -> None:
    one = made_crossroads()
    far = replace(one, lonlat=(one.lonlat[0] + 0.02, one.lonlat[1]))
    kinds = {lane["nodeList"][1][0]["delta"][0] for lane in mapem.value_of(far)["intersections"][0]["laneSet"]}
    assert kinds == {"node-LatLon"}
    assert max(_metres(a.line[1], b.line[1]) for a, b in zip(far.lanes, back(far).lanes, strict=True)) < 0.03


@pytest.mark.parametrize(
    ("vehicles", "kind"),
    [
        (("passenger", "bus", "taxi"), "vehicle"),
        (("bus", "coach"), "vehicle"),
        (("tram",), "trackedVehicle"),
        (("bicycle",), "bikeLane"),
        (("pedestrian",), "crosswalk"),
    ],
)
def test_who_may_use_a_lane_is_said_and_read(vehicles: tuple[str, ...], kind: str) -> None:
    one = made_crossroads()
    lane: SignalLane = replace(one.lanes[0], vehicles=vehicles)
    changed = replace(one, lanes=(lane, *one.lanes[1:]))
    written = mapem.value_of(changed)["intersections"][0]["laneSet"][0]
    assert written["laneAttributes"]["laneType"][0] == kind
    assert set(back(changed).lanes[0].vehicles) <= set(vehicles)
    assert ("passenger" in back(changed).lanes[0].vehicles) == ("passenger" in vehicles)


def test_street_names_lose_what_ia5_has_not() -> None:
    assert mapem.ascii_text("Itäinen Teatterikuja") == "Itainen Teatterikuja"
    assert mapem.ascii_text("中山路") == ""


def test_a_foreign_map_is_called_by_its_numbers_and_its_turns_are_told_by_lines() -> None:
    value = mapem.value_of(made_crossroads())
    geometry = value["intersections"][0]
    geometry["name"] = "Main St & 1st"
    for lane in geometry["laneSet"]:
        lane.pop("maneuvers", None)
        for move in lane.get("connectsTo", ()):
            move["connectingLane"] = {"lane": 4}
    one = topology_from_map(value, made_at=AT).intersections["map-246-4711"]
    assert one.name == "Main St & 1st"
    assert [move.manoeuvre for move in one.connections] == [Manoeuvre.RIGHT, Manoeuvre.STRAIGHT]


def test_a_computed_lane_is_its_reference_lane_moved() -> None:
    value = mapem.value_of(made_crossroads())
    lanes = value["intersections"][0]["laneSet"]
    lanes[2]["nodeList"] = (
        "computed",
        {"referenceLaneId": 1, "offsetXaxis": ("small", 300), "offsetYaxis": ("small", 0)},
    )
    one = next(iter(topology_from_map(value, made_at=AT).intersections.values()))
    moved = [_metres(a, b) for a, b in zip(one.lanes[0].line, one.lanes[2].line, strict=True)]
    assert moved == pytest.approx([3.0] * len(moved), abs=0.03)


def test_a_map_cut_short_or_without_an_intersection_is_refused() -> None:
    data = mapem.encode(made_crossroads())
    for cut in range(0, len(data), 7):
        with pytest.raises(SourceMalformed):
            topology_from_mapem(data[:cut], made_at=AT)
    with pytest.raises(SourceMalformed, match="no intersection"):
        topology_from_map({"msgIssueRevision": 0}, made_at=AT)


def test_an_intersection_too_large_for_map_is_refused() -> None:
    one = made_crossroads()
    many = tuple(replace(one.lanes[0], id=n) for n in range(1, 300))
    with pytest.raises(FeedNonConformant):
        mapem.encode(replace(one, lanes=many))


def _moves(one: Intersection) -> list[tuple[int, int, int, Manoeuvre, int | None]]:
    return [(move.id, move.from_lane, move.to_lane, move.manoeuvre, move.group) for move in one.connections]


def _moved(one: Intersection, longitude: float, latitude: float) -> Intersection:
    def there(lon: float, lat: float) -> tuple[float, float]:
        return round(lon - one.lonlat[0] + longitude, 7), round(lat - one.lonlat[1] + latitude, 7)

    lanes = tuple(replace(lane, line=tuple(there(*point) for point in lane.line)) for lane in one.lanes)
    return replace(one, lonlat=there(*one.lonlat), lanes=lanes)


def _metres(a: tuple[float, float], b: tuple[float, float]) -> float:
    return hypot((a[0] - b[0]) * cos(radians(a[1])), a[1] - b[1]) * 111_195
