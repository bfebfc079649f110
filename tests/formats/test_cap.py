"""CAP 1.2: one alert an area, in an Atom feed and alone."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree
from made_events import CERTIFICATE, CONCERT, EVENTS, FEED, PUBLISHED

from trafficfeed.closures.orders import Reason
from trafficfeed.closures.road_events import RoadEvent, Validation
from trafficfeed.errors import FeedNonConformant
from trafficfeed.formats import cap
from trafficfeed.formats.cap_alert import CAP, alert_of, identifier_of, incident_of, time_text
from trafficfeed.formats.cap_reading import ATOM, read_cap
from trafficfeed.formats.cap_structure import check_structure
from trafficfeed.formats.records import Shape

GOLDEN = Path(__file__).parents[1] / "golden/cap" / cap.FILE_NAME
NS = {"c": CAP, "a": ATOM}
FIRST = replace(CONCERT, id="order-2.closure.market-square-eastbound.p1b", order_version=1, updated=CONCERT.created)
PASSED = replace(FIRST, validation=Validation.PASSED, certificate=CERTIFICATE, end_is_estimate=False)


def encoded(*events: RoadEvent) -> bytes:
    return cap.encode(events, publication_time=PUBLISHED, feed=FEED)


def said(event: RoadEvent, path: str) -> str:
    return alert_of(event, FEED).findtext(path, default="", namespaces=NS)


def test_the_document_is_the_golden_one_byte_for_byte() -> None:
    assert encoded(*EVENTS) == GOLDEN.read_bytes()


def test_the_golden_alerts_break_no_rule_of_the_schema() -> None:
    assert check_structure(GOLDEN.read_bytes()) == ()


def test_only_what_has_an_area_is_an_alert() -> None:
    assert [record.group for record in read_cap(encoded(*EVENTS)).records] == ["order-2.ring.p1b"]


def test_the_roads_of_one_measure_and_period_share_one_alert_in_any_order() -> None:
    other = replace(FIRST, id="order-2.closure.mill-lane-northbound.p1b", street="Mill Lane", compass="northbound")
    later = replace(FIRST, id="order-2.closure.market-square-eastbound.p2")
    assert alert_text(FIRST) == alert_text(other)
    assert encoded(FIRST, other, later) == encoded(later, other, FIRST)
    assert [r.group for r in read_cap(encoded(FIRST, other, later)).records] == [
        "order-2.closure.p1b",
        "order-2.closure.p2",
    ]


def alert_text(event: RoadEvent) -> bytes:
    return etree.tostring(alert_of(event, FEED))


def test_an_entry_links_to_its_alert_and_holds_it_whole() -> None:
    (entry,) = etree.fromstring(encoded(FIRST)).findall("a:entry", NS)
    link = entry.find("a:link", NS)
    assert link is not None
    assert link.get("href") == "https://traffic.example.org/v1/alerts/order-2.closure.p1b.cap"
    assert entry.find("a:content/c:alert", NS) is not None


def test_an_alert_alone_reads_the_same_as_in_the_feed() -> None:
    document = encoded(*EVENTS)
    alone = cap.alert_alone(document, "order-2.ring.p1b")
    assert alone is not None
    assert check_structure(alone) == ()
    (inside,), (alert,) = read_cap(document).records, read_cap(alone).records
    assert (alert.id, alert.start[1], alert.lines[0].coordinates) == (
        inside.id,
        inside.start[1],
        inside.lines[0].coordinates,
    )
    assert b"2005/Atom" not in alone


def test_an_incident_is_of_an_order_a_measure_and_a_period_though_order_ids_have_dots() -> None:
    assert incident_of("2026.12.a", "2026.12.a.ring.mill-lane-northbound-2.2026-12-05b") == "2026.12.a.ring.2026-12-05b"


def test_an_alert_that_is_not_there_is_none() -> None:
    assert cap.alert_alone(encoded(*EVENTS), "order-9.closure.p1") is None


def test_polygons_are_latitude_first_and_closed() -> None:
    polygon = said(FIRST, "c:info/c:area/c:polygon").split()
    assert polygon[0] == polygon[-1] == "59.9010000,10.0000000"
    open_ring = replace(FIRST, areas=(FIRST.areas[0][:-1],))
    assert said(open_ring, "c:info/c:area/c:polygon").split() == polygon
    (line,) = read_cap(encoded(FIRST)).records[0].lines
    assert (line.shape, line.coordinates[0]) == (Shape.AREA, (10.0, 59.901))


def test_times_have_the_zones_numeric_offset_and_never_a_z() -> None:
    assert said(FIRST, "c:sent") == "2026-11-20T09:00:00+01:00"
    assert time_text(datetime(2026, 7, 1, 12, 0, 0, 5, tzinfo=UTC), "Europe/Oslo") == "2026-07-01T14:00:00+02:00"
    assert time_text(datetime(2026, 7, 1, 12, tzinfo=UTC), "UTC") == "2026-07-01T12:00:00-00:00"
    assert not re.search(rb"\dZ</(sent|effective|onset|expires|updated)>", encoded(*EVENTS))


def test_a_first_version_is_an_alert_a_later_one_updates_it_and_a_withdrawal_cancels_it() -> None:
    updated = replace(PASSED, order_version=2, updated=PASSED.created + timedelta(hours=1))
    cancelled = replace(PASSED, cancelled=True, updated=PASSED.created + timedelta(hours=2))
    assert [said(e, "c:msgType") for e in (PASSED, updated, cancelled)] == ["Alert", "Update", "Cancel"]
    first = f"traffic@example.org,{identifier_of(PASSED)},{said(PASSED, 'c:sent')}"
    assert [said(e, "c:references") for e in (PASSED, updated, cancelled)] == ["", first, first]
    assert said(cancelled, "c:info/c:responseType") == "AllClear"
    assert said(cancelled, "c:info/c:urgency") == "Past"


def test_whatever_changes_gives_the_message_another_id_but_not_the_incident() -> None:
    changes = [
        PASSED,
        replace(PASSED, order_version=2),
        replace(PASSED, updated=PASSED.updated + timedelta(minutes=1)),
        replace(PASSED, validation=Validation.PENDING, certificate=None),
        replace(PASSED, end_is_estimate=True),
    ]
    ids = {identifier_of(event) for event in changes}
    assert len(ids) == len(changes)
    assert {said(event, "c:incidents") for event in changes} == {"order-2.closure.p1b"}
    assert not any(set(" ,<&") & set(identifier) for identifier in ids)


def test_there_is_one_info_a_language_the_feeds_own_first() -> None:
    alert = alert_of(FIRST, replace(FEED, language="nb"))
    assert [info.text for info in alert.iterfind("c:info/c:language", NS)] == ["nb", "en"]
    assert alert.findtext("c:info/c:headline", namespaces=NS) == "Ny vannledning"


@pytest.mark.parametrize(
    ("ahead_h", "urgency", "certainty"),
    [(-1, "Immediate", "Observed"), (0.5, "Expected", "Likely"), (48, "Future", "Likely")],
)
def test_urgency_and_certainty_follow_the_time_to_its_start(ahead_h: float, urgency: str, certainty: str) -> None:
    event = replace(FIRST, updated=FIRST.window.start - timedelta(hours=ahead_h))
    assert (said(event, "c:info/c:urgency"), said(event, "c:info/c:certainty")) == (urgency, certainty)


@pytest.mark.parametrize(
    ("reason", "severity"),
    [(Reason.FLOODING, "Severe"), (Reason.ACCIDENT, "Moderate"), (Reason.ROADWORKS, "Minor")],
)
def test_severity_follows_the_reason(reason: Reason, severity: str) -> None:
    assert said(replace(FIRST, reason=reason), "c:info/c:severity") == severity


def test_places_cut_off_make_works_worse_than_minor() -> None:
    worse = replace(PASSED, certificate=replace(CERTIFICATE, cut_off_places=("St Anna",)))
    assert said(worse, "c:info/c:severity") == "Moderate"
    assert "St Anna" in said(worse, "c:info/c:description")


def test_the_certificate_stands_in_the_parameters() -> None:
    parameters = {
        p.findtext("c:valueName", namespaces=NS): p.findtext("c:value", namespaces=NS)
        for p in alert_of(PASSED, FEED).iterfind("c:info[1]/c:parameter", NS)
    }
    assert parameters["certificate-url"] == "https://traffic.example.org/v1/certificates/c0ffee"
    assert (parameters["validation"], parameters["delay-per-vehicle-s"]) == ("passed", "3.2")


def test_a_sender_without_mail_is_the_host() -> None:
    alert = alert_of(FIRST, replace(FEED, contact_email=None))
    assert alert.findtext("c:sender", namespaces=NS) == "traffic.example.org"


def test_characters_that_xml_cannot_hold_are_left_out() -> None:
    odd = replace(FIRST, title={"en": "Works\x00 & <more>"})
    assert said(odd, "c:info/c:headline") == "Works & <more>"
    assert check_structure(encoded(odd)) == ()


def test_another_datum_is_refused() -> None:
    with pytest.raises(FeedNonConformant, match="WGS-84"):
        cap.fragments(FIRST, replace(FEED, datum="gcj02"))


@pytest.mark.parametrize("event", [FIRST, PASSED, replace(PASSED, cancelled=True, order_version=3)])
def test_every_kind_of_message_has_the_structure_that_the_schema_demands(event: RoadEvent) -> None:
    assert check_structure(alert_text(event)) == ()


@pytest.mark.parametrize(
    ("change", "by", "rule"),
    [
        (b"<scope>Public</scope>", b"", "cap.required"),
        (b"<status>Actual</status>", b"<status>Real</status>", "cap.value"),
        (b"<sent>2026-11-20T09:00:00+01:00", b"<sent>2026-11-20T08:00:00Z", "cap.value"),
        (b"<event>Road closure</event>", b"<event/>", "cap.empty"),
        (b"<scope>Public</scope>", b"<incidents>x</incidents><scope>Public</scope>", "cap.order"),
        (b"<scope>Public</scope>", b"<scope>Public</scope><scope>Public</scope>", "cap.repeated"),
        (b"<scope>Public</scope>", b"<scope>Public</scope><colour>red</colour>", "cap.unknown"),
        (b"<msgType>Alert</msgType>", b"<msgType>Update</msgType>", "cap.required"),
        (b"59.9010000,10.0000000</polygon>", b"59.9010000,10.0010000</polygon>", "cap.polygon"),
        (b"<identifier>order", b"<identifier>my order", "cap.value"),
        (b"<polygon>59.9010000,10.0000000", b"<polygon>59.9010000 10.0000000", "cap.value"),
    ],
)  # fmt: skip
def test_what_the_schema_forbids_is_found(change: bytes, by: bytes, rule: str) -> None:
    alert = alert_text(FIRST)
    assert change in alert
    assert rule in {finding.rule for finding in check_structure(alert.replace(change, by))}


def test_xml_without_an_alert_is_refused() -> None:
    with pytest.raises(FeedNonConformant, match="no CAP"):
        read_cap(b"<alert xmlns='urn:oasis:names:tc:emergency:cap:1.1'/>")


def test_an_empty_feed_is_still_a_feed() -> None:
    assert read_cap(encoded()).records == ()
