"""The flood map: wet stretches by depth class, the roads closed for water, numbered sites; redrawn by `web/flood.js`.

A path is of all roads of a site that lie equally high, which are equally deep at all times.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import shapely
import shapely.ops

from api.flood_released import Floats, FloodPicture, Segment
from api.map_frame import WIDTH, Frame
from api.map_streets import StreetLabel, labels_on, path_data, streets_of
from api.schematic import scale_bar
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.pipeline.flood_measures import DEPTH_CLASSES_M

_SHORTEST: Final = 26.0  # of a wet stretch, user units: shorter ones are no line
_DISC: Final = 17.0
_AWAY: Final = (30.0, 42.0, 58.0)
_MOST_DISCS: Final = 40
_UNKNOWN: Final = "x"
_LEAST_SIDE_DEG: Final = 0.004  # some 450 m
_ASPECTS: Final = (0.95, 1.4)  # width / height


@dataclass(frozen=True, slots=True, kw_only=True)
class WetPath:
    """Roads of one site that are equally deep: `likely` and `worst` have a digit of depth class for each time."""

    site: str
    path: str
    title: str
    likely: str
    worst: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedRoad:
    """A road that is closed for water, by what is released: `coordinates` WGS-84, `until` as it is expected."""

    coordinates: Sequence[tuple[float, float]]
    until: datetime
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedPath:
    """Roads closed until the same time: `last` is the slider's last position at which they are."""

    path: str
    title: str
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteDisc:
    """A site's number, beside its place; user units."""

    site: str
    number: int
    x: int
    y: int
    at_x: int
    at_y: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FloodDrawing:
    """What the template draws."""

    height: int
    minor: str
    major: str
    labels: Sequence[StreetLabel]
    wet: Sequence[WetPath]
    closed: Sequence[ClosedPath]
    discs: Sequence[SiteDisc]
    bar_units: int
    bar_text: str


def draw_floods(
    graph: RoadGraph, picture: FloodPicture, closed: Sequence[ClosedRoad], numbers: Sequence[str], now: datetime
) -> FloodDrawing:
    """Draw a picture on the streets of `graph`.

    Parameters
    ----------
    closed
        Roads closed for water.
    numbers
        Ids of the sites in the order of the list: the first is number 1.
    now
        Aware: where the slider begins.
    """
    places = {place.id: place for place in picture.places}
    frame = _frame([*(one.line for one in picture.segments), *(np.array([p.lonlat]) for p in picture.places)])
    streets = streets_of(graph, frame)
    groups = _groups(picture.segments)
    lines = [_merged(own, frame) for own in groups]
    points = {id: frame.project([place.lonlat])[0] for id, place in places.items()}
    discs = _discs([id for id in numbers if id in points][:_MOST_DISCS], points, lines, frame)
    bar_units, bar_text = scale_bar(frame)
    covered = [*lines, *(shapely.Point(disc.x, disc.y).buffer(_DISC + 4) for disc in discs)]
    return FloodDrawing(
        height=round(frame.height),
        minor=streets.minor,
        major=streets.major,
        labels=labels_on(streets, frame, covered),
        wet=[
            WetPath(
                site=own[0].site,
                path=path_data(shapely.get_parts(line)),
                title=_title(own, places[own[0].site].name if own[0].site in places else own[0].site),
                likely=classes(picture.series(own[0], now)),
                worst=classes(picture.series(own[0], now, worst=True)),
            )
            for own, line in zip(groups, lines, strict=True)
        ],
        closed=_closed_paths(closed, picture.times(now), frame),
        discs=discs,
        bar_units=bar_units,
        bar_text=bar_text,
    )


def _frame(lines: Sequence[Floats]) -> Frame:
    """Return the part of the world that holds the sites and their roads, with as much round it as tells where it is."""
    points = np.concatenate(lines)
    stretch = np.array([max(np.cos(np.radians(points[:, 1].mean())), 0.01), 1.0])
    low, high = points.min(axis=0) * stretch, points.max(axis=0) * stretch
    size = np.maximum(high - low, _LEAST_SIDE_DEG)
    size = size + 0.16 * size.max()
    size = np.maximum(size, [size[1] * _ASPECTS[0], size[0] / _ASPECTS[1]])
    middle = (low + high) / 2
    (west, south), (east, north) = (middle - size / 2) / stretch, (middle + size / 2) / stretch
    return Frame(west=float(west), south=float(south), east=float(east), north=float(north))


