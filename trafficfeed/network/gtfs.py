"""What is read of a static GTFS: the buses that run in the city, by pattern of stops, with their shapes and days.

Source: GTFS Schedule Reference (files and fields named in the code).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trafficfeed.errors import SourceMalformed
from trafficfeed.network.gtfs_files import GtfsFiles, Row
from trafficfeed.network.road_graph import FloatArray
from trafficfeed.network.service_days import ServiceDays

Bounds = tuple[float, float, float, float]

_BUS, _TROLLEYBUS = 3, 11
_EXTENDED_BUS = (range(200, 300), range(700, 800), range(800, 801))


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A bus route: its id, and what people call it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A stop; EPSG:4326."""

    id: str
    name: str
    lon: float
    lat: float


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """Trips of one route and direction that make the same stops along the same shape.

    Attributes
    ----------
    direction_id
        0 or 1, None where the timetable has none.
    stop_ids, stop_sequences
        ``(n_stops,)`` in travel order, with their numbers.
    trip_ids, service_ids
        ``(n_runs,)``; a trip that runs by frequency stands there once a departure.
    times_s
        ``(n_runs, n_stops) float64``: departures (arrivals where none is given), s after the start of the service day.
    """

    route: Route
    direction_id: int | None
    shape_id: str
    stop_ids: Sequence[str]
    stop_sequences: Sequence[int]
    trip_ids: Sequence[str]
    service_ids: Sequence[str]
    times_s: FloatArray


@dataclass(frozen=True, kw_only=True)
class Gtfs:
    """The buses of a timetable.

    `shapes` are ``(n_points, 2) float64`` EPSG:4326 lon, lat in travel order, by id.
    """

    timezone: str
    stops: Mapping[str, Stop]
    shapes: Mapping[str, FloatArray]
    patterns: Sequence[Pattern]
    days: ServiceDays


def read_gtfs(path: Path, *, bounds: Bounds | None = None) -> Gtfs:
    """Read a static GTFS, a zip or a folder.

    Buses and trolleybuses whose shape comes into `bounds`; trips without a shape are left out, for straight lines
    between stops say nothing of the streets.

    Parameters
    ----------
    bounds
        West, south, east, north, degrees; None: everywhere.

    Raises
    ------
    SourceUnavailable
        If there is nothing at `path`.
    SourceMalformed
        If a file or a column that every GTFS has is missing, or a value cannot be read.
    """
    files = GtfsFiles(path)
    try:
        routes = {row["route_id"]: _route(row) for row in files.rows("routes.txt", _ROUTES) if _is_bus(row)}
        shapes = _shapes(files, bounds)
        trips = {
            row["trip_id"]: row
            for row in files.rows("trips.txt", _TRIPS)
            if row["route_id"] in routes and row["shape_id"] in shapes
        }
        patterns = tuple(_patterns(trips, routes, files))
        regular = files.rows("calendar.txt", _CALENDAR, optional=True)
        days = ServiceDays.of(regular, files.rows("calendar_dates.txt", _DATES, optional=True))
        stops = {row["stop_id"]: row for row in files.rows("stops.txt", _STOPS)}
        used = sorted({stop for pattern in patterns for stop in pattern.stop_ids})
        return Gtfs(
            timezone=next(iter(files.rows("agency.txt", ("agency_timezone",))))["agency_timezone"],
            stops={stop: _stop(stops[stop]) for stop in used},
            shapes={pattern.shape_id: shapes[pattern.shape_id] for pattern in patterns},
            patterns=patterns,
            days=days,
        )
    except (ValueError, KeyError, StopIteration) as error:
        raise SourceMalformed(f"the GTFS {path} cannot be used: {error!r}; check it with a GTFS validator") from error


_ROUTES = ("route_id", "route_short_name", "route_long_name", "route_type")
_TRIPS = ("trip_id", "route_id", "service_id", "direction_id", "shape_id")
_SHAPES = ("shape_id", "shape_pt_lat", "shape_pt_lon", "shape_pt_sequence")
_STOPS = ("stop_id", "stop_name", "stop_lat", "stop_lon")
_STOP_TIMES = ("trip_id", "arrival_time", "departure_time", "stop_id", "stop_sequence")
_FREQUENCIES = ("trip_id", "start_time", "end_time", "headway_secs")
_DATES = ("service_id", "date", "exception_type")
_CALENDAR = (
    "service_id", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
    "start_date", "end_date",
)  # fmt: skip


def _is_bus(row: Row) -> bool:
    kind = int(row["route_type"])
    return kind in (_BUS, _TROLLEYBUS) or any(kind in extended for extended in _EXTENDED_BUS)


