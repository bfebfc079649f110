"""The flood map over HTTP, from a posted reading on: served, conditional, compressed, replayed."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from made_requests import NOW, TOKEN

from api.deps import Services
from api.main import furnish
from trafficfeed.flooding.site_document import write_sites
from trafficfeed.flooding.sites import Site, SiteRoad, SiteSource
from trafficfeed.network.city import City
from trafficfeed.network.graph_cache import load_graph
from trafficfeed.settings import Settings

OFFICER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def flooded(app: FastAPI, settings: Settings, clock: Any, tmp_path: Path) -> Iterator[TestClient]:
    """The API of a town whose first street floods, with a gauge in it; a quay has no road."""
    town = tmp_path / "cities" / "gridtown"
    town.mkdir(parents=True)
    for part in (settings.cities_dir / "gridtown").iterdir():
        if part.name != "flooding":
            (town / part.name).symlink_to(part)
    graph = load_graph(town / "graph")
    at = graph.geometry[0].interpolate(0.5, normalized=True)
    sites = [
        Site(id="quay", name="The Quay", lon=at.x, lat=at.y, source=SiteSource.LIST, sensors=("s2",)),
        Site(
            id="dip", name="The Dip", lon=at.x, lat=at.y, source=SiteSource.LIST, sensors=("s1",),
            roads=(SiteRoad(edge=graph.edge_ids[0]),),
        ),
    ]  # fmt: skip
    write_sites(sites, City.load(town).sites_path)
    furnish(app, Services(settings.model_copy(update={"cities_dir": town.parent}), clock))
    with TestClient(app) as client:
        yield client


def post(client: TestClient, clock: Any, *depths_m: float, sensor: str = "s1") -> None:
    for depth_m in depths_m:
        clock.forward(seconds=60)
        body = {"readings": [{"sensor": sensor, "time": clock().isoformat(), "value": depth_m, "unit": "m"}]}
        assert client.post("/v1/water/readings", json=body, headers=OFFICER).status_code == 202


def test_before_the_first_release_there_is_nothing(flooded: TestClient) -> None:
    assert flooded.get("/v1/flooding/sites").status_code == 503
    assert flooded.get("/v1/flooding/rivers").status_code == 422


def test_a_posted_reading_is_in_the_road_feed_and_on_the_map(flooded: TestClient, clock: Any) -> None:
    post(flooded, clock, 0.18, 0.22, 0.27, 0.31)
    roads = flooded.get("/v1/feeds/closures/native").json()["features"]
    assert {one["properties"]["rule"]["kind"] for one in roads} == {"closure"}
    sites = {one["id"]: one["properties"] for one in flooded.get("/v1/flooding/sites").json()["features"]}
    assert sites["dip"]["observed"]["depth_m"] == 0.31 and sites["dip"]["decision"]["level"] == "closed"
    segments = flooded.get("/v1/flooding/segments")
    assert segments.headers["content-type"] == "application/geo+json"
    assert {one["properties"]["site"] for one in segments.json()["features"]} == {"dip"}


def test_who_has_the_map_is_told_so_and_codings_share_its_tag(flooded: TestClient, clock: Any) -> None:
    post(flooded, clock, 0.0, 0.0, 0.12)
    first = flooded.get("/v1/flooding/segments", headers={"Accept-Encoding": "gzip"})
    assert first.headers["content-encoding"] == "gzip" and first.headers["x-feed-stale"] == "false"
    plain = flooded.get("/v1/flooding/segments", headers={"Accept-Encoding": "identity"})
    assert plain.headers["etag"] == first.headers["etag"] and plain.json() == first.json()
    known = flooded.get("/v1/flooding/segments", headers={"If-None-Match": first.headers["etag"]})
    assert known.status_code == 304
    assert flooded.head("/v1/flooding/segments").headers["etag"] == first.headers["etag"]


def test_what_was_served_then_is_served_again(flooded: TestClient, clock: Any) -> None:
    post(flooded, clock, 0.10, 0.11, 0.12)
    then, before = clock(), flooded.get("/v1/flooding/sites").content
    clock.forward(seconds=60)
    post(flooded, clock, 0.20, 0.31)
    assert flooded.get("/v1/flooding/sites").content != before
    replayed = flooded.get("/v1/flooding/sites", params={"as_of": (then + timedelta(seconds=1)).isoformat()})
    assert replayed.content == before
    too_early = flooded.get("/v1/flooding/sites", params={"as_of": (NOW - timedelta(days=1)).isoformat()})
    assert too_early.status_code == 404


def test_a_place_without_roads_has_an_alert_of_its_own(flooded: TestClient, clock: Any) -> None:
    post(flooded, clock, 0.31, 0.32, 0.33, sensor="s2")
    feed = flooded.get("/v1/flooding/alerts")
    assert feed.headers["content-type"] == "application/atom+xml" and b"The Quay" in feed.content
    incident = feed.text.partition("<incidents>")[2].partition("</incidents>")[0]
    alone = flooded.get(f"/v1/flooding/alerts/{incident}.cap")
    assert alone.status_code == 200 and alone.text.count("<info>") == 3, "the town's own language, English and Chinese"
    assert flooded.get("/v1/flooding/alerts/nothing.cap").status_code == 404
