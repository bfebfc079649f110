"""Feeds over HTTP: what is released, conditionally, compressed, and plain about its age."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from made_requests import order_document, with_period

from trafficfeed.formats.standards import STANDARDS
from trafficfeed.settings import Settings

NATIVE = "/v1/feeds/closures/native"
Publish = Callable[..., dict[str, Any]]


def test_before_the_first_release_the_feed_is_unavailable_and_says_when_to_come_back(client: TestClient) -> None:
    answer = client.get(NATIVE)
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:trafficfeed:problem:nothing-released"
    assert answer.headers["retry-after"] == "30"
    assert client.get("/v1/feeds").status_code == 503


@pytest.mark.parametrize("format", ["native", "wzdx"])
def test_a_released_format_is_served_as_geojson_with_its_age(
    client: TestClient, publish_now: Publish, format: str
) -> None:
    publish_now(order_document())
    answer = client.get(f"/v1/feeds/closures/{format}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/geo+json"
    assert answer.headers["cache-control"] == "public, max-age=15"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-feed-checked-at"] == "2026-12-05T12:00:00+00:00"
    assert answer.headers["x-feed-stale"] == "false"
    assert "warning" not in answer.headers
    features = answer.json()["features"]
    assert sum("first-street.closure" in feature["id"] for feature in features) >= 2  # both directions


def test_a_client_that_has_the_content_gets_304_without_a_body(client: TestClient, publish_now: Publish) -> None:
    publish_now(order_document())
    first = client.get(NATIVE)
    tag = first.headers["etag"]
    assert tag.startswith('W/"')
    for known in (tag, f'"other", {tag}', tag.removeprefix("W/"), "*"):
        again = client.get(NATIVE, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
        assert "content-length" not in again.headers
    assert client.get(NATIVE, headers={"If-None-Match": 'W/"other"'}).status_code == 200


def test_a_date_decides_only_where_no_tag_is_sent(client: TestClient, publish_now: Publish) -> None:
    publish_now(order_document())
    modified = client.get(NATIVE).headers["last-modified"]
    assert modified == "Sat, 05 Dec 2026 12:00:00 GMT"
    assert client.get(NATIVE, headers={"If-Modified-Since": modified}).status_code == 304
    assert client.get(NATIVE, headers={"If-Modified-Since": "Fri, 04 Dec 2026 12:00:00 GMT"}).status_code == 200
    assert client.get(NATIVE, headers={"If-Modified-Since": "yesterday"}).status_code == 200
    both = {"If-Modified-Since": modified, "If-None-Match": '"other"'}
    assert client.get(NATIVE, headers=both).status_code == 200


def test_gzip_is_sent_to_those_who_take_it_and_holds_the_same_bytes(client: TestClient, publish_now: Publish) -> None:
    publish_now(order_document())
    plain = client.get(NATIVE, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    with client.stream("GET", NATIVE, headers={"Accept-Encoding": "br, gzip;q=0.8"}) as packed:
        raw = b"".join(packed.iter_raw())
        assert packed.headers["content-encoding"] == "gzip"
        assert int(packed.headers["content-length"]) == len(raw)
        assert packed.headers["etag"] == plain.headers["etag"]
    assert gzip.decompress(raw) == plain.content
    refused = client.get(NATIVE, headers={"Accept-Encoding": "gzip;q=0, identity"})
    assert "content-encoding" not in refused.headers


def test_head_has_the_headers_of_get_and_no_body(client: TestClient, publish_now: Publish) -> None:
    publish_now(order_document())
    get, head = client.get(NATIVE), client.head(NATIVE)
    assert head.status_code == 200
    assert head.content == b""
    assert dict(head.headers) == dict(get.headers)


def test_an_unknown_format_is_404_and_the_known_ones_are_named(client: TestClient, publish_now: Publish) -> None:
    publish_now(order_document())
    answer = client.get("/v1/feeds/closures/nonesuch")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["formats"] == sorted(STANDARDS)


def test_a_feed_that_nobody_checks_any_more_is_marked_stale_and_still_served(
    client: TestClient, publish_now: Publish, clock: Any
) -> None:
    publish_now(order_document())
    tag = client.get(NATIVE).headers["etag"]
    clock.forward(minutes=5)
    assert client.get(NATIVE).headers["x-feed-stale"] == "false"
    clock.forward(seconds=1)
    stale = client.get(NATIVE)
    assert stale.status_code == 200
    assert stale.headers["x-feed-stale"] == "true"
    assert stale.headers["warning"].startswith("110 ")
    assert client.get(NATIVE, headers={"If-None-Match": tag}).headers["x-feed-stale"] == "true"
    assert client.get("/v1/feeds").json()["stale"] is True


def test_a_new_release_replaces_the_old_one_at_once(client: TestClient, publish_now: Publish, clock: Any) -> None:
    publish_now(order_document())
    before = client.get(NATIVE)
    clock.forward(minutes=1)
    publish_now(with_period("2026-12-06T10:00", "2026-12-06T12:00", order_id="tomorrow"))
    after = client.get(NATIVE)
    assert after.headers["etag"] != before.headers["etag"]
    assert {f["properties"]["order"]["id"] for f in after.json()["features"]} == {"first-street", "tomorrow"}
    assert client.get("/v1/feeds").json()["release"] == 2


def test_a_damaged_release_on_disk_leaves_the_last_good_one_in_service(
    client: TestClient, publish_now: Publish, settings: Settings
) -> None:
    publish_now(order_document())
    before = client.get(NATIVE)
    releases = settings.state_dir / "objects" / "feeds" / "closures" / "releases"
    (releases / "00000002.json").write_text("{}", "utf-8")
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert "damaged" in " ".join(ready.json()["warnings"])
    assert client.get(NATIVE).content == before.content


def test_the_list_of_feeds_names_licence_datum_and_links_that_work(client: TestClient, publish_now: Publish) -> None:
    publish_now(order_document())
    listed = client.get("/v1/feeds").json()
    assert (listed["licence"], listed["attribution"], listed["datum"]) == ("CC0-1.0", "made by a test", "wgs84")
    formats = [feed["format"] for feed in listed["feeds"]]
    assert {"native", "wzdx", "cifs", "cifs-json", "datex2"} <= set(formats)
    assert formats == [name for name in STANDARDS if name in formats]
    for feed in listed["feeds"]:
        path = feed["href"].removeprefix("http://127.0.0.1:8000")
        served = client.get(path)
        assert served.headers["etag"] == feed["etag"]
        assert len(served.content) == feed["size_bytes"]


def test_other_origins_may_ask_conditionally_but_may_not_write(client: TestClient) -> None:
    allowed = client.options(NATIVE, headers={"Origin": "https://map.example", "Access-Control-Request-Method": "GET"})
    assert allowed.headers["access-control-allow-origin"] == "*"
    assert "If-None-Match" in allowed.headers["access-control-allow-headers"]
    refused = client.options("/v1/orders", headers={"Access-Control-Request-Method": "POST"})
    assert "access-control-allow-origin" not in refused.headers


def test_the_documented_route_answers_as_the_fast_path_does(client: TestClient, publish_now: Publish) -> None:
    publish_now(order_document())
    fast = client.get(NATIVE)
    route = next(r for r in client.app.routes if getattr(r, "path", "") == "/v1/feeds/closures/{format}")  # type: ignore[attr-defined]
    assert route is not None
    slow = client.get(NATIVE.replace("native", "%6eative"), headers={"X-Any": "1"})
    assert slow.content == fast.content
    assert json.loads(slow.content)["type"] == "FeatureCollection"
