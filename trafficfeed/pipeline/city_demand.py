"""A new city's demand: the user's own routes copied in (trips routed once), or a plausible day made up."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from trafficfeed.errors import ScenarioInvalid
from trafficfeed.findings import Finding, Severity
from trafficfeed.network.city import DemandSection
from trafficfeed.network.places import Places
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.pipeline.city_sources import BuildOptions
from trafficfeed.simulation.demand import DemandReport, synthesise
from trafficfeed.simulation.departures import Demand, Vehicle, read_demand
from trafficfeed.simulation.trip_routing import RoutedTrips, route_trips, without_route, write_routed

_HOUR_S = 3600.0
_DAY_S = 24 * _HOUR_S
_LIKE_A_DAY_S = 20 * _HOUR_S  # a demand that spans more than this is a day of its own clock
_NAMED = 8
_LONGEST_S = 7 * _DAY_S  # where the user gives no end, and a flow has none


def own_demand(
    options: BuildOptions, graph: RoadGraph, *, net: Path, folder: Path
) -> tuple[DemandSection, list[Finding]]:
    """Copy the user's routes and additional files into `folder`/demand and say when they run, and what is doubtful.

    Trips and flows that name only their ends are replaced by vehicles on the fastest routes of the open network `net`:
    routed inside each run, even those who know nothing of a closure would avoid it. Files in which everything has its
    route are copied byte for byte.

    Raises
    ------
    ScenarioInvalid
        If the routes are of another network, hold no departure or no trip that can be driven, or begin after their end.
    SourceMalformed
        If a file is not a route file, or contradicts itself.
    SimulationFailed
        If SUMO's router refuses the network.
    """
    routes, additional = _copied(options.routes, folder), _copied(options.additional, folder)
    begin = options.begin_s if options.begin_s is not None else 0.0
    end = options.end_s if options.end_s is not None else begin + _LONGEST_S
    demand = read_demand([*additional, *routes], begin_s=begin, end_s=end)
    if not demand.vehicles:
        raise ScenarioInvalid(
            f"nothing departs between {begin:g} and {end:g} s in {', '.join(p.name for p in options.routes)}: "
            "give SUMO routes or trips, and --begin and --end on their clock"
        )
    _check_edges(demand.vehicles, graph)
    routed = route_trips(demand, net=net, additional=additional, begin_s=begin, seed=options.seed)
    departs = np.array([v.depart_s for v in _drivable(demand, routed)])
    for path in (*routes, *additional):
        if (routed.vehicles or routed.without_route) and without_route(path):
            write_routed(path, routed.vehicles)
    if options.end_s is None:
        end = float(np.ceil(departs.max() + 1.0))
    section = DemandSection(
        route_files=_relative(routes, folder),
        additional_files=_relative(additional, folder),
        kind="day" if end - begin >= _LIKE_A_DAY_S else "hour",
        begin_s=begin,
        end_s=end,
        method=_own_method(len(departs), routed, routes),
        departures_by_hour=_by_hour(departs),
    )
    return section, _left_out(routed)


def _drivable(demand: Demand, routed: RoutedTrips) -> list[Vehicle]:
    """Return the vehicles that have a route now, by departure."""
    left_out = set(routed.without_route)
    vehicles = [vehicle for vehicle in demand.vehicles if vehicle.id not in left_out]
    if not vehicles:
        raise ScenarioInvalid(
            f"none of the {len(left_out)} trips can be driven on this network, e.g. {routed.without_route[0]!r}: "
            "look at their edges and at what their vehicle class may use"
        )
    return vehicles


def _own_method(count: int, routed: RoutedTrips, routes: Sequence[Path]) -> str:
    text = f"{count:,} vehicles of the user's own routes ({', '.join(path.name for path in routes)})"
    if routed.vehicles:
        share = "all" if count == len(routed.vehicles) else f"{len(routed.vehicles):,}"
        text += (
            f"; {share} of them were given by their ends only and routed once, by the fastest way on the open network "
            "without other traffic"
        )
    if routed.without_route:
        text += f"; {_count_left_out(routed)}"
    return f"{text}."


def _count_left_out(routed: RoutedTrips) -> str:
    lost = len(routed.without_route)
    verbs = "has no route and was" if lost == 1 else "have no route and were"
    return f"{lost:,} of {lost + len(routed.vehicles):,} trips {verbs} left out"


def _left_out(routed: RoutedTrips) -> list[Finding]:
    if not routed.without_route:
        return []
    named = routed.without_route[:_NAMED]
    return [
        Finding(
            rule="import.trips_without_route",
            severity=Severity.WARNING,
            message=f"{_count_left_out(routed)}, e.g. {', '.join(named)}",
            mend="correct their edges, or let their vehicle class onto the streets between them",
            detail={"trips": len(routed.without_route), "examples": list(named)},
        )
    ]


def made_demand(
    graph: RoadGraph, places: Places, *, options: BuildOptions, net: Path, folder: Path
) -> tuple[DemandSection, list[Finding]]:
    """Make up a plausible day of traffic in `folder`/demand, and say so if it stands still.

    The user's additional files come along.

    Raises
    ------
    ScenarioInvalid
        If no car can get from anywhere to anywhere.
    """
    additional = _copied(options.additional, folder)
    out = folder / "demand" / "day.rou.xml"
    made = synthesise(graph, places, seed=options.seed, net_path=net, out=out)
    departs = [vehicle.depart_s for vehicle in read_demand([out], begin_s=0.0, end_s=_DAY_S).vehicles]
    section = DemandSection(
        route_files=_relative([out], folder),
        additional_files=_relative(additional, folder),
        kind="day",
        begin_s=made.begin_s,
        end_s=made.end_s,
        method=made.method,
        departures_by_hour=_by_hour(np.array(departs)),
    )
    return section, _standing_still(made)


def _standing_still(made: DemandReport) -> list[Finding]:
    """Return the finding for a made-up day that could not be made to flow."""
    trial = made.trials[-1]
    if trial.keeps_moving:
        return []
    return [
        Finding(
            rule="import.demand_stands_still",
            severity=Severity.WARNING,
            message=f"the made-up traffic does not flow freely in its busiest hour, after {len(made.trials)} attempts "
            f"with less of it ({trial})",
            mend="results of that hour will be inconclusive; correct the junctions at which it sticks, or bring your "
            "own routes",
            detail={"attempts": len(made.trials), "stuck_at": sorted(trial.stuck_at)},
        )
    ]


def _copied(paths: Sequence[Path], folder: Path) -> list[Path]:
    target = folder / "demand"
    target.mkdir(exist_ok=True)
    copies = []
    for path in paths:
        copy = target / path.name
        if copy.exists():
            raise ScenarioInvalid(f"two demand files are called {path.name}: rename one")
        shutil.copyfile(path, copy)
        copies.append(copy)
    return copies


def _relative(paths: Sequence[Path], folder: Path) -> tuple[str, ...]:
    return tuple(path.relative_to(folder).as_posix() for path in paths)


def _check_edges(vehicles: Sequence[Vehicle], graph: RoadGraph) -> None:
    """Refuse a demand most of which begins on edges that are not in the network."""
    begins = [vehicle.origin for vehicle in vehicles if vehicle.origin]
    strange = [edge for edge in begins if edge not in graph.index]
    if len(strange) * 2 > len(begins):
        raise ScenarioInvalid(
            f"{len(strange)} of {len(begins)} vehicles begin on edges that the network does not have for motor "
            f"vehicles, e.g. {strange[0]!r}: give the routes that belong to this network"
        )


def _by_hour(departs_s: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> tuple[float, ...]:
    return tuple(np.bincount((departs_s // _HOUR_S).astype(np.int64)).astype(float).tolist())
