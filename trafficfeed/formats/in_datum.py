"""The last step before encoding: a road event in the datum of the map that it is for."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from typing import Final

import numpy as np

from trafficfeed.closures.road_events import RoadEvent, RoadSegment, TransitImpact
from trafficfeed.formats.feed_info import FeedInfo
from trafficfeed.network.datums import box_in_datum, convert, densify, known

DECIMALS: Final = 8  # ours are seven; with one more the way back gives those seven again, digit by digit

_Line = Sequence[tuple[float, float]]
_Moved = tuple[tuple[float, float], ...]


def in_datum(event: RoadEvent, datum: str, *, decimals: int | None = None) -> RoadEvent:
    """Return `event`, which is in WGS-84, with every coordinate in `datum`.

    Lines are densified first, so that they bend as the datum does. The OpenLR reference is dropped from any other datum
    than WGS-84: it holds WGS-84 coordinates, and no map in GCJ-02 would find the road with them.

    Parameters
    ----------
    datum
        ``wgs84`` (the same object comes back), ``gcj02`` or ``bd09``.
    decimals
        Of the new coordinates, for takers that read so many and no more; default `DECIMALS`.

    Raises
    ------
    ScenarioInvalid
        If the datum is unknown.
    """
    known(datum)
    if datum == "wgs84":
        return event
    lines = _moved(_lines_of(event), datum, DECIMALS if decimals is None else decimals)

    def moved(line: _Line) -> _Moved:
        return lines[tuple(line)]

    def moved_if_any(line: _Line | None) -> _Moved | None:
        return None if line is None else moved(line)

    def segment(one: RoadSegment) -> RoadSegment:
        return replace(one, coordinates=moved(one.coordinates))

    def transit(one: TransitImpact) -> TransitImpact:
        return replace(one, detour=moved_if_any(one.detour), new_shape=moved_if_any(one.new_shape))

    return replace(
        event,
        coordinates=moved(event.coordinates),
        detour=moved_if_any(event.detour),
        segments=tuple(map(segment, event.segments)),
        areas=tuple(map(moved, event.areas)),
        transit=tuple(map(transit, event.transit)),
        openlr=None,
    )


def feed_in_datum(feed: FeedInfo, datum: str) -> FeedInfo:
    """Return what a feed says of itself, which is in WGS-84, with its bounds in `datum` and the datum declared.

    Raises
    ------
    ScenarioInvalid
        If the datum is unknown.
    """
    known(datum)
    if datum == feed.datum:
        return feed
    bounds = box_in_datum(feed.bounds, source=feed.datum, target=datum) if feed.bounds is not None else None
    return replace(feed, datum=datum, bounds=bounds)


def _lines_of(event: RoadEvent) -> Iterator[_Line]:
    """Yield every line and ring of an event."""
    yield event.coordinates
    yield from (segment.coordinates for segment in event.segments)
    yield from event.areas
    detours = (line for one in event.transit for line in (one.detour, one.new_shape))
    yield from (line for line in (event.detour, *detours) if line is not None)


def _moved(lines: Iterable[_Line], datum: str, decimals: int) -> dict[_Moved, _Moved]:
    """Return what each of `lines` becomes; all are converted together, as numpy is slow on few points."""
    wanted = dict.fromkeys(map(tuple, lines))
    dense = [densify(line) for line in wanted]
    points = np.round(convert(np.concatenate(dense), source="wgs84", target=datum), decimals)
    rounded = zip(*points.T.tolist(), strict=True)
    return {line: _without_repeats(list(islice(rounded, len(own)))) for line, own in zip(wanted, dense, strict=True)}


def _without_repeats(points: list[tuple[float, float]]) -> _Moved:
    """Say once the points that rounding has made one."""
    return tuple(points[:1] + [b for a, b in pairwise(points) if a != b])
