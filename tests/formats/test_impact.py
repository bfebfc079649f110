"""The side resource: what each record does to traffic, and what other formats call it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_events import CLOSURE, CONCERT, EVENTS, FEED, PUBLISHED, TURN

from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.formats import impact, semantics
from trafficfeed.formats.cap_reading import read_cap
from trafficfeed.formats.standards import STANDARDS

GOLDEN = Path(__file__).parents[1] / "golden/impact" / impact.FILE_NAME


def impacts(*events: RoadEvent) -> list[dict[str, Any]]:
    document: dict[str, Any] = json.loads(impact.encode(events, publication_time=PUBLISHED, feed=FEED))
    found: list[dict[str, Any]] = document["impacts"]
    return found


def test_every_record_has_its_impact_under_its_id_and_version() -> None:
    assert [(one["id"], one["version"]) for one in impacts(*EVENTS)] == sorted((e.id, 2) for e in EVENTS)


def test_the_certificates_summary_stands_there_whole() -> None:
    (found,) = impacts(CLOSURE)
    assert found["validation"] == "passed"
    assert found["certificate"] == {
        "certificate_id": "c0ffee",
        "verdict": "publish",
        "href": "https://traffic.example.org/v1/certificates/c0ffee",
        "seeds": 5,
        "delay_per_vehicle_s": 3.2,
        "delay_low_s": 1.1,
        "delay_high_s": 5.3,
        "emergency_delay_s": 0.4,
        "cut_off": 0,
        "cut_off_places": [],
        "diverted_to": [{"street": "East Street", "vehicles": 120}, {"street": "Ring Road", "vehicles": 95}],
        "queue_risk": "none",
        "queues_on": [],
    }
    assert "East Street" in found["text"]["en"]


def test_a_record_that_was_not_simulated_yet_says_so() -> None:
    (found,) = impacts(CONCERT)
    assert (found["validation"], found["certificate"]) == ("pending", None)


@pytest.mark.parametrize("name", ["native", "wzdx", "cifs", "cifs-json", "datex2"])
def test_the_ids_are_those_that_the_formats_give(name: str) -> None:
    for event in EVENTS:
        document = STANDARDS[name].encode([event], publication_time=PUBLISHED, feed=FEED)
        given = [record.id for record in semantics.read(name, document).records]
        known = impact.ids_of(event, FEED).get(name.removesuffix("-json"), [])
        assert sorted(known) == sorted(id for id in given if not id.endswith(".cause")), event.id


def test_the_alert_of_an_area_is_named_by_its_incident() -> None:
    (alert,) = read_cap(STANDARDS["cap"].encode([CONCERT], publication_time=PUBLISHED, feed=FEED)).records
    assert impact.ids_of(CONCERT, FEED)["cap"] == [alert.group]


def test_a_format_that_does_not_speak_of_a_record_is_not_named() -> None:
    (found,) = impacts(TURN)
    assert set(found["ids"]) == {"native", "wzdx", "datex2"}


def test_the_datum_of_the_feed_makes_no_difference() -> None:
    assert impact.ids_of(CLOSURE, replace(FEED, datum="gcj02")) == impact.ids_of(CLOSURE, FEED)


def test_the_document_is_the_golden_one_byte_for_byte() -> None:
    assert impact.encode(EVENTS, publication_time=PUBLISHED, feed=FEED) == GOLDEN.read_bytes()
