from dataclasses import replace
from pathlib import Path

import pytest
from made_events import CANCELLED, CLOSURE, CONCERT, EVENTS, FEED, NO_TRUCKS, PUBLISHED, TURN

from trafficfeed.errors import FeedNonConformant
from trafficfeed.formats import datex2
from trafficfeed.formats.datex2_reading import read_datex2
from trafficfeed.formats.records import Record, Shape

GOLDEN = Path(__file__).parents[1] / "golden/datex2/datex2.xml"


def record(record_id: str) -> Record:
    return next(one for one in read_datex2(GOLDEN.read_bytes()).records if one.id == record_id)


def test_every_event_comes_back_with_its_line_times_and_direction() -> None:
    for event in EVENTS:
        found = record(event.id)
        assert found.lines[0].coordinates == event.coordinates
        assert (found.start[1], found.end[1]) == ("2026-12-05T06:00:00Z", "2026-12-05T17:00:00Z")
        assert found.compass == ("" if event is TURN else event.compass)
        assert found.group == event.order_id
        assert found.version is not None and found.version[0] == f"{found.path}/@version"


def test_a_record_that_is_closed_to_lorries_does_not_close_the_road() -> None:
    assert record(CLOSURE.id).closes and record(CONCERT.id).closes
    assert not record(NO_TRUCKS.id).closes


def test_the_way_round_is_marked_as_one() -> None:
    own, detour = record(f"{CLOSURE.id}.detour").lines
    assert not own.is_detour and detour.is_detour
    assert detour.coordinates == CLOSURE.detour


def test_lanes_and_languages_are_read() -> None:
    found = record(CLOSURE.id)
    assert [(lane.number, lane.closed) for lane in found.lanes] == [(1, True), (2, True), (3, True)]
    assert found.lanes_total == 3
    assert found.languages == ("en", "nb")


def test_what_is_suspended_is_cancelled() -> None:
    assert record(CANCELLED.id).cancelled and not record(CLOSURE.id).cancelled


def test_the_paths_lead_a_person_through_the_document() -> None:
    found = record("order-1.cause")
    assert found.path == "situation[1]/situationRecord[1]"
    assert found.start[0] == "situation[1]/situationRecord[1]/validity/validityTimeSpecification/overallStartTime"
    assert found.lines[0].path == "situation[1]/situationRecord[1]/locationReference/gmlLineString/posList"


def test_a_publication_in_a_message_container_is_read_too() -> None:
    inner = GOLDEN.read_bytes().partition(b"\n")[2]
    wrapped = (
        b'<mc:messageContainer xmlns:mc="http://datex2.eu/schema/3/messageContainer">'
        + inner
        + b"</mc:messageContainer>"
    )
    feed = read_datex2(wrapped)
    assert feed.published is not None and feed.published[0] == "payload/publicationTime"
    assert {one.id for one in feed.records} == {one.id for one in read_datex2(GOLDEN.read_bytes()).records}


def test_points_and_areas_are_told_from_lines() -> None:
    data = (
        '<p:payload xmlns:p="http://datex2.eu/schema/3/d2Payload" xmlns:s="http://datex2.eu/schema/3/situation" '
        'xmlns:l="http://datex2.eu/schema/3/locationReferencing" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'lang="en" xsi:type="s:SituationPublication"><s:situation id="a"><s:situationRecord id="b" version="1" '
        'xsi:type="s:EnvironmentalObstruction"><s:locationReference xsi:type="l:PointLocation"><l:pointByCoordinates>'
        "<l:pointCoordinates><l:latitude>60.17</l:latitude><l:longitude>24.94</l:longitude></l:pointCoordinates>"
        "</l:pointByCoordinates></s:locationReference></s:situationRecord></s:situation></p:payload>"
    )
    (found,) = read_datex2(data.encode()).records
    assert [(line.shape, line.coordinates) for line in found.lines] == [(Shape.POINTS, ((24.94, 60.17),))]
    assert found.end[1] is None and not found.needs_end


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b"<incidents/>",
        b'<payload xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="VmsPublication"/>',
        b'<payload xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns="http://datex2.eu/schema/2/2_0" '
        b'xsi:type="SituationPublication"><situation id="a"/></payload>',
    ],
)
def test_what_is_no_situation_publication_of_version_3_is_refused(data: bytes) -> None:
    with pytest.raises(FeedNonConformant):
        read_datex2(data)


def test_numbers_that_are_none_stay_as_they_are_written() -> None:
    data = datex2.encode([replace(CLOSURE, detour=None)], publication_time=PUBLISHED, feed=FEED)
    (line,) = next(one for one in read_datex2(data.replace(b"59.9014021", b"?")).records if one.id == CLOSURE.id).lines
    assert line.coordinates[1] == (10.0028003, "?")
