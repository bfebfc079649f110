"""A plausible day of traffic from the network alone, for a city that brings no demand of its own.

Method
------
1. *Ends.* Homes weigh by the length of streets on which people live and by addresses; activities by addresses, car
   parks, hospitals and the rank of the street (`demand_ends`). Where the network is cut off, its fringe edges are gates
   for traffic from and to the outside, weighted by capacity. The larger the network, the less of its traffic is outside
   traffic.
2. *Pairs.* A gravity model: from a drawn origin, a destination with a probability proportional to its weight times
   exp(-travel time / 8 min). One table for the morning (homes to activities), one for the evening (the other way
   round), mixed by the hour.
3. *Routes.* Incremental stochastic assignment: the routes are laid in rounds, each by the fastest way at the times
   that the rounds before it cause (BPR: t = t0 (1 + 0.15 (flow/capacity)^4)), with a log-normal error per round for
   what drivers do not know (`demand_routes`).
4. *Volume.* As many trips as make the busiest hour busy: the flow-weighted 90th percentile of flow over capacity is
   `BUSY`; never more than `MAX_TRIPS` a day. Then SUMO drives that hour (`demand_trial`; micro where it takes
   seconds, else meso): less than 98 % arrived or 0.5 % teleported, and it is tried again with three quarters of it,
   and where that does not help, without the routes over the edges where they stick.
5. *Hours.* A weekday with two peaks; the shape of national traffic counts (UK Department for Transport, table TRA0307,
   weekdays), rounded by us.
6. *Vehicles.* Cars, delivery vans, trucks, taxis, buses (without lines or stops), motorcycles and a few emergency
   vehicles, each only where its class may drive.

It is a guess, replaceable by the user's own routes: enough to compare two plans, not to forecast a street's volume.

Source: BPR, Traffic Assignment Manual, U.S. Bureau of Public Roads, 1964.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
import numpy.typing as npt

from trafficfeed.errors import ScenarioInvalid
from trafficfeed.network.places import Places
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.vehicle_classes import VehicleClass
from trafficfeed.simulation.demand_ends import Ends, ends_of
from trafficfeed.simulation.demand_routes import Routes, lay_routes
from trafficfeed.simulation.demand_trial import MICRO_UP_TO_VEHICLE_S, Trial, try_hour
from trafficfeed.simulation.scenario import Tier

MAX_TRIPS = 100_000
"""Most trips a day, so that a run of the largest cities stays within minutes; beyond it the streets are too empty."""
BUSY = 0.33
"""Flow over capacity in the busiest hour, flow-weighted 90th percentile; 0.53 gridlocks central Helsinki in micro."""
DAY_S = 86_400.0
HOURLY_SHARE = np.array(
    [8, 5, 4, 5, 9, 20, 43, 70, 73, 58, 54, 55, 56, 57, 60, 67, 76, 77, 60, 44, 32, 26, 20, 13], np.float64
)
"""Trips by hour of a weekday (UK DfT TRA0307, shape only); scaled to one below."""
MORNING_SHARE = np.array(
    [
        *(0.2, 0.3, 0.5, 0.7, 0.8, 0.85, 0.85, 0.85, 0.8, 0.65, 0.55, 0.5),
        *(0.5, 0.5, 0.45, 0.35, 0.25, 0.2, 0.25, 0.3, 0.3, 0.25, 0.2, 0.2),
    ]
)
"""The share of an hour's trips that go from homes to activities; the others come back."""
_CLASS_SHARE = {
    VehicleClass.PASSENGER: 0.845,
    VehicleClass.DELIVERY: 0.07,
    VehicleClass.TRUCK: 0.03,
    VehicleClass.TAXI: 0.02,
    VehicleClass.BUS: 0.015,
    VehicleClass.MOTORCYCLE: 0.018,
    VehicleClass.EMERGENCY: 0.002,
}
_LEAST_TRIPS = 200
_LESS = 0.75
_TRIALS = 8
_MUCH_THE_SAME = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandReport:
    """What was made: trips a day and in the busiest hour, routes, gates, whether `MAX_TRIPS` limited it, and how.

    `trials` are the runs of the busiest hour; the last one has the volume that was kept.
    """

    path: Path
    trips: int
    peak_hour: int
    peak_hour_trips: int
    routes: int
    gates: int
    peak_flow_over_capacity: float
    limited: bool
    trials: tuple[Trial, ...]
    begin_s: float
    end_s: float
    method: str


