"""What officers do about water: closures that await them stay theirs, overrides are published with their reason."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from made_flood_town import SITES, forecast_of, released, told, town_with, two_sites
from made_requests import NOW

from trafficfeed.flooding.decisions import Level
from trafficfeed.settings import Settings

UNTIL = (NOW + timedelta(hours=2)).isoformat()


@pytest.fixture
def settings(settings: Settings, cities: Path, tmp_path: Path) -> Settings:
    """Settings of an installation whose city floods, and whose officers approve what is closed by forecast."""
    rule = settings.flooding.rule.model_copy(update={"approval": True})
    return settings.model_copy(
        update={
            "cities_dir": town_with(cities, tmp_path / "flooded", two_sites(cities)),
            "flooding": settings.flooding.model_copy(update={"rule": rule}),
        }
    )


def closing_soon() -> Any:
    """Return a forecast that is sure of 30 cm within the half hour."""
    likely = forecast_of(SITES)
    sure = np.where(likely.p50_m > 0, 0.97, 0.0)
    sure[-1] = 0.97
    chances = np.stack([sure, sure, sure])
    depth = np.zeros_like(likely.p50_m)
    depth[-1] = 0.4
    return forecast_of(SITES, exceedance=chances, within=chances, p10_m=depth - 0.05, p50_m=depth, p90_m=depth + 0.1)


def test_a_closure_that_awaits_approval_is_shown_to_officers_and_to_nobody_else(
    officer: TestClient, settings: Settings
) -> None:
    done = released(settings, closing_soon())
    assert [one.site for one in done.decisions if one.awaits_approval] == ["underpass"]
    for path in ("/flooding", "/flooding/underpass"):
        page = officer.get(path).text
        assert "Closed</b>" not in page and done.decisions[-1].reason not in page
    (waiting,) = officer.get("/v1/flooding/awaiting").json()["awaiting"]
    assert waiting["site"] == "underpass" and waiting["chance"] == 0.97 and waiting["order"]
    del officer.headers["Authorization"]
    assert officer.get("/v1/flooding/awaiting").status_code == 401


def test_while_a_closure_awaits_approval_the_warning_that_is_published_still_shows(
    officer: TestClient, settings: Settings
) -> None:
    told(settings, [0.15, 0.16, 0.17, 0.18])
    released(settings)
    done = released(settings, closing_soon(), at=NOW + timedelta(seconds=10))
    assert done.decisions[-1].awaits_approval
    running: Any = officer.app
    running.state.services.feeds.refresh()
    page = officer.get("/flooding").text
    assert "Water on the road</b>" in page and "as published" in page and "Closed</b>" not in page


def test_what_an_officer_approves_is_published_at_once(officer: TestClient, settings: Settings) -> None:
    released(settings, closing_soon())
    assert officer.get("/v1/orders", params={"state": "published"}).json()["orders"] == []
    body = {"reason": "the patrol sees it come"}
    answer = officer.post("/v1/flooding/sites/underpass/approve", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["level"] == "closed" and answer.json()["map_release"]
    page = officer.get("/flooding").text
    assert "Closed</b>" in page and "data-closed" in page and "may last until" in page
    assert officer.post("/v1/flooding/sites/underpass/approve", json=body).status_code == 409
    assert officer.get("/v1/flooding/awaiting").json() == {"awaiting": []}


def test_an_order_that_an_officer_approves_is_closed_on_the_page_at_the_next_round(
    officer: TestClient, settings: Settings
) -> None:
    released(settings, closing_soon())
    (waiting,) = officer.get("/v1/flooding/awaiting").json()["awaiting"]
    body = {"override_reason": "the gauge upstream says the same"}
    assert officer.post(f"/v1/orders/{waiting['order']}/approve", json=body).status_code == 200
    assert officer.get("/v1/flooding/awaiting").json() == {"awaiting": []}
    released(settings, at=NOW + timedelta(seconds=20))
    assert "Closed</b>" in officer.get("/flooding").text


def test_an_officer_closes_a_place_and_everybody_sees_it_at_once(officer: TestClient, settings: Settings) -> None:
    told(settings, [0.02, 0.02, 0.02])
    released(settings)
    body = {"level": "closed", "until": UNTIL, "reason": "The <b>pumps</b> have failed"}
    answer = officer.post("/v1/flooding/sites/underpass/override", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["basis"] == "officer" and answer.json()["troubles"] == []
    assert answer.json()["map_release"] and answer.json()["order"].startswith("underpass-")
    page = officer.get("/flooding").text
    assert "Closed</b>" in page and "ordered by an officer" in page and "data-closed" in page
    site = officer.get("/flooding/underpass").text
    assert "The &lt;b&gt;pumps&lt;/b&gt; have failed" in site and "(ann)" in site


def test_an_officer_opens_what_a_gauge_closed(officer: TestClient, settings: Settings) -> None:
    told(settings, [0.28, 0.31, 0.34, 0.36])
    assert released(settings).decisions[-1].level is Level.CLOSED
    body = {"level": "clear", "until": UNTIL, "reason": "The gauge is under the quay"}
    assert officer.post("/v1/flooding/sites/underpass/override", json=body).json()["action"] == "ended"
    page = officer.get("/flooding").text
    assert "Closed</b>" not in page and "data-closed" not in page


@pytest.mark.parametrize(
    ("site", "changes", "status"),
    [
        ("nowhere", {}, 404),
        ("underpass", {"until": (NOW - timedelta(hours=1)).isoformat()}, 409),
        ("underpass", {"until": "2026-12-05T16:00:00"}, 422),
        ("underpass", {"reason": ""}, 422),
        ("underpass", {"level": "drowned"}, 422),
    ],
)
def test_an_override_that_cannot_be_is_refused_and_changes_nothing(
    officer: TestClient, settings: Settings, site: str, changes: dict[str, str], status: int
) -> None:
    body = {"level": "closed", "until": UNTIL, "reason": "water over the kerb"} | changes
    assert officer.post(f"/v1/flooding/sites/{site}/override", json=body).status_code == status
    assert officer.get("/v1/flooding/sites").status_code == 503, "nothing was released"


def test_nobody_without_a_token_overrides(client: TestClient) -> None:
    body = {"level": "clear", "until": UNTIL, "reason": "I want to drive home"}
    assert client.post("/v1/flooding/sites/underpass/override", json=body).status_code == 401
