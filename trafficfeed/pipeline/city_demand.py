"""A new city's demand: the user's own routes copied in, or a plausible day made up."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from trafficfeed.errors import ScenarioInvalid
from trafficfeed.network.city import DemandSection
from trafficfeed.network.places import Places
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.pipeline.city_sources import BuildOptions
from trafficfeed.simulation.demand import synthesise
from trafficfeed.simulation.departures import Vehicle, read_demand

_HOUR_S = 3600.0
_DAY_S = 24 * _HOUR_S
_LIKE_A_DAY_S = 20 * _HOUR_S  # a demand that spans more than this is a day of its own clock
_LONGEST_S = 7 * _DAY_S  # where the user gives no end, and a flow has none


def own_demand(options: BuildOptions, graph: RoadGraph, folder: Path) -> DemandSection:
    """Copy the user's routes and additional files into `folder`/demand and say when they run.

    Raises
    ------
    ScenarioInvalid
        If the routes are of another network, hold no departure, or begin after their end.
    SourceMalformed
        If a file is not a route file, or contradicts itself.
    """
    routes, additional = _copied(options.routes, folder), _copied(options.additional, folder)
    begin = options.begin_s if options.begin_s is not None else 0.0
    end = options.end_s if options.end_s is not None else begin + _LONGEST_S
    vehicles = read_demand([*additional, *routes], begin_s=begin, end_s=end).vehicles
    if not vehicles:
        raise ScenarioInvalid(
            f"nothing departs between {begin:g} and {end:g} s in {', '.join(p.name for p in options.routes)}: "
            "give SUMO routes or trips, and --begin and --end on their clock"
        )
    _check_edges(vehicles, graph)
    departs = np.array([vehicle.depart_s for vehicle in vehicles])
    if options.end_s is None:
        end = float(np.ceil(departs.max() + 1.0))
    return DemandSection(
        route_files=_relative(routes, folder),
        additional_files=_relative(additional, folder),
        kind="day" if end - begin >= _LIKE_A_DAY_S else "hour",
        begin_s=begin,
        end_s=end,
        method=f"{len(vehicles):,} vehicles of the user's own routes ({', '.join(path.name for path in routes)}).",
        departures_by_hour=_by_hour(departs),
    )


def made_demand(graph: RoadGraph, places: Places, *, options: BuildOptions, net: Path, folder: Path) -> DemandSection:
    """Make up a plausible day of traffic in `folder`/demand; the user's additional files come along.

    Raises
    ------
    ScenarioInvalid
        If no car can get from anywhere to anywhere.
    """
    additional = _copied(options.additional, folder)
    out = folder / "demand" / "day.rou.xml"
    made = synthesise(graph, places, seed=options.seed, net_path=net, out=out)
    departs = [vehicle.depart_s for vehicle in read_demand([out], begin_s=0.0, end_s=_DAY_S).vehicles]
    return DemandSection(
        route_files=_relative([out], folder),
        additional_files=_relative(additional, folder),
        kind="day",
        begin_s=made.begin_s,
        end_s=made.end_s,
        method=made.method,
        departures_by_hour=_by_hour(np.array(departs)),
    )


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
