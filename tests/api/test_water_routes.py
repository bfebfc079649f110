"""Water data over HTTP: who may send what, what becomes of it, and what whoever asks is told."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from made_requests import NOW, TOKEN
from pydantic import SecretStr

from api.deps import Services
from api.main import furnish
from api.rate_limit import RateLimit
from trafficfeed.flooding.ingest.sources import FILE
from trafficfeed.pipeline.flood_intake import Intake
from trafficfeed.settings import FloodSettings, Settings

OFFICER = {"Authorization": f"Bearer {TOKEN}"}
SENSOR = {"Authorization": "Bearer sensor-token"}
DROP = '[[source]]\nid = "drop"\nkind = "levels"\nadapter = "csv"\nunit = "cm"\n'


@pytest.fixture
def news() -> list[Intake]:
    """What the process was told of."""
    return []


@pytest.fixture
def limits() -> dict[str, Any]:
    """Settings of flooding."""
    return {"sensor_tokens": {"quay": SecretStr("sensor-token")}}


@pytest.fixture
def street(
    app: FastAPI, settings: Settings, clock: Any, tmp_path: Path, news: list[Intake], limits: dict[str, Any]
) -> Iterator[TestClient]:
    """The API of a town with one water source."""
    town = tmp_path / "cities" / "gridtown"
    (town / "flooding").mkdir(parents=True)
    for part in (settings.cities_dir / "gridtown").iterdir():
        if part.name != "flooding":
            (town / part.name).symlink_to(part)
    (town / FILE).write_text(DROP, "utf-8")
    changed = settings.model_copy(update={"cities_dir": town.parent, "flooding": FloodSettings(**limits)})
    services = Services(changed, clock)
    furnish(app, services)
    with TestClient(app, raise_server_exceptions=False) as started:
        services.after_water = news.append
        yield started


def readings(*values: float, minute: int = 0) -> dict[str, Any]:
    rows = [
        {"sensor": "a", "time": (NOW + timedelta(minutes=minute + n - 5)).isoformat(), "value": value, "unit": "cm"}
        for n, value in enumerate(values)
    ]
    return {"readings": rows}


def test_a_sensor_sends_readings_in_and_they_are_told(street: TestClient, news: list[Intake]) -> None:
    answer = street.post("/v1/water/readings", json=readings(3, 6, 9), headers=SENSOR)
    assert answer.status_code == 202, answer.text
    assert (answer.json()["readings"], answer.json()["good"], answer.json()["duplicates"]) == (3, 3, 0)
    (intake,) = news
    assert [one.depth_m for one in intake.readings] == [0.03, 0.06, 0.09]
    assert street.post("/v1/water/readings", json=readings(3, 6, 9), headers=SENSOR).json()["duplicates"] == 3
    assert len(news) == 1
    found = street.get("/v1/water/readings", params={"sensor": "a"}).json()
    assert [(one["depth_m"], one["quality"]) for one in found["readings"]] == [
        (0.03, "good"), (0.06, "good"), (0.09, "good"),
    ]  # fmt: skip
    since = (NOW - timedelta(minutes=4)).isoformat()
    assert len(street.get("/v1/water/readings", params={"since": since}).json()["readings"]) == 2
    assert street.get("/v1/water/readings", params={"sensor": "b"}).json() == {"readings": [], "more": False}


def test_a_declared_source_is_read_as_it_says_and_a_bad_row_is_named(street: TestClient) -> None:
    body = f"sensor,time,value\na,{NOW.isoformat()},12\na,soon,3\n"
    answer = street.post("/v1/water/readings", params={"source": "drop"}, content=body, headers=SENSOR)
    assert answer.status_code == 202 and answer.json()["readings"] == 1
    assert answer.json()["findings"][0]["where"] == "line 3"


@pytest.mark.parametrize(
    ("params", "body", "headers", "status"),
    [
        ({}, "{}", {}, 401),
        ({}, "{}", {"Authorization": "Bearer other"}, 401),
        ({"source": "nobody"}, "{}", SENSOR, 404),
        ({"source": "citizens"}, "{}", SENSOR, 422),
        ({"source": "drop"}, "a,b\n1,2\n", SENSOR, 422),
        ({}, "{", SENSOR, 422),
    ],
)
def test_what_cannot_be_taken_is_refused(
    street: TestClient, params: dict[str, str], body: str, headers: dict[str, str], status: int
) -> None:
    answer = street.post("/v1/water/readings", params=params, content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def report(id: str = "r1") -> dict[str, Any]:
    return {"id": id, "lon": 24.95, "lat": 60.17, "observed_at": NOW.isoformat(), "depth": "knee"}


def test_an_officer_s_report_counts_and_without_a_token_none_is_taken(street: TestClient, news: list[Intake]) -> None:
    assert street.post("/v1/water/reports", json={"reports": [report()]}).status_code == 401
    assert street.post("/v1/water/reports", json={"reports": [report()]}, headers=SENSOR).status_code == 401
    answer = street.post("/v1/water/reports", json={"reports": [report()]}, headers=OFFICER)
    assert answer.status_code == 202 and answer.json()["reports"] == 1
    assert [(one.id, one.by_police) for one in news[0].reports] == [("officers/r1", True)]


@pytest.mark.parametrize("limits", [{"citizen_reports": "open", "citizen_reports_per_minute": 2}])
def test_citizens_may_report_where_that_is_open_and_not_without_end(
    street: TestClient, news: list[Intake], clock: Any
) -> None:
    for n in range(2):
        assert street.post("/v1/water/reports", json={"reports": [report(f"r{n}")]}).status_code == 202
    refused = street.post("/v1/water/reports", json={"reports": [report("r3")]})
    assert refused.status_code == 429 and 0 < int(refused.headers["Retry-After"]) <= 31
    clock.forward(seconds=31)
    assert street.post("/v1/water/reports", json={"reports": [report("r3")]}).status_code == 202
    assert {one.by_police for intake in news for one in intake.reports} == {False}
    flood = {"reports": [report(f"x{n}") for n in range(200)]}
    assert street.post("/v1/water/reports", json=flood).status_code == 413


def test_an_address_cannot_use_up_what_others_may_send_and_all_together_are_limited() -> None:
    limit = RateLimit(2)
    assert [limit.wait_s("a", NOW) > 0 for _ in range(4)] == [False, False, True, True]
    assert limit.wait_s("b", NOW) == 0
    others = [limit.wait_s(f"c{n}", NOW) == 0 for n in range(200)]
    assert sum(others) == 97
    assert limit.wait_s("a", NOW + timedelta(minutes=1)) == 0
