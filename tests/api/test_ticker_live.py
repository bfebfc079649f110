"""Street time in a running API process, by the real clock and without Airflow."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from made_requests import TOKEN, with_period

from api.deps import Services, wall_clock
from api.main import furnish
from trafficfeed.settings import Settings

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]
_PATIENCE_S = 30.0


@pytest.fixture
def running(app: FastAPI, settings: Settings) -> Iterator[TestClient]:
    """The API with the real clock, on a fresh installation."""
    furnish(app, Services(settings, wall_clock))
    with TestClient(app, headers={"Authorization": f"Bearer {TOKEN}"}) as started:
        yield started


def test_an_order_begins_and_ends_on_its_second(running: TestClient) -> None:
    begins = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=6)
    ends = begins + timedelta(seconds=4)
    document = with_period(f"{begins:%Y-%m-%dT%H:%M:%SZ}", f"{ends:%Y-%m-%dT%H:%M:%SZ}")
    answer = running.post("/v1/emergency-orders", params={"reason": "a test"}, json=document)
    assert answer.status_code == 201, answer.text
    assert answer.json()["state"] == "published"

    active = _until(running, "active")
    ended = _until(running, "ended")

    assert active >= begins and ended >= ends, "never before its time"
    clocked = [entry["at"] for entry in _audit(running) if entry["action"] == "clock"]
    assert [datetime.fromisoformat(at).replace(microsecond=0) for at in clocked] >= [begins, ends]
    for feature in _served(running, until_updated=ends):
        assert datetime.fromisoformat(feature["properties"]["end"]) == ends


def test_the_feed_is_found_fresh_while_nothing_happens(running: TestClient) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while running.get("/v1/feeds/closures/native").status_code != 200:
        assert time.monotonic() < deadline, "no first release"
        time.sleep(0.1)
    headers = running.get("/v1/feeds/closures/native").headers
    assert headers["X-Feed-Stale"] == "false"
    assert datetime.fromisoformat(headers["X-Feed-Checked-At"]) <= datetime.now(UTC)


def _until(client: TestClient, state: str) -> datetime:
    deadline = time.monotonic() + _PATIENCE_S
    while client.get("/v1/orders/first-street").json()["state"] != state:
        assert time.monotonic() < deadline, f"not {state} in time"
        time.sleep(0.05)
    return datetime.now(UTC)


def _audit(client: TestClient) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = client.get("/v1/orders/first-street/audit").json()["entries"]
    return entries


def _served(client: TestClient, *, until_updated: datetime) -> list[dict[str, Any]]:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        features: list[dict[str, Any]] = client.get("/v1/feeds/closures/native").json()["features"]
        if features and datetime.fromisoformat(features[0]["properties"]["updated"]) >= until_updated:
            return features
        assert time.monotonic() < deadline, "its end is not published in time"
        time.sleep(0.05)
