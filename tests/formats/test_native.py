import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from made_events import CANCELLED, CLOSURE, CONCERT, EVENTS, FEED, PUBLISHED

from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.formats import native, semantics

GOLDEN = Path(__file__).parents[1] / "golden/native" / native.FILE_NAME


def encoded(*events: RoadEvent) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(native.encode(events, publication_time=PUBLISHED, feed=FEED))
    return document


def test_the_document_is_the_golden_one_byte_for_byte() -> None:
    assert native.encode(EVENTS, publication_time=PUBLISHED, feed=FEED) == GOLDEN.read_bytes()


def test_the_golden_document_breaks_no_rule() -> None:
    assert semantics.check("native", GOLDEN.read_bytes()) == ()


def test_the_same_facts_in_another_order_give_the_same_bytes() -> None:
    ahead = native.encode(EVENTS, publication_time=PUBLISHED, feed=FEED)
    assert native.encode(reversed(EVENTS), publication_time=PUBLISHED, feed=FEED) == ahead


def test_only_the_publication_time_differs_between_two_publications() -> None:
    later = json.loads(native.encode(EVENTS, publication_time=PUBLISHED + timedelta(days=1), feed=FEED))
    sooner = encoded(*EVENTS)
    assert later["feed"].pop("published") == "2026-11-23T12:00:00Z"
    assert sooner["feed"].pop("published") == "2026-11-22T12:00:00Z"
    assert later == sooner


def test_a_feature_carries_its_certificate_all_languages_and_every_coordinate() -> None:
    (feature,) = encoded(CLOSURE)["features"]
    properties = feature["properties"]
    assert properties["certificate"]["href"] == "https://traffic.example.org/v1/certificates/c0ffee"
    assert properties["validation"] == "passed"
    assert properties["title"] == {"en": "Water main renewal", "nb": "Ny vannledning"}
    assert [tuple(point) for point in feature["geometry"]["coordinates"]] == list(CLOSURE.coordinates)
    assert [tuple(point) for point in properties["detour"]["coordinates"]] == list(CLOSURE.detour or ())
    assert (properties["start"], properties["end"]) == ("2026-12-05T06:00:00Z", "2026-12-05T17:00:00Z")
    assert properties["timezone"] == "Europe/Oslo"


def test_an_estimated_end_and_a_pending_validation_are_said() -> None:
    (feature,) = encoded(CONCERT)["features"]
    properties = feature["properties"]
    assert properties["end_is_estimate"] is True
    assert properties["until"] == {"en": "until the crowd has left"}
    assert properties["validation"] == "pending"
    assert "certificate" not in properties


def test_cancelled_records_are_told_so_that_readers_can_drop_them() -> None:
    (feature,) = encoded(CANCELLED)["features"]
    assert feature["properties"]["cancelled"] is True


def test_an_empty_feed_is_still_a_feed() -> None:
    document = encoded()
    assert (document["type"], document["features"]) == ("FeatureCollection", [])


def test_sumo_ids_are_never_published() -> None:
    text = GOLDEN.read_text("utf-8")
    assert "edge" not in text
    assert "lane_" not in text
