"""Which buses a closure turns off their way: routes, trips, stops that are not served, and the way around."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt
import shapely
from shapely.ops import substring

from trafficfeed.closures.access import Shut, all_shut, shut_along
from trafficfeed.closures.orders import TurnBan
from trafficfeed.closures.road_events import RoadEvent, TransitImpact
from trafficfeed.closures.section_line import LonLats, section_line
from trafficfeed.network.city import City
from trafficfeed.network.graph_cache import load_graph
from trafficfeed.network.gtfs import Pattern, read_gtfs
from trafficfeed.network.moves import travel_time_s
from trafficfeed.network.plane import plane_of
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.service_days import start_of
from trafficfeed.network.transit_network import Run, TransitNetwork, WayAround
from trafficfeed.network.vehicle_classes import VehicleClass
from trafficfeed.windows import Window

_LONGEST = timedelta(days=366)
_DECIMALS = 7
_OPEN = Shut(edges=np.empty(0, dtype=np.int32))


def transit_network_of(city: City, graph: RoadGraph | None = None) -> TransitNetwork | None:
    """Return the buses of a city on its road graph, None where the city has no GTFS (`City.gtfs_path`).

    Kept with the graph until the GTFS changes; without `graph` the city's is loaded.

    Raises
    ------
    SourceUnavailable, SourceMalformed
        If the GTFS or the graph is not there or cannot be used.
    """
    path = city.gtfs_path
    if path is None:
        return None
    graph = load_graph(city.graph_folder) if graph is None else graph
    stamp = path.stat().st_mtime_ns if path.exists() else 0
    kept = graph.derived.get("transit")
    if isinstance(kept, tuple) and kept[0] == (path, stamp):
        found: TransitNetwork = kept[1]
        return found
    west, south, east, north = shapely.total_bounds(graph.geometry) if len(graph) else (0.0, 0.0, 0.0, 0.0)
    network = TransitNetwork(graph=graph, gtfs=read_gtfs(path, bounds=(west, south, east, north)))
    graph.derived["transit"] = ((path, stamp), network)
    return network


def with_transit(events: Iterable[RoadEvent], network: TransitNetwork) -> tuple[RoadEvent, ...]:
    """Return `events` in their order, those that shut buses out with the routes that they turn off their way.

    What other events shut at the same time is shut to a detour too, and closed streets one after another are passed
    around as one. An event that lets buses pass has no impact, nor one that was cancelled.
    """
    given = tuple(events)
    shut = [_Closed(event=event, shut=_shut_to_buses(event, network)) for event in given]
    holding = [one for one in shut if one.shut]
    impacts = {id(one): _impacts(one, holding, network) for one in holding}
    return tuple(replace(one.event, transit=impacts[id(one)]) if one.shut else one.event for one in shut)


@dataclass(frozen=True, kw_only=True)
class _Closed:
    """An event, and what it shuts to buses."""

    event: RoadEvent
    shut: Shut

    @property
    def window(self) -> Window:
        return self.event.window

    @cached_property
    def edges(self) -> frozenset[int]:
        """All edges that it is about, those of closed moves too."""
        return frozenset([*self.shut.edges.tolist(), *(edge for turn in self.shut.turns for edge in turn)])


def _shut_to_buses(event: RoadEvent, network: TransitNetwork) -> Shut:
    if event.cancelled:
        return _OPEN
    edges = network.edges_along(tuple(event.coordinates))
    if isinstance(event.rule, TurnBan) and len(edges) < 2:
        return _OPEN
    return shut_along(network.graph, edges, event.rule, event.exceptions, VehicleClass.BUS)


def _impacts(one: _Closed, holding: Sequence[_Closed], network: TransitNetwork) -> tuple[TransitImpact, ...]:
    together = all_shut(other.shut for other in holding if other is one or _overlap(one.window, other.window))
    found: list[TransitImpact] = []
    for shape_id in network.shapes_near(one.edges):
        runs = network.runs(shape_id, together.edges.tolist(), together.turns)
        run = next((run for run in runs if one.edges & set(run.edges)), None)
        if run is not None:
            way = network.way_around(shape_id, run, together.edges.tolist(), together.turns)
            for pattern in network.patterns_along(shape_id):
                found += _of_pattern(pattern, run, way, one.window, network)
    return tuple(sorted(found, key=lambda i: (i.route_id, i.direction_id or 0, i.shape_id, i.service_dates, i.stops)))


def _overlap(one: Window, other: Window) -> bool:
    return one.start < other.end and other.start < one.end


def _of_pattern(
    pattern: Pattern, run: Run, way: WayAround | None, window: Window, network: TransitNetwork
) -> Iterator[TransitImpact]:
    """One impact for each set of trips that run on the same days."""
    at_m = network.calls_along(pattern)
    first_m, last_m = (way.leave_m, way.back_m) if way else (run.start_m, run.end_m)
    if at_m[-1] <= run.start_m or at_m[0] >= run.end_m:
        return  # its trips begin after the closed street, or end before it
    left_out = np.flatnonzero((at_m > first_m) & (at_m < last_m))
    impact = TransitImpact(
        route_id=pattern.route.id,
        route_name=pattern.route.name,
        direction_id=pattern.direction_id,
        stops=tuple(dict.fromkeys(pattern.stop_ids[n] for n in left_out.tolist())),
        shape_id=pattern.shape_id,
        detour=_detour(pattern, way, network) if way else None,
        new_shape=_new_shape(pattern, way, network) if way else None,
        delay_s=_delay_s(run, way, network) if way else 0,
        stop_span=_span(pattern, left_out, at_m, last_m),
    )
    for trips, days in _trips(pattern, at_m, run, window, network).items():
        yield replace(impact, trip_ids=trips, service_dates=tuple(f"{day:%Y%m%d}" for day in days))


def _span(
    pattern: Pattern, left_out: npt.NDArray[np.intp], at_m: npt.NDArray[np.float64], back_m: float
) -> tuple[int, int | None] | None:
    if len(left_out):
        return pattern.stop_sequences[int(left_out[0])], pattern.stop_sequences[int(left_out[-1])]
    after = np.flatnonzero(at_m >= back_m)
    return (pattern.stop_sequences[int(after[0])], None) if len(after) else None


def _trips(
    pattern: Pattern, at_m: npt.NDArray[np.float64], run: Run, window: Window, network: TransitNetwork
) -> dict[tuple[str, ...], list[date]]:
    """Return the service days by the trips that are on the run within the window on them."""
    enters, leaves = (_times_at(pattern, at_m, place_m) for place_m in (run.start_m, run.end_m))
    found: dict[tuple[str, ...], list[date]] = defaultdict(list)
    for day in _days(window, network):
        running = network.running(day)
        begins = start_of(day, network.gtfs.timezone)
        low, high = ((bound - begins).total_seconds() for bound in (window.start, window.end))
        by = (enters < high) & (leaves >= low)
        trips = dict.fromkeys(
            pattern.trip_ids[n] for n in np.flatnonzero(by).tolist() if pattern.service_ids[n] in running
        )
        if trips:
            found[tuple(trips)].append(day)
    return found


def _times_at(pattern: Pattern, at_m: npt.NDArray[np.float64], place_m: float) -> npt.NDArray[np.float64]:
    """Return when each trip is at a place of its shape, evenly between two calls; ``(n_runs,) float64``, s."""
    after = int(np.clip(np.searchsorted(at_m, place_m), 1, len(at_m) - 1))
    before_m, gap_m = at_m[after - 1], max(at_m[after] - at_m[after - 1], 1e-9)
    share = float(np.clip((place_m - before_m) / gap_m, 0.0, 1.0))
    return np.asarray(pattern.times_s[:, after - 1] * (1 - share) + pattern.times_s[:, after] * share)


def _days(window: Window, network: TransitNetwork) -> Iterator[date]:
    """Yield the service days that may have trips in the window: one before it too, whose last buses run after 24:00."""
    zone = start_of(window.start.date(), network.gtfs.timezone).tzinfo
    end = min(window.end, window.start + _LONGEST)
    day = window.start.astimezone(zone).date() - timedelta(days=1)
    while datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1) < end:
        yield day
        day += timedelta(days=1)


def _detour(pattern: Pattern, way: WayAround, network: TransitNetwork) -> LonLats:
    """Return the line from where the bus leaves its shape to where it is back."""
    line = network.line_of(pattern.shape_id)
    ends = [shapely.get_coordinates(shapely.line_interpolate_point(line, at_m)) for at_m in (way.leave_m, way.back_m)]
    first, last = (_rounded(plane_of(network.graph).to_lonlat(end))[0] for end in ends)
    return _joined((first,), section_line(network.graph, way.edges), (last,))


def _new_shape(pattern: Pattern, way: WayAround, network: TransitNetwork) -> LonLats:
    line, plane = network.line_of(pattern.shape_id), plane_of(network.graph)
    before = shapely.get_coordinates(substring(line, 0.0, way.leave_m))
    after = shapely.get_coordinates(substring(line, way.back_m, line.length))
    return _joined(_rounded(plane.to_lonlat(before)), _detour(pattern, way, network), _rounded(plane.to_lonlat(after)))


def _joined(*parts: LonLats) -> LonLats:
    points = [point for part in parts for point in part]
    return tuple(point for n, point in enumerate(points) if n == 0 or point != points[n - 1])


def _rounded(lonlat: npt.NDArray[np.float64]) -> LonLats:
    return tuple((round(lon, _DECIMALS), round(lat, _DECIMALS)) for lon, lat in lonlat.tolist())


def _delay_s(run: Run, way: WayAround, network: TransitNetwork) -> int:
    """Return how much longer the way around takes than the shape in free traffic, s, never less than 0."""
    edges = list(run.edges)
    speed = float(network.graph.length_m[edges].sum() / travel_time_s(network.graph)[edges].sum())
    return max(0, round(way.time_s - (way.back_m - way.leave_m) / speed))
