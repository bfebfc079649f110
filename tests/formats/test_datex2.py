import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree
from made_events import (
    BUS_STREET,
    CANCELLED,
    CERTIFICATE,
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
    ruled,
)

from trafficfeed.closures.document import parse_order
from trafficfeed.closures.orders import Exemption, LanesClosed, OneWay, Reason, VehicleRestriction
from trafficfeed.closures.publication import road_events
from trafficfeed.closures.resolution import resolve
from trafficfeed.closures.road_events import RoadEvent, Validation
from trafficfeed.closures.schedules import windows_of
from trafficfeed.errors import FeedNonConformant
from trafficfeed.findings import errors_in
from trafficfeed.formats import datex2, semantics
from trafficfeed.formats.datex2_country import country_of
from trafficfeed.formats.datex2_xml import NAMESPACES, TYPE
from trafficfeed.formats.feed_info import FeedInfo
from trafficfeed.network.graph_cache import load_graph
from trafficfeed.network.vehicle_classes import VehicleClass
from trafficfeed.windows import Window

GOLDEN = Path(__file__).parents[1] / "golden/datex2" / datex2.FILE_NAME
SHARED = Path(os.environ.get("TRAFFICFEED_SHARED", Path(__file__).parents[2].parent / "shared"))
VALIDATOR = SHARED / "conformance/validate.py"
CITY = Path(__file__).parents[2] / "sumo_scenarios/helsinki"

# the line location of OpenLR's own examples: three points, a positive offset
OPENLR = "CwRbWyNG9RpsCQCb/jsbtAT/6/+jK1lE"


def encoded(*events: RoadEvent, feed: FeedInfo = FEED) -> etree._Element:
    return etree.fromstring(datex2.encode(events, publication_time=PUBLISHED, feed=feed))


def record(event: RoadEvent, feed: FeedInfo = FEED) -> etree._Element:
    found = encoded(event, feed=feed).xpath("//sit:situationRecord[@id=$id]", id=event.id, namespaces=NAMESPACES)
    return found[0]


def texts(element: etree._Element, path: str) -> list[str]:
    return [found.text or "" for found in element.iterfind(path, NAMESPACES)]


def class_of(element: etree._Element) -> str:
    return str(element.get(TYPE)).partition(":")[2]


def official_verdict(data: bytes) -> str:
    if not VALIDATOR.is_file():
        pytest.skip(f"{VALIDATOR} is not there: the official schema comes with the shared folder")
    run = subprocess.run([sys.executable, VALIDATOR, "datex2", "-"], input=data, capture_output=True, timeout=60)
    return (run.stdout + run.stderr).decode()


def nightly(event: RoadEvent, nights: int) -> list[RoadEvent]:
    return [
        replace(
            event,
            id=f"{event.id[:-2]}n{night}",
            window=Window(
                start=event.window.start + timedelta(days=night), end=event.window.end + timedelta(days=night)
            ),
        )
        for night in range(nights)
    ]


def test_the_document_is_the_golden_one_byte_for_byte() -> None:
    assert datex2.encode(EVENTS, publication_time=PUBLISHED, feed=FEED) == GOLDEN.read_bytes()


def test_the_golden_document_passes_the_official_schema_and_breaks_no_rule() -> None:
    assert official_verdict(GOLDEN.read_bytes()).startswith("ok")
    assert semantics.check("datex2", GOLDEN.read_bytes(), bounds=FEED.bounds) == ()


def test_an_empty_feed_passes_the_official_schema() -> None:
    assert official_verdict(datex2.encode((), publication_time=PUBLISHED, feed=FEED)).startswith("ok")


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_and_a_recurring_order_with_openlr_pass_the_official_schema(reason: Reason) -> None:
    events = [replace(event, reason=reason, openlr=OPENLR) for event in (*nightly(CLOSURE, 3), KERB_LANE)]
    data = datex2.encode(events, publication_time=PUBLISHED, feed=FEED)
    assert official_verdict(data).startswith("ok")


