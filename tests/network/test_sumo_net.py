"""SUMO networks of every kind read as SUMO itself reads them."""

import gzip
import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
import shapely
import sumolib

from trafficfeed.errors import ScenarioInvalid, SourceMalformed, SourceUnavailable
from trafficfeed.network.sumo_net import highway_of, network_hash, parse_net, read_net
from trafficfeed.network.vehicle_classes import ALL_CLASSES_MASK, MOTOR_CLASSES, VehicleClass, classes_of

V = VehicleClass
SHARED = Path(os.environ.get("TRAFFICFEED_SHARED", Path(__file__).parents[3] / "shared"))

NET = """<?xml version="1.0" encoding="UTF-8"?>
<net version="1.20">
    <location netOffset="0.00,0.00" convBoundary="0.00,0.00,200.00,100.00" origBoundary="0,0,9,9" projParameter="!"/>
    <edge id=":b_0" function="internal">
        <lane id=":b_0_0" index="0" speed="13.89" length="5.00" shape="98.00,0.00 102.00,0.00"/>
    </edge>
    <edge id=":b_c0" function="crossing"><lane id=":b_c0_0" index="0" allow="pedestrian" speed="1" length="5"/></edge>
    <edge id="ab" from="a" to="b" name="Long &amp; Winding" type="highway.primary|railway.tram">
        <lane id="ab_0" index="0" allow="bus taxi" speed="8.33" length="95.00" shape="0.00,-4.80 95.00,-4.80"/>
        <lane id="ab_1" index="1" disallow="tram truck" speed="13.89" length="95.00" shape="0.00,-1.60 95.00,-1.60"/>
    </edge>
    <edge id="bc" from="b" to="c" shape="100.00,0.00,3.50 150.00,50.00,4.00 200.00,100.00,4.50">
        <lane id="bc_0" index="0" allow="pedestrian" speed="1.39" length="140.00" shape="100.00,0.00 200.00,100.00"/>
       <lane id="bc_1" index="1" disallow="pedestrian" speed="27.78" length="140.00" shape="100.00,0.00 200.00,99.00"/>
    </edge>
    <edge id="foot" from="a" to="c"><lane id="foot_0" index="0" allow="pedestrian bicycle" speed="1" length="9"/></edge>
    <edge id="rail" from="a" to="c"><lane id="rail_0" index="0" allow="tram rail_urban" speed="1" length="9"/></edge>
    <edge id="old" from="c" to="a"><lane id="old_0" index="0" allow="public_transport" speed="9" length="9"/></edge>
    <junction id="a" type="dead_end" x="0.00" y="0.00" incLanes="" intLanes="" shape="0.00,0.00"/>
    <junction id="b" type="traffic_light" x="100.00" y="0.00" incLanes="ab_0" intLanes=":b_0_0" shape="100.00,0.00">
        <request index="0" response="0" foes="0" cont="0"/>
    </junction>
    <junction id="c" type="priority" x="200.00" y="100.00" incLanes="bc_0" intLanes="" shape="200.00,100.00"/>
    <junction id=":b_0_0" type="internal" x="100.00" y="0.00" incLanes="" intLanes=""/>
    <connection from="ab" to="bc" fromLane="0" toLane="1" via=":b_0_0" tl="b" linkIndex="0" dir="s" state="o"/>
    <connection from="ab" to="bc" fromLane="1" toLane="1" disallow="bus" via=":b_1_0" dir="s" state="M"/>
    <connection from="ab" to="foot" fromLane="1" toLane="0" dir="l" state="M"/>
    <connection from=":b_0" to="bc" fromLane="0" toLane="1" dir="s" state="M"/>
</net>
"""


def made(tmp_path: Path, text: str = NET) -> Path:
    path = tmp_path / "made.net.xml"
    path.write_text(text)
    return path


