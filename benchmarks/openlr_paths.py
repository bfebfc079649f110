"""How many random paths of a city have an OpenLR reference, how long it is, and what making it costs.

    python -m benchmarks.openlr_paths [--city helsinki | --net FILE] [--paths 500] [--edges 20] [--seed 1] [--json]

A path goes from edge to edge by permitted turns, never twice over one. Its reference is emitted only where the package
openlr-dereferencer gives the same edges back; here each emitted one is decoded once more with all the lines that the
decoder asks for, not only those that publication offers it, and must give the same edges again.
"""

import argparse
import json
import sys
import time
from base64 import b64decode
from collections import defaultdict
from pathlib import Path
from random import Random
from typing import Any

from trafficfeed.network.graph_cache import load_graph
from trafficfeed.network.openlr_decoding import decoded_edges
from trafficfeed.network.openlr_reference import reference_of
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.sumo_net import read_net

SCENARIOS = Path(__file__).parents[1] / "sumo_scenarios"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--city", default="helsinki", help="a folder of sumo_scenarios, built")
    parser.add_argument("--net", type=Path, help="a SUMO network file instead")
    parser.add_argument("--paths", type=int, default=500)
    parser.add_argument("--edges", type=int, default=20, help="of the longest path")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    graph = read_net(given.net) if given.net else load_graph(SCENARIOS / given.city / "graph")
    found = measured(graph, random_paths(graph, given.paths, given.edges, given.seed))
    name = given.net.name if given.net else given.city
    print(json.dumps({"city": name, **found}) if given.json else told(name, found))
    return int(found["wrong"] > 0)


def random_paths(graph: RoadGraph, count: int, longest: int, seed: int) -> list[tuple[int, ...]]:
    """Return `count` paths of 1 to `longest` edges, fewer where a path runs into a dead end."""
    random = Random(seed)
    following = defaultdict(list)
    for edge, follower in zip(graph.turn_from.tolist(), graph.turn_to.tolist(), strict=True):
        if graph.to_node[follower] != graph.from_node[edge]:  # no way back
            following[edge].append(follower)
    return [_path(random, following, len(graph), longest) for _ in range(count)]


def _path(random: Random, following: dict[int, list[int]], edges: int, longest: int) -> tuple[int, ...]:
    path = [random.randrange(edges)]
    for _ in range(random.randint(0, longest - 1)):
        onward = [edge for edge in following.get(path[-1], ()) if edge not in path]
        if not onward:
            break
        path.append(random.choice(onward))
    return tuple(path)


def measured(graph: RoadGraph, paths: list[tuple[int, ...]]) -> dict[str, Any]:
    """Return the shares and figures of `paths`."""
    reference_of(graph, paths[0])  # imports and indices once
    start = time.process_time()
    references = [reference_of(graph, path) for path in paths]
    cost_s = time.process_time() - start
    emitted = [(path, found) for path, found in zip(paths, references, strict=True) if found is not None]
    wrong = sum(decoded_edges(graph, found) != path for path, found in emitted)
    sizes = sorted(len(b64decode(found)) for _, found in emitted) or [0]
    return {
        "edges_in_city": len(graph),
        "paths": len(paths),
        "mean_edges": round(sum(map(len, paths)) / len(paths), 1),
        "emitted_share": round(len(emitted) / len(paths), 4),
        "abstained": len(paths) - len(emitted),
        "same_path_share_of_emitted": round(1 - wrong / max(len(emitted), 1), 4),
        "wrong": wrong,
        "bytes_median": sizes[len(sizes) // 2],
        "bytes_most": sizes[-1],
        "ms_per_path": round(cost_s / len(paths) * 1e3, 2),
    }


def told(name: str, found: dict[str, Any]) -> str:
    """Return the figures in words."""
    return (
        f"{name}, {found['edges_in_city']} edges\n"
        f"paths          {found['paths']} random ones, {found['mean_edges']} edges on average\n"
        f"emitted        {found['emitted_share']:.1%} (the other {found['abstained']} are not)\n"
        f"same path      {found['same_path_share_of_emitted']:.1%} of those emitted, {found['wrong']} wrong\n"
        f"size           {found['bytes_median']} bytes in the median, {found['bytes_most']} at most\n"
        f"cost           {found['ms_per_path']} ms of processor time a path, decoding included"
    )


if __name__ == "__main__":
    sys.exit(main())
