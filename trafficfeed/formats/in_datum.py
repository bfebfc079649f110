"""The last step before encoding: a road event in the datum of the map that it is for."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

from trafficfeed.closures.road_events import RoadEvent, RoadSegment, TransitImpact
from trafficfeed.formats.feed_info import FeedInfo
from trafficfeed.network.datums import box_in_datum, convert, densify, known

DECIMALS: Final = 8  # ours are seven; with one more the way back gives those seven again, digit by digit

_Line = Sequence[tuple[float, float]]


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

    def moved(line: _Line) -> tuple[tuple[float, float], ...]:
        return _moved(line, datum, DECIMALS if decimals is None else decimals)

    def segment(one: RoadSegment) -> RoadSegment:
        return replace(one, coordinates=moved(one.coordinates))

    def transit(one: TransitImpact) -> TransitImpact:
        return replace(
            one,
            detour=moved(one.detour) if one.detour is not None else None,
            new_shape=moved(one.new_shape) if one.new_shape is not None else None,
        )

    return replace(
        event,
        coordinates=moved(event.coordinates),
        detour=moved(event.detour) if event.detour is not None else None,
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


def _moved(line: _Line, datum: str, decimals: int) -> tuple[tuple[float, float], ...]:
    points = convert(densify(line), source="wgs84", target=datum).tolist()
    rounded = [(round(lon, decimals), round(lat, decimals)) for lon, lat in points]
    first = rounded[:1]
    return tuple(first + [b for a, b in pairwise(rounded) if a != b])  # few decimals may make two points one
