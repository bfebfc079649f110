import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from made_events import (
    BUS_STREET,
    CANCELLED,
    CLOSURE,
    CONCERT,
    EVENTS,
    FEED,
    KERB_LANE,
    NO_TRUCKS,
    PUBLISHED,
    SLOW,
    TURN,
)

from trafficfeed.closures.orders import LanesClosed, OneWay, Reason, VehicleRestriction
from trafficfeed.closures.road_events import RoadEvent, RoadSegment
from trafficfeed.errors import FeedNonConformant
from trafficfeed.findings import errors_in
from trafficfeed.formats import cifs, cifs_json, semantics
from trafficfeed.formats.cifs_reading import read_cifs, read_cifs_json
from trafficfeed.formats.feed_info import FeedInfo
from trafficfeed.formats.records import Clock
from trafficfeed.windows import Window

GOLDEN = Path(__file__).parents[1] / "golden"
SHARED = Path(os.environ.get("TRAFFICFEED_SHARED", Path(__file__).parents[2].parent / "shared"))
CONFORMANCE = SHARED / "conformance"


def encoded(*events: RoadEvent, feed: FeedInfo = FEED) -> list[dict[str, Any]]:
    document = json.loads(cifs_json.encode(events, publication_time=PUBLISHED, feed=feed))
    return [item["incident"] for item in document["incidents"]]


def nightly(start: datetime, end: datetime) -> RoadEvent:
    return replace(CLOSURE, window=Window(start=start, end=end), recurring=True)


def official_verdict(data: bytes) -> str:
    validator = CONFORMANCE / "validate.py"
    if not validator.is_file():
        pytest.skip(f"{validator} is not there: the official schema comes with the shared folder")
    run = subprocess.run([sys.executable, validator, "cifs", "-"], input=data, capture_output=True, timeout=60)
    return (run.stdout + run.stderr).decode()


def sample(name: str) -> bytes:
    path = CONFORMANCE / "cifs/samples" / name
    if not path.is_file():
        pytest.skip(f"{path} is not there: the official samples come with the shared folder")
    return path.read_bytes()


def test_both_documents_are_the_golden_ones_byte_for_byte() -> None:
    for module, name in ((cifs, "cifs"), (cifs_json, "cifs-json")):
        golden = (GOLDEN / name / module.FILE_NAME).read_bytes()
        assert module.encode(EVENTS, publication_time=PUBLISHED, feed=FEED) == golden
        assert module.encode(EVENTS[::-1], publication_time=PUBLISHED, feed=FEED) == golden


def test_the_xml_passes_the_official_schema_with_every_element_that_we_use() -> None:
    night = nightly(datetime(2026, 12, 6, 21, tzinfo=UTC), datetime(2026, 12, 7, 4, tzinfo=UTC))
    data = cifs.encode((*EVENTS, replace(night, id="n")), publication_time=PUBLISHED, feed=FEED)
    assert official_verdict(data).startswith("ok")
    names = {element.tag for element in etree.fromstring(data).iter()}
    assert {"schedule", "lane_impact", "subtype", "parent_event", "source"} <= names


def test_both_documents_break_no_rule() -> None:
    night = nightly(datetime(2026, 12, 6, 21, tzinfo=UTC), datetime(2026, 12, 7, 4, tzinfo=UTC))
    for module in (cifs, cifs_json):
        data = module.encode((*EVENTS, replace(night, id="night")), publication_time=PUBLISHED, feed=FEED)
        assert errors_in(semantics.check(module.STANDARD.name, data, bounds=FEED.bounds)) == ()


def test_the_json_has_the_structure_of_the_official_sample() -> None:
    official = json.loads(sample("official_doc_incident.json"))
    ours = json.loads(cifs_json.encode(EVENTS, publication_time=PUBLISHED, feed=FEED))
    assert ours.keys() == official.keys()
    assert ours["incidents"][0].keys() == official["incidents"][0].keys()
    wanted = official["incidents"][0]["incident"]
    for item in ours["incidents"]:
        assert wanted.keys() <= item["incident"].keys()
        assert all(type(item["incident"][key]) is type(wanted[key]) for key in wanted)