def synthesise(
    graph: RoadGraph,
    places: Places,
    *,
    net_path: Path,
    out: Path,
    seed: int,
    scale: float = 1.0,
    max_trips: int = MAX_TRIPS,
) -> DemandReport:
    """Write a route file with a weekday of traffic for `graph`; see the module's docstring for how.

    Parameters
    ----------
    net_path
        The SUMO network that `graph` was read from; named in the file's comment.
    out
        The route file, ``.rou.xml``: types, named routes, and vehicles by departure in seconds since local midnight.
    seed
        The same graph, places and seed give the same bytes.
    scale
        Multiplies the volume that step 4 finds.
    max_trips
        Most trips a day.

    Raises
    ------
    ScenarioInvalid
        If no car can get from anywhere to anywhere.
    """
    random = np.random.default_rng(seed)
    ends = ends_of(graph, places)
    if len(ends.homes.edge) < 2 or len(ends.activities.edge) < 2:
        raise ScenarioInvalid(
            f"no demand can be made for {net_path}: no two streets between which a car can drive there and back; "
            "check the network's connections and permissions, or bring your own routes"
        )
    shares = HOURLY_SHARE / HOURLY_SHARE.sum()
    peak = int(np.argmax(shares))
    morning, evening, over_capacity_per_trip = lay_routes(
        graph, ends, random, busy=BUSY, most_peak_trips=max_trips * float(shares[peak])
    )
    routes = (morning, evening)
    if not morning.edges or not evening.edges:
        raise ScenarioInvalid(f"no demand can be made for {net_path}: no street leads to another far enough away")
    wanted = float(scale * BUSY / max(over_capacity_per_trip, 1e-9) / shares[peak])
    trips = int(np.clip(wanted, min(_LEAST_TRIPS, max_trips), max_trips))
    trips, trials = _tried(graph, routes, trips, shares, net_path=net_path, out=out, seed=seed)
    peak_hour_trips = int(_by_hour(trips, shares)[peak])
    return DemandReport(
        path=out,
        trips=trips,
        peak_hour=peak,
        peak_hour_trips=peak_hour_trips,
        routes=len(morning.edges) + len(evening.edges),
        gates=ends.gates,
        peak_flow_over_capacity=float(peak_hour_trips * over_capacity_per_trip),
        limited=wanted > max_trips,
        trials=trials,
        begin_s=0.0,
        end_s=DAY_S,
        method=_sentence(ends, trips, trials[-1], limited=wanted > max_trips, max_trips=max_trips),
    )


def _tried(
    graph: RoadGraph,
    routes: tuple[Routes, Routes],
    trips: int,
    shares: npt.NDArray[np.float64],
    *,
    net_path: Path,
    out: Path,
    seed: int,
) -> tuple[int, tuple[Trial, ...]]:
    """Write the demand and drive its busiest hour, with fewer trips each time, until it keeps moving.

    Where fewer did not help, the routes over the edges that stay stuck are left out instead. Returns the trips a day
    that were written last, and all trials.
    """
    peak = int(np.argmax(shares))
    tier: Tier = "micro" if trips * shares[peak] * _driving_s(graph, routes) < MICRO_UP_TO_VEHICLE_S else "meso"
    trials: list[Trial] = []
    while not trials or (not trials[-1].keeps_moving and len(trials) < _TRIALS):
        if len(trials) >= 2 and trials[-1].teleported > _MUCH_THE_SAME * trials[-2].teleported:
            stuck_at = trials[-1].stuck_at
            routes = (_avoiding(graph, routes[0], stuck_at), _avoiding(graph, routes[1], stuck_at))
        elif trials:
            trips = int(trips * _LESS)
        _write(out, graph, routes, _departures(np.random.default_rng(seed), routes, _by_hour(trips, shares)))
        trials.append(try_hour(net_path, out, hour=peak, tier=tier))
    return trips, tuple(trials)


def _avoiding(graph: RoadGraph, routes: Routes, edges: AbstractSet[str]) -> Routes:
    """Return the routes that use none of `edges`; all of them if none were left.

    Networks have junctions that SUMO cannot drive (a lane too short to change): they stay stuck however few come.
    """
    shut = {graph.index[e] for e in edges if e in graph.index}
    kept = [i for i, path in enumerate(routes.edges) if shut.isdisjoint(path)]
    return Routes(edges=[routes.edges[i] for i in kept], access=routes.access[kept]) if kept else routes


