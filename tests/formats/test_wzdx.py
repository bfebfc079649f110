import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_events import (
    BUS_STREET,
    CANCELLED,
    CLOSURE,
    CONCERT,
    DRIP,
    EVENTS,
    FEED,
    KERB_LANE,
    LOW_BRIDGE,
    NO_TRUCKS,
    PUBLISHED,
    SLOW,
    TURN,
)

from trafficfeed.closures.orders import Exemption, LanesClosed, Reason, VehicleRestriction
from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.errors import FeedNonConformant
from trafficfeed.formats import semantics, wzdx
from trafficfeed.formats.feed_info import FeedInfo

GOLDEN = Path(__file__).parents[1] / "golden/wzdx" / wzdx.FILE_NAME
SHARED = Path(os.environ.get("TRAFFICFEED_SHARED", Path(__file__).parents[2].parent / "shared"))
VALIDATOR = SHARED / "conformance/validate.py"


def encoded(*events: RoadEvent, feed: FeedInfo = FEED) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(wzdx.encode(events, publication_time=PUBLISHED, feed=feed))
    return document


def properties(event: RoadEvent, feed: FeedInfo = FEED) -> dict[str, Any]:
    found: dict[str, Any] = encoded(event, feed=feed)["features"][0]["properties"]
    return found


def official_verdict(data: bytes) -> str:
    if not VALIDATOR.is_file():
        pytest.skip(f"{VALIDATOR} is not there: the official schema comes with the shared folder")
    run = subprocess.run([sys.executable, VALIDATOR, "wzdx", "-"], input=data, capture_output=True, timeout=60)
    return (run.stdout + run.stderr).decode()


def test_the_document_is_the_golden_one_byte_for_byte() -> None:
    assert wzdx.encode(EVENTS, publication_time=PUBLISHED, feed=FEED) == GOLDEN.read_bytes()


def test_the_golden_document_passes_the_official_schema_and_breaks_no_rule() -> None:
    assert official_verdict(GOLDEN.read_bytes()).startswith("ok")
    assert semantics.check("wzdx", GOLDEN.read_bytes(), bounds=FEED.bounds) == ()


def test_an_empty_feed_passes_the_official_schema() -> None:
    data = wzdx.encode((), publication_time=PUBLISHED, feed=replace(FEED, contact_email=None, licence="ODbL-1.0"))
    assert official_verdict(data).startswith("ok")


def test_the_same_facts_in_another_order_give_the_same_bytes() -> None:
    ahead = wzdx.encode(EVENTS, publication_time=PUBLISHED, feed=FEED)
    assert wzdx.encode(reversed(EVENTS), publication_time=PUBLISHED, feed=FEED) == ahead


def test_only_roadworks_and_their_detours_are_told() -> None:
    document = encoded(CLOSURE, CONCERT, CANCELLED, replace(CLOSURE, id="x", reason=Reason.EMERGENCY))
    assert [f["id"] for f in document["features"]] == [CLOSURE.id, f"{CLOSURE.id}.detour"]
    assert [f["properties"]["core_details"]["event_type"] for f in document["features"]] == ["work-zone", "detour"]


def test_a_work_zone_and_its_detour_point_to_each_other() -> None:
    work_zone, detour = encoded(CLOSURE)["features"]
    core = work_zone["properties"]["core_details"], detour["properties"]["core_details"]
    assert core[0]["related_road_events"] == [{"type": "related-detour", "id": detour["id"]}]
    assert core[1]["related_road_events"] == [{"type": "related-work-zone", "id": work_zone["id"]}]
    assert core[1]["road_names"] == ["Abbey Row", "East Street", "Ring Road"]


@pytest.mark.parametrize(
    ("event", "impact"),
    [
        (CLOSURE, "all-lanes-closed"),
        (KERB_LANE, "some-lanes-closed-merge-left"),
        (replace(KERB_LANE, lanes_closed=(3,)), "some-lanes-closed-merge-right"),
        (replace(KERB_LANE, lanes_closed=(2,)), "some-lanes-closed"),
        (replace(KERB_LANE, lanes_closed=(1, 2, 3)), "all-lanes-closed"),
        (replace(KERB_LANE, lanes_closed=()), "all-lanes-open"),
        (BUS_STREET, "all-lanes-closed"),
        (NO_TRUCKS, "all-lanes-open"),
        (LOW_BRIDGE, "all-lanes-open"),
        (SLOW, "all-lanes-open"),
        (TURN, "all-lanes-open"),
        (DRIP, "temporary-traffic-signal"),
    ],
)
def test_the_vehicle_impact_is_what_a_car_driver_meets(event: RoadEvent, impact: str) -> None:
    assert properties(event)["vehicle_impact"] == impact


def test_lanes_are_counted_from_the_left() -> None:
    assert [lane["status"] for lane in properties(KERB_LANE)["lanes"]] == ["open", "open", "closed"]
    assert [lane["order"] for lane in properties(KERB_LANE)["lanes"]] == [1, 2, 3]


