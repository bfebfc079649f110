"""What every taker asks of a record, and how a profile says what it thinks of one."""

from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from trafficfeed.closures.orders import Exemption
from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.findings import Finding, Severity
from trafficfeed.formats.feed_info import FeedInfo
from trafficfeed.formats.wzdx_impact import vehicle_impact

DRIVERS: Final = (Exemption.TAXI, Exemption.DELIVERY, Exemption.RESIDENTS, Exemption.PERMIT)
"""Exempt people who drive with a map app: they are led around a street that they may use."""

_KINDS = MappingProxyType(
    {
        "closure": "closure",
        "one_way": "one-way rule",
        "lanes_closed": "lane closure",
        "vehicles": "vehicle restriction",
        "speed_limit": "speed limit",
        "turn_ban": "turn ban",
        "metering": "metering",
        "hazard": "hazard",
    }
)


def refused(rule: str, event: RoadEvent, message: str, mend: str) -> Finding:
    """Say that the taker would not take the record."""
    return Finding(rule=rule, severity=Severity.ERROR, message=message, where=event.id, mend=mend)


def no_effect(rule: str, event: RoadEvent, message: str, mend: str) -> Finding:
    """Say that the taker takes the record and shows it, but that nobody's route changes."""
    return replace(caution(rule, event, message, mend), detail={"effect": False})


def caution(rule: str, event: RoadEvent, message: str, mend: str) -> Finding:
    """Say that the taker takes the record, but may do something else with it than the authority means."""
    return Finding(rule=rule, severity=Severity.WARNING, message=message, where=event.id, mend=mend)


def kind_of(event: RoadEvent) -> str:
    """Return what kind of measure the record is, in words."""
    return _KINDS[event.rule.kind]


def closes_to_cars(event: RoadEvent, feed: FeedInfo) -> bool:
    """Return whether ordinary cars are shut out of the whole carriageway: what apps know as a closure."""
    return vehicle_impact(event, left_hand=feed.left_hand) == "all-lanes-closed"


def line_is_drawn(event: RoadEvent, feed: FeedInfo) -> Iterator[Finding]:
    """The line, and each segment of it, has two different points or more, as one point has no direction.

    Source: Waze CIFS specification, ``polyline`` (no direction can be told from a single point); RFC 7946, 3.1.4.
    """
    for line in (event.coordinates, *(segment.coordinates for segment in event.segments)):
        if len(set(line)) < 2:
            yield refused("taker.line", event, "a line has fewer than two different points", "draw the whole stretch")
            return


def line_does_not_run_in_a_circle(event: RoadEvent, feed: FeedInfo) -> Iterator[Finding]:
    """No line ends where it begins: nobody can tell which way round it is meant.

    Source: Waze road closure information (a closure runs between two junctions); OpenLR 1.5, clause on line locations
    (first and last point differ).
    """
    for line in [segment.coordinates for segment in event.segments] or [event.coordinates]:
        if len(set(line)) > 1 and line[0] == line[-1]:
            yield refused("taker.ring", event, "the line ends where it begins", "split the loop at a junction")
            return


def datum_is(event: RoadEvent, feed: FeedInfo, *wanted: str) -> Iterator[Finding]:
    """The coordinates are in one of the datums `wanted`."""
    if feed.datum not in wanted:
        message = f"the coordinates are in {feed.datum}, its map is in {' or '.join(wanted)}"
        yield refused(
            "taker.datum", event, f"{message}: the record lies hundreds of metres off", "set the partner's datum"
        )


def exempt_drivers_are_led_around(event: RoadEvent, feed: FeedInfo) -> Iterator[Finding]:
    """A closure in an app holds for whoever drives with it, so that the exempt are led around too.

    Source: Waze CIFS specification, ``type`` (``ROAD_CLOSED`` is a full closure).
    """
    exempt = [exemption.value for exemption in event.exceptions if exemption in DRIVERS]
    if exempt and closes_to_cars(event, feed):
        message = f"closed to all who drive with it, {', '.join(sorted(exempt))} too"
        yield caution("taker.exempt", event, message, "tell the exempt by other means")
