"""Documents that every schema passes and no driver could use: each is caught, by the rule that is meant for it."""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from made_events import CLOSURE, CONCERT, EVENTS, FEED, KERB_LANE, PUBLISHED
from made_town import town

from trafficfeed.closures.road_events import RoadEvent, Validation
from trafficfeed.closures.section_line import section_line
from trafficfeed.errors import FeedNonConformant
from trafficfeed.findings import Finding, Severity
from trafficfeed.formats import native, semantics, wzdx

Document = dict[str, Any]
Change = Callable[[Document], None]


def native_document(*events: RoadEvent) -> Document:
    document: Document = json.loads(native.encode(events, publication_time=PUBLISHED, feed=FEED))
    return document


def wzdx_document(*events: RoadEvent) -> Document:
    document: Document = json.loads(wzdx.encode(events, publication_time=PUBLISHED, feed=FEED))
    return document


def check_native(document: Document, **on: Any) -> tuple[Finding, ...]:
    return semantics.check("native", json.dumps(document).encode(), **on)


def check_wzdx(document: Document, **on: Any) -> tuple[Finding, ...]:
    return semantics.check("wzdx", json.dumps(document).encode(), bounds=FEED.bounds, **on)


def rules(found: tuple[Finding, ...]) -> set[str]:
    assert all(f.where and f.mend for f in found)
    return {f.rule for f in found if f.severity is Severity.ERROR}


def change_line(document: Document, change: Callable[[list[Any]], Any], number: int = 0) -> None:
    geometry = document["features"][number]["geometry"]
    geometry["coordinates"] = change(geometry["coordinates"])


def set_native(document: Document, **values: Any) -> None:
    document["features"][0]["properties"].update(values)


NATIVE_MUTANTS: dict[str, tuple[Change, str]] = {
    "swapped axes": (lambda d: change_line(d, lambda line: [p[::-1] for p in line]), "feed.geometry.axes"),
    "elsewhere": (lambda d: change_line(d, lambda line: [[p[0] + 1, p[1]] for p in line]), "feed.geometry.bounds"),
    "reversed": (lambda d: change_line(d, lambda line: line[::-1]), "feed.travel.compass"),
    "four decimals": (
        lambda d: change_line(d, lambda line: [[round(v, 4) for v in p] for p in line]),
        "feed.geometry.precision",
    ),
    "one point twice": (lambda d: change_line(d, lambda line: [line[0], line[0]]), "feed.geometry.length"),
    "no numbers": (lambda d: change_line(d, lambda line: [["a", "b"], *line]), "feed.geometry.numbers"),
    "no geometry": (lambda d: d["features"][0].pop("geometry"), "feed.geometry.length"),
    "local offset": (lambda d: set_native(d, start="2026-12-05T14:00:00+08:00"), "feed.time.utc"),
    "no offset": (lambda d: set_native(d, end="2026-12-05T17:00:00"), "feed.time.offset"),
    "no such day": (lambda d: set_native(d, end="2026-12-45T17:00:00Z"), "feed.time.form"),
    "no end": (lambda d: d["features"][0]["properties"].pop("end"), "feed.time.end"),
    "end before start": (lambda d: set_native(d, end="2026-12-05T05:00:00Z"), "feed.time.order"),
    "end at start": (lambda d: set_native(d, end="2026-12-05T06:00:00Z"), "feed.time.order"),
    "updated before creation": (lambda d: set_native(d, updated="2026-11-01T00:00:00Z"), "feed.time.update"),
    "updated after publication": (lambda d: set_native(d, updated="2026-11-23T00:00:00Z"), "feed.time.published"),
    "duplicate id": (lambda d: d["features"].append(deepcopy(d["features"][0])), "feed.id.unique"),
    "no id": (lambda d: d["features"][0].pop("id"), "feed.id.missing"),
    "no certificate": (lambda d: d["features"][0]["properties"].pop("certificate"), "feed.certificate"),
    "held but passed": (
        lambda d: d["features"][0]["properties"]["certificate"].update(verdict="hold"),
        "feed.certificate.verdict",
    ),
    "relative link": (
        lambda d: d["features"][0]["properties"]["certificate"].update(href="/v1/certificates/x"),
        "feed.certificate.link",
    ),
    "unknown validation": (lambda d: set_native(d, validation="probably"), "feed.validation"),
    "cancelled or not": (lambda d: d["features"][0]["properties"].pop("cancelled"), "feed.cancelled"),
    "no title": (lambda d: set_native(d, title={}), "feed.title"),
}

