"""How long those inside a closure need to leave it."""

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from trafficfeed.simulation.sumo_network import SumoNetwork

_SHORTEST_S = 30.0
_LONGEST_S = 180.0
_SLOWNESS = 3.0


def clearing_time_s(network: SumoNetwork, inside: set[int]) -> float:
    """Return the time from the closing of the entries until the edges `inside` may be closed themselves, s.

    Three times the free-flow way out of the edge that lies deepest inside, within 30 to 180 s.
    """
    members = sorted(inside)
    place = {edge: i for i, edge in enumerate(members)}
    out = len(members)
    rows, columns, seconds = [], [], []
    for edge in members:
        time = network.length_m[edge] / max(network.speed_mps[edge], 0.1) + 1e-3
        for successor in network.successors[edge] or [-1]:
            rows.append(place.get(successor, out))  # backwards: from the way out
            columns.append(place[edge])
            seconds.append(time)
    best: dict[tuple[int, int], float] = {}
    for row, column, time in zip(rows, columns, seconds, strict=True):
        best[row, column] = min(time, best.get((row, column), np.inf))
    pairs = np.array(list(best), np.int32).reshape(-1, 2)
    graph = csr_matrix((list(best.values()), (pairs[:, 0], pairs[:, 1])), shape=(out + 1, out + 1))
    times = dijkstra(graph, indices=[out])[0, :out]
    deepest = float(np.max(times[np.isfinite(times)], initial=0.0))
    return float(np.clip(_SLOWNESS * deepest, _SHORTEST_S, _LONGEST_S))
