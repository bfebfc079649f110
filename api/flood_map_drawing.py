"""The flood map: wet stretches by depth class, the roads closed for water, numbered sites; redrawn by `web/flood.js`.

A path is of all roads of a site that lie equally high, which are equally deep at all times.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import shapely
import shapely.ops

from api.flood_released import Floats, FloodPicture, Segment
from api.map_frame import WIDTH, Frame
from api.map_streets import StreetLabel, Streets, labels_on, path_data, streets_of
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
class _WetShapes:
    """Segments that are drawn as one, their path data, and all of them as one shape in user units."""

    groups: Sequence[Sequence[Segment]]
    paths: Sequence[str]
    all: Any


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
    wet = _wet_shapes(picture, frame)
    points = {id: frame.project([place.lonlat])[0] for id, place in places.items()}
    discs = _discs([id for id in numbers if id in points][:_MOST_DISCS], points, wet.all, frame)
    bar_units, bar_text = scale_bar(frame)
    return FloodDrawing(
        height=round(frame.height),
        minor=streets.minor,
        major=streets.major,
        labels=_labels(picture, streets, frame, wet, discs),
        wet=[
            WetPath(
                site=own[0].site,
                path=path,
                title=_title(own, places[own[0].site].name if own[0].site in places else own[0].site),
                likely=classes(picture.series(own[0], now)),
                worst=classes(picture.series(own[0], now, worst=True)),
            )
            for own, path in zip(wet.groups, wet.paths, strict=True)
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


def _wet_shapes(picture: FloodPicture, frame: Frame) -> _WetShapes:
    """Return the wet stretches as they are drawn, worked out once for a release."""
    found: _WetShapes | None = picture.derived.get("drawing")
    if found is None:
        groups = _groups(picture.segments)
        lines = [_merged(own, frame) for own in groups]
        paths = [path_data(shapely.get_parts(line)) for line in lines]
        found = picture.derived["drawing"] = _WetShapes(groups=groups, paths=paths, all=shapely.union_all(lines))
    return found


def _labels(
    picture: FloodPicture, streets: Streets, frame: Frame, wet: _WetShapes, discs: Sequence[SiteDisc]
) -> list[StreetLabel]:
    """Return the streets' names beside water and numbers; placed anew only where a number has moved."""
    spots = tuple((disc.x, disc.y) for disc in discs)
    kept: tuple[Any, list[StreetLabel]] | None = picture.derived.get("labels")
    if kept is None or kept[0] != spots:
        covered = [*shapely.get_parts(wet.all), *(shapely.Point(spot).buffer(_DISC + 4) for spot in spots)]
        kept = picture.derived["labels"] = (spots, labels_on(streets, frame, covered))
    return kept[1]


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


def _discs(sites: Sequence[str], points: Mapping[str, Floats], water: Any, frame: Frame) -> list[SiteDisc]:
    """Place each site's number beside its place, where it covers least water, and no other number or place."""
    turns = np.arange(16) * np.pi / 8
    steps = np.concatenate([away * np.column_stack([np.cos(turns), np.sin(turns)]) for away in _AWAY])
    far = np.repeat(_AWAY, len(turns)) / 20
    edge = np.array([WIDTH, frame.height]) - _DISC - 4
    taken: list[Floats] = []
    for site in sites:
        spots = np.clip(points[site] + steps, _DISC + 4, edge)
        others = [points[other] for other in sites if other != site]
        room = shapely.distance(water, shapely.points(spots)) if not water.is_empty else np.full(len(spots), 99.0)
        for other in others:
            room = np.minimum(room, np.hypot(*(spots - other).T))
        for other in taken:
            room = np.minimum(room, np.hypot(*(spots - other).T) - _DISC)
        taken.append(spots[int(np.argmax(np.minimum(room, _DISC + 8) - far))])
    return [
        SiteDisc(
            site=site,
            number=number,
            x=round(spot[0]),
            y=round(spot[1]),
            at_x=round(points[site][0]),
            at_y=round(points[site][1]),
        )
        for number, (site, spot) in enumerate(zip(sites, taken, strict=True), 1)
    ]
