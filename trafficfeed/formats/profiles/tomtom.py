"""TomTom: events are merged with what its own drivers do, and placed by OpenLR or TMC.

Source: developer.tomtom.com, "Traffic Incidents - DATEX II" (intermediate service; what TomTom itself speaks), and
support.move.tomtom.com, "How Road Event Reporter Works". What it takes in from an authority's feed is
agreed one by one and not public: rules that rest on its output alone say "unsure".
"""

from collections.abc import Iterator

from trafficfeed.closures.orders import Exemption, LanesClosed
from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.findings import Finding
from trafficfeed.formats.feed_info import FeedInfo
from trafficfeed.formats.profiles.rules_of_all import (
    caution,
    closes_to_cars,
    datum_is,
    kind_of,
    line_does_not_run_in_a_circle,
    line_is_drawn,
    no_effect,
)

_UNSEEN = (Exemption.EMERGENCY, Exemption.BICYCLE)  # few, or no motor vehicles


def would_take(event: RoadEvent, feed: FeedInfo) -> tuple[Finding, ...]:
    """Return why TomTom would refuse `event` (errors) or do less with it than meant (warnings); none: it is taken."""
    rules = (
        line_is_drawn, line_does_not_run_in_a_circle, in_wgs84, placed_by_openlr,
        nobody_drives_through, closures_and_lanes_count,
    )  # fmt: skip
    return tuple(finding for rule in rules for finding in rule(event, feed))


def in_wgs84(event: RoadEvent, feed: FeedInfo) -> Iterator[Finding]:
    """Coordinates are in WGS-84. Source: OpenLR 1.5, coordinates; "Traffic Incidents - DATEX II"."""
    yield from datum_is(event, feed, "wgs84")


def placed_by_openlr(event: RoadEvent, feed: FeedInfo) -> Iterator[Finding]:
    """The place has an OpenLR reference. Source: unsure; TomTom's own records are placed by OpenLR or TMC."""
    if event.openlr is None:
        message = "it has no OpenLR reference (none that decodes to the same road): it is matched by its line alone"
        yield caution("tomtom.openlr", event, message, "look it up in TomTom's map after publication")


def nobody_drives_through(event: RoadEvent, feed: FeedInfo) -> Iterator[Finding]:
    """Nobody is seen driving through a closure.

    Source: "How Road Event Reporter Works": where probes drive through a reported closure it may be ignored.
    """
    through = sorted(exemption.value for exemption in event.exceptions if exemption not in _UNSEEN)
    if through and closes_to_cars(event, feed):
        message = f"{', '.join(through)} may drive through: their traces may have the closure ignored"
        yield caution("tomtom.probes", event, message, "keep the exempt few, or tell TomTom of them")


def closures_and_lanes_count(event: RoadEvent, feed: FeedInfo) -> Iterator[Finding]:
    """Closures and closed lanes are what its incidents know. Source: unsure; incident categories of the same pages."""
    if not closes_to_cars(event, feed) and not isinstance(event.rule, LanesClosed):
        message = f"a {kind_of(event)} has no incident category of its own: no route changes"
        yield no_effect("tomtom.category", event, message, "nothing, if informing is enough")
