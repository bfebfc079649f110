"""The rules of one standard alone, and those on lines, each by a document that breaks it."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from made_events import CLOSURE, CONCERT, EVENTS, FEED, KERB_LANE, PUBLISHED
from made_town import town

from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.closures.section_line import section_line
from trafficfeed.findings import Finding, Severity, errors_in
from trafficfeed.formats import semantics
from trafficfeed.formats.standards import STANDARDS
from trafficfeed.windows import Window

CONFORMANCE = Path(os.environ.get("TRAFFICFEED_SHARED", Path(__file__).parents[3] / "shared")) / "conformance"
Texts = tuple[str, str]


def encoded(name: str, *events: RoadEvent) -> str:
    return STANDARDS[name].encode(events, publication_time=PUBLISHED, feed=FEED).decode()


def spoilt(name: str, *changes: Texts, events: tuple[RoadEvent, ...] = (CLOSURE, KERB_LANE)) -> tuple[Finding, ...]:
    text = encoded(name, *events)
    assert errors_in(semantics.check(name, text.encode(), bounds=FEED.bounds)) == ()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return semantics.check(name, text.encode(), bounds=FEED.bounds)


_LANE = "<lane><order>0</order><type>LANE</type><status>CLOSED</status></lane>"
CIFS: dict[str, tuple[list[Texts], str]] = {
    "unknown type": ([("<type>ROAD_CLOSED<", "<type>STREET_PARTY<")], "type"),
    "subtype of another type": ([("ROAD_CLOSED_CONSTRUCTION", "JAM_HEAVY_TRAFFIC")], "subtype"),
    "a letter for a street": ([("<street>High Street<", "<street>A<")], "text"),
    "lanes of a closed road": (
        [
            (
                "<starttime>",
                f"<lanes>{_LANE}</lanes><starttime>",
            )
        ],
        "lanes",
    ),
    "days in disorder": (
        [("<street>", "<schedule><saturday>07:00-08:00</saturday><everyday>09:00-10:00</everyday></schedule><street>")],
        "schedule.order",
    ),
    "a night over midnight": (
        [("<street>", "<schedule><saturday>22:00-05:00</saturday></schedule><street>")],
        "schedule.hours",
    ),
    "hours twice": (
        [("<street>", "<schedule><saturday>07:00-09:00,08:00-10:00</saturday></schedule><street>")],
        "schedule.hours",
    ),
    "no hours": ([("<street>", "<schedule><saturday>always</saturday></schedule><street>")], "schedule.hours"),
    "a day that does not come": (
        [("<street>", "<schedule><monday>07:00-09:00</monday></schedule><street>")],
        "schedule.days",
    ),
}


@pytest.mark.parametrize("case", CIFS)
def test_a_faulty_cifs_incident_is_caught_by_its_rule(case: str) -> None:
    changes, rule = CIFS[case]
    assert {f.rule for f in spoilt("cifs", *changes)} == {f"feed.cifs.{rule}"}


DATEX: dict[str, tuple[list[Texts], str]] = {
    "type of another class": ([(">roadClosed<", ">speedRestrictionInOperation<")], "datex2.type"),
    "no version": ([(' version="5"', ' version=""')], "datex2.version"),
    "active before its start": ([("definedByValidityTimeSpec", "active")], "datex2.status"),
    "an odd count of numbers": ([("<loc:posList>", "<loc:posList>59.9 ")], "geometry.numbers"),
}


@pytest.mark.parametrize("case", DATEX)
def test_a_faulty_situation_is_caught_by_its_rule(case: str) -> None:
    changes, rule = DATEX[case]
    assert f"feed.{rule}" in {f.rule for f in errors_in(spoilt("datex2", *changes))}


def test_utc_is_advised_in_datex_and_an_offset_demanded() -> None:
    local = spoilt("datex2", ("StartTime>2026-12-05T06:00:00Z", "StartTime>2026-12-05T08:00:00+02:00"))
    assert {(f.rule, f.severity) for f in local} == {("feed.time.utc", Severity.WARNING)}
    naive = spoilt("datex2", ("StartTime>2026-12-05T06:00:00Z", "StartTime>2026-12-05T06:00:00"))
    assert {f.rule for f in errors_in(naive)} == {"feed.time.offset"}


CAP: dict[str, tuple[Texts, str]] = {
    "a letter for its zone": (("<sent>2026-11-21T10:00:00+01:00", "<sent>2026-11-21T09:00:00Z"), "time.utc"),
    "no references": (("<references>", "<note>"), "cap.references"),
    "references in disorder": (("<references>", "<references>order-2 "), "cap.references"),
    "an identifier with a comma": (("<identifier>", "<identifier>a,b"), "cap.identifier"),
    "an open area": ((" 59.901,10</polygon>", "</polygon>"), "geometry.area"),
    "axes swapped": (("<polygon>", "<polygon>10.0,59.9 "), "geometry.axes"),
}


@pytest.mark.parametrize("case", CAP)
def test_a_faulty_alert_is_caught_by_its_rule(case: str) -> None:
    change, rule = CAP[case]
    text = encoded("cap", CONCERT)
    old, new = change
    if case == "an open area":
        start, end = text.index("<polygon>"), text.index("</polygon>")
        old = text[text.rindex(" ", start, end) : end]
        new = ""
    if case == "no references":
        text = text.replace("</references>", "</note>")
    assert old in text
    found = semantics.check("cap", text.replace(old, new, 1).encode(), bounds=FEED.bounds)
    assert f"feed.{rule}" in {f.rule for f in errors_in(found)}


WZDX: dict[str, tuple[Callable[[dict], object], str]] = {  # type: ignore[type-arg]
    "open lanes of a closed road": (lambda p: p["lanes"][0].update(status="open"), "wzdx.impact"),
    "closed lanes of an open road": (lambda p: p.update(vehicle_impact="all-lanes-open"), "wzdx.impact"),
    "a lane twice": (lambda p: p["lanes"][1].update(order=1), "wzdx.lanes"),
    "next is itself": (
        lambda p: p["core_details"]["related_road_events"].append({"type": "next-in-sequence", "id": CLOSURE.id}),
        "link.circle",
    ),
    "lasts for ever": (lambda p: p.update(end_date="2099-12-31T00:00:00Z"), "time.far_end"),
}


@pytest.mark.parametrize("case", WZDX)
def test_a_faulty_work_zone_is_caught_by_its_rule(case: str) -> None:
    change, rule = WZDX[case]
    document = json.loads(encoded("wzdx", CLOSURE))
    change(document["features"][0]["properties"])
    found = semantics.check("wzdx", json.dumps(document).encode(), bounds=FEED.bounds)
    assert {f.rule for f in found} == {f"feed.{rule}"}


def test_a_native_lane_that_is_not_there_is_caught() -> None:
    odd = replace(KERB_LANE, lanes_closed=(4,))
    assert {f.rule for f in semantics.check("native", encoded("native", odd).encode())} == {"feed.lanes.count"}


def test_a_detour_through_its_own_closure_is_an_error_and_through_another_a_warning() -> None:
    through = replace(CLOSURE, detour=(*CLOSURE.coordinates, (10.0028141, 59.9035)))
    (found,) = semantics.check("native", encoded("native", through).encode())
    assert (found.rule, found.severity) == ("feed.travel.detour_closed", Severity.ERROR)
    aside = ((10.005, 59.9), (10.0052, 59.9014), (10.00541, 59.9028033))
    other = replace(through, id="order-9.closure.x.p1", coordinates=aside)
    plain = replace(CLOSURE, detour=None)
    (found,) = semantics.check("native", encoded("native", plain, other).encode())
    assert (found.rule, found.severity) == ("feed.travel.detour_closed", Severity.WARNING)
    begins = CLOSURE.window.end
    later = replace(other, window=Window(start=begins, end=begins + CLOSURE.window.length))
    assert semantics.check("native", encoded("native", plain, later).encode()) == ()


def test_one_turned_segment_among_several_breaks_the_chain_but_a_winding_street_does_not() -> None:
    def segments(*lines: tuple[tuple[float, float], ...]) -> RoadEvent:
        made = [replace(CLOSURE.segments[0], key=f"s{n}", coordinates=line) for n, line in enumerate(lines)]
        return replace(CLOSURE, segments=made, detour=None)

    first = ((10.0028141, 59.9000012), (10.0028003, 59.9014021))
    second = ((10.0028003, 59.9014021), (10.0028141, 59.9028033))
    back = ((10.0028141, 59.9028033), (10.0048141, 59.9018033))
    assert spoilt("cifs", events=(segments(first, second, back),)) == ()
    found = semantics.check("cifs", encoded("cifs", segments(first, second[::-1], back)).encode())
    assert ("feed.travel.id", "incident[2]/polyline") in {(f.rule, f.where) for f in found}


@pytest.mark.parametrize("decimals", (5, 6))
def test_a_line_rounded_by_its_standard_still_runs_along_the_roads(decimals: int) -> None:
    line = section_line(town(), [town().index[edge] for edge in ("10to11", "11to12")])
    rounded = tuple((round(lon, decimals), round(lat, decimals)) for lon, lat in line)
    event = replace(KERB_LANE, coordinates=rounded, compass="eastbound", id="x")
    assert semantics.check("native", encoded("native", event).encode(), graph=town()) == ()


def test_a_point_put_between_two_others_is_no_departure_from_the_road_and_one_beside_it_is() -> None:
    line = section_line(town(), [town().index["01to11"]])
    middle = tuple(sum(values) / 2 for values in zip(line[0], line[1], strict=True))
    for shift, rules in ((0.0, set()), (0.0001, {"feed.travel.road"})):
        points = (line[0], (middle[0] + shift, middle[1]), *line[1:])
        event = replace(KERB_LANE, coordinates=points, id="x")
        assert {f.rule for f in semantics.check("native", encoded("native", event).encode(), graph=town())} == rules


@pytest.mark.parametrize("name", ("native", "wzdx", "cifs", "cifs-json", "datex2", "cap"))
def test_every_kind_of_event_passes_in_every_standard(name: str) -> None:
    data = encoded(name, *EVENTS).encode()
    assert errors_in(semantics.check(name, data, bounds=FEED.bounds, previous=data)) == ()


TRUE_FAULTS = {
    "scenario2_laneshift_linestring_example.geojson": {"feed.time.update"},
    "scenario6_multi_lane_closure_linestring_example.geojson": {"feed.time.update"},
    "official_doc_incident.json": {"feed.time.order"},
    "closure_flood_event.xml": {"feed.geometry.precision"},
}


@pytest.mark.parametrize(
    ("name", "pattern"),
    (
        ("wzdx", "wzdx/examples/*"),
        ("cifs", "cifs/samples/*.xml"),
        ("cifs-json", "cifs/samples/*.json"),
        ("datex2", "datex2/examples/*"),
    ),
)
def test_official_examples_have_only_the_errors_that_are_true(name: str, pattern: str) -> None:
    if not CONFORMANCE.is_dir():
        pytest.skip(f"there is no {CONFORMANCE}: set TRAFFICFEED_SHARED")
    files = sorted(CONFORMANCE.glob(pattern))
    assert files
    for path in files:
        found = errors_in(semantics.check(name, path.read_bytes()))
        assert {f.rule for f in found} == TRUE_FAULTS.get(path.name, set()), path.name