def test_where_traffic_keeps_left_the_kerb_is_the_first_lane_and_merging_is_to_the_right() -> None:
    found = properties(KERB_LANE, replace(FEED, left_hand=True))
    assert [lane["status"] for lane in found["lanes"]] == ["closed", "open", "open"]
    assert found["vehicle_impact"] == "some-lanes-closed-merge-right"


def test_a_road_that_is_shut_to_cars_shows_no_open_lane() -> None:
    assert {lane["status"] for lane in properties(BUS_STREET)["lanes"]} == {"closed"}


def test_restrictions_are_in_the_units_of_the_standard() -> None:
    assert properties(LOW_BRIDGE)["restrictions"] == [
        {"type": "reduced-weight", "value": 7500, "unit": "kilograms"},
        {"type": "reduced-height", "value": 350, "unit": "centimeters"},
    ]
    assert properties(NO_TRUCKS)["restrictions"] == [{"type": "no-trucks"}]
    assert properties(CLOSURE)["restrictions"] == [{"type": "local-access-only"}]
    assert properties(SLOW)["reduced_speed_limit_kph"] == 30


def test_times_are_utc_and_nothing_is_claimed_to_be_verified() -> None:
    found = properties(CLOSURE)
    assert (found["start_date"], found["end_date"]) == ("2026-12-05T06:00:00Z", "2026-12-05T17:00:00Z")
    assert not any(value for name, value in found.items() if name.endswith("_verified"))
    assert encoded(CLOSURE)["feed_info"]["update_date"] == "2026-11-22T12:00:00Z"


@pytest.mark.parametrize(
    ("licence", "told"),
    [
        ("CC0-1.0", True),
        ("https://creativecommons.org/publicdomain/zero/1.0/", True),
        ("http://creativecommons.org/publicdomain/zero/1.0", True),
        ("ODbL-1.0", False),
        ("CC BY 4.0", False),
    ],
)
def test_the_licence_is_told_only_where_it_is_the_one_that_the_standard_allows(licence: str, told: bool) -> None:
    info = encoded(CLOSURE, feed=replace(FEED, licence=licence))["feed_info"]
    assert info.get("license") == ("https://creativecommons.org/publicdomain/zero/1.0/" if told else None)


def test_the_text_is_in_the_feeds_language_or_the_next_best() -> None:
    assert properties(CLOSURE, replace(FEED, language="nb-NO"))["core_details"]["name"] == "Ny vannledning"
    assert properties(CLOSURE, replace(FEED, language="sv"))["core_details"]["name"] == "Water main renewal"


def test_a_road_without_a_name_and_without_cross_streets_is_still_conformant() -> None:
    event = replace(CONCERT, reason=Reason.ROADWORKS)
    assert properties(event)["core_details"]["road_names"] == ["unnamed road"]
    assert "beginning_cross_street" not in properties(event)
    assert official_verdict(wzdx.encode([event], publication_time=PUBLISHED, feed=FEED)).startswith("ok")


def test_a_turn_ban_is_told_in_the_description_since_the_standard_has_no_word_for_it() -> None:
    assert properties(TURN)["core_details"]["description"] == "The street is dug up. (High Street ↛ East Street)"


def test_the_line_of_a_banned_turn_has_no_one_direction_that_it_could_run_against() -> None:
    back = replace(TURN, coordinates=((10.0028, 59.9), (10.0028, 59.9003), (10.0030, 59.8990123)))
    assert properties(back)["core_details"]["direction"] == "undefined"
    data = wzdx.encode([back], publication_time=PUBLISHED, feed=FEED)
    assert semantics.check("wzdx", data, bounds=FEED.bounds) == ()


@pytest.mark.parametrize(
    ("event", "note"),
    [
        (CLOSURE, "(except: emergency, residents)"),
        (BUS_STREET, "(only: bus)"),
        (replace(BUS_STREET, exceptions=(Exemption.TAXI, Exemption.BICYCLE)), "(only: bus; except: bicycle, taxi)"),
        (replace(BUS_STREET, rule=VehicleRestriction(permit="zone A")), "(permit: zone A)"),
    ],
)
def test_who_may_pass_is_told_in_the_description_since_the_standard_has_no_field_for_it(
    event: RoadEvent, note: str
) -> None:
    assert properties(event)["core_details"]["description"] == f"The street is dug up. {note}"


def test_the_detour_s_description_does_not_repeat_who_may_pass_the_closure() -> None:
    detour = encoded(CLOSURE)["features"][1]["properties"]
    assert detour["core_details"]["description"] == "The street is dug up."


def test_lane_numbers_beyond_the_road_leave_it_open() -> None:
    event = replace(KERB_LANE, rule=LanesClosed(lanes=(5,)), lanes_closed=())
    assert {lane["status"] for lane in properties(event)["lanes"]} == {"open"}


def test_shifted_coordinates_are_refused() -> None:
    with pytest.raises(FeedNonConformant, match="gcj02"):
        wzdx.encode(EVENTS, publication_time=PUBLISHED, feed=replace(FEED, datum="gcj02"))
