"""The topology of real networks: complete, without SUMO's ids, the same each time."""

import re
from dataclasses import replace
from itertools import pairwise
from math import cos, hypot, radians
from pathlib import Path

import pytest
from lxml import etree
from signalled_networks import NAMES, built, made_grid, network

from trafficfeed.network.sumo_net import read_net
from trafficfeed.signals.topology import Intersection, Manoeuvre
from trafficfeed.signals.topology_building import build_topology
from trafficfeed.signals.topology_checks import check_topology
from trafficfeed.signals.topology_document import to_json

COUNTS = {  # intersections, connections ruled by a signal
    "helsinki": (39, 348),
    "cologne8": (8, 103),
    "ingolstadt7": (7, 72),
    "bologna_acosta": (7, 112),
}


@pytest.mark.parametrize("name", NAMES)
def test_every_traffic_light_becomes_an_intersection_and_every_controlled_link_gets_a_group(name: str) -> None:
    topology, index = built(name)
    net = etree.parse(network(name)[1])
    signals = {tl.get("id") for tl in net.iter("tlLogic")}
    controlled = [c for c in net.iter("connection") if c.get("tl")]
    ruled = [c for one in topology.intersections.values() for c in one.connections if c.group is not None]
    assert {one.signal for one in index.by_id.values()} == signals
    assert (len(topology.intersections), len(ruled)) == COUNTS[name]
    assert len(ruled) == len(controlled)
    for link in controlled:
        key = index.key_of(link.get("tl", ""), int(link.get("linkIndex", -1)))
        assert key is not None
        assert key.group in {group.id for group in topology.intersections[key.intersection].groups}


@pytest.mark.parametrize("name", NAMES)
def test_real_programmes_are_sound(name: str) -> None:
    assert check_topology(built(name)[0]) == ()


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_sumo_s_ids_is_published(name: str) -> None:
    topology, index = built(name)
    document = to_json(topology).decode()
    graph = network(name)[0]
    inner = {word for one in index.by_id.values() for word in (one.signal, *one.lanes.values())}
    long_enough = {word for word in inner | set(graph.edge_ids) if len(word) > 8 and not word.isdigit()}
    assert long_enough
    assert not [word for word in long_enough if f'"{word}"' in document]


def test_ids_are_osm_nodes_where_the_graph_is_linked_to_osm() -> None:
    graph, _, _ = network("helsinki")
    for id in built("helsinki")[0].intersections:
        assert re.fullmatch(r"osm-\d+", id)
        assert int(id.removeprefix("osm-")) in set(graph.way_to_osm_node.tolist())


def test_the_same_network_gives_the_same_version_and_another_programme_another() -> None:
    graph, net, _ = network("cologne8")
    again, _ = build_topology(graph, net)
    assert again.version == built("cologne8")[0].version
    one = next(iter(again.intersections.values()))
    plan = replace(one.plans[0], offset_s=one.plans[0].offset_s + 1)
    changed = replace(again, intersections={**again.intersections, one.id: replace(one, plans=(plan,))})
    rebuilt, _ = build_topology(graph, net, previous=changed)
    revisions = {id: each.revision for id, each in rebuilt.intersections.items()}
    assert revisions == {id: int(id == one.id) for id in again.intersections}


def test_ids_and_numbers_stay_where_the_junctions_before_were_called_otherwise() -> None:
    graph, net, _ = network("cologne8")
    before, _ = build_topology(graph, net)
    renamed = {f"old-{one.number}": replace(one, id=f"old-{one.number}") for one in before.intersections.values()}
    after, _ = build_topology(graph, net, previous=replace(before, intersections=renamed))
    assert set(after.intersections) == set(renamed)
    assert {one.number for one in after.intersections.values()} == {one.number for one in renamed.values()}


def test_a_joined_signal_is_one_intersection_with_all_its_arms() -> None:
    topology, index = built("helsinki")
    joined = [one for one in index.by_id.values() if one.signal.startswith("joinedS_")]
    assert joined
    for one in joined:
        assert len({lane.approach for lane in topology.intersections[one.intersection].lanes if lane.ingress}) >= 2


@pytest.mark.parametrize("name", NAMES)
def test_lanes_begin_at_the_stop_line_and_lead_away_from_the_junction(name: str) -> None:
    for one in built(name)[0].intersections.values():
        lanes = {lane.id: lane for lane in one.lanes}
        assert sorted(lanes) == list(range(1, len(lanes) + 1))
        for connection in one.connections:
            stop, beyond = lanes[connection.from_lane].line[0], lanes[connection.to_lane].line[0]
            assert _metres(stop, beyond) <= connection.length_m + 1.0
            assert lanes[connection.from_lane].ingress
            assert not lanes[connection.to_lane].ingress


