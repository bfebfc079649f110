"""City import against bare netconvert, alternately in one run: the demo extract, and a large generated town.

Bare netconvert gets the same options and the whole extract as OSM XML, converted beforehand and not timed. The import
is everything but the demand: reading the extract, netconvert, the graph, the OSM link, the places, the Parquet cache.
Reading a network of 50,000 edges and loading its cache are shown beside it. Goal: at most twice bare netconvert.

    python -m benchmarks city_import, or python benchmarks/city_import.py [--blocks 60] [--rounds 3]
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import osmium
from lxml import etree

from trafficfeed.network import graph_cache
from trafficfeed.network.netconvert import (
    Netconvert,
    NetconvertOptions,
    osm_arguments,
    sumo_environment,
    type_files,
)
from trafficfeed.network.osm import read_extract
from trafficfeed.network.osm_types import RoadTypes
from trafficfeed.network.projection import metric_crs, proj_string
from trafficfeed.network.sumo_binary import binary
from trafficfeed.network.sumo_net import read_net
from trafficfeed.pipeline.cities import import_network
from trafficfeed.pipeline.city_sources import BuildOptions, demo_source, gather
from trafficfeed.progress import silent

_SPACING_DEGREES = 0.001


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, default=60, help="streets each way of the generated town")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--grid", type=int, default=112, help="streets each way of the SUMO grid that is read")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        town = work / "town.osm.pbf"
        write_town(town, arguments.blocks)
        result: dict[str, Any] = {
            "demo": against_netconvert(demo_source(), work, arguments.rounds),
            "town": against_netconvert(town, work, arguments.rounds),
            "large_network": reading(work, arguments.grid, arguments.rounds),
        }
    print(json.dumps(result, indent=1))


def against_netconvert(extract: Path, work: Path, rounds: int) -> dict[str, float]:
    """Time bare netconvert and the import of `extract` in turn; medians, and the median of the ratios."""
    whole = work / "whole.osm"
    with osmium.SimpleWriter(str(whole), overwrite=True) as writer:
        for item in osmium.FileProcessor(extract):
            writer.add(item)
    variants = work / "none.typ.xml"
    RoadTypes(type_files()).write_variants(variants)
    lon, lat = next(iter(read_extract(extract).nodes.values()))
    options = NetconvertOptions(proj=proj_string(metric_crs(lon, lat)))
    bare_arguments = osm_arguments(whole, variants, work / "bare.net.xml", options)
    sources = gather("bench", osm=extract, net=None, options=BuildOptions())
    counts: dict[str, int] = {}

    def bare() -> None:
        with Netconvert(bare_arguments, log=work / "bare.log") as run:
            run.wait()

    def ours() -> None:
        with tempfile.TemporaryDirectory(dir=work) as built:
            counts.update(import_network(sources, Path(built), silent).counts)

    pairs = [(seconds(bare), seconds(ours)) for _ in range(rounds)]
    return {
        "edges": counts["edges"],
        "netconvert_s": round(statistics.median(b for b, _ in pairs), 3),
        "import_s": round(statistics.median(o for _, o in pairs), 3),
        "ratio": round(statistics.median(o / b for b, o in pairs), 3),
    }


def reading(work: Path, grid: int, rounds: int) -> dict[str, float]:
    """Time reading a generated SUMO network, beside a bare pass of lxml over it, and loading the cache made of it."""
    net, cache = work / "grid.net.xml", work / "graph"
    command = [binary("netgenerate"), "--grid", "--grid.number", str(grid), "-o", net]
    subprocess.run(command, check=True, env=sumo_environment(), capture_output=True)
    graph = read_net(net)
    graph_cache.save_graph(graph, cache, net_path=net)
    pairs = [(seconds(lambda: lxml_pass(net)), seconds(lambda: read_net(net))) for _ in range(rounds)]
    return {
        "edges": len(graph),
        "megabytes": net.stat().st_size // 2**20,
        "lxml_pass_s": round(min(bare for bare, _ in pairs), 3),
        "read_net_s": round(min(ours for _, ours in pairs), 3),
        "load_graph_s": round(min(seconds(lambda: graph_cache.load_graph(cache)) for _ in range(rounds)), 3),
    }


def lxml_pass(net: Path) -> None:
    for count, (_, element) in enumerate(
        etree.iterparse(str(net), tag=("edge", "junction", "connection"), huge_tree=True)
    ):
        if count % 4096 == 0:
            element.getparent().clear()


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def write_town(path: Path, blocks: int) -> None:
    """Write a town of named streets on a grid, with signals, houses, one-way streets and a few main roads."""
    make: Any = osmium.osm.mutable
    with osmium.SimpleWriter(str(path), overwrite=True) as writer:
        for row in range(blocks):
            for column in range(blocks):
                tags = {"highway": "traffic_signals"} if row % 6 == 0 and column % 6 == 0 else {}
                at = (10.0 + column * 1.5 * _SPACING_DEGREES, 50.0 + row * _SPACING_DEGREES)
                writer.add_node(make.Node(id=row * blocks + column + 1, location=at, tags=tags))
        for house, (lon, lat, tags) in enumerate(_houses(blocks), blocks * blocks + 1):
            writer.add_node(make.Node(id=house, location=(lon, lat), tags=tags))
        for street in range(blocks):
            along = [street * blocks + other + 1 for other in range(blocks)]
            across = [other * blocks + street + 1 for other in range(blocks)]
            writer.add_way(make.Way(id=2 * street + 1, nodes=along, tags=_street(street, "Street")))
            writer.add_way(make.Way(id=2 * street + 2, nodes=across, tags=_street(street, "Avenue")))


def _street(number: int, kind: str) -> dict[str, str]:
    tags = {"highway": "secondary" if number % 6 == 0 else "residential", "name": f"{kind} {number}"}
    return tags | ({"oneway": "yes"} if number % 5 == 1 else {})


def _houses(blocks: int) -> Iterator[tuple[float, float, dict[str, str]]]:
    for row in range(blocks):
        for number in range(3 * blocks):
            lon = 10.0 + (number / 3 + 0.2) * 1.5 * _SPACING_DEGREES
            lat = 50.0 + row * _SPACING_DEGREES + 0.0001
            yield lon, lat, {"addr:housenumber": str(number + 1), "addr:street": f"Street {row}"}


if __name__ == "__main__":
    main()
