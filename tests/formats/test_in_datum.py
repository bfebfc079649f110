import json
from dataclasses import replace

import numpy as np
import pytest
from made_events import CLOSURE, CONCERT, FEED, PUBLISHED

from trafficfeed.closures.road_events import RoadEvent, TransitImpact
from trafficfeed.errors import ScenarioInvalid
from trafficfeed.formats import native
from trafficfeed.formats.in_datum import feed_in_datum, in_datum
from trafficfeed.network.datums import convert

WHOLE = replace(
    CLOSURE,
    areas=CONCERT.areas,
    openlr="CwRbWyNG9RpsCQCb/jsbtAT/6/+jK1kE",
    transit=(TransitImpact(route_id="1", route_name="1", detour=CLOSURE.detour),),
)


def lines_of(event: RoadEvent) -> list[list[tuple[float, float]]]:
    assert event.detour is not None and event.transit[0].detour is not None
    lines = [event.coordinates, event.detour, event.transit[0].detour, *event.areas]
    return [list(line) for line in (*lines, *(segment.coordinates for segment in event.segments))]


def test_in_wgs84_it_is_the_same_object_with_its_openlr() -> None:
    assert in_datum(WHOLE, "wgs84") is WHOLE


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_every_line_is_moved_and_comes_back_digit_by_digit(datum: str) -> None:
    for before, after in zip(lines_of(WHOLE), lines_of(in_datum(WHOLE, datum)), strict=True):
        assert not set(before) & set(after)
        back = np.round(convert(after, source=datum, target="wgs84"), 7)
        assert [tuple(point) for point in back.tolist()] == before


def test_an_openlr_reference_is_dropped_because_it_holds_wgs84_coordinates() -> None:
    assert in_datum(WHOLE, "gcj02").openlr is None


def test_segments_still_join_and_rings_still_close() -> None:
    moved = in_datum(WHOLE, "bd09")
    assert moved.segments[0].coordinates[-1] == moved.segments[1].coordinates[0]
    assert moved.segments[0].coordinates[0] == moved.coordinates[0]
    assert moved.areas[0][0] == moved.areas[0][-1]


def test_a_long_line_gets_the_points_it_needs_to_bend() -> None:
    event = replace(CLOSURE, coordinates=((10.0, 59.9), (10.05, 59.9)), segments=(), detour=None)
    assert len(in_datum(event, "gcj02").coordinates) == 7


def test_fewer_decimals_are_written_where_a_taker_reads_no_more() -> None:
    moved = in_datum(WHOLE, "gcj02", decimals=6)
    assert all(round(value, 6) == value for line in lines_of(moved) for point in line for value in point)


def test_points_that_few_decimals_make_one_are_said_once() -> None:
    event = replace(CLOSURE, coordinates=((10.0, 59.9), (10.0000001, 59.9), (10.01, 59.9)), segments=(), detour=None)
    assert len(set(in_datum(event, "gcj02", decimals=5).coordinates)) == len(
        in_datum(event, "gcj02", decimals=5).coordinates
    )


def test_the_feed_declares_its_datum_and_its_bounds_in_it() -> None:
    feed = feed_in_datum(FEED, "gcj02")
    document = json.loads(native.encode([in_datum(CLOSURE, "gcj02")], publication_time=PUBLISHED, feed=feed))
    west, south, east, north = document["feed"]["area"]
    assert document["feed"]["datum"] == "gcj02"
    for lon, lat in document["features"][0]["geometry"]["coordinates"]:
        assert west < lon < east and south < lat < north
    assert feed.bounds != FEED.bounds


def test_a_feed_asked_for_in_its_own_datum_is_the_same_object() -> None:
    assert feed_in_datum(FEED, "wgs84") is FEED


def test_an_unknown_datum_is_refused() -> None:
    with pytest.raises(ScenarioInvalid):
        in_datum(CLOSURE, "WGS-84")
