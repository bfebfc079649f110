"""The live part serves the released topology; it builds one only before the first release, and says so."""

import logging
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trafficfeed.errors import SourceUnavailable
from trafficfeed.network.city import City
from trafficfeed.network.graph_cache import load_graph
from trafficfeed.network.netconvert import strip_header
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.sumo_binary import binary, sumo_home
from trafficfeed.pipeline.cities import BuildOptions, build_city
from trafficfeed.pipeline.released_topology import FEED, FILE_NAME
from trafficfeed.pipeline.served_topology import ServedTopology, served_topology
from trafficfeed.publishing.documents import Document
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.signals.topology import Topology
from trafficfeed.signals.topology_building import build_topology
from trafficfeed.signals.topology_document import content_hash, to_json
from trafficfeed.store.objects import ObjectStore


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> City:
    folder = tmp_path_factory.mktemp("cities")
    net = folder / "grid.net.xml"
    command = [str(binary("netgenerate")), "--grid", "--grid.number", "3", "--default-junction-type", "traffic_light"]
    subprocess.run(
        [*command, "-o", str(net)], env={"SUMO_HOME": str(sumo_home())}, check=True, capture_output=True, timeout=60
    )
    strip_header(net)
    (folder / "cars.rou.xml").write_text('<routes><trip id="c" depart="0" from="A0A1" to="C1C2"/></routes>', "utf-8")
    options = BuildOptions(title="Town", timezone="Asia/Tokyo", routes=(folder / "cars.rou.xml",), fit=False)
    build_city("town", net=net, cities_dir=folder, options=options)
    return City.load(folder / "town")


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    return ObjectStore(f"file://{tmp_path}")


def release(objects: ObjectStore, topology: Topology) -> None:
    document = Document(data=to_json(topology), media_type="application/json")
    facts = {"city": topology.city, "topology": topology.version}
    ReleaseStore(objects, FEED).publish_gathered(lambda: ({FILE_NAME: document}, facts), as_of=datetime.now(UTC))


def served(town: City, objects: ObjectStore, *, given: Path | None = None, driven: bool = False) -> ServedTopology:
    return served_topology(town, objects, given=given, graph=lambda: load_graph(town.graph_folder), driven=driven)


def built(town: City) -> Topology:
    return build_topology(load_graph(town.graph_folder), town.net_path, city="town")[0]


def named(topology: Topology, name: str) -> Topology:
    """Return it with another name of its first intersection, as a person might mend it."""
    first, *rest = topology.intersections.values()
    mended = [replace(first, name=name), *rest]
    return replace(topology, version=content_hash(mended), intersections={one.id: one for one in mended})


def test_before_the_first_release_one_is_built_and_that_is_said(
    town: City, objects: ObjectStore, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        found = served(town, objects)
    assert (found.origin, found.topology) == ("built", built(town))
    assert found.index is not None
    assert "no signal topology of town has been released" in caplog.text
    assert "signals_static" in caplog.text


def test_the_released_one_is_served_and_the_network_is_not_even_read(
    town: City, objects: ObjectStore, caplog: pytest.LogCaptureFixture
) -> None:
    released = named(built(town), "Market Square")
    release(objects, released)

    def never() -> RoadGraph:
        raise AssertionError("the network was read")

    found = served_topology(town, objects, given=None, graph=never, driven=False)
    assert (found.origin, found.topology) == ("released", released)
    assert caplog.text == ""


def test_the_virtual_city_runs_the_released_intersections_that_are_still_those_of_the_network(
    town: City, objects: ObjectStore, caplog: pytest.LogCaptureFixture
) -> None:
    released = built(town)
    first, *rest = released.intersections.values()
    fewer = replace(first, groups=first.groups[1:], connections=first.connections[:1])
    kept = {one.id: one for one in (fewer, *rest)}
    release(objects, replace(released, version=content_hash(kept.values()), intersections=kept))
    found = served(town, objects, driven=True)
    assert found.origin == "released"
    assert found.index is not None
    assert set(found.index.by_id) == {one.id for one in rest}
    assert first.id in caplog.text


def test_a_given_file_goes_before_all_and_a_missing_one_is_named(
    town: City, objects: ObjectStore, tmp_path: Path
) -> None:
    release(objects, built(town))
    path = tmp_path / "given.json"
    path.write_bytes(to_json(named(built(town), "Given")))
    found = served(town, objects, given=path, driven=True)
    assert (found.origin, found.index) == ("given", None)
    assert "Given" in {one.name for one in found.topology.intersections.values()}
    with pytest.raises(SourceUnavailable, match="TRAFFICFEED_SIGNALS_TOPOLOGY"):
        served(town, objects, given=tmp_path / "none.json")