def test_xml_and_json_say_the_same() -> None:
    xml = read_cifs(cifs.encode(EVENTS, publication_time=PUBLISHED, feed=FEED))
    mirror = read_cifs_json(cifs_json.encode(EVENTS, publication_time=PUBLISHED, feed=FEED))
    assert len(xml.records) == len(mirror.records)
    for one, other in zip(xml.records, mirror.records, strict=True):
        assert (one.id, one.start[1], one.end[1]) == (other.id, other.start[1], other.end[1])
        assert one.lines[0].coordinates == other.lines[0].coordinates
        assert (one.kind, one.subtype, one.group, one.description) == (
            other.kind,
            other.subtype,
            other.group,
            other.description,
        )


def test_each_segment_is_an_incident_grouped_by_its_order() -> None:
    first, second = encoded(CLOSURE)
    assert (first["id"], second["id"]) == (f"{CLOSURE.id}.n11-n12", f"{CLOSURE.id}.n12-n13")
    assert first["parent_event"] == second["parent_event"] == {"id": "order-1"}
    assert first["direction"] == "ONE_DIRECTION"
    (short,) = encoded(replace(CONCERT, order_id="x"))
    assert len(short["parent_event"]["id"]) >= 3


def test_ids_do_not_hang_on_the_geometry() -> None:
    moved = tuple(replace(s, coordinates=tuple((x + 1e-4, y) for x, y in s.coordinates)) for s in CLOSURE.segments)
    assert [i["id"] for i in encoded(replace(CLOSURE, segments=moved))] == [i["id"] for i in encoded(CLOSURE)]


def test_polylines_are_latitude_first_and_a_straight_segment_has_a_point_between_its_ends() -> None:
    assert encoded(CLOSURE)[0]["polyline"] == "59.9000012 10.0028141 59.9007017 10.0028072 59.9014021 10.0028003"


def test_only_what_shuts_cars_out_is_a_closed_road() -> None:
    for event in (CLOSURE, BUS_STREET, replace(KERB_LANE, lanes_closed=(1, 2, 3)), replace(CLOSURE, rule=OneWay())):
        assert encoded(event)[0]["type"] == "ROAD_CLOSED"
    for event in (KERB_LANE, SLOW, NO_TRUCKS):
        assert encoded(event)[0]["type"] == "HAZARD"


@pytest.mark.parametrize("reason", Reason)
def test_every_subtype_belongs_to_its_type(reason: Reason) -> None:
    for event in (CLOSURE, KERB_LANE, SLOW):
        for incident in encoded(replace(event, reason=reason)):
            assert incident.get("subtype", incident["type"]).startswith(incident["type"])


def test_closed_lanes_are_told_with_their_side_of_the_road() -> None:
    def impact(*closed: int, feed: FeedInfo = FEED) -> Any:
        event = replace(KERB_LANE, rule=LanesClosed(lanes=closed), lanes_closed=closed, lanes_total=4)
        return encoded(event, feed=feed)[0].get("lane_impact")

    assert impact(1) == {"total_closed_lanes": 1, "roadside": "RIGHT"}
    assert impact(1, feed=replace(FEED, left_hand=True)) == {"total_closed_lanes": 1, "roadside": "LEFT"}
    assert impact(3, 4) == {"total_closed_lanes": 2, "roadside": "LEFT"}
    assert impact(2, 3) == {"total_closed_lanes": 2, "roadside": "MIDDLE"}
    assert impact(1, 3) is None


def test_a_closed_lane_shuts_the_road_only_on_the_segment_that_has_no_other() -> None:
    narrow, wide = CLOSURE.segments
    segments = (replace(narrow, lanes_total=1, lanes_closed=(1,)), replace(wide, lanes_total=3, lanes_closed=(1,)))
    event = replace(KERB_LANE, lanes_total=1, lanes_closed=(1,), segments=segments)
    assert [incident["type"] for incident in encoded(event)] == ["ROAD_CLOSED", "HAZARD"]
    assert "1 of 3 lanes closed." in encoded(event)[1]["description"]


def test_a_limit_that_a_car_breaks_shuts_it_out() -> None:
    gate = replace(NO_TRUCKS, rule=VehicleRestriction(max_width_m=1.5))
    assert encoded(gate)[0]["type"] == "ROAD_CLOSED"
    assert encoded(replace(gate, rule=VehicleRestriction(max_width_m=2.2)))[0]["type"] == "HAZARD"


def test_a_turn_ban_is_left_out_for_cifs_has_no_word_for_it() -> None:
    assert encoded(TURN) == []