def test_the_same_facts_in_another_order_give_the_same_bytes() -> None:
    ahead = datex2.encode(EVENTS, publication_time=PUBLISHED, feed=FEED)
    assert datex2.encode(reversed(EVENTS), publication_time=PUBLISHED, feed=FEED) == ahead


def test_an_order_is_one_situation_also_where_another_order_s_id_begins_with_its_own() -> None:
    inner = replace(CLOSURE, order_id="order-1.b", id="order-1.b.closure.high-street-northbound.p1")
    after = replace(CLOSURE, id="order-1.c.high-street-northbound.p1")
    document = encoded(CLOSURE, inner, after)
    ids = {
        one.get("id"): [found.get("id") for found in one.iterfind("sit:situationRecord", NAMESPACES)]
        for one in document.iterfind("sit:situation", NAMESPACES)
    }
    assert list(ids) == ["order-1", "order-1.b"]
    assert CLOSURE.id in ids["order-1"] and after.id in ids["order-1"] and inner.id in ids["order-1.b"]


def test_coordinates_are_latitude_first_and_the_whole_shape_to_the_centimetre() -> None:
    line = record(CLOSURE).find("sit:locationReference/loc:gmlLineString", NAMESPACES)
    assert line is not None and line.get("srsName") == "EPSG:4326"
    assert texts(line, "loc:posList") == ["59.9000012 10.0028141 59.9014021 10.0028003 59.9028033 10.0028141"]


def test_times_are_in_utc_and_the_end_is_explicit() -> None:
    spec = record(CLOSURE).find("sit:validity/com:validityTimeSpecification", NAMESPACES)
    assert spec is not None
    assert [child.text for child in spec] == ["2026-12-05T06:00:00Z", "2026-12-05T17:00:00Z"]
    assert texts(record(CLOSURE), "sit:validity/com:validityStatus") == ["definedByValidityTimeSpec"]


@pytest.mark.parametrize(
    ("event", "class_name", "kind"),
    [
        (CLOSURE, "RoadOrCarriagewayOrLaneManagement", "roadClosed"),
        (ruled("one-way", OneWay()), "RoadOrCarriagewayOrLaneManagement", "roadClosed"),
        (KERB_LANE, "RoadOrCarriagewayOrLaneManagement", "laneClosures"),
        (replace(KERB_LANE, lanes_closed=(1, 2, 3)), "RoadOrCarriagewayOrLaneManagement", "roadClosed"),
        (replace(KERB_LANE, lanes_closed=()), "RoadOrCarriagewayOrLaneManagement", "other"),
        (LOW_BRIDGE, "RoadOrCarriagewayOrLaneManagement", "heightRestrictionInOperation"),
        (
            ruled("light", VehicleRestriction(max_weight_t=3.5)),
            "RoadOrCarriagewayOrLaneManagement",
            "weightRestrictionInOperation",
        ),
        (ruled("wide", VehicleRestriction(max_width_m=2)), "RoadOrCarriagewayOrLaneManagement", "roadClosed"),
        (BUS_STREET, "RoadOrCarriagewayOrLaneManagement", "roadClosed"),
        (TURN, "RoadOrCarriagewayOrLaneManagement", "other"),
        (SLOW, "SpeedManagement", "speedRestrictionInOperation"),
        (DRIP, "GeneralNetworkManagement", "temporaryTrafficLights"),
    ],
)
def test_each_rule_has_its_class_and_type(event: RoadEvent, class_name: str, kind: str) -> None:
    found = record(event)
    assert class_of(found) == class_name
    assert texts(found, f"sit:{class_name[0].lower()}{class_name[1:]}Type") == [kind]


def test_a_speed_limit_is_told_in_kilometres_an_hour() -> None:
    assert texts(record(SLOW), "sit:temporarySpeedLimit") == ["30"]


