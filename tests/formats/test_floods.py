"""A flooded road in every format: its depth where the standard has a place for it, a warning or a closure elsewhere."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from made_events import FEED
from made_flood_records import BEGAN, CLOSED, EXPECTED, HAZARD

from trafficfeed.closures.orders import Hazard, Reason
from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.errors import FeedNonConformant
from trafficfeed.findings import Severity
from trafficfeed.formats import cap_structure, china_rsi, datex2, gtfs_rt, impact, native, semantics
from trafficfeed.formats.in_datum import feed_in_datum, in_datum
from trafficfeed.formats.profiles import PROFILES
from trafficfeed.formats.standards import STANDARDS

SHARED = Path(os.environ.get("TRAFFICFEED_SHARED", Path(__file__).parents[2].parent / "shared"))
VALIDATOR = SHARED / "conformance/validate.py"
NAMED = {"hazard": HAZARD, "closed": CLOSED, "expected": EXPECTED}
XSI = "{http://www.w3.org/2001/XMLSchema-instance}type"


def document(name: str, event: RoadEvent) -> bytes:
    return STANDARDS[name].encode([event], publication_time=BEGAN + timedelta(minutes=5), feed=FEED)


def feature(event: RoadEvent) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(document("native", event))["features"][0]["properties"]
    return found


def records(event: RoadEvent) -> dict[str, etree._Element]:
    root = etree.fromstring(document("datex2", event))
    return {str(one.get("id")): one for one in root.iter("{*}situationRecord")}


@pytest.mark.parametrize("event", NAMED.values(), ids=NAMED)
@pytest.mark.parametrize("name", ["cifs", "datex2", "wzdx"])
def test_it_is_valid_by_the_official_schema(name: str, event: RoadEvent, tmp_path: Path) -> None:
    if not VALIDATOR.is_file():
        pytest.skip(f"the official schemas are not in {SHARED}: set TRAFFICFEED_SHARED")
    (tmp_path / "document").write_bytes(document(name, event))
    command = [sys.executable, str(VALIDATOR), name, str(tmp_path / "document")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("event", NAMED.values(), ids=NAMED)
@pytest.mark.parametrize("name", ["native", "cifs", "cifs-json", "datex2", "cap", "wzdx"])
def test_our_rules_find_nothing_in_it(name: str, event: RoadEvent) -> None:
    found = semantics.check(name, document(name, event), bounds=FEED.bounds)
    assert [str(one) for one in found if one.severity is not Severity.INFO] == []


@pytest.mark.parametrize("event", NAMED.values(), ids=NAMED)
def test_the_same_facts_give_the_same_bytes(event: RoadEvent) -> None:
    for name in ("native", "cifs", "cifs-json", "datex2", "cap", "impact"):
        assert document(name, event) == document(name, replace(event))


def test_datex_has_the_water_as_an_obstruction_with_its_depth_and_the_closure_names_it_as_its_cause() -> None:
    warned = records(HAZARD)
    assert [one.get(XSI) for one in warned.values()] == ["sit:EnvironmentalObstruction"]
    (obstruction,) = warned.values()
    assert obstruction.findtext("{*}depth") == "0.17"
    assert obstruction.findtext("{*}environmentalObstructionType") == "flooding"
    assert obstruction.findtext(".//{*}overallEndTime") == "2026-11-22T14:00:00Z"
    shut = records(CLOSED)
    assert {name.removeprefix(CLOSED.id): one.get(XSI) for name, one in shut.items()} == {
        "": "sit:RoadOrCarriagewayOrLaneManagement", ".detour": "sit:ReroutingManagement",
        ".water": "sit:EnvironmentalObstruction",
    }  # fmt: skip
    cause = shut[CLOSED.id].find("{*}cause/{*}managedCause/{*}objectReference")
    assert cause is not None and cause.get("id") == f"{CLOSED.id}.water"


def test_what_is_foretold_is_not_certain() -> None:
    obstruction = records(EXPECTED)[f"{EXPECTED.id}.water"]
    assert obstruction.findtext("{*}probabilityOfOccurrence") == "riskOf", "a chance of 45 %"
    assert obstruction.findtext("{*}depth") == "0.41", "the deepest that is expected"
    info = next(etree.fromstring(document("cap", EXPECTED)).iter("{*}info"))
    assert info.findtext("{*}certainty") == "Possible"


def test_a_hazard_of_another_kind_is_a_general_obstruction() -> None:
    (found,) = records(replace(HAZARD, reason=Reason.EMERGENCY, water=None)).items()
    assert found[0] == f"{HAZARD.id}.hazard" and found[1].get(XSI) == "sit:GeneralObstruction"
    assert found[1].findtext("{*}obstructionType") == "hazardsOnTheRoad"


def test_waze_is_told_of_a_flood_hazard_or_of_a_closure() -> None:
    told = [json.loads(document("cifs-json", one))["incidents"][0]["incident"] for one in (HAZARD, CLOSED)]
    assert [(one["type"], one["subtype"]) for one in told] == [
        ("HAZARD", "HAZARD_WEATHER_FLOOD"), ("ROAD_CLOSED", "ROAD_CLOSED_HAZARD"),
    ]  # fmt: skip
    assert "Water on the road: drive with care." in told[0]["description"]
    assert "Closed. Except emergency vehicles." in told[1]["description"]


@pytest.mark.parametrize(
    ("depth_m", "severity"), [(0.12, "Minor"), (0.2, "Moderate"), (0.35, "Severe"), (0.6, "Extreme")]
)
def test_an_alert_is_as_severe_as_the_water_is_deep(depth_m: float, severity: str) -> None:
    assert HAZARD.water is not None
    event = replace(HAZARD, water=replace(HAZARD.water, depth_m=depth_m, p10_m=None, p90_m=None))
    root = etree.fromstring(document("cap", event))
    assert {one.text for one in root.iter("{*}severity")} == {severity}
    assert {one.text for one in root.iter("{*}language")} == {"en", "zh"}
    assert cap_structure.check_structure(document("cap", event)) == ()


def test_wzdx_and_gtfs_realtime_leave_a_hazard_out() -> None:
    assert json.loads(document("wzdx", HAZARD))["features"] == []
    assert gtfs_rt.fragments(HAZARD, FEED) == ()


def test_the_impact_names_the_records_that_there_are() -> None:
    assert impact.ids_of(HAZARD, FEED)["datex2"] == [f"{HAZARD.id}.water"]
    assert set(impact.ids_of(CLOSED, FEED)["datex2"]) == set(records(CLOSED))


def test_rsi_needs_an_event_code_of_its_own_or_of_the_reason() -> None:
    with pytest.raises(FeedNonConformant, match=r"flooding\.hazard"):
        china_rsi.fragments(HAZARD, replace(FEED, event_codes={"flooding.closure": 707}))
    (made,) = china_rsi.fragments(HAZARD, replace(FEED, event_codes={"flooding": 707}))
    assert json.loads(made.data)["event_type"] == 707


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_in_a_shifted_datum_the_line_moves_and_the_water_stays(datum: str) -> None:
    far = replace(CLOSED, coordinates=((116.39, 39.91), (116.391, 39.911)), segments=(), detour=None, areas=())
    moved, feed = in_datum(far, datum), feed_in_datum(replace(FEED, bounds=None), datum)
    data = native.encode([moved], publication_time=BEGAN, feed=feed)
    told = json.loads(data)["features"][0]
    assert told["properties"]["water"]["depth_m"] == 0.47
    assert told["geometry"]["coordinates"][0][0] - 116.39 > 0.004
    with pytest.raises(FeedNonConformant):
        datex2.fragments(moved, feed)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_dry_run_of_a_hazard_says_what_each_partner_makes_of_it(profile: str) -> None:
    feed = feed_in_datum(FEED, PROFILES[profile].datum)
    found = PROFILES[profile].would_take(
        in_datum(HAZARD, PROFILES[profile].datum, decimals=PROFILES[profile].decimals), feed
    )
    assert not any(one.severity is Severity.ERROR for one in found)


def _spoilt(**water: Any) -> Callable[[], bytes]:
    def made() -> bytes:
        tree = json.loads(document("native", CLOSED))
        tree["features"][0]["properties"]["water"] |= water
        return json.dumps(tree).encode()

    return made


@pytest.mark.parametrize(
    ("spoilt", "rule", "severity"),
    [
        (_spoilt(depth_m=47), "feed.water.depth", Severity.ERROR),
        (_spoilt(p90_m="deep"), "feed.water.depth", Severity.ERROR),
        (_spoilt(p10_m=0.9), "feed.water.depth", Severity.ERROR),
        (_spoilt(passable=["emergency"]), "feed.water.vehicles", Severity.ERROR),
        (_spoilt(depth_m=0.31, p90_m=0.33, closed_to=[], passable=["small"]), "feed.water.vehicles", Severity.WARNING),
        (_spoilt(depth_m=0.1, p90_m=0.1, passable=["small"]), "feed.water.vehicles", Severity.ERROR),
        (_spoilt(valid_until="2026-11-22T09:00:00Z"), "feed.water.until", Severity.ERROR),
        (_spoilt(valid_until="2026-11-22T10:01:00Z"), "feed.water.until", Severity.WARNING),
        (_spoilt(valid_from=None), "feed.water.until", Severity.ERROR),
        (_spoilt(depth_m=0.2, speed_kmh=50), "feed.water.speed", Severity.WARNING),
    ],
)
def test_a_wrong_flood_is_caught(spoilt: Callable[[], bytes], rule: str, severity: Severity) -> None:
    found = {one.rule: one.severity for one in semantics.check("native", spoilt(), bounds=FEED.bounds)}
    assert found.get(rule) is severity


def test_a_road_that_stays_open_under_deep_water_is_caught_unless_an_officer_ordered_it() -> None:
    def weights(**water: Any) -> list[Severity]:
        tree = json.loads(document("native", replace(CLOSED, rule=Hazard(), lanes_closed=(), detour=None)))
        tree["features"][0]["properties"]["water"] |= water
        found = semantics.check("native", json.dumps(tree).encode())
        return [one.severity for one in found if one.rule == "feed.water.closed"]

    assert weights(depth_m=0.55) == [Severity.ERROR]
    assert weights(depth_m=0.35) == [Severity.WARNING]
    assert weights(depth_m=0.55, basis="officer") == weights(depth_m=0.2) == []


def test_depths_in_centimetres_pass_the_schema_of_datex_and_not_our_rules() -> None:
    wrong = document("datex2", CLOSED).replace(b"<sit:depth>0.47", b"<sit:depth>47.0")
    assert "feed.water.depth" in {one.rule for one in semantics.check("datex2", wrong)}
    untold = document("datex2", HAZARD).replace(b"<sit:depth>0.17</sit:depth>", b"")
    assert "feed.water.missing" in {one.rule for one in semantics.check("datex2", untold)}


def test_a_flood_hazard_without_a_depth_is_worth_a_look() -> None:
    told = {one.rule for one in semantics.check("native", document("native", replace(HAZARD, water=None)))}
    assert "feed.water.missing" in told
    assert feature(HAZARD)["water"]["note"] == "synthetic terrain"