def test_a_ban_that_does_not_concern_cars_is_told_only_where_something_is_on_the_road() -> None:
    assert encoded(NO_TRUCKS)[0]["subtype"] == "HAZARD_ON_ROAD_CONSTRUCTION"
    assert encoded(replace(NO_TRUCKS, reason=Reason.PUBLIC_EVENT)) == []
    assert encoded(replace(BUS_STREET, reason=Reason.PUBLIC_EVENT))[0]["type"] == "ROAD_CLOSED"


def test_a_title_that_says_the_rule_is_not_repeated() -> None:
    said = encoded(replace(SLOW, title={"en": "Speed limit 30 km/h"}, certificate=None))[0]["description"]
    assert said == "Speed limit 30 km/h."


def test_times_bear_the_offset_that_the_city_has_on_that_day() -> None:
    summer = Window(start=datetime(2026, 10, 24, 23, tzinfo=UTC), end=datetime(2026, 10, 25, 3, tzinfo=UTC))
    incident = encoded(replace(CLOSURE, window=summer))[0]
    assert incident["starttime"] == "2026-10-25T01:00:00+02:00"
    assert incident["endtime"] == "2026-10-25T04:00:00+01:00"


def test_the_hours_of_a_night_are_cut_at_midnight_with_the_days_in_the_order_of_the_week() -> None:
    sunday = nightly(datetime(2026, 12, 6, 21, tzinfo=UTC), datetime(2026, 12, 7, 4, tzinfo=UTC))
    assert list(encoded(sunday)[0]["schedule"].items()) == [("monday", "00:00-05:00"), ("sunday", "22:00-23:59")]
    to_midnight = nightly(datetime(2026, 12, 7, 19, tzinfo=UTC), datetime(2026, 12, 7, 23, tzinfo=UTC))
    assert encoded(to_midnight)[0]["schedule"] == {"monday": "20:00-23:59"}
    from_the_last_minute = nightly(datetime(2026, 12, 7, 22, 59, tzinfo=UTC), datetime(2026, 12, 8, 4, tzinfo=UTC))
    assert encoded(from_the_last_minute)[0]["schedule"] == {"tuesday": "00:00-05:00"}
    by_day = nightly(datetime(2026, 12, 8, 8, tzinfo=UTC), datetime(2026, 12, 8, 16, tzinfo=UTC))
    assert encoded(by_day)[0]["schedule"] == {"tuesday": "09:00-17:00"}


def test_hours_are_left_out_where_they_could_say_something_else_than_start_and_end() -> None:
    night = nightly(datetime(2026, 12, 6, 21, tzinfo=UTC), datetime(2026, 12, 7, 4, tzinfo=UTC))
    clock_change = nightly(datetime(2026, 10, 24, 20, tzinfo=UTC), datetime(2026, 10, 25, 4, tzinfo=UTC))
    whole_day = nightly(datetime(2026, 12, 6, 21, tzinfo=UTC), datetime(2026, 12, 7, 21, tzinfo=UTC))
    cut_short = nightly(datetime(2026, 12, 6, 21, tzinfo=UTC), datetime(2026, 12, 6, 22, 14, 31, tzinfo=UTC))
    for event in (
        replace(night, recurring=False), replace(night, end_is_estimate=True), clock_change, whole_day, cut_short,
    ):  # fmt: skip
        assert "schedule" not in encoded(event)[0]


def test_a_cancelled_event_ends_when_it_was_cancelled() -> None:
    never_began = encoded(CANCELLED)[0]
    assert (never_began["starttime"], never_began["endtime"]) == (
        "2026-11-21T09:59:00+01:00",
        "2026-11-21T10:00:00+01:00",
    )
    began = Window(start=datetime(2026, 11, 21, 6, tzinfo=UTC), end=datetime(2026, 12, 1, tzinfo=UTC))
    running = encoded(replace(CANCELLED, window=began))[0]
    assert (running["starttime"], running["endtime"]) == ("2026-11-21T07:00:00+01:00", "2026-11-21T10:00:00+01:00")
    assert running["description"] == "Cancelled: Water main renewal."


