"""Emergency trips added to base and plan alike, so that their delay can be measured where the demand has none."""

import random

import numpy as np
from scipy.sparse.csgraph import connected_components, dijkstra

from trafficfeed.simulation.departures import Vehicle
from trafficfeed.simulation.sumo_network import SumoNetwork

PROBE_PREFIX = "emergency-probe."
PROBE_TYPE = "emergency-probe"
PROBE_TYPE_XML = f'<vType id="{PROBE_TYPE}" vClass="emergency"/>'
_ORIGINS = 12


def emergency_probes(network: SumoNetwork, *, count: int, begin_s: float, end_s: float, seed: str) -> list[Vehicle]:
    """Return `count` emergency trips, evenly spaced in [begin_s, end_s), between streets far apart.

    Starts are a dozen streets drawn at random (as ambulances start from few places); each trip takes the fastest way in
    free flow to the farther of two streets drawn at random. The same `seed` gives the same trips.
    """
    admitted = network.admits("emergency")
    graph = network.routing_matrix(admitted)
    _, component = connected_components(graph, directed=True, connection="strong")
    if count == 0 or not admitted.any():
        return []
    usable = np.flatnonzero(admitted & (component == np.argmax(np.bincount(component[admitted]))))
    draw = random.Random(seed)
    origins = [int(usable[draw.randrange(len(usable))]) for _ in range(min(_ORIGINS, count))]
    times, before = dijkstra(graph, indices=origins, return_predecessors=True)
    probes = []
    for number in range(count):
        row = number % len(origins)
        pair = [int(usable[draw.randrange(len(usable))]) for _ in range(2)]
        target = max(pair, key=lambda e, r=row: times[r, e])  # type: ignore[misc]
        way = [target]
        while way[-1] != origins[row]:
            way.append(int(before[row, way[-1]]))
        probes.append(
            Vehicle(
                id=f"{PROBE_PREFIX}{number}",
                type_id=PROBE_TYPE,
                vehicle_class="emergency",
                depart_s=round(begin_s + (number + 0.5) * (end_s - begin_s) / count, 1),
                edges=tuple(network.edge_ids[e] for e in reversed(way)),
                attributes={"departLane": "best"},
            )
        )
    return probes