def real_nets() -> list[Path]:
    nets = sorted((SHARED / "data" / "networks").glob("*/*.net.xml"))
    spec = importlib.util.find_spec("sumo_rl")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        nets += sorted(Path(folder).glob("nets/RESCO/*/*.net.xml"))
    return nets


@pytest.mark.skipif(not real_nets(), reason="neither ../shared nor the package sumo-rl is there")
@pytest.mark.parametrize("path", real_nets(), ids=lambda path: path.name.removesuffix(".net.xml"))
def test_a_real_network_is_read_as_sumolib_reads_it(path: Path) -> None:
    graph = read_net(path)
    theirs = sumolib.net.readNet(str(path))
    motor = {c.value for c in MOTOR_CLASSES}
    edges = [e for e in theirs.getEdges() if any(motor & set(lane.getPermissions()) for lane in e.getLanes())]
    assert sorted(graph.edge_ids) == sorted(e.getID() for e in edges)
    for edge in edges:
        i = graph.index[edge.getID()]
        assert graph.lane_count[i] == edge.getLaneNumber()
        assert graph.length_m[i] == pytest.approx(edge.getLength())
        assert graph.node_ids[graph.from_node[i]] == edge.getFromNode().getID()
        for mask, lane in zip(graph.lane_access[i], edge.getLanes(), strict=True):
            assert {c.value for c in classes_of(mask)} == {c.value for c in V} & set(lane.getPermissions())
    kept = {e.getID() for e in edges}
    moves = {(e.getID(), to.getID()) for e in edges for to in e.getOutgoing() if to.getID() in kept}
    ours = {(graph.edge_ids[a], graph.edge_ids[b]) for a, b in zip(graph.turn_from, graph.turn_to, strict=True)}
    assert ours <= moves
    assert len(ours) > 0.9 * len(moves)  # the rest connect lanes that no class of ours shares


@pytest.mark.skipif(not real_nets(), reason="neither ../shared nor the package sumo-rl is there")
@pytest.mark.parametrize("path", real_nets(), ids=lambda path: path.name.removesuffix(".net.xml"))
def test_a_real_network_lies_where_sumolib_puts_it(path: Path) -> None:
    theirs = sumolib.net.readNet(str(path))
    if not theirs.hasGeoProj():
        pytest.skip("no projection")
    graph = read_net(path)
    for node, lonlat in zip(graph.node_ids, graph.node_lonlat, strict=True):
        assert tuple(lonlat) == pytest.approx(theirs.convertXY2LonLat(*theirs.getNode(node).getCoord()), abs=1e-6)


def test_only_roads_for_motor_vehicles_are_kept(tmp_path: Path) -> None:
    assert read_net(made(tmp_path)).edge_ids == ["ab", "bc", "old"]


def test_lanes_keep_who_may_use_them(tmp_path: Path) -> None:
    graph = read_net(made(tmp_path))
    bus_lane, rest = graph.lane_access[0]
    assert classes_of(bus_lane) == {V.BUS, V.TAXI}
    assert classes_of(rest) == set(V) - {V.TRUCK}
    assert classes_of(int(graph.access[0])) == set(V) - {V.TRUCK}
    assert list(graph.lane_access[1]) == [0, ALL_CLASSES_MASK]
    assert classes_of(int(graph.access[2])) == {V.BUS}  # a name from before SUMO 0.27


def test_a_turn_is_open_to_those_whom_some_pair_of_lanes_lets_through(tmp_path: Path) -> None:
    graph = read_net(made(tmp_path))
    assert list(zip(graph.turn_from, graph.turn_to, strict=True)) == [(0, 1)]
    assert classes_of(int(graph.turn_access[0])) == set(V) - {V.TRUCK}  # buses by their own lane


def test_lengths_and_speeds_are_those_of_the_lanes_for_vehicles(tmp_path: Path) -> None:
    graph = read_net(made(tmp_path))
    assert graph.speed_mps.tolist() == [13.89, 27.78, 9.0]
    assert graph.length_m.tolist() == [95.0, 140.0, 9.0]