@pytest.mark.parametrize("name", NAMES)
def test_groups_are_of_one_arm_and_share_one_aspect_in_every_stage(name: str) -> None:
    topology, index = built(name)
    for id, one in topology.intersections.items():
        approach = {lane.id: lane.approach for lane in one.lanes}
        for group in one.groups:
            arms = {approach[c.from_lane] for c in one.connections if c.group == group.id}
            assert len(arms) == 1
        for plan in one.plans:
            for stage in plan.stages:
                assert set(stage.aspects) == {group.id for group in one.groups}
        assert set(index.by_id[id].group_of_link) - {0} == {group.id for group in one.groups}


def test_static_programmes_are_fixed_though_they_carry_min_and_max_durations() -> None:
    net = network("cologne8")[1].read_text()
    assert "minDur" in net
    for one in built("cologne8")[0].intersections.values():
        for plan in one.plans:
            assert plan.fixed
            assert all(stage.min_s == stage.duration_s == stage.max_s for stage in plan.stages)


def test_programmes_of_additional_files_are_plans_too_and_the_last_is_in_force() -> None:
    topology, index = built("bologna_acosta")
    assert {plan.id for one in topology.intersections.values() for plan in one.plans} == {"0", "utopia"}
    assert {one.programmes[-1] for one in index.by_id.values()} == {"utopia"}


def test_phases_that_look_alike_are_one_stage() -> None:
    for one in built("bologna_acosta")[0].intersections.values():
        for plan in one.plans:
            shown = [dict(stage.aspects) for stage in plan.stages]
            assert all(a != b for a, b in pairwise(shown))


def test_a_network_without_names_and_without_a_place_on_earth_gets_ids_by_position(tmp_path: Path) -> None:
    net = made_grid(tmp_path)
    topology, _ = build_topology(read_net(net, origin=(118.6, 24.9)), net)
    assert sorted(topology.intersections) == sorted(f"junction-{n}" for n in range(1, 10))
    assert not check_topology(topology)
    for one in topology.intersections.values():
        assert abs(one.lonlat[0] - 118.6) < 0.01
        assert abs(one.lonlat[1] - 24.9) < 0.01


def test_actuated_programmes_keep_their_minima_and_maxima(tmp_path: Path) -> None:
    net = made_grid(tmp_path, "--tls.default-type", "actuated")
    plans = [plan for one in build_topology(read_net(net), net)[0].intersections.values() for plan in one.plans]
    assert plans
    for plan in plans:
        assert not plan.fixed
        assert any(stage.min_s < stage.duration_s < stage.max_s for stage in plan.stages)


def test_people_on_foot_have_groups_of_their_own_that_conflict_with_what_crosses_them(tmp_path: Path) -> None:
    net = made_grid(tmp_path, "--sidewalks.guess", "--crossings.guess")
    topology, _ = build_topology(read_net(net), net)
    assert not check_topology(topology)
    one = max(topology.intersections.values(), key=lambda one: len(one.groups))
    walked = _groups_on_foot(one)
    assert walked
    assert all(any(group in pair for pair in one.conflicts) for group in walked)


def test_a_network_without_lanes_inside_its_junctions_has_its_own_matrix_read_right(tmp_path: Path) -> None:
    with_lanes = made_grid(tmp_path)
    full = {one.id: one.conflicts for one in build_topology(read_net(with_lanes), with_lanes)[0].intersections.values()}
    (tmp_path / "bare").mkdir()
    bare = made_grid(tmp_path / "bare", "--no-internal-links")
    found = {one.id: one.conflicts for one in build_topology(read_net(bare), bare)[0].intersections.values()}
    assert any(full.values())
    more = {id: set(full[id]) - set(found[id]) for id in full}
    assert not any(set(found[id]) - set(full[id]) for id in full)
    assert sum(map(len, more.values())) == 2  # opposite left turns touch only where they have lanes to drive on


def test_manoeuvres_and_directions_are_told_for_people() -> None:
    groups = [group for one in built("helsinki")[0].intersections.values() for group in one.groups]
    assert {m for group in groups for m in group.manoeuvres} >= {Manoeuvre.STRAIGHT, Manoeuvre.LEFT, Manoeuvre.RIGHT}
    assert {group.compass for group in groups} == {"northbound", "eastbound", "southbound", "westbound"}
    assert any(group.name == "Unioninkatu southbound left" for group in groups)


def _groups_on_foot(one: Intersection) -> set[int | None]:
    walked = {lane.id for lane in one.lanes if lane.vehicles == ("pedestrian",)}
    return {connection.group for connection in one.connections if connection.from_lane in walked}


def _metres(a: tuple[float, float], b: tuple[float, float]) -> float:
    return hypot((a[0] - b[0]) * cos(radians(a[1])), a[1] - b[1]) * 111_195