WZDX_MUTANTS: dict[str, tuple[Change, str]] = {
    "swapped axes": (lambda d: change_line(d, lambda line: [p[::-1] for p in line]), "feed.geometry.axes"),
    "reversed": (lambda d: change_line(d, lambda line: line[::-1]), "feed.travel.compass"),
    "local offset": (
        lambda d: d["features"][0]["properties"].update(start_date="2026-12-05T14:00:00+08:00"),
        "feed.time.utc",
    ),
    "end before start": (
        lambda d: d["features"][0]["properties"].update(end_date="2026-12-05T05:00:00Z"),
        "feed.time.order",
    ),
    "feed time local": (lambda d: d["feed_info"].update(update_date="2026-11-22T20:00:00+08:00"), "feed.time.utc"),
    "duplicate id": (lambda d: d["features"].append(deepcopy(d["features"][0])), "feed.id.unique"),
    "detour gone": (lambda d: d["features"].pop(1), "feed.link.target"),
    "detour of nothing": (
        lambda d: d["features"][1]["properties"]["core_details"].pop("related_road_events"),
        "feed.link.detour",
    ),
    "one-sided link": (
        lambda d: d["features"][0]["properties"]["core_details"].update(
            related_road_events=[{"type": "related-detour", "id": d["features"][2]["id"]}]
        ),
        "feed.link.back",
    ),
}


@pytest.mark.parametrize("mutant", NATIVE_MUTANTS)
def test_a_faulty_native_document_is_caught_by_its_rule(mutant: str) -> None:
    change, rule = NATIVE_MUTANTS[mutant]
    document = native_document(CLOSURE)
    assert check_native(document) == ()
    change(document)
    assert rule in rules(check_native(document))


@pytest.mark.parametrize("mutant", WZDX_MUTANTS)
def test_a_faulty_wzdx_document_is_caught_by_its_rule(mutant: str) -> None:
    change, rule = WZDX_MUTANTS[mutant]
    document = wzdx_document(CLOSURE, KERB_LANE)
    assert check_wzdx(document) == ()
    change(document)
    assert rule in rules(check_wzdx(document))


def test_an_overridden_record_may_carry_a_certificate_that_says_hold() -> None:
    assert CLOSURE.certificate
    held = replace(CLOSURE, validation=Validation.OVERRIDDEN, certificate=replace(CLOSURE.certificate, verdict="hold"))
    assert check_native(native_document(held)) == ()


def test_a_hand_drawn_detour_with_few_decimals_is_pointed_out_but_not_refused() -> None:
    drawn = replace(CLOSURE, detour=((10.0028, 59.9), (10.0054, 59.9), (10.0054, 59.9028)))
    (found,) = check_native(native_document(drawn))
    assert (found.rule, found.severity) == ("feed.geometry.precision", Severity.WARNING)


def on_roads(*edges: str, compass: str = "northbound", **changes: Any) -> RoadEvent:
    line = section_line(town(), [town().index[edge] for edge in edges])
    return replace(KERB_LANE, coordinates=line, compass=compass, **changes)


def test_lines_along_connected_roads_pass_with_the_graph() -> None:
    straight, bent = on_roads("01to11", "11to21"), on_roads("10to11", "11to12", compass="eastbound", id="bent")
    assert check_native(native_document(straight, bent), graph=town()) == ()
    assert check_wzdx(wzdx_document(straight, bent), graph=town()) == ()


def test_a_line_against_a_one_way_street_is_caught_even_where_the_compass_is_turned_too() -> None:
    event = on_roads("02to12", "12to22")
    turned = replace(event, id="turned", coordinates=tuple(event.coordinates)[::-1], compass="southbound")
    assert rules(check_native(native_document(turned))) == set()
    assert rules(check_native(native_document(turned), graph=town())) == {"feed.travel.road"}


def test_a_line_of_end_points_only_is_caught_with_the_graph() -> None:
    event = on_roads("11to12", compass="eastbound")
    ends = replace(event, coordinates=(event.coordinates[0], event.coordinates[-1]))
    assert rules(check_native(native_document(ends), graph=town())) == {"feed.travel.road"}


def test_a_line_beside_the_road_is_caught_with_the_graph() -> None:
    event = on_roads("01to11")
    shifted = replace(event, coordinates=tuple((lon + 0.00009, lat) for lon, lat in event.coordinates))
    assert rules(check_native(native_document(shifted), graph=town())) == {"feed.travel.road"}


def test_a_line_over_a_missing_piece_of_road_is_caught_with_the_graph() -> None:
    event = on_roads("00to10", "11to21")
    assert rules(check_native(native_document(event), graph=town())) == {"feed.travel.road"}


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"null", b'{"features": 3}', b"\xff", b"[" * 100_000])
def test_what_is_no_feature_collection_is_refused(data: bytes) -> None:
    for name in ("native", "wzdx"):
        with pytest.raises(FeedNonConformant):
            semantics.check(name, data)


def test_features_of_the_wrong_shape_are_findings_and_not_crashes() -> None:
    junk: list[Any] = [None, 3, {}, {"properties": 3}, {"geometry": {"coordinates": [None, [1], [True, 2]]}}]
    junk += [{"id": "x", "properties": {"core_details": 3, "title": 3, "rule": 3, "detour": 3}}]
    for check, head in ((check_native, {"feed": 3}), (check_wzdx, {"feed_info": []})):
        assert rules(check({"features": junk, **head}, graph=town()))


def test_every_kind_of_event_passes_every_rule() -> None:
    assert check_native(native_document(*EVENTS)) == ()
    assert check_wzdx(wzdx_document(*EVENTS)) == ()
    assert CONCERT in EVENTS
