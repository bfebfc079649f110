"""Chinese map apps (Amap, Baidu, Tencent, Didi): shifted datum, six decimals, Chinese text.

Source: Amap web service documentation (coordinates in GCJ-02, longitude first, six decimals at most), Baidu telematics
documentation ("coord_type": gcj02, bd09ll; lng,lat), Didi open platform documentation of real-time traffic (six
decimals at most) and of traffic incidents (``eventType``, ``roadName``). How they take in the notices of an authority
is agreed one by one and not public.
"""

from collections.abc import Iterator

from trafficfeed.closures.orders import Reason
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

_DECIMALS = 6


def would_take(event: RoadEvent, feed: FeedInfo) -> tuple[Finding, ...]:
    """Return why a Chinese app would refuse `event` (errors) or do less with it than meant; none: it is taken."""
    rules = (
        line_is_drawn, line_does_not_run_in_a_circle, in_the_datum_of_chinese_maps,
        six_decimals_at_most, longitude_comes_first, text_is_chinese, road_is_named, kind_has_an_event_type,
        exempt_drivers_are_led_around,
    )  # fmt: skip
    return tuple(finding for rule in rules for finding in rule(event, feed))


def in_the_datum_of_chinese_maps(event: RoadEvent, feed: FeedInfo) -> Iterator[Finding]:
    """Coordinates are in GCJ-02, or in BD-09 for Baidu. Source: Amap and Baidu documentation."""
    yield from datum_is(event, feed, "gcj02", "bd09")


def six_decimals_at_most(event: RoadEvent, feed: FeedInfo) -> Iterator[Finding]:
    """Coordinates have six decimals or fewer. Source: Amap and Didi documentation."""
    if any(round(value, _DECIMALS) != value for point in event.coordinates for value in point):
        message = f"coordinates have more than {_DECIMALS} decimals"
        yield refused("china.decimals", event, message, f"set decimals = {_DECIMALS} for the partner")


def longitude_comes_first(event: RoadEvent, feed: FeedInfo) -> Iterator[Finding]:
    """Longitude comes first: no second number is beyond 90. Source: Amap, Baidu and Didi documentation (lng,lat)."""
    if any(abs(lat) > 90 for _, lat in event.coordinates):
        yield refused("china.axes", event, "a latitude is beyond 90°", "write longitude, then latitude")


def text_is_chinese(event: RoadEvent, feed: FeedInfo) -> Iterator[Finding]:
    """There is a Chinese title. Source: all texts in those documents are Chinese; unsure whether it is asked for."""
    if not any(language.split("-")[0] == "zh" for language in event.title):
        said = ", ".join(sorted(event.title))
        yield refused("china.text", event, f"the title is in {said} only", "add a title with the language zh")


def road_is_named(event: RoadEvent, feed: FeedInfo) -> Iterator[Finding]:
    """The road has a name. Source: Didi traffic incidents, ``roadName``; Amap events, ``roadName``."""
    if not event.street:
        message = "the road has no name: its event cannot be told from its neighbours in a list"
        yield caution("china.road", event, message, "name the road in the map data")


def kind_has_an_event_type(event: RoadEvent, feed: FeedInfo) -> Iterator[Finding]:
    """The event is a closure, works, an accident or flooding; all else is "control", which only informs.

    Source: Didi traffic incidents, ``eventType`` 100 accident, 200 works, 300 control, 400 closure, 500 flooding.
    """
    known = (Reason.ROADWORKS, Reason.ACCIDENT, Reason.FLOODING)
    if not closes_to_cars(event, feed):
        kind = event.reason.value if event.reason in known else "control"
        message = f"a {kind_of(event)} is shown as {kind}, and nobody is routed around it"
        yield no_effect("china.routing", event, message, "nothing, if informing is enough; else close the road to cars")
