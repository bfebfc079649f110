"""Google Maps: full closures, from the feeds that an authority shares as a partner.

Google publishes no specification of its own for closures of authorities; it names the formats of Waze's partner feeds.
Where a rule says "unsure" it rests on what those pages say of Waze.
Source: developers.google.com/waze/data-feed/overview.
"""

from collections.abc import Iterator

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
)


def would_take(event: RoadEvent, feed: FeedInfo) -> tuple[Finding, ...]:
    """Return why Google would refuse `event` (errors) or do less with it than meant (warnings); none: it is taken."""
    rules = (
        line_is_drawn, line_does_not_run_in_a_circle, in_wgs84, only_full_closures_count,
        certain_of_its_times, exempt_drivers_are_led_around,
    )  # fmt: skip
    return tuple(finding for rule in rules for finding in rule(event, feed))


def in_wgs84(event: RoadEvent, feed: FeedInfo) -> Iterator[Finding]:
    """Coordinates are in WGS-84. Source: WZDx 4.2 (RFC 7946), CIFS ``polyline``."""
    yield from datum_is(event, feed, "wgs84")


def only_full_closures_count(event: RoadEvent, feed: FeedInfo) -> Iterator[Finding]:
    """Only a closure of the whole carriageway changes a route.

    Source: "Overview", WZDx: ``vehicle_impact`` must be there, as it tells a full closure from any other event.
    """
    if not closes_to_cars(event, feed):
        message = f"a {kind_of(event)} is no full closure: routes stay as they are"
        yield no_effect("google.routing", event, message, "nothing, if informing is enough; else close it to cars")


def certain_of_its_times(event: RoadEvent, feed: FeedInfo) -> Iterator[Finding]:
    """A closure opens at the end that its record has. Source: unsure; so with Waze, CIFS ``endtime``."""
    if event.end_is_estimate:
        message = "the end is an estimate, and the street is taken for open from then on"
        yield caution("google.end", event, message, "put the end off in the order before it comes")