def _driving_s(graph: RoadGraph, routes: tuple[Routes, Routes]) -> float:
    """Return the mean time under way, s, from free flow doubled for waiting."""
    seconds = graph.length_m / np.maximum(graph.speed_mps, 0.5)
    return 2.0 * float(np.mean([seconds[path].sum() for table in routes for path in table.edges]))


def _sentence(ends: Ends, trips: int, trial: Trial, *, limited: bool, max_trips: int) -> str:
    through = f", {round(100 * ends.outside_share)} % of ends at {ends.gates} gates" if ends.gates else ""
    bound = f", limited to {max_trips} trips a day" if limited else ""
    return (
        f"synthetic weekday of {trips} trips from the network alone: gravity model over streets and addresses{through}"
        f", incremental stochastic assignment, volume set so that the peak is busy but moves{bound} (trial in {trial})"
    )


def _by_hour(trips: int, shares: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return ``(24,)`` whole trips by hour that add up to `trips`."""
    edges = np.rint(np.concatenate([[0.0], np.cumsum(shares)]) * trips).astype(np.int64)
    return np.asarray(np.diff(edges))


def _departures(
    random: np.random.Generator, routes: tuple[Routes, Routes], hours: npt.NDArray[np.int64]
) -> list[tuple[float, int, int, VehicleClass]]:
    """Return (departure, table, route, class) for every trip, by departure."""
    classes = list(_CLASS_SHARE)
    weights = np.array([_CLASS_SHARE[c] for c in classes])
    parts = []
    for hour, count in enumerate(hours.tolist()):
        times = hour * 3600.0 + np.sort(np.round(random.random(count) * 3600.0, 1))
        table = (random.random(count) >= MORNING_SHARE[hour]).astype(np.int64)
        picks = random.choice(len(classes), size=count, p=weights / weights.sum())
        parts.append((times, table, picks))
    times, table, picks = (np.concatenate(column) for column in zip(*parts, strict=True))
    chosen = _choose_routes(random, routes, classes, table, picks)
    return [
        (float(t), int(w), int(r), classes[c if r_ok else 0])
        for t, w, (r, r_ok), c in zip(times, table, chosen, picks, strict=True)
    ]


def _choose_routes(
    random: np.random.Generator,
    routes: tuple[Routes, Routes],
    classes: Sequence[VehicleClass],
    table: npt.NDArray[np.int64],
    picks: npt.NDArray[np.int64],
) -> list[tuple[int, bool]]:
    """Return a route per trip, and whether its class may drive all of it (else a car drives it)."""
    fitting = [[np.flatnonzero(r.access & c.bit) for c in classes] for r in routes]
    draws = random.random(len(table))
    chosen = []
    for which, pick, draw in zip(table.tolist(), picks.tolist(), draws.tolist(), strict=True):
        able = fitting[which][pick]
        ok = len(able) > 0
        pool = able if ok else np.arange(len(routes[which].edges))
        chosen.append((int(pool[int(draw * len(pool))]), ok))
    return chosen


def _write(
    path: Path,
    graph: RoadGraph,
    routes: tuple[Routes, Routes],
    rows: Sequence[tuple[float, int, int, VehicleClass]],
) -> None:
    used = {(which, route) for _, which, route, _ in rows}
    ids = [edge_id if not set(edge_id) & set("<&\"'") else quoteattr(edge_id)[1:-1] for edge_id in graph.edge_ids]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as stream:
        stream.write("<routes>\n")
        for vehicle_class in _CLASS_SHARE:
            stream.write(f'<vType id="{vehicle_class}" vClass="{vehicle_class}"/>\n')
        for which, table in enumerate(routes):
            for number, edges in enumerate(table.edges):
                if (which, number) in used:
                    stream.write(f'<route id="{"me"[which]}{number}" edges="{" ".join(ids[e] for e in edges)}"/>\n')
        for number, (time, which, route, vehicle_class) in enumerate(rows):
            stream.write(
                f'<vehicle id="{number}" type="{vehicle_class}" depart="{time:.1f}" departLane="best" '
                f'departSpeed="max" route="{"me"[which]}{route}"/>\n'
            )
        stream.write("</routes>\n")