def test_limits_are_those_of_the_vehicles_that_are_kept_out() -> None:
    vehicles = record(LOW_BRIDGE).findall("sit:forVehiclesWithCharacteristicsOf", NAMESPACES)
    assert [[leaf.text for leaf in one.iter() if not len(leaf)] for one in vehicles] == [
        ["greaterThan", "7.5", "actual"],
        ["greaterThan", "3.5"],
    ]


def vehicle_types(event: RoadEvent) -> list[str]:
    return texts(record(event), "sit:forVehiclesWithCharacteristicsOf/com:vehicleType")


def test_a_closure_is_for_all_vehicles_and_a_bus_street_for_all_but_buses() -> None:
    assert vehicle_types(CLOSURE) == []
    assert "car" in vehicle_types(BUS_STREET) and "bus" not in vehicle_types(BUS_STREET)
    assert vehicle_types(NO_TRUCKS) == ["lorry"]


def test_who_is_exempt_is_not_among_those_kept_out() -> None:
    event = replace(BUS_STREET, exceptions=(Exemption.BICYCLE, Exemption.TAXI))
    assert "bicycle" not in vehicle_types(event) and "car" in vehicle_types(event)


def test_a_ban_of_taxis_is_one_of_their_usage() -> None:
    event = ruled("no-taxis", VehicleRestriction(banned=(VehicleClass.TAXI,)))
    assert texts(record(event), "sit:forVehiclesWithCharacteristicsOf/com:vehicleUsage") == ["taxi"]


def test_lanes_are_counted_from_the_verge_as_ours_are() -> None:
    carriageway = record(KERB_LANE).find(".//loc:carriageway", NAMESPACES)
    assert carriageway is not None
    assert [leaf.text for leaf in carriageway.iter() if not len(leaf)] == ["mainCarriageway", "3", "1"]
    impact = record(KERB_LANE).find("sit:impact", NAMESPACES)
    assert impact is not None
    assert [child.text for child in impact if not len(child)] == ["67", "1", "2"]


def test_what_the_simulation_found_is_in_the_impact_and_in_words_with_a_link() -> None:
    found = record(CLOSURE)
    assert texts(found, "sit:impact/sit:delays/sit:delayTimeValue") == ["3.2"]
    assert texts(found, "sit:urlLink/com:urlLinkAddress") == ["https://traffic.example.org/v1/certificates/c0ffee"]
    assert any("1.1 s to 5.3 s" in text for text in texts(found, "sit:generalPublicComment//com:value"))


def test_exceptions_are_told_in_words() -> None:
    assert any("Except" in text for text in texts(record(CLOSURE), "sit:generalPublicComment//com:value"))


def test_texts_come_in_all_languages_and_never_in_one_language_under_another_s_tag() -> None:
    values = record(CLOSURE).findall("sit:generalPublicComment//com:value", NAMESPACES)
    told = {(value.get("lang"), value.text) for value in values}
    assert ("nb", "Ny vannledning") in told and ("en", "Water main renewal") in told
    english = {text for language, text in told if language == "en"}
    assert not english & {text for language, text in told if language == "nb"}


def test_a_text_beyond_the_longest_string_is_continued_in_another_comment() -> None:
    long = " ".join(f"word{n}" for n in range(400))
    found = texts(record(replace(CLOSURE, description={"en": long})), "sit:generalPublicComment//com:value[@lang='en']")
    assert all(len(text) <= 1024 for text in found)
    assert " ".join(text for text in found if text.startswith("word")) == long


def test_characters_that_xml_cannot_hold_are_left_out() -> None:
    assert texts(record(replace(CLOSURE, street="High\x0bStreet")), ".//loc:roadName") == ["HighStreet"]


