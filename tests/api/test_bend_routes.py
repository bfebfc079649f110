"""Bends over HTTP: detectors report, whoever asks is warned, and it is over by itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api.deps import Services
from api.main import furnish
from trafficfeed.settings import Settings

DETECTOR = {"Authorization": "Bearer detector-token"}


@pytest.fixture
def street(app: FastAPI, settings: Settings, clock: Any, tmp_path: Path) -> Iterator[TestClient]:
    """The API of a town with one bend, given by hand."""
    town = tmp_path / "cities" / "gridtown"
    town.parent.mkdir()
    town.mkdir()
    for part in (settings.cities_dir / "gridtown").iterdir():
        (town / part.name).symlink_to(part)
    changed = settings.model_copy(
        update={"cities_dir": town.parent, "detector_tokens": {"camera": SecretStr("detector-token")}}
    )
    services = Services(changed, clock)
    lon, lat = services.graph.geometry[0].interpolate(0.5, normalized=True).coords[0]
    (town / "bends.toml").write_text(
        f'[[bend]]\nid = "quarry"\ntitle = "Quarry bend"\nat = [{lon}, {lat}]\nsight_m = 20\n', "utf-8"
    )
    furnish(app, services)
    with TestClient(app, raise_server_exceptions=False) as started:
        yield started


def test_a_bend_is_served_with_its_geofences_and_headings(street: TestClient) -> None:
    (bend,) = street.get("/v1/bends").json()["bends"]
    assert (bend["id"], bend["found"], bend["sight_m"], len(bend["approaches"])) == ("quarry", "given", 20, 2)
    features = street.get("/v1/bends.geojson").json()["features"]
    assert [one["id"] for one in features] == ["quarry/1", "quarry/2"]
    for one in features:
        (ring,) = one["geometry"]["coordinates"]
        assert ring[0] == ring[-1] and len(ring) >= 4
        assert 0 <= one["properties"]["heading_from_deg"] < 360


def test_a_report_warns_the_other_approach_for_two_seconds(street: TestClient, clock: Any) -> None:
    assert street.get("/v1/bends/warnings").json()["warnings"] == []
    answer = street.post("/v1/bends/quarry/presence", json={"approach": 1, "kind": "bicycle"}, headers=DETECTOR)
    assert answer.status_code == 200, answer.text
    clock.forward(seconds=1.9)
    (warning,) = street.get("/v1/bends/warnings").json()["warnings"]
    assert (warning["bend"], warning["kinds"], [own["id"] for own in warning["approaches"]]) == (
        "quarry", ["bicycle"], [2],
    )  # fmt: skip
    assert len(street.get("/v1/bends/warnings.geojson").json()["features"]) == 1
    clock.forward(seconds=0.2)
    assert street.get("/v1/bends/warnings").json()["warnings"] == []
    assert street.get("/v1/bends/warnings.geojson").json()["features"] == []


def test_a_detector_may_take_its_report_back(street: TestClient) -> None:
    street.post("/v1/bends/quarry/presence", json={}, headers=DETECTOR)
    assert street.delete("/v1/bends/quarry/presence", headers=DETECTOR).status_code == 204
    assert street.get("/v1/bends/warnings").json()["warnings"] == []


def test_reports_need_a_token_a_known_bend_and_sense(street: TestClient, clock: Any) -> None:
    address = "/v1/bends/quarry/presence"
    assert street.post(address, json={}).status_code == 401
    assert street.post("/v1/bends/none/presence", json={}, headers=DETECTOR).status_code == 404
    late = {"observed_at": "1970-01-01T00:00:00Z"}
    assert street.post(address, json=late, headers=DETECTOR).json()["warnings"] == []
    for body in ({"lasts_s": 60}, {"approach": 9}, {"kind": "<b>"}, {"observed_at": "2040-01-01T00:00:00Z"}):
        assert street.post(address, json=body, headers=DETECTOR).status_code == 422, body
    assert street.get("/v1/bends/warnings").json()["warnings"] == []


def test_a_detectors_token_opens_nothing_else(street: TestClient) -> None:
    assert street.get("/v1/orders", headers=DETECTOR).status_code == 401
    assert street.get("/v1/virtual-signals", headers=DETECTOR).status_code == 401
