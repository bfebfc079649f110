"""Impacts by record and version, and alerts one by one, over HTTP."""

from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient
from made_requests import order_document

from trafficfeed.formats.cap_reading import read_cap
from trafficfeed.formats.cap_structure import check_structure

Publish = Callable[..., dict[str, Any]]
AREA = [[24.9515, 60.1695], [24.9560, 60.1695], [24.9560, 60.1735], [24.9515, 60.1735], [24.9515, 60.1695]]


def with_area(order_id: str) -> dict[str, Any]:
    document = order_document(order_id, reason="public_event")
    document["measures"][0]["where"] = [{"kind": "area", "ring": AREA}]
    return document


def first_record(client: TestClient) -> str:
    found: str = client.get("/v1/feeds/closures/native").json()["features"][0]["id"]
    return found


def test_the_impact_of_a_record_is_found_by_its_id(client: TestClient, publish_now: Publish) -> None:
    publish_now(order_document())
    record = first_record(client)
    answer = client.get(f"/v1/impacts/{record}")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["id"], found["version"], found["validation"]) == (record, 1, "pending")
    assert record in found["ids"]["wzdx"]
    assert client.get(f"/v1/impacts/{record}?version=1").json() == found


def test_a_version_that_was_replaced_is_found_in_an_older_release(officer: TestClient, publish_now: Publish) -> None:
    publish_now(order_document())
    record, address = first_record(officer), "/v1/orders/first-street"
    tag = officer.get(address).headers["ETag"]
    changed = officer.put(address, json=order_document(legal_basis="another"), headers={"If-Match": tag})
    assert changed.status_code == 200, changed.text
    officer.post(f"{address}/check")
    assert officer.post(f"{address}/approve", json={"override_reason": "burst water main"}).status_code == 200
    assert officer.get(f"/v1/impacts/{record}").json()["version"] == 2
    assert officer.get(f"/v1/impacts/{record}?version=1").json()["version"] == 1


def test_a_record_or_version_that_never_was_is_404(client: TestClient, publish_now: Publish) -> None:
    publish_now(order_document())
    record = first_record(client)
    for path in (f"/v1/impacts/{record}?version=7", "/v1/impacts/nobody", "/v1/impacts/nobody?version=1"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:trafficfeed:problem:unknown-record"), path


def test_before_the_first_release_there_is_no_impact_and_no_alert(client: TestClient) -> None:
    assert client.get("/v1/impacts/a.b.c").status_code == 404
    assert client.get("/v1/alerts/a.b.p1.cap").status_code == 404


def test_every_entry_of_the_feed_links_to_an_alert_that_is_served(client: TestClient, publish_now: Publish) -> None:
    publish_now(with_area("festival"))
    feed = client.get("/v1/feeds/closures/cap")
    assert feed.headers["content-type"] == "application/atom+xml"
    (record,) = read_cap(feed.content).records
    answer = client.get(f"/v1/alerts/{record.group}.cap")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/cap+xml")
    assert check_structure(answer.content) == ()
    assert read_cap(answer.content).records[0].id == record.id


def test_an_unknown_alert_is_404(client: TestClient, publish_now: Publish) -> None:
    publish_now(with_area("festival"))
    assert client.get("/v1/alerts/festival.other.p1.cap").status_code == 404
