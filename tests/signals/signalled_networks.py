"""Networks with signals: the demo city, RESCO's from sumo-rl, Bologna from ../shared with its programmes, made ones."""

import importlib.util
import os
import subprocess
from functools import cache
from pathlib import Path

import pytest

from trafficfeed.network.graph_cache import load_graph
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.sumo_binary import binary
from trafficfeed.network.sumo_net import read_net
from trafficfeed.settings import REPOSITORY
from trafficfeed.signals.signal_index import SignalIndex
from trafficfeed.signals.topology import Topology
from trafficfeed.signals.topology_building import build_topology

SHARED = Path(os.environ.get("TRAFFICFEED_SHARED", REPOSITORY.parent / "shared"))
NAMES = ("helsinki", "cologne8", "ingolstadt7", "bologna_acosta")


@cache
def network(name: str) -> tuple[RoadGraph, Path, tuple[Path, ...]]:
    """Return graph, net file and additional files; skips where the network is not there."""
    if name == "helsinki":
        folder = REPOSITORY / "sumo_scenarios" / "helsinki"
        if not (folder / "graph/manifest.json").is_file():
            pytest.skip("the demo city is not built: run `make run`, or `trafficfeed city build helsinki`")
        return load_graph(folder / "graph"), folder / "network" / "helsinki.net.xml", ()
    if name == "bologna_acosta":
        folder = SHARED / "data" / "networks" / name
        if not folder.is_dir():
            pytest.skip(f"{folder} is not there")
        net = folder / "acosta_buslanes.net.xml"
        return read_net(net), net, (folder / "acosta_tls.add.xml",)
    spec = importlib.util.find_spec("sumo_rl")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the package sumo-rl, which has the RESCO networks, is not installed")
    net = Path(next(iter(spec.submodule_search_locations))) / "nets" / "RESCO" / name / f"{name}.net.xml"
    return read_net(net), net, ()


@cache
def built(name: str) -> tuple[Topology, SignalIndex]:
    graph, net, additional = network(name)
    return build_topology(graph, net, additional_paths=additional)


def made_grid(folder: Path, *options: str) -> Path:
    """Let netgenerate make a signalled grid; returns the net file."""
    net = folder / "grid.net.xml"
    command = [binary("netgenerate"), "--grid", "--grid.number", "3", "--default-junction-type", "traffic_light"]
    subprocess.run([*command, "-o", net, *options], check=True, capture_output=True)
    return net
