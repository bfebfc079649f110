"""Waze: closures and incidents by CIFS.

Source of all rules unless one says otherwise: Waze partner documentation at developers.google.com/waze/data-feed, pages
"CIFS specification" and "Road closure information".
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import cos, hypot, radians

from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.findings import Finding
from trafficfeed.formats.feed_info import FeedInfo
from trafficfeed.formats.profiles.rules_of_all import (
    caution,
    closes_to_cars,
    datum_is,
    exempt_drivers_are_led_around,
    kind_of,
    line_does_not_run_in_a_circle,
    line_is_drawn,
    no_effect,
    refused,
)
from trafficfeed.formats.texts import in_language, plain

_SHORTEST_TEXT = 2
_STRAIGHT_M = 400.0  # a longer line of two points is taken for its end points alone; our figure
_METRES_PER_DEGREE = 111_195.0


def would_take(event: RoadEvent, feed: FeedInfo) -> tuple[Finding, ...]:
    """Return why Waze would refuse `event` (errors) or do less with it than meant (warnings); none: it is taken."""
    rules = (
        line_is_drawn, line_does_not_run_in_a_circle, in_wgs84, description_is_long_enough,
        street_is_named, ended_before_it_was_published, end_is_known, line_follows_the_road, only_closures_reroute,
        exempt_drivers_are_led_around,
    )  # fmt: skip
    return tuple(finding for rule in rules for finding in rule(event, feed))


def in_wgs84(event: RoadEvent, feed: FeedInfo) -> Iterator[Finding]:
    """Coordinates are in WGS-84. Source: CIFS, ``polyline`` ("projection SRID 4326")."""
    yield from datum_is(event, feed, "wgs84")


def description_is_long_enough(event: RoadEvent, feed: FeedInfo) -> Iterator[Finding]:
    """The description has two characters or more. Source: cifsv2.xsd, ``description``, minLength 2."""
    if len(plain(in_language(event.title, feed.language))) < _SHORTEST_TEXT:
        yield refused("waze.description", event, "the title has fewer than two characters", "write what happens")


def street_is_named(event: RoadEvent, feed: FeedInfo) -> Iterator[Finding]:
    """The street has a name, as Waze knows it, of two characters or more.

    Without one the record goes to an editor of the map first. Source: "Road closure information": entries with absent
    or incorrect street names become map problems; cifsv2.xsd, ``street``, minLength 2.
    """
    streets = [segment.street or event.street for segment in event.segments] or [event.street]
    if any(len(plain(street)) < _SHORTEST_TEXT for street in streets):
        message = "a street has no name of two characters: an editor of the map must approve it by hand"
        yield caution("waze.street", event, message, "name the street in the map data, or tell the local editors")


def ended_before_it_was_published(event: RoadEvent, feed: FeedInfo) -> Iterator[Finding]:
    """A record is not over when it is first said. Source: ours; Waze shows a closure in its own time only."""
    if not event.cancelled and event.window.end <= event.updated:
        yield refused("waze.over", event, "it was over before it was published", "leave it out")


def end_is_known(event: RoadEvent, feed: FeedInfo) -> Iterator[Finding]:
    """The end is explicit, and Waze opens the street at it. Source: CIFS, ``endtime``."""
    if event.end_is_estimate:
        message = "the end is an estimate: Waze opens the street at it, whatever happens there"
        yield caution("waze.end", event, message, "put the end off in the order before it comes")


def line_follows_the_road(event: RoadEvent, feed: FeedInfo) -> Iterator[Finding]:
    """A line has more than its two ends.

    Source: "Road closure information": two coordinates often fail to be processed, but for short or straight segments.
    """
    for line in (segment.coordinates for segment in event.segments):
        if len(line) == 2 and _length_m(line) > _STRAIGHT_M:
            message = f"a segment of {_length_m(line):.0f} m has two points only: it may not be matched"
            yield caution("waze.shape", event, message, "check that the street is straight there")
            return


def only_closures_reroute(event: RoadEvent, feed: FeedInfo) -> Iterator[Finding]:
    """Only ROAD_CLOSED routes anyone around. Source: CIFS, ``type`` (all others have no direct impact on routing)."""
    if not closes_to_cars(event, feed):
        message = f"a {kind_of(event)} is shown to drivers nearby, but nobody is routed around it"
        yield no_effect("waze.routing", event, message, "nothing, if informing is enough; else close it to cars")


def _length_m(line: Sequence[tuple[float, float]]) -> float:
    return sum(_METRES_PER_DEGREE * hypot((b[0] - a[0]) * cos(radians(a[1])), b[1] - a[1]) for a, b in pairwise(line))