def test_a_detour_is_a_rerouting_caused_by_the_closure() -> None:
    document = encoded(CLOSURE)
    found = document.find(f".//sit:situationRecord[@id='{CLOSURE.id}.detour']", NAMESPACES)
    assert found is not None and class_of(found) == "ReroutingManagement"
    reference = found.find("sit:cause/sit:managedCause/sit:objectReference", NAMESPACES)
    assert reference is not None and reference.get("id") == CLOSURE.id
    assert texts(found, "sit:alternativeRoute//loc:posList")[0].startswith(
        "59.9000012 10.0028141 59.9000012 10.0054019"
    )
    assert texts(found, "sit:reroutingItineraryDescription//com:value") == ["Abbey Row → East Street → Ring Road"]


@pytest.mark.parametrize(
    ("reason", "class_name", "kind"),
    [
        (Reason.ROADWORKS, "MaintenanceWorks", "roadMaintenance"),
        (Reason.PUBLIC_EVENT, "PublicEvent", "publicEvent"),
        (Reason.SPORT, "PublicEvent", "publicEvent"),
    ],
)
def test_works_and_public_events_are_a_record_of_their_order_that_the_measures_name_as_their_cause(
    reason: Reason, class_name: str, kind: str
) -> None:
    document = encoded(replace(CLOSURE, reason=reason), replace(KERB_LANE, reason=reason))
    causes = [one for one in document.iter(f"{{{NAMESPACES['sit']}}}situationRecord") if class_of(one) == class_name]
    assert [one.get("id") for one in causes] == ["order-1.cause"]
    references = document.findall(".//sit:managedCause/sit:objectReference", NAMESPACES)
    named = {reference.get("id"): reference.get("version") for reference in references}
    assert named["order-1.cause"] == causes[0].get("version")
    assert set(texts(document, ".//sit:causeType")) == {kind}


def test_an_accident_has_a_cause_but_no_record_of_it() -> None:
    document = encoded(replace(CLOSURE, reason=Reason.ACCIDENT))
    assert texts(document, ".//sit:causeType") == ["accident"]
    assert len(document.findall(".//sit:situationRecord", NAMESPACES)) == 2  # the closure and its detour


def test_the_periods_of_a_recurring_order_are_listed_one_by_one_on_the_record_of_its_cause() -> None:
    document = encoded(*nightly(CLOSURE, 3))
    cause = document.find(".//sit:situationRecord[@id='order-1.cause']", NAMESPACES)
    assert cause is not None
    starts = texts(cause, ".//com:validPeriod/com:startOfPeriod")
    assert starts == ["2026-12-05T06:00:00Z", "2026-12-06T06:00:00Z", "2026-12-07T06:00:00Z"]
    assert texts(cause, ".//com:overallStartTime") == ["2026-12-05T06:00:00Z"]
    assert texts(cause, ".//com:overallEndTime") == ["2026-12-07T17:00:00Z"]
    assert len(texts(cause, ".//loc:posList")) == 1  # the same street each night


def test_the_record_of_the_cause_has_all_the_places_of_the_order() -> None:
    elsewhere = replace(KERB_LANE, coordinates=((10.01, 59.9), (10.0123456, 59.9)))
    cause = encoded(CLOSURE, elsewhere).find(".//sit:situationRecord[@id='order-1.cause']", NAMESPACES)
    assert cause is not None
    place = cause.find("sit:locationReference", NAMESPACES)
    assert place is not None and class_of(place) == "LocationGroupByList"
    assert len(texts(place, "loc:locationContainedInGroup//loc:posList")) == 2


def test_versions_grow_with_the_order_its_certificate_and_its_end() -> None:
    first = replace(CLOSURE, order_version=1, validation=Validation.PENDING, certificate=None)
    passed = replace(first, validation=Validation.PASSED)
    withdrawn = replace(passed, cancelled=True)
    second = replace(first, order_version=2)
    versions = [int(str(record(event).get("version"))) for event in (first, passed, withdrawn, second)]
    assert versions == sorted(set(versions))