def _route(row: Row) -> Route:
    return Route(id=row["route_id"], name=row["route_short_name"] or row["route_long_name"] or row["route_id"])


def _stop(row: Row) -> Stop:
    return Stop(id=row["stop_id"], name=row["stop_name"], lon=float(row["stop_lon"]), lat=float(row["stop_lat"]))


def _shapes(files: GtfsFiles, bounds: Bounds | None) -> dict[str, FloatArray]:
    table = files.table("shapes.txt", _SHAPES, optional=True)
    points = np.array([table["shape_pt_lon"], table["shape_pt_lat"]], dtype=np.float64).T.reshape(-1, 2)
    ids = np.array(table["shape_id"], dtype=object)
    order = np.lexsort((np.array(table["shape_pt_sequence"], dtype=np.float64), ids.astype(str)))
    ids, points = ids[order], points[order]
    starts = np.flatnonzero(np.append(True, ids[1:] != ids[:-1])) if len(ids) else np.empty(0, dtype=np.int64)
    pieces = np.split(points, starts[1:])
    return {
        str(ids[start]): piece
        for start, piece in zip(starts, pieces, strict=False)
        if len(piece) > 1 and _meets(piece, bounds)
    }


def _meets(points: FloatArray, bounds: Bounds | None) -> bool:
    if bounds is None:
        return True
    west, south, east, north = bounds
    low, high = points.min(axis=0), points.max(axis=0)
    return bool(low[0] <= east and high[0] >= west and low[1] <= north and high[1] >= south)


def _patterns(trips: Mapping[str, Row], routes: Mapping[str, Route], files: GtfsFiles) -> Iterator[Pattern]:
    """Group the trips by route, direction, shape and stops."""
    groups: dict[tuple[Any, ...], list[tuple[str, npt.NDArray[np.float64]]]] = defaultdict(list)
    departures = _departures(files, trips)
    for trip_id, stops in _stop_times(files, trips).items():
        row = trips[trip_id]
        sequence, ids, times = zip(*sorted(stops), strict=True)
        if len(ids) > 1:
            key = (row["route_id"], row["direction_id"], row["shape_id"], ids, sequence)
            known = _complete(np.array(times))
            groups[key] += [(trip_id, known + shift) for shift in departures.get(trip_id, [known[0]]) - known[0]]
    for (route, direction, shape, ids, sequence), runs in sorted(groups.items(), key=lambda group: group[0]):
        runs.sort(key=lambda run: (run[0], float(run[1][0])))
        yield Pattern(
            route=routes[route],
            direction_id=int(direction) if direction else None,
            shape_id=shape,
            stop_ids=ids,
            stop_sequences=sequence,
            trip_ids=tuple(trip_id for trip_id, _ in runs),
            service_ids=tuple(trips[trip_id]["service_id"] for trip_id, _ in runs),
            times_s=np.array([times for _, times in runs], dtype=np.float64),
        )


def _stop_times(files: GtfsFiles, trips: Mapping[str, Row]) -> dict[str, list[tuple[int, str, float]]]:
    """Return number, stop and time of each call of the trips that are wanted."""
    table = files.table("stop_times.txt", _STOP_TIMES, among=trips)
    seconds = {text: _seconds(text) for text in {*table["arrival_time"], *table["departure_time"]}}
    calls: dict[str, list[tuple[int, str, float]]] = defaultdict(list)
    for trip, arrival, departure, stop, number in zip(*table.values(), strict=True):
        calls[trip].append((int(number), stop, seconds[departure or arrival]))
    return calls


def _departures(files: GtfsFiles, trips: Iterable[str]) -> dict[str, npt.NDArray[np.float64]]:
    """Return the departures of trips that run by frequency, s."""
    wanted, found = set(trips), defaultdict(list)
    for row in files.rows("frequencies.txt", _FREQUENCIES, optional=True):
        if row["trip_id"] in wanted:
            first, end, headway = _seconds(row["start_time"]), _seconds(row["end_time"]), float(row["headway_secs"])
            found[row["trip_id"]].append(np.arange(first, end, max(headway, 1.0)))
    return {trip: np.concatenate(parts) for trip, parts in found.items()}


def _seconds(text: str) -> float:
    """Read ``25:10:00``; NaN where there is nothing."""
    if not text.strip():
        return float("nan")
    hours, minutes, seconds = text.strip().split(":")
    return int(hours) * 3600.0 + int(minutes) * 60 + int(seconds)


def _complete(times: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Fill in the times of calls that have none, evenly between those that have."""
    known = ~np.isnan(times)
    if not known.any():
        raise ValueError("a trip has no times at all in stop_times.txt")
    places = np.arange(len(times))
    return np.interp(places, places[known], times[known])
