"""What each kind of partner would do with records made by hand."""

from dataclasses import replace

import pytest
from made_events import BUS_STREET, CLOSURE, CONCERT, DRIP, EVENTS, FEED, KERB_LANE, SLOW, TURN

from trafficfeed.closures.orders import Exemption, LanesClosed
from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.findings import Severity
from trafficfeed.formats.feed_info import FeedInfo
from trafficfeed.formats.in_datum import feed_in_datum, in_datum
from trafficfeed.formats.profiles import PROFILES

PLAIN = replace(CLOSURE, exceptions=(Exemption.EMERGENCY,), openlr="CwRbWyNG9RpsCQCb/jsbtAT/6/+jK1kE")
CHINESE = replace(PLAIN, title={**CLOSURE.title, "zh": "施工"})
GCJ = replace(feed_in_datum(FEED, "gcj02"), decimals=6)


def verdict(name: str, event: RoadEvent, feed: FeedInfo = FEED) -> dict[str, Severity]:
    """Return the rules that the profile finds broken, and how bad that is."""
    moved = in_datum(event, feed.datum, decimals=feed.decimals)
    findings = PROFILES[name].would_take(moved, feed)
    assert all(finding.mend and finding.where == event.id for finding in findings)
    return {finding.rule: finding.severity for finding in findings}


@pytest.mark.parametrize("name", ["waze", "google", "tomtom", "datex"])
def test_a_plain_closure_is_taken_by_all_whose_map_is_in_wgs84(name: str) -> None:
    assert verdict(name, PLAIN) == {}


def test_a_plain_closure_with_a_chinese_title_is_taken_by_a_chinese_app() -> None:
    assert verdict("china", CHINESE, GCJ) == {}


@pytest.mark.parametrize("name", PROFILES)
def test_a_record_in_the_wrong_datum_is_refused(name: str) -> None:
    feed = FEED if name == "china" else replace(feed_in_datum(FEED, "gcj02"), decimals=6)
    assert verdict(name, CHINESE, feed)["taker.datum"] is Severity.ERROR


@pytest.mark.parametrize("name", PROFILES)
def test_a_single_point_and_a_ring_are_refused(name: str) -> None:
    feed = GCJ if name == "china" else FEED
    point = replace(CHINESE, coordinates=(CLOSURE.coordinates[0],) * 2, segments=())
    ring = replace(CHINESE, coordinates=(*CLOSURE.coordinates, CLOSURE.coordinates[0]), segments=())
    assert verdict(name, point, feed)["taker.line"] is Severity.ERROR
    assert verdict(name, ring, feed)["taker.ring"] is Severity.ERROR


@pytest.mark.parametrize("event", [KERB_LANE, SLOW, DRIP, TURN], ids=lambda event: event.rule.kind)
def test_what_leaves_the_road_open_to_cars_is_shown_and_reroutes_nobody(event: RoadEvent) -> None:
    assert verdict("waze", event)["waze.routing"] is Severity.WARNING
    assert verdict("google", event)["google.routing"] is Severity.WARNING
    (finding,) = (f for f in PROFILES["waze"].would_take(event, FEED) if f.rule == "waze.routing")
    assert finding.detail == {"effect": False}


def test_a_bus_street_is_a_closure_to_those_who_guide_cars() -> None:
    assert "waze.routing" not in verdict("waze", BUS_STREET)


def test_residents_are_led_around_too_and_someone_should_know() -> None:
    assert verdict("waze", CLOSURE)["taker.exempt"] is Severity.WARNING
    assert "taker.exempt" not in verdict("waze", PLAIN)


def test_a_short_title_is_refused_by_waze_and_a_nameless_street_goes_to_an_editor() -> None:
    assert verdict("waze", replace(PLAIN, title={"en": "X"}))["waze.description"] is Severity.ERROR
    assert verdict("waze", CONCERT)["waze.street"] is Severity.WARNING


def test_waze_does_not_take_what_was_over_before_it_was_said() -> None:
    late = replace(PLAIN, updated=CLOSURE.window.end)
    assert verdict("waze", late)["waze.over"] is Severity.ERROR


def test_an_estimated_end_opens_the_street_in_the_apps() -> None:
    guessed = replace(PLAIN, end_is_estimate=True)
    assert verdict("waze", guessed)["waze.end"] is Severity.WARNING
    assert verdict("google", guessed)["google.end"] is Severity.WARNING
    assert verdict("datex", guessed) == {}


def test_a_long_segment_of_two_points_may_not_be_matched_by_waze() -> None:
    first = replace(CLOSURE.segments[0], coordinates=((10.0028141, 59.9), (10.0028141, 59.905)))
    assert verdict("waze", replace(PLAIN, segments=(first,)))["waze.shape"] is Severity.WARNING


def test_tomtom_may_ignore_a_closure_that_residents_drive_through_and_wants_openlr() -> None:
    assert verdict("tomtom", CLOSURE) == {"tomtom.probes": Severity.WARNING, "tomtom.openlr": Severity.WARNING}


def test_tomtom_knows_lane_closures_and_no_speed_limits() -> None:
    assert "tomtom.category" not in verdict("tomtom", KERB_LANE)
    assert verdict("tomtom", SLOW)["tomtom.category"] is Severity.WARNING


def test_a_lane_closure_without_a_lane_is_refused_by_datex_consumers() -> None:
    nameless = replace(KERB_LANE, rule=LanesClosed(lanes=(4,)), lanes_closed=())
    assert verdict("datex", nameless)["datex.lanes"] is Severity.ERROR
    assert "datex.lanes" not in verdict("datex", KERB_LANE)


def test_turns_and_metering_are_in_no_recommended_datex_profile() -> None:
    for event in (TURN, DRIP):
        assert verdict("datex", event)["datex.profile"] is Severity.WARNING


def test_a_chinese_app_wants_six_decimals_and_chinese_text() -> None:
    assert verdict("china", CHINESE, replace(GCJ, decimals=None))["china.decimals"] is Severity.ERROR
    assert verdict("china", PLAIN, GCJ)["china.text"] is Severity.ERROR


def test_baidus_datum_is_as_good_as_amaps() -> None:
    assert verdict("china", CHINESE, replace(feed_in_datum(FEED, "bd09"), decimals=6)) == {}


def test_swapped_axes_are_seen_where_a_longitude_cannot_be_a_latitude() -> None:
    swapped = replace(CHINESE, coordinates=((24.9, 118.6), (24.9, 118.601)), segments=(), detour=None)
    findings = PROFILES["china"].would_take(swapped, GCJ)
    assert "china.axes" in {finding.rule for finding in findings}


@pytest.mark.parametrize("name", PROFILES)
def test_every_rule_says_where_it_comes_from(name: str) -> None:
    import importlib
    import inspect

    module = importlib.import_module(f"trafficfeed.formats.profiles.{name}")
    rules = [
        function
        for function in vars(module).values()
        if inspect.isgeneratorfunction(function) and function.__name__ != "datum_is"
    ]
    assert len(rules) >= 5
    assert all("Source:" in (rule.__doc__ or "") for rule in rules)


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.measure_id)
def test_no_profile_stumbles_over_any_kind_of_record(name: str, event: RoadEvent) -> None:
    for feed in (FEED, GCJ):
        verdict(name, event, feed)