def test_what_is_cancelled_is_suspended_and_says_nothing_of_impact() -> None:
    found = record(CANCELLED)
    assert texts(found, "sit:validity/com:validityStatus") == ["suspended"]
    assert texts(found, "sit:operatorActionStatus") == ["beingTerminated"]
    assert found.find("sit:impact", NAMESPACES) is None
    assert "Cancelled" in texts(found, "sit:generalPublicComment//com:value")


def test_openlr_is_given_whole_and_taken_apart() -> None:
    place = record(replace(CLOSURE, openlr=OPENLR)).find("sit:locationReference", NAMESPACES)
    assert place is not None
    assert texts(place, "loc:externalReferencing/loc:externalLocationCode") == [OPENLR]
    line = place.find("loc:openlrLinear/loc:firstDirection", NAMESPACES)
    assert line is not None
    assert len(line.findall("loc:openlrLocationReferencePoint", NAMESPACES)) == 2
    latitude = texts(line, "loc:openlrLocationReferencePoint/loc:openlrCoordinates/loc:latitude")[0]
    assert float(latitude) == pytest.approx(49.60851, abs=2e-5)
    assert texts(line, "loc:openlrLocationReferencePoint//loc:openlrFunctionalRoadClass") == ["frc3", "frc3"]


def test_without_openlr_there_is_none() -> None:
    assert record(CLOSURE).find(".//loc:openlrLinear", NAMESPACES) is None


def test_a_road_without_names_is_told_without() -> None:
    assert record(CONCERT).find(".//loc:roadInformation", NAMESPACES) is None
    assert record(CONCERT).find(".//loc:locationDescription", NAMESPACES) is None


def test_the_publisher_s_country_is_that_of_its_time_zone() -> None:
    assert country_of("Asia/Shanghai") == "CN"
    assert country_of("Etc/UTC") == "ZZ"
    assert texts(encoded(), "com:publicationCreator/com:country") == ["NO"]


def test_shifted_coordinates_are_refused() -> None:
    with pytest.raises(FeedNonConformant, match="gcj02"):
        datex2.encode(EVENTS, publication_time=PUBLISHED, feed=replace(FEED, datum="gcj02"))


def test_lanes_that_the_road_does_not_have_close_nothing() -> None:
    event = replace(KERB_LANE, rule=LanesClosed(lanes=(5,)), lanes_closed=(), lanes_total=0)
    found = record(event)
    assert texts(found, "sit:roadOrCarriagewayOrLaneManagementType") == ["other"]
    assert official_verdict(datex2.encode([event], publication_time=PUBLISHED, feed=FEED)).startswith("ok")


def test_a_situation_is_as_new_as_its_newest_record() -> None:
    newer = replace(KERB_LANE, updated=datetime(2026, 11, 22, 11, tzinfo=UTC))
    assert texts(encoded(CLOSURE, newer), "sit:situation/sit:situationVersionTime") == ["2026-11-22T11:00:00Z"]


def test_every_demo_order_passes_the_official_schema_and_breaks_no_rule() -> None:
    if not (CITY / "graph/manifest.json").is_file():
        pytest.skip("the demo city is not built: run `make run`, or `trafficfeed city build helsinki`")
    graph = load_graph(CITY / "graph")
    for path in sorted((CITY / "orders").glob("*.yaml")):
        order = parse_order(path.read_bytes(), name=path.name)
        when = {"since": PUBLISHED, "until": PUBLISHED + timedelta(days=366)}
        events = road_events(
            order,
            1,
            resolve(order, graph)[0],
            {measure.id: windows_of(measure, order.timezone, **when)[:3] for measure in order.measures},
            graph=graph,
            certificate=CERTIFICATE,
            validation=Validation.PASSED,
            created=PUBLISHED,
            updated=PUBLISHED,
        )
        data = datex2.encode(events, publication_time=PUBLISHED, feed=replace(FEED, language="fi", bounds=None))
        assert official_verdict(data).startswith("ok"), path.name
        assert not errors_in(semantics.check("datex2", data, graph=graph)), path.name
        assert b"openlrLinear" in data
