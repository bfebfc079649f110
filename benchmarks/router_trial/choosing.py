"""Which edges are closed: a seeded draw over strata, so that a rare kind of street is tried as well as a common one."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from trafficfeed.network.plane import plane_of
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.routing import detour_around
from trafficfeed.network.vehicle_classes import VehicleClass

CAR = VehicleClass.PASSENGER
_MAIN = frozenset({"motorway", "trunk", "primary", "secondary", "tertiary"})
_SHORT_M, _LONG_M = 40.0, 150.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """The edges drawn, with the stratum of each, and how the draw went.

    `drivable` edges were there to choose from. `no_way_round` are those drawn and put back, as nobody can get past them
    in the graph: a route past their closure is impossible and proves nothing. Where too few others are left they are
    taken after all, the last `filled` of `edges`.
    """

    edges: tuple[int, ...]
    strata: tuple[str, ...]
    drivable: int
    no_way_round: int
    filled: int


def draw_edges(graph: RoadGraph, wanted: int, seed: int) -> Draw:
    """Draw up to `wanted` edges that cars may use, each stratum in turn, at random within it."""
    drivable = np.flatnonzero((graph.access & CAR.bit) != 0)
    taken: list[tuple[int, str]] = []
    put_back: list[tuple[int, str]] = []
    for edge, stratum in _in_turn(graph, drivable.tolist(), seed):
        if len(taken) == wanted:
            break
        chosen = taken if detour_around(graph, [edge], [], CAR) else put_back
        chosen.append((edge, stratum))
    filled = put_back[: wanted - len(taken)]
    drawn = [*taken, *filled]
    return Draw(
        edges=tuple(edge for edge, _ in drawn),
        strata=tuple(stratum for _, stratum in drawn),
        drivable=len(drivable),
        no_way_round=len(put_back) - len(filled),
        filled=len(filled),
    )


def stratum_of(graph: RoadGraph, edge: int) -> str:
    """Return an edge's stratum: ``two-way side short``."""
    sides = "two-way" if plane_of(graph).opposite[edge] >= 0 else "one-way"
    kind = graph.highway[edge]
    rank = "link" if kind.endswith("_link") else "main" if kind in _MAIN else "side"
    length = plane_of(graph).lines[edge].length
    return f"{sides} {rank} {'short' if length < _SHORT_M else 'long' if length > _LONG_M else 'middling'}"


def _in_turn(graph: RoadGraph, edges: Sequence[int], seed: int) -> Iterator[tuple[int, str]]:
    strata: dict[str, list[int]] = defaultdict(list)
    for edge in np.random.default_rng(seed).permutation(np.array(edges, dtype=np.int64)).tolist():
        strata[stratum_of(graph, edge)].append(edge)
    for round_ in range(max(map(len, strata.values()), default=0)):
        for stratum in sorted(strata):
            if round_ < len(strata[stratum]):
                yield strata[stratum][round_], stratum
