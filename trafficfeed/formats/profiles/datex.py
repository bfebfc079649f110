"""Consumers of DATEX II: the recommended reference profiles for closed roads and closed lanes.

Source: docs.datex2.eu, "RRP Road Closures" (DRD-1) and "RRP Lane Closures" (DRD-2).
"""

from collections.abc import Iterator

from trafficfeed.closures.orders import LanesClosed, Metering, TurnBan
from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.findings import Finding, Severity
from trafficfeed.formats.feed_info import FeedInfo
from trafficfeed.formats.profiles.rules_of_all import (
    datum_is,
    kind_of,
    line_does_not_run_in_a_circle,
    line_is_drawn,
    no_effect,
    refused,
)


def would_take(event: RoadEvent, feed: FeedInfo) -> tuple[Finding, ...]:
    """Return why a DATEX consumer would refuse `event` (errors) or do less with it than meant; none: it is taken."""
    rules = (
        line_is_drawn, line_does_not_run_in_a_circle, in_wgs84, lanes_are_numbered,
        kind_is_in_a_profile, placed_by_openlr,
    )  # fmt: skip
    return tuple(finding for rule in rules for finding in rule(event, feed))


def in_wgs84(event: RoadEvent, feed: FeedInfo) -> Iterator[Finding]:
    """Coordinates are in WGS-84 (ETRS89 to a metre). Source: EN 16157-2, ``PointCoordinates`` and GML lines."""
    yield from datum_is(event, feed, "wgs84")


def lanes_are_numbered(event: RoadEvent, feed: FeedInfo) -> Iterator[Finding]:
    """Closed lanes are numbered. Source: DRD-2 (``SupplementaryPositionalDescription`` identifies the closed lanes)."""
    if isinstance(event.rule, LanesClosed) and not event.lanes_closed:
        yield refused("datex.lanes", event, "no lane of the street is named as closed", "check the street's lanes")


def kind_is_in_a_profile(event: RoadEvent, feed: FeedInfo) -> Iterator[Finding]:
    """The measure is one that the profiles have. Source: DRD-1 and DRD-2; they know neither turns nor metering."""
    if isinstance(event.rule, TurnBan | Metering):
        message = f"a {kind_of(event)} is in no recommended profile: many consumers pass over it"
        yield no_effect("datex.profile", event, message, "agree it with the consumers that matter")


def placed_by_openlr(event: RoadEvent, feed: FeedInfo) -> Iterator[Finding]:
    """The place has more than coordinates. Source: DRD-1 leaves the location method to those who implement it."""
    if event.openlr is None:
        yield Finding(
            rule="datex.openlr",
            severity=Severity.INFO,
            message="it is placed by coordinates alone; consumers that want OpenLR pass over it",
            where=event.id,
            mend="ask the consumer which location method it reads",
        )
