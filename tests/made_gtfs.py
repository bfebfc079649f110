"""A small timetable of buses on a road graph, made by hand."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from trafficfeed.network.road_graph import RoadGraph

FILES = ("agency", "routes", "trips", "stops", "stop_times", "shapes", "calendar", "calendar_dates")
EVERY_DAY = "1,1,1,1,1,1,1"
WORKING_DAYS = "1,1,1,1,1,0,0"


def made_gtfs(
    graph: RoadGraph,
    lines: Mapping[str, Sequence[str]],
    *,
    departures: Sequence[str] = ("08:00:00", "12:00:00", "24:30:00"),
    timezone: str = "Europe/Paris",
    route_type: int = 3,
    weekdays: str = EVERY_DAY,
) -> dict[str, str]:
    """Return the files of a timetable by name.

    Parameters
    ----------
    lines
        SUMO edge ids of each route, in travel order; a stop in the middle of each edge, a minute apart.
    departures
        Of the trips of each route, at its first stop.
    """
    rows: dict[str, list[str]] = {name: [] for name in FILES}
    rows["agency"] = ["agency_id,agency_name,agency_url,agency_timezone", f"a,Buses,https://example.org,{timezone}"]
    rows["routes"] = ["route_id,agency_id,route_short_name,route_long_name,route_type"]
    rows["trips"] = ["route_id,service_id,trip_id,direction_id,shape_id"]
    rows["stops"] = ["stop_id,stop_name,stop_lat,stop_lon"]
    rows["stop_times"] = ["trip_id,arrival_time,departure_time,stop_id,stop_sequence"]
    rows["shapes"] = ["shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence"]
    rows["calendar"] = [
        "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date",
        f"run,{weekdays},20260101,20271231",
    ]
    rows["calendar_dates"] = ["service_id,date,exception_type"]
    for route, edges in lines.items():
        rows["routes"].append(f"{route},a,{route[-2:]},Line {route},{route_type}")
        rows["shapes"] += _shape(graph, route, edges)
        for edge in edges:
            middle = graph.geometry[graph.index[edge]].interpolate(0.5, normalized=True)
            row = f"{route}-{edge},Stop {edge},{middle.y:.7f},{middle.x:.7f}"
            rows["stops"] += [row] if row not in rows["stops"] else []
        for number, departure in enumerate(departures):
            trip = f"{route}-{number}"
            rows["trips"].append(f"{route},run,{trip},0,shape-{route}")
            for place, edge in enumerate(edges):
                at = _later(departure, 60 * place)
                rows["stop_times"].append(f"{trip},{at},{at},{route}-{edge},{place + 1}")
    return {f"{name}.txt": "\n".join(lines) + "\n" for name, lines in rows.items()}


def written_gtfs(files: Mapping[str, str], path: Path) -> Path:
    """Write a timetable as a zip where `path` ends so, else as a folder, and return `path`."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        return path
    path.mkdir()
    for name, text in files.items():
        (path / name).write_text(text, "utf-8")
    return path


def _shape(graph: RoadGraph, route: str, edges: Sequence[str]) -> list[str]:
    points = [point for edge in edges for point in graph.geometry[graph.index[edge]].coords]
    return [f"shape-{route},{lat:.7f},{lon:.7f},{n}" for n, (lon, lat, *_) in enumerate(points)]


def _later(time: str, seconds: int) -> str:
    hours, minutes, rest = (int(part) for part in time.split(":"))
    total = hours * 3600 + minutes * 60 + rest + seconds
    return f"{total // 3600:02d}:{total // 60 % 60:02d}:{total % 60:02d}"
