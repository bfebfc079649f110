"""Officers direct a junction through the API."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from made_requests import NOW, TOKEN

from api.deps import Services
from api.main import furnish
from trafficfeed.settings import Settings

ADDRESS = "/v1/virtual-signals"


def _body(client: TestClient, **changes: Any) -> dict[str, Any]:
    """Return a junction in the middle of the town to be directed for an hour."""
    graph = client.app.state.services.graph  # type: ignore[attr-defined]
    lon, lat = graph.node_lonlat[graph.node_ids.index("11")].tolist()
    return {
        "id": "gate",
        "authority": "Police",
        "reason": "the lamps are dark",
        "junction": {"lon": lon, "lat": lat},
        "expires_at": (NOW + timedelta(hours=1)).isoformat(),
        **changes,
    }


def test_an_officer_makes_one_says_go_and_ends_it_and_every_step_is_kept(officer: TestClient, clock: Any) -> None:
    made = officer.post(ADDRESS, json=_body(officer))
    assert made.status_code == 201, made.text
    assert [one["name"].split()[0] for one in made.json()["approaches"]] == ["Second", "Birch", "Second", "Birch"]
    assert {group["aspect"] for group in made.json()["state"]["groups"]} == {"unavailable"}
    clock.forward(seconds=5)
    said = officer.put(f"{ADDRESS}/gate/state", json={"approaches": {"1": "go", "2": "stop", "3": "go"}})
    assert said.status_code == 200, said.text
    aspects = [group["aspect"] for group in said.json()["state"]["groups"]]
    assert aspects == ["permissive-Movement-Allowed", "stop-And-Remain", "permissive-Movement-Allowed", "unavailable"]
    assert [one["id"] for one in officer.get(ADDRESS).json()["virtual_signals"]] == ["gate"]
    clock.forward(seconds=5)
    assert officer.delete(f"{ADDRESS}/gate").json()["live"] is False
    assert officer.get(ADDRESS).json()["virtual_signals"] == []
    steps = officer.get(f"{ADDRESS}/gate/steps").json()["steps"]
    assert [(one["action"], one["actor"], one["version"]) for one in steps] == [
        ("make", "ann", 1), ("tell", "ann", 2), ("end", "ann", 3),
    ]  # fmt: skip


def test_crossing_approaches_are_refused_with_the_way_to_mend_it_and_nothing_changes(officer: TestClient) -> None:
    officer.post(ADDRESS, json=_body(officer, approaches={"1": "go"}))
    refused = officer.put(f"{ADDRESS}/gate/state", json={"approaches": {"1": "go", "2": "go"}})
    assert refused.status_code == 422
    assert refused.json()["findings"][0]["mend"] == "stop 1 or 2"
    assert officer.get(f"{ADDRESS}/gate").json()["version"] == 1


@pytest.mark.parametrize(
    "change",
    [
        {"expires_at": None}, {"expires_at": NOW.isoformat()}, {"expires_at": (NOW + timedelta(days=2)).isoformat()},
        {"expires_at": "2026-12-05T12:30"}, {"junction": "no-such"}, {"junction": {"lon": 0, "lat": 0}},
        {"approaches": {"1": "maybe"}}, {"id": "Not An Id"}, {"authority": ""}, {"countdown": 5},
    ],
)  # fmt: skip
def test_what_has_no_end_no_place_or_no_sense_is_refused(officer: TestClient, change: dict[str, Any]) -> None:
    assert officer.post(ADDRESS, json=_body(officer, **change)).status_code == 422
    assert officer.get(ADDRESS).json()["virtual_signals"] == []


def test_an_id_is_used_once_and_a_junction_has_one_hand_over_it(officer: TestClient, clock: Any) -> None:
    assert officer.post(ADDRESS, json=_body(officer)).status_code == 201
    assert officer.post(ADDRESS, json=_body(officer)).status_code == 409
    clock.forward(hours=1)
    assert officer.post(ADDRESS, json=_body(officer)).status_code == 422, "its end is past"
    assert officer.put(f"{ADDRESS}/gate/state", json={"approaches": {}}).status_code == 409


def test_who_read_an_older_version_overwrites_nothing(officer: TestClient) -> None:
    tag = officer.post(ADDRESS, json=_body(officer)).headers["ETag"]
    first = officer.put(f"{ADDRESS}/gate/state", json={"approaches": {"1": "go"}}, headers={"If-Match": tag})
    second = officer.put(f"{ADDRESS}/gate/state", json={"approaches": {"2": "go"}}, headers={"If-Match": tag})
    assert (first.status_code, second.status_code) == (200, 409)


def test_without_a_token_nobody_directs_anything(client: TestClient) -> None:
    assert client.post(ADDRESS, json=_body(client)).status_code == 401
    assert client.get(ADDRESS).status_code == 401


@pytest.fixture
def live(app: FastAPI, settings: Settings, clock: Any) -> Iterator[TestClient]:
    """The API with live signals, as Ann sees it."""
    furnish(app, Services(settings.model_copy(update={"signals": "http"}), clock))
    with TestClient(app, headers={"Authorization": f"Bearer {TOKEN}"}) as started:
        yield started


def _shown(client: TestClient, wanted: str) -> dict[str, Any]:
    """Return the published state once its first group shows what is wanted."""
    deadline = time.monotonic() + 20
    while True:
        answer = client.get("/v1/signals/virtual-gate")
        if answer.status_code == 200 and answer.json()["groups"][0]["aspect"] == wanted:
            found: dict[str, Any] = answer.json()
            return found
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.02)


def test_what_an_officer_says_is_among_the_live_signals_and_ends_by_itself(live: TestClient, clock: Any) -> None:
    made = live.post(ADDRESS, json=_body(live, approaches={"1": "go"}))
    assert made.status_code == 201, made.text
    green = _shown(live, "permissive-Movement-Allowed")
    assert (green["advisory"], green["authority"]) == (True, "Police")
    features = live.get("/v1/signals", params={"ids": "virtual-gate"}).json()["features"]
    assert [feature["properties"]["advisory"] for feature in features] == [True] * 4
    clock.forward(hours=1)
    assert _shown(live, "unavailable")["revision"] == green["revision"] + 1
