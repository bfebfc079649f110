"""What CIFS says of streets where no car may go."""

from dataclasses import replace

from made_events import EVENTS, FEED

from trafficfeed.closures.orders import Closure
from trafficfeed.formats.cifs_incident import incidents_of


def test_a_closed_bus_street_is_no_incident_as_it_would_be_laid_on_the_nearest_street_for_cars() -> None:
    event = next(event for event in EVENTS if isinstance(event.rule, Closure) and event.segments)
    assert incidents_of(event, FEED)
    bus_street = replace(event, segments=tuple(replace(segment, cars=False) for segment in event.segments))
    assert incidents_of(bus_street, FEED) == ()