def classes(depths_m: Floats) -> str:
    """Return a digit for each depth: how many of `DEPTH_CLASSES_M` it has reached; "x" where it is not known."""
    reached = np.searchsorted(np.array(DEPTH_CLASSES_M), np.nan_to_num(depths_m) + 1e-9, side="right")
    known = np.isfinite(depths_m)
    return "".join(str(rank) if there else _UNKNOWN for rank, there in zip(reached, known, strict=True))


def _groups(segments: Iterable[Segment]) -> list[list[Segment]]:
    """Return the segments of each site that lie equally high, the lowest last: the deepest is drawn on top."""
    found: dict[tuple[float, str], list[Segment]] = {}
    for one in segments:
        found.setdefault((-one.sill_m, one.site), []).append(one)
    return [found[key] for key in sorted(found)]


def _merged(own: Sequence[Segment], frame: Frame) -> Any:
    """Return the wet stretches as one shape in user units, both directions of a road once."""
    lines = [_long_enough(shapely.LineString(frame.project(one.wet)), one, frame) for one in own]
    return shapely.line_merge(shapely.union_all([line.simplify(0.5) for line in lines], grid_size=1.0))


def _long_enough(wet: Any, one: Segment, frame: Frame) -> Any:
    """Return the stretch, drawn on along its road to a length that can be seen."""
    whole = shapely.LineString(frame.project(one.line))
    missing = _SHORTEST - wet.length
    if missing <= 0 or whole.length == 0:
        return wet
    middle = whole.project(wet.interpolate(0.5, normalized=True))
    start = max(min(middle - _SHORTEST / 2, whole.length - _SHORTEST), 0.0)
    return shapely.ops.substring(whole, start, min(start + _SHORTEST, whole.length))


def _title(own: Sequence[Segment], name: str) -> str:
    streets = ", ".join(dict.fromkeys(one.street for one in own if one.street))
    return f"{name}: {streets}" if streets and streets not in name else name


def _closed_paths(closed: Sequence[ClosedRoad], times: Sequence[datetime], frame: Frame) -> list[ClosedPath]:
    by_end: dict[tuple[int, str], list[Any]] = {}
    for road in closed:
        last = sum(at < road.until for at in times) - 1
        line = shapely.LineString(frame.project(road.coordinates)).simplify(0.5)
        by_end.setdefault((max(last, 0), road.title), []).append(line)
    return [
        ClosedPath(path=path_data(shapely.get_parts(shapely.line_merge(_union(lines)))), title=title, last=last)
        for (last, title), lines in sorted(by_end.items(), key=lambda item: item[0])
    ]


def _union(lines: Sequence[Any]) -> Any:
    return shapely.union_all(lines, grid_size=1.0)


def _discs(sites: Sequence[str], points: dict[str, Floats], lines: Sequence[Any], frame: Frame) -> list[SiteDisc]:
    """Place each site's number beside its place, where it covers least."""
    water = shapely.union_all(lines) if lines else shapely.Point()
    placed: list[SiteDisc] = []
    for number, site in enumerate(sites, 1):
        x, y = points[site]
        best: tuple[float, float, float] | None = None
        for away in _AWAY:
            for turn in np.arange(16) * np.pi / 8:
                at = np.array([x + away * np.cos(turn), y + away * np.sin(turn)])
                at = np.clip(at, _DISC + 4, [WIDTH - _DISC - 4, frame.height - _DISC - 4])
                room = min(
                    [water.distance(shapely.Point(at)) if not water.is_empty else 99.0]
                    + [float(np.hypot(at[0] - d.x, at[1] - d.y)) - _DISC for d in placed]
                    + [float(np.hypot(*(at - points[other]))) for other in sites if other != site]
                )
                worth = min(room, _DISC + 8) - away / 20
                if best is None or worth > best[0]:
                    best = (worth, float(at[0]), float(at[1]))
        assert best is not None
        placed.append(
            SiteDisc(site=site, number=number, x=round(best[1]), y=round(best[2]), at_x=round(x), at_y=round(y))
        )
    return placed