def test_the_description_tells_rule_exceptions_condition_and_impact_in_the_feeds_language() -> None:
    assert encoded(CLOSURE)[0]["description"] == (
        "Water main renewal. Closed. Except emergency vehicles, residents. Delay 3.2 s per vehicle (1.1 s to 5.3 s). "
        "Detour: East Street, Ring Road. No queues back to other junctions."
    )
    assert encoded(CONCERT)[0]["description"].endswith("Until the crowd has left.")
    german = encoded(CLOSURE, feed=replace(FEED, language="de"))[0]["description"]
    assert "Gesperrt. Ausgenommen Einsatzfahrzeuge, Anlieger. Verzögerung 3,2 s je Fahrzeug" in german


def test_a_street_has_two_characters_at_least() -> None:
    def street(name: str, language: str = "en") -> Any:
        segment = RoadSegment(key="s1", coordinates=CONCERT.coordinates, street=name)
        return encoded(replace(CONCERT, segments=(segment,)), feed=replace(FEED, language=language))[0]["street"]

    assert street("") == "Unnamed road"
    assert street("", "fi") == "Nimetön tie"
    assert street("K") == "Road K"


def test_texts_with_characters_that_xml_refuses_are_written_without_them() -> None:
    event = replace(CLOSURE, title={"en": "Water\x0bmain\x00 & <pipe>\ufffe"}, authority="Line\nbreak")
    (record, _) = read_cifs(cifs.encode((event,), publication_time=PUBLISHED, feed=FEED)).records
    assert record.description is not None
    assert record.description.startswith("Water main & <pipe>. Closed.")


def test_another_datum_than_wgs84_is_refused() -> None:
    with pytest.raises(FeedNonConformant, match="WGS-84"):
        encoded(CLOSURE, feed=replace(FEED, datum="gcj02"))


def test_the_official_xml_sample_is_read_with_longitude_first_and_paths_into_the_document() -> None:
    feed = read_cifs(sample("official_doc_incident.xml"))
    (record,) = feed.records
    assert (feed.clock, feed.published) == (Clock.OFFSET, None)
    assert record.start == ("incident[1]/starttime", "2024-12-07T09:00:00+01:00")
    assert record.lines[0].coordinates[0] == (-0.006902, 51.51009)
    assert record.lines[0].latitude_first
    assert record.both_directions
    assert (record.kind, record.subtype, record.closes) == ("HAZARD", "HAZARD_ON_ROAD_OBJECT", False)


def test_somebody_elses_feed_is_read_with_its_weekly_hours() -> None:
    feed = read_cifs(sample("dialog_expected.xml"))
    assert [record.schedule for record in feed.records][:3] == [
        (("everyday", "18:00-22:00"),),
        (("tuesday", "12:00-14:00,19:00-21:00"),),
        (("tuesday", "08:00-10:00"), ("thursday", "08:00-10:00")),
    ]
    assert feed.records[0].schedule_path == "incident[1]/schedule"


def test_lanes_and_the_deprecated_location_are_read_too() -> None:
    xml = b"""<incidents><incident id="abc"><type>HAZARD</type><location><street>A St</street>
        <polyline>51.5 -0.1 51.6 x 7</polyline></location><lanes><lane><order>1</order><type>LANE</type>
        <status>CLOSED</status></lane><lane><order>2</order><type>LANE</type><status>OPEN</status></lane></lanes>
        </incident></incidents>"""
    (record,) = read_cifs(xml).records
    assert record.street == "A St"
    assert record.lines[0].path == "incident[1]/location/polyline"
    assert record.lines[0].coordinates == ((-0.1, 51.5), ("x", 51.6), (7.0,))
    assert [(lane.path, lane.number, lane.closed) for lane in record.lanes] == [
        ("incident[1]/lanes/lane[1]", "1", True),
        ("incident[1]/lanes/lane[2]", "2", False),
    ]


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"<feed/>", b'{"incidents": 3}', b"<incidents>"])
def test_bytes_that_are_no_cifs_are_refused(data: bytes) -> None:
    for read in (read_cifs, read_cifs_json):
        with pytest.raises(FeedNonConformant):
            read(data)


@pytest.mark.parametrize(
    "item", ["3", "null", '{"incident": 7}', '{"incident": {"schedule": [], "lanes": 4, "id": 9}}']
)
def test_an_incident_of_the_wrong_shape_is_left_to_the_rules(item: str) -> None:
    (record,) = read_cifs_json(f'{{"incidents": [{item}]}}'.encode()).records
    assert record.start == ("incidents[0].incident.starttime", None)
