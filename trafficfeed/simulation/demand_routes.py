"""The routes of a synthetic demand, laid in rounds on the times that the rounds before cause."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.vehicle_classes import ALL_CLASSES_MASK, VehicleClass
from trafficfeed.simulation.demand_ends import Ends, Weights

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_ROUNDS = 3
_DETERRENCE_S = 480.0
_NOISE = 0.2
_SATURATION_VPH = 1700.0
_SIGNAL_S, _JUNCTION_S = 9.0, 2.0
_SHORTEST_TRIP_S = 25.0
_ROW_BUDGET = 6_000_000  # origins x edges routed at a time: 72 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """Routes as edge indices, and ``(n_routes,) int32`` the classes that may drive all of each."""

    edges: list[list[int]]
    access: npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """One trip table: where trips begin, where they end."""

    origins: Weights
    targets: Weights


def lay_routes(
    graph: RoadGraph, ends: Ends, random: np.random.Generator, *, busy: float, most_peak_trips: float
) -> tuple[Routes, Routes, float]:
    """Return the routes of the morning's and the evening's table, and flow over capacity per trip in the peak hour.

    The last is the flow-weighted 90th percentile over the edges, for one trip an hour; the volume follows from it.
    """
    capacity = _capacity(graph)
    outside = ends.outside_share
    tables = [
        _Table(
            origins=_mixed(own, ends.gates_in, outside),
            targets=_mixed(other, ends.gates_out, outside),
        )
        for own, other in ((ends.homes, ends.activities), (ends.activities, ends.homes))
    ]
    origins, per_origin = _sample_sizes(graph)
    found: list[list[list[int]]] = [[], []]
    flow = np.zeros(len(graph))
    for number in range(_ROUNDS):
        load = _load(flow, sum(map(len, found)), capacity, busy, most_peak_trips)
        for which, table in enumerate(tables):
            costs = _costs(graph, load, random)
            paths = _round(graph, table, costs, random, max(origins // _ROUNDS, 1), per_origin)
            found[which] += paths
            for path in paths:
                flow[path] += 1.0
        if number == 0 and not any(found):
            break
    per_trip = _percentile(flow, capacity) / max(sum(map(len, found)), 1)
    morning, evening = (_routes(graph, paths) for paths in found)
    return morning, evening, per_trip


def _sample_sizes(graph: RoadGraph) -> tuple[int, int]:
    """Return how many origins a table draws, and how many trips from each: the larger the network, the fewer."""
    origins = int(np.clip(9_000_000 / max(len(graph), 1), 180, 1500))
    return origins, int(np.clip(9000 / origins, 6, 40))


def _mixed(inside: Weights, gates: Weights, outside_share: float) -> Weights:
    share = outside_share if len(gates.edge) else 0.0
    return Weights(
        edge=np.concatenate([inside.edge, gates.edge]),
        weight=np.concatenate([inside.weight * (1.0 - share), gates.weight * share]),
        gate=np.concatenate([inside.gate, gates.gate]),
    )


def _capacity(graph: RoadGraph) -> FloatArray:
    """Return ``(n_edges,)`` vehicles an hour that can leave each edge: its green share, or its share at a give-way."""
    signal = graph.node_signalised[graph.to_node]
    small = graph.speed_mps < 12.0
    through = np.bincount(graph.turn_from, minlength=len(graph)) <= 1
    share = np.where(signal, 0.38, np.where(through, 0.9, np.where(small, 0.4, 0.6)))
    return _SATURATION_VPH * share * np.maximum(graph.lane_count, 1)


def _percentile(flow: FloatArray, capacity: FloatArray) -> float:
    """Return the flow-weighted 90th percentile of flow over capacity."""
    ratio = flow / capacity
    order = np.argsort(ratio)
    total = np.cumsum(flow[order])
    if not len(total) or total[-1] <= 0:
        return 0.0
    return float(ratio[order][np.searchsorted(total, 0.9 * total[-1])])


def _load(flow: FloatArray, trips: int, capacity: FloatArray, busy: float, most_peak_trips: float) -> FloatArray:
    """Return ``(n_edges,)`` flow over capacity, were the trips so far as many as the peak hour has."""
    per_trip = _percentile(flow, capacity) / trips if trips else 0.0
    if per_trip <= 0.0:
        return np.zeros_like(flow)
    return np.asarray(flow / trips * min(busy / per_trip, most_peak_trips) / capacity)


def _costs(graph: RoadGraph, load: FloatArray, random: np.random.Generator) -> csr_matrix:
    """Return ``(n_edges, n_edges)`` seconds from the end of one edge to the end of the next, as drivers guess them."""
    wait = np.where(graph.node_signalised[graph.to_node], _SIGNAL_S, _JUNCTION_S)
    seconds = graph.length_m / np.maximum(graph.speed_mps, 0.5) + wait
    seconds = seconds * (1.0 + 0.15 * np.minimum(load, 3.0) ** 4) * random.lognormal(0.0, _NOISE, len(graph))
    usable = (graph.turn_access & VehicleClass.PASSENGER.bit) > 0
    usable &= (graph.access[graph.turn_to] & VehicleClass.PASSENGER.bit) > 0
    rows, columns = graph.turn_from[usable], graph.turn_to[usable]
    return csr_matrix((seconds[columns], (rows, columns)), shape=(len(graph), len(graph)))


def _round(
    graph: RoadGraph,
    table: _Table,
    costs: csr_matrix,
    random: np.random.Generator,
    origins: int,
    per_origin: int,
) -> list[list[int]]:
    picks = np.sort(random.choice(len(table.origins.edge), size=origins, p=table.origins.weight))
    places, times = np.unique(picks, return_counts=True)
    step = max(_ROW_BUDGET // max(len(graph), 1), 1)
    paths: list[list[int]] = []
    for first in range(0, len(places), step):
        batch = places[first : first + step]
        starts = table.origins.edge[batch]
        seconds, before = dijkstra(costs, indices=starts, return_predecessors=True)
        for row, place in enumerate(batch.tolist()):
            count = int(times[first + row]) * per_origin
            at_gate = bool(table.origins.gate[place])
            targets = _targets(table.targets, seconds[row], int(starts[row]), at_gate, random, count)
            paths += [_path(before[row], int(starts[row]), target) for target in targets]
    return paths


def _targets(
    targets: Weights, seconds: FloatArray, start: int, at_gate: bool, random: np.random.Generator, count: int
) -> list[int]:
    """Return `count` destinations by weight and travel time; the way to a gate is not the way to the trip's end."""
    time = seconds[targets.edge]
    reachable = np.isfinite(time) & (time >= _SHORTEST_TRIP_S) & (targets.edge != start)
    if not reachable.any():
        return []
    time = np.where(reachable, time, 0.0)
    near = np.where(targets.gate | at_gate, 1.0, np.exp(-time / _DETERRENCE_S))
    if at_gate:  # who drives through does not turn back at the next gate
        near = near * np.where(targets.gate, np.minimum(time / float(np.median(time[reachable])), 1.5), 1.0)
    weight = np.where(reachable, targets.weight * near, 0.0)
    if not targets.gate.all() and weight.sum() > 0:
        weight = _keep_gate_share(weight, targets)
    total = weight.sum()
    if total <= 0:
        return []
    return [int(e) for e in targets.edge[random.choice(len(weight), size=count, p=weight / total)]]