def test_names_types_and_signals_are_kept(tmp_path: Path) -> None:
    graph = read_net(made(tmp_path))
    assert graph.names[0] == "Long & Winding"
    assert graph.highway[0] == "primary"
    assert [n for n, signal in zip(graph.node_ids, graph.node_signalised, strict=True) if signal] == ["b"]
    assert highway_of("railway.tram") == ""
    assert highway_of("highway.service.3106") == "service"


def test_a_line_runs_from_junction_to_junction_with_or_without_heights(tmp_path: Path) -> None:
    graph = read_net(made(tmp_path), origin=(10.0, 50.0))
    straight, bent = graph.geometry[0], graph.geometry[1]
    assert len(straight.coords) == 2
    assert len(bent.coords) == 3
    assert straight.coords[-1] == pytest.approx(bent.coords[0])
    assert not shapely.has_z(bent)


def test_a_gzipped_network_gives_the_same_graph(tmp_path: Path) -> None:
    plain = made(tmp_path)
    zipped = tmp_path / "zipped.net.xml.gz"
    zipped.write_bytes(gzip.compress(NET.encode()))
    assert np.array_equal(read_net(zipped).node_lonlat, read_net(plain).node_lonlat)
    assert read_net(zipped).network_hash == network_hash(zipped)


def test_the_order_of_the_file_does_not_matter_to_what_is_cut_out(tmp_path: Path) -> None:
    junctions = NET[NET.index('    <junction id="a"') : NET.index('    <connection from="ab" to="bc" fromLane="0"')]
    early = NET.replace(junctions, "").replace('    <edge id=":b_0"', junctions + '    <edge id=":b_0"')
    insides = '    <connection from=":b_0" to="bc" fromLane="0" toLane="1" dir="s" state="M"/>\n'
    mixed = NET.replace(insides, "").replace('    <connection from="ab"', insides + '    <connection from="ab"', 1)
    usual = parse_net(made(tmp_path))
    for text in (early, mixed):
        assert text != NET
        unusual = parse_net(made(tmp_path, text))
        assert (unusual.turns, unusual.nodes) == (usual.turns, usual.nodes)


def test_left_hand_traffic_is_read(tmp_path: Path) -> None:
    assert not parse_net(made(tmp_path)).left_hand
    assert parse_net(made(tmp_path, NET.replace("<net version", '<net lefthand="true" version'))).left_hand


def test_a_network_without_connections_lets_everything_turn(tmp_path: Path) -> None:
    text = "\n".join(line for line in NET.splitlines() if "<connection" not in line)
    graph = read_net(made(tmp_path, text))
    assert (0, 1) in set(zip(graph.turn_from.tolist(), graph.turn_to.tolist(), strict=True))


def test_what_is_no_network_is_refused(tmp_path: Path) -> None:
    garbage = {
        "empty.net.xml": b"",
        "page.net.xml": b"<!doctype html><html><body><br></body></html>",
        "osm.net.xml": b'<osm version="0.6"><node id="1" lat="1" lon="1"/></osm>',
        "text.net.xml": b"nothing to see",
        "cut.net.xml": NET.encode()[:1500],
        "cut.net.xml.gz": gzip.compress(NET.encode())[:-20],
        "lost.net.xml": NET.replace('<junction id="c"', '<junction id="d"').encode(),
        "words.net.xml": NET.replace('length="95.00"', 'length="long"').encode(),
        "lane.net.xml": NET.replace('fromLane="1" toLane="1"', 'fromLane="7" toLane="1"').encode(),
    }
    for name, content in garbage.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SourceMalformed, match=name):
            read_net(tmp_path / name)


def test_a_network_without_roads_for_vehicles_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioInvalid, match="no edge"):
        read_net(made(tmp_path, '<net version="1.20"></net>'))
    with pytest.raises(SourceUnavailable):
        read_net(tmp_path / "nothing.net.xml")
