"""Releases over HTTP and as pages: the list, one of them, what differs, and an officer's way back."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from made_events import CANCELLED, CLOSURE, CONCERT, SLOW
from made_releases import publish
from made_requests import order_document

from api.deps import Services
from trafficfeed.formats.feed_info import Tombstone
from trafficfeed.publishing.documents import Release

NATIVE = "/v1/feeds/closures/native"


@pytest.fixture
def services(client: TestClient) -> Services:
    found: Services = client.app.state.services  # type: ignore[attr-defined]
    return found


@pytest.fixture
def two(services: Services, clock: Any) -> tuple[Release, Release]:
    """Two releases: one record is changed, one added, one gone, one the same."""
    first = publish(services.releases, [CLOSURE, SLOW, CANCELLED], at=clock.now)
    clock.forward(minutes=5)
    stones = [Tombstone(id=CANCELLED.id, reason="cancelled", at=clock.now)]
    changed = replace(CLOSURE, street="Low <Street>", lanes_closed=(1,))
    second = publish(services.releases, [changed, SLOW, CONCERT], at=clock.now, tombstones=stones)
    services.feeds.refresh()
    return first, second


def test_releases_are_listed_page_by_page_newest_first(client: TestClient, two: Any) -> None:
    listed = client.get("/v1/releases", params={"limit": 1}).json()
    assert [one["release"] for one in listed["releases"]] == [2]
    rest = client.get(listed["next"]).json()
    assert ([one["release"] for one in rest["releases"]], rest["next"]) == ([1], None)
    assert rest["releases"][0]["version"] == two[0].version


def test_a_release_is_shown_by_version_or_number_without_what_is_a_partner_s(
    client: TestClient, services: Services, clock: Any
) -> None:
    made = publish(services.releases, [CLOSURE], at=clock.now, partners={"amap": ["native"]})
    by_number, by_version = client.get("/v1/releases/1").json(), client.get(f"/v1/releases/{made.version}").json()
    assert by_number == by_version
    assert set(by_number["documents"]) == {"closures.geojson", "wzdx.geojson", "cifs.json", "cifs.xml"}
    assert by_number["facts"]["orders"] == {"order-1": {"version": 2, "records": 1}}
    for unknown in ("2", "0" * 64, "x"):
        assert client.get(f"/v1/releases/{unknown}").status_code == 404


def test_a_diff_names_the_records_and_the_fields_that_differ(client: TestClient, two: Any) -> None:
    found = client.get("/v1/releases/1/diff/2").json()
    assert [one["id"] for one in found["added"]] == [CONCERT.id]
    assert [(one["id"], one["reason"]) for one in found["removed"]] == [(CANCELLED.id, "cancelled")]
    (changed,) = found["changed"]
    assert changed["fields"] == [
        {"field": "lanes.closed", "before": [1, 2, 3], "after": [1]},
        {"field": "street", "before": "High Street", "after": "Low <Street>"},
    ]
    assert found["same"] == 1
    back = client.get(f"/v1/releases/{two[1].version}/diff/1").json()
    assert [one["id"] for one in back["added"]] == [CANCELLED.id]
    assert client.get("/v1/releases/1/diff/3").status_code == 404


def test_a_person_reads_the_same_on_a_page(client: TestClient, two: Any) -> None:
    listed = client.get("/releases").text
    assert 'href="/releases/1/2"' in listed
    page = client.get("/releases/1/2").text
    assert "Low &lt;Street&gt;" in page
    assert page.count('<article class="change">') == 3
    assert "1 added, 1 removed, 1 changed, 1 the same" in page
    assert "differ" in client.get("/releases/2/2").text
    assert client.get("/releases/1/9", headers={"Accept": "text/html"}).status_code == 404


def test_an_officer_rolls_the_feed_back_until_he_takes_it_back(
    client: TestClient, officer: TestClient, two: Any, services: Services
) -> None:
    first, _ = two
    done = officer.post("/v1/releases/1/rollback", json={"reason": "wrong street"})
    assert done.status_code == 200, done.text
    assert done.json()["version"] == first.version
    assert done.json()["rolled_back"]["by"] == "ann"
    served = client.get(NATIVE)
    assert served.content == first.documents["closures.geojson"].data
    assert served.headers["x-feed-rolled-back"].startswith("1 since ")
    assert "ann went back to release 1" in client.get("/releases").text
    resumed = officer.post("/v1/releases/resume", json={"reason": "put right"})
    assert resumed.status_code == 200, resumed.text
    assert resumed.json()["rolled_back"] is None
    assert "x-feed-rolled-back" not in client.get(NATIVE).headers
    again = officer.post("/v1/releases/resume")
    assert (again.status_code, again.json()["type"]) == (409, "urn:trafficfeed:problem:not-rolled-back")


def test_a_rollback_holds_against_an_order_that_is_published_meanwhile(
    officer: TestClient, publish_now: Callable[..., Any]
) -> None:
    publish_now(order_document())
    served = officer.get(NATIVE).content
    officer.post("/v1/releases/1/rollback", json={"reason": "wrong street"})
    publish_now(order_document("second"))
    assert officer.get(NATIVE).content == served
    officer.post("/v1/releases/resume")
    orders = {one["properties"]["order"]["id"] for one in officer.get(NATIVE).json()["features"]}
    assert orders == {"first-street", "second"}


@pytest.mark.parametrize("body", [{}, {"reason": " "}, {"reason": "x", "more": 1}])
def test_a_rollback_needs_an_officer_a_reason_and_a_release(
    client: TestClient, two: Any, services: Services, body: dict[str, Any]
) -> None:
    assert client.post("/v1/releases/1/rollback", json={"reason": "x"}).status_code == 401
    assert client.post("/v1/releases/resume").status_code == 401
    headers = {"Authorization": "Bearer correct-horse-battery-staple"}
    assert client.post("/v1/releases/1/rollback", json=body, headers=headers).status_code == 422
    assert client.post("/v1/releases/9/rollback", json={"reason": "x"}, headers=headers).status_code == 404
    assert services.releases.newest() == 2