def _keep_gate_share(weight: FloatArray, targets: Weights) -> FloatArray:
    """Return `weight` with the gates' wanted share, which deterrence on the others would raise."""
    share = float(targets.weight[targets.gate].sum())
    inside, gates = float(weight[~targets.gate].sum()), float(weight[targets.gate].sum())
    if inside <= 0 or gates <= 0 or share <= 0:
        return weight
    return np.where(targets.gate, weight / gates * share, weight / inside * (1.0 - share))


def _path(before: npt.NDArray[np.int32], start: int, target: int) -> list[int]:
    path = [target]
    while path[-1] != start:
        path.append(int(before[path[-1]]))
    path.reverse()
    return path


def _routes(graph: RoadGraph, paths: list[list[int]]) -> Routes:
    access = np.full(len(paths), ALL_CLASSES_MASK, np.int32)
    masks = graph.access.tolist()
    turns = dict(
        zip(zip(graph.turn_from.tolist(), graph.turn_to.tolist(), strict=True), graph.turn_access.tolist(), strict=True)
    )
    for number, path in enumerate(paths):
        mask = ALL_CLASSES_MASK
        for edge in path:
            mask &= masks[edge]
        for pair in pairwise(path):
            mask &= turns[pair]
        access[number] = mask
    return Routes(edges=paths, access=access)
