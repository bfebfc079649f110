"""GTFS-Realtime: alerts and detours of buses."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_events import CERTIFICATE, CLOSURE, EVENTS, FEED, PUBLISHED
from made_events import CONCERT as PENDING

from trafficfeed.closures.road_events import RoadEvent, TransitImpact
from trafficfeed.errors import FeedNonConformant
from trafficfeed.formats import gtfs_rt
from trafficfeed.formats.gtfs_rt_reading import (
    check_message,
    decoded_polyline,
    encoded_polyline,
    parsed,
    read_message,
)

GOLDEN = Path(__file__).parents[1] / "golden/gtfs-rt"
SHAPE = ((10.0, 59.9), (10.0054019, 59.9000012), (10.0054019, 59.9028033), (10.0, 59.9031))
ROUTE_12 = TransitImpact(
    route_id="r12",
    route_name="12",
    direction_id=0,
    trip_ids=("t1", "t2"),
    stops=("s2", "s3"),
    shape_id="sh12",
    detour=SHAPE[1:3],
    new_shape=SHAPE,
    delay_s=90,
    service_dates=("20261205",),
    stop_span=(2, 3),
)
ROUTE_7 = replace(
    ROUTE_12, route_id="r7", route_name="7", direction_id=None, trip_ids=("t7",), stops=(), stop_span=(4, None)
)
NO_WAY = replace(ROUTE_12, route_id="r3", route_name="3", trip_ids=("t3",), detour=None, new_shape=None)
BUSES = replace(CLOSURE, transit=(ROUTE_12, ROUTE_7))
OTHER = replace(BUSES, id="order-1.closure.mill-lane-northbound.p1", transit=(ROUTE_12,))


def encoded(*events: RoadEvent) -> Any:
    data = gtfs_rt.encode(events, publication_time=PUBLISHED, feed=FEED)
    assert check_message(data) == ()
    return parsed(data)


def entity(message: Any, id: str) -> Any:
    (found,) = [one for one in message.entity if one.id == id]
    return found


def test_the_message_is_the_golden_one_byte_for_byte() -> None:
    made = gtfs_rt.encode((BUSES, OTHER), publication_time=PUBLISHED, feed=FEED)
    assert made == (GOLDEN / "buses.pb").read_bytes()
    assert gtfs_rt.encode(EVENTS, publication_time=PUBLISHED, feed=FEED) == (GOLDEN / gtfs_rt.FILE_NAME).read_bytes()


def test_the_header_says_that_the_message_is_whole_and_when_it_was_made() -> None:
    header = encoded(BUSES).header
    assert (header.gtfs_realtime_version, header.incrementality) == ("2.0", 0)
    assert header.timestamp == int(PUBLISHED.timestamp())


def test_an_alert_informs_the_routes_and_directions_for_the_time_of_the_closure() -> None:
    alert = entity(encoded(BUSES), BUSES.id).alert
    told = [(one.route_id, one.HasField("direction_id"), one.direction_id) for one in alert.informed_entity]
    assert told == [("r12", True, 0), ("r7", False, 0)]
    (period,) = alert.active_period
    assert (period.start, period.end) == (int(BUSES.window.start.timestamp()), int(BUSES.window.end.timestamp()))
    assert alert.Cause.Name(alert.cause) == "CONSTRUCTION"
    assert alert.Effect.Name(alert.effect) == "DETOUR"
    assert alert.url.translation[0].text == CERTIFICATE.href


def test_an_alert_speaks_every_language_of_the_event() -> None:
    alert = entity(encoded(BUSES), BUSES.id).alert
    headers = {one.language: one.text for one in alert.header_text.translation}
    assert headers == {"en": "12, 7: Water main renewal", "nb": "12, 7: Ny vannledning"}
    assert "High Street (Abbey Row – Ring Road)." in alert.description_text.translation[0].text


def test_without_a_way_around_the_service_is_reduced_and_no_trip_is_modified() -> None:
    message = encoded(replace(CLOSURE, transit=(NO_WAY,)))
    alert = entity(message, CLOSURE.id).alert
    assert alert.Effect.Name(alert.effect) == "REDUCED_SERVICE"
    assert not any(one.HasField("trip_modifications") for one in message.entity)


def test_stops_that_are_not_served_have_an_alert_by_route() -> None:
    alert = entity(encoded(BUSES), f"{BUSES.id}.stops").alert
    assert [(one.route_id, one.stop_id) for one in alert.informed_entity] == [("r12", "s2"), ("r12", "s3")]
    assert alert.Effect.Name(alert.effect) == "NO_SERVICE"
    assert not any(one.id.endswith(".stops") for one in encoded(replace(BUSES, transit=(ROUTE_7,))).entity)


def test_the_detour_is_a_shape_of_its_own_and_the_trips_refer_to_it_and_to_the_alert() -> None:
    message = encoded(BUSES)
    changed = entity(message, f"{BUSES.id}.sh12.1.trips").trip_modifications
    (selected,) = changed.selected_trips
    assert (list(selected.trip_ids), list(changed.service_dates)) == (["t1", "t2"], ["20261205"])
    shape = entity(message, selected.shape_id).shape
    assert np.allclose(decoded_polyline(shape.encoded_polyline), SHAPE, atol=6e-6)
    (modification,) = changed.modifications
    assert modification.service_alert_id == BUSES.id
    assert modification.propagated_modification_delay == 90
    assert modification.start_stop_selector.stop_sequence == 2
    assert modification.end_stop_selector.stop_sequence == 3


def test_where_every_stop_is_served_there_is_no_end_selector() -> None:
    (modification,) = entity(encoded(BUSES), f"{BUSES.id}.sh12.2.trips").trip_modifications.modifications
    assert modification.start_stop_selector.stop_sequence == 4
    assert not modification.HasField("end_stop_selector")


def test_a_trip_that_two_events_turn_off_is_modified_once_a_day_and_has_both_alerts() -> None:
    message = encoded(BUSES, OTHER)
    assert {one.id for one in message.entity if one.HasField("alert")} >= {BUSES.id, OTHER.id}
    modified = [one.trip_modifications for one in message.entity if one.HasField("trip_modifications")]
    trips = [trip for changed in modified for trip in changed.selected_trips[0].trip_ids]
    assert sorted(trips) == ["t1", "t2", "t7"]
    another_day = replace(OTHER, transit=(replace(ROUTE_12, service_dates=("20261206",)),))
    assert sum(one.HasField("trip_modifications") for one in encoded(BUSES, another_day).entity) == 3


@pytest.mark.parametrize("event", [CLOSURE, replace(BUSES, cancelled=True)])
def test_what_turns_no_bus_off_or_is_cancelled_has_no_entity(event: RoadEvent) -> None:
    assert list(encoded(event).entity) == []


def test_fragments_one_after_another_are_one_message() -> None:
    message = encoded(OTHER, BUSES)
    assert message == encoded(BUSES, OTHER)
    assert len({one.id for one in message.entity}) == len(message.entity)


def test_a_reader_gets_the_alerts_with_times_and_detours() -> None:
    feed = read_message(gtfs_rt.encode([BUSES], publication_time=PUBLISHED, feed=FEED))
    assert feed.published == ("header.timestamp", "2026-11-22T12:00:00Z")
    alert, stops = feed.records
    assert (alert.id, alert.start[1], alert.end[1]) == (BUSES.id, "2026-12-05T06:00:00Z", "2026-12-05T17:00:00Z")
    assert [line.is_detour for line in alert.lines] == [True, True]
    assert stops.id == f"{BUSES.id}.stops"


def test_a_pending_record_has_no_link_to_a_certificate() -> None:
    alert = entity(encoded(replace(PENDING, transit=(ROUTE_7,))), PENDING.id).alert
    assert not alert.url.translation
    assert "until the crowd has left" in alert.description_text.translation[0].text


def test_another_datum_is_refused() -> None:
    with pytest.raises(FeedNonConformant, match="WGS-84"):
        gtfs_rt.fragments(BUSES, replace(FEED, datum="bd09"))


def test_bytes_that_are_no_message_are_refused() -> None:
    for data in (b"not a message", b"\x12\x00"):
        with pytest.raises(FeedNonConformant):
            read_message(data)


def test_what_the_reference_forbids_is_found() -> None:
    message = parsed(gtfs_rt.encode([BUSES], publication_time=PUBLISHED, feed=FEED))
    alert = entity(message, BUSES.id).alert
    alert.active_period[0].end = alert.active_period[0].start - 1
    del alert.informed_entity[:]
    del alert.header_text.translation[:]
    twice = message.entity.add()
    twice.CopyFrom(entity(message, f"{BUSES.id}.sh12.1.trips"))
    twice.trip_modifications.modifications[0].service_alert_id = "nobody"
    twice.trip_modifications.selected_trips[0].shape_id = "nowhere"
    said = " ".join(finding.message for finding in check_message(message.SerializeToString()))
    for fault in ("ends before", "informs nobody", "no header_text", "this id", "twice", "shape that", "alert that"):
        assert fault in said, fault


def test_polylines_are_those_of_the_published_example() -> None:
    line = ((-120.2, 38.5), (-120.95, 40.7), (-126.453, 43.252))
    assert encoded_polyline(line) == "_p~iF~ps|U_ulLnnqC_mqNvxq`@"
    assert decoded_polyline(encoded_polyline(line)) == line


def test_a_later_publication_changes_the_timestamp_only() -> None:
    later = parsed(gtfs_rt.encode([BUSES], publication_time=PUBLISHED + timedelta(hours=1), feed=FEED))
    sooner = encoded(BUSES)
    assert later != sooner
    later.header.timestamp = sooner.header.timestamp
    assert later == sooner
