"""Reports of people, and what a city declares of its sources."""

import json
from typing import Any

import pytest
from made_sources import made_site, read, rules

from trafficfeed.errors import ScenarioInvalid, SourceMalformed
from trafficfeed.flooding.ingest.sources import read_sources
from trafficfeed.flooding.observations import ReportedDepth

REPORT = {"id": "r1", "lon": 24.9501, "lat": 60.17, "observed_at": "2026-07-14T19:05:00+03:00", "depth": "knee"}
HOW: dict[str, Any] = {"id": "police", "kind": "reports", "adapter": "json", "unit": "", "items": "reports"}


def test_a_report_belongs_to_the_nearest_site_within_reach() -> None:
    sites = [made_site("far", lon=24.96), made_site("near")]
    away = REPORT | {"id": "r2", "lon": 25.2}
    parsed = read(json.dumps({"reports": [REPORT, away]}), sites=sites, **HOW)
    assert [(one.id, one.site) for one in parsed.reports] == [("police/r1", "near"), ("police/r2", "")]
    assert (parsed.reports[0].depth, parsed.reports[0].by_police) == (ReportedDepth.KNEE, False)


def test_a_source_may_be_the_police_s_own() -> None:
    parsed = read(json.dumps({"reports": [REPORT]}), **HOW, by_police=True)
    assert [one.by_police for one in parsed.reports] == [True]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"depth": "very"}, "report.unread"),
        ({"observed_at": "2026-07-14T19:05:00"}, "report.unread"),
        ({"lat": 91}, "report.unread"),
        ({"observed_at": "2026-07-15T19:05:00Z"}, "report.time"),
        ({"observed_at": "1970-01-01T00:00:00Z"}, "report.time"),
    ],
)
def test_a_report_that_cannot_be_is_named_and_the_others_stand(change: dict[str, Any], rule: str) -> None:
    parsed = read(json.dumps({"reports": [REPORT | change, REPORT]}), **HOW)
    assert len(parsed.reports) == 1 and rules(parsed) == [rule]


def test_what_is_no_list_of_reports_is_malformed() -> None:
    with pytest.raises(SourceMalformed):
        read("7", **HOW | {"items": ""})


def test_sources_are_declared_in_a_file_of_the_city() -> None:
    found = read_sources(
        """
        [[source]]
        id = "quay"
        kind = "levels"
        adapter = "json"
        unit = "cm"
        timezone = "Europe/Helsinki"
        broker = "mqtt://127.0.0.1:1883"
        topic = "water/+/depth"
        columns = { sensor = "topic:1", time = "t", value = "v" }
        [source.sensors.G1]
        id = "underpass"
        zero_m = 0.12
        """
    )
    assert found["quay"].our_id("G1") == "underpass" and found["quay"].zone is not None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[[source]", "no TOML"),
        ('[[source]]\nid = "a"\nkind = "levels"\nadapter = "csv"', "declare the unit"),
        ('[[source]]\nid = "a"\nkind = "levels"\nadapter = "csv"\nunit = "cubit"', "cubit"),
        ('[[source]]\nid = "a"\nkind = "levels"\nadapter = "csv"\nunit = "cm"\ntimezone = "Mars/Base"', "Mars/Base"),
        ('[[source]]\nid = "a"\nkind = "levels"\nadapter = "grib"\nunit = "cm"', "is read by csv or json"),
        ('[[source]]\nid = "a"\nkind = "levels"\nadapter = "csv"\nunit = "cm"\npol_s = 5', "pol_s"),
        ('[[source]]\nid = "a"\nkind = "rain"\nadapter = "csv"\nunit = "mm"', "interval_s"),
        ('[[source]]\nid = "a"\nkind = "levels"\nadapter = "csv"\nunit = "cm"\n' * 2, "a twice"),
    ],
)
def test_a_declaration_that_cannot_be_used_says_why(text: str, fault: str) -> None:
    with pytest.raises(ScenarioInvalid, match=fault):
        read_sources(text)
