"""Feeds as they were, what has changed since, in every compression, and a partner's own."""

import gzip
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import brotli
import pytest
import zstandard
from fastapi.testclient import TestClient
from made_events import CLOSURE, CONCERT, EVENTS, SLOW
from made_releases import publish
from made_requests import NOW

from api.deps import Services
from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.formats.feed_info import Tombstone
from trafficfeed.publishing.documents import Release
from trafficfeed.publishing.rollback import roll_back
from trafficfeed.settings import Settings

NATIVE = "/v1/feeds/closures/native"
INCREMENTAL = ("native", "wzdx", "cifs-json")
UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": lambda data: zstandard.ZstdDecompressor().decompress(data, max_output_size=10_000_000),
    "identity": lambda data: data,
}


@pytest.fixture
def services(client: TestClient) -> Services:
    found: Services = client.app.state.services  # type: ignore[attr-defined]
    return found


@pytest.fixture
def release(services: Services, clock: Any) -> Callable[..., Release]:
    """Publish events at the clock's time and serve them."""

    def make(events: Sequence[RoadEvent], **more: Any) -> Release:
        made = publish(services.releases, events, at=clock.now, **more)
        services.feeds.refresh()
        services.feeds.complete()
        return made

    return make


def _applied(copy: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    def name(record: dict[str, Any]) -> str:
        found: str = record.get("incident", record)["id"]
        return found

    held = {} if told["reset"] else {name(record): record for record in copy[told["records"]]}
    for gone in told["tombstones"]:
        held.pop(gone["id"], None)
    held |= {name(record): record for record in told["upserts"]}
    return {**told["head"], told["records"]: [held[one] for one in sorted(held)]}


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("", "identity"),
        ("gzip", "gzip"),
        ("gzip, deflate, br, zstd", "br"),
        ("zstd;q=0.9, br;q=0.5, gzip;q=0.1", "zstd"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("*", "br"),
        ("*;q=0.5, br;q=0", "zstd"),
        ("identity;q=1, gzip;q=0.5", "identity"),
        ("gzip;q=rubbish", "identity"),
        ("identity;q=0, *;q=0", "identity"),
        ("deflate", "identity"),
    ],
)
def test_every_client_gets_the_compression_that_it_likes_best(
    client: TestClient, release: Callable[..., Release], accept: str, coding: str
) -> None:
    made = release(EVENTS)
    with client.stream("GET", NATIVE, headers={"Accept-Encoding": accept}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers.get("content-encoding", "identity") == coding
    assert int(answer.headers["content-length"]) == len(raw)
    assert answer.headers["vary"] == "Accept-Encoding"
    assert UNPACK[coding](raw) == made.documents["closures.geojson"].data


def test_a_new_release_is_served_before_the_slower_compressions_are_made(
    client: TestClient, services: Services, release: Callable[..., Release], clock: Any
) -> None:
    release([CLOSURE])
    clock.forward(minutes=1)
    publish(services.releases, EVENTS, at=clock.now)
    services.feeds.refresh()
    answer = client.get(NATIVE, headers={"Accept-Encoding": "br, gzip;q=0.5"})
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.json()["features"]) == len(EVENTS)


def test_a_format_that_did_not_change_keeps_its_etag_its_date_and_its_compressed_bytes(
    client: TestClient, services: Services, release: Callable[..., Release], clock: Any
) -> None:
    wzdx = "/v1/feeds/closures/wzdx"
    made = release([CLOSURE])
    before, kept = client.get(wzdx), services.feeds.board.documents["wzdx"]
    clock.forward(minutes=1)
    documents = {**made.documents, "cifs.json": replace(made.documents["cifs.json"], data=b'{"incidents":[]}\n')}
    services.releases.publish(documents, as_of=clock.now, facts={})
    board = services.feeds.refresh()
    after = client.get(wzdx)
    assert (after.headers["etag"], after.headers["last-modified"]) == (
        before.headers["etag"],
        before.headers["last-modified"],
    )
    assert after.headers["x-feed-version"] != before.headers["x-feed-version"]
    assert all(board.documents["wzdx"].variants[one].body is kept.variants[one].body for one in kept.variants)


def test_a_replay_gives_the_bytes_that_were_served_then(
    client: TestClient, release: Callable[..., Release], clock: Any
) -> None:
    served = {}
    for events in ([CLOSURE], [CLOSURE, SLOW], [SLOW], EVENTS):
        release(events)
        for format in ("native", "wzdx", "cifs", "cifs-json"):
            answer = client.get(f"/v1/feeds/closures/{format}")
            served[clock.now, format] = (answer.content, answer.headers["etag"], answer.headers["last-modified"])
        clock.forward(hours=1)
    clock.forward(hours=1)
    for (at, format), (content, etag, modified) in served.items():
        for moment in (at, at + timedelta(minutes=59, seconds=59)):
            replay = client.get(f"/v1/feeds/closures/{format}", params={"as_of": moment.isoformat()})
            assert (replay.content, replay.headers["etag"]) == (content, etag)
            assert replay.headers["last-modified"] == modified
            assert replay.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert replay.headers["x-feed-published-at"] == at.isoformat()


def test_a_replay_of_the_last_minute_is_not_kept_for_ever(
    client: TestClient, release: Callable[..., Release], clock: Any
) -> None:
    release([CLOSURE])
    clock.forward(seconds=30)
    replay = client.get(NATIVE, params={"as_of": NOW.isoformat()})
    assert replay.headers["cache-control"] == "public, max-age=15"


def test_a_replay_is_conditional_and_compressed_as_a_feed_is(
    client: TestClient, release: Callable[..., Release], clock: Any
) -> None:
    release([CLOSURE])
    clock.forward(hours=1)
    url = f"{NATIVE}?as_of=2026-12-05T14:30:00+02:00"  # the "+" is not escaped, as people type it
    answer = client.get(url, headers={"Accept-Encoding": "zstd"})
    assert answer.headers["content-encoding"] == "zstd"
    again = client.get(url, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = client.head(url)
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(
    ("as_of", "status", "slug"),
    [
        ("2026-12-05T11:59:59Z", 404, "not-served-then"),
        ("yesterday", 422, "request-invalid"),
        ("2026-12-05T12:00:00", 422, "request-invalid"),
        ("2026-12-06T12:00:00Z", 422, "request-invalid"),
    ],
)
def test_what_cannot_be_replayed_is_said_plainly(
    client: TestClient, release: Callable[..., Release], as_of: str, status: int, slug: str
) -> None:
    release([CLOSURE])
    answer = client.get(NATIVE, params={"as_of": as_of})
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:trafficfeed:problem:{slug}")


@pytest.mark.parametrize("format", INCREMENTAL)
@pytest.mark.parametrize("by", ["version", "etag"])
def test_a_copy_with_the_increment_is_the_feed(
    client: TestClient, release: Callable[..., Release], clock: Any, format: str, by: str
) -> None:
    url = f"/v1/feeds/closures/{format}"
    steps: list[Sequence[RoadEvent]] = [
        [CLOSURE, SLOW], [CLOSURE], [], EVENTS, [replace(CLOSURE, street="Low Street"), CONCERT]
    ]  # fmt: skip
    copies = []
    for events in steps:
        release(events)
        answer = client.get(url)
        copies.append((answer.headers["x-feed-version" if by == "version" else "etag"], answer.json()))
        clock.forward(minutes=1)
        for since, copy in copies:
            told = client.get(url, params={"since": since}).json()
            assert told["reset"] is False
            assert told["to"] == answer.headers["x-feed-version"]
            assert _applied(copy, told) == answer.json()


@pytest.mark.parametrize("since", ["0" * 64, "rubbish", 'W/"x"', "*", "../newest"])
def test_who_has_what_nobody_knows_gets_everything(
    client: TestClient, release: Callable[..., Release], since: str
) -> None:
    release(EVENTS)
    told = client.get(NATIVE, params={"since": since}).json()
    assert (told["reset"], told["from"]) == (True, None)
    assert _applied({}, told) == client.get(NATIVE).json()


def test_the_etag_of_another_format_is_no_base_to_go_on_from(
    client: TestClient, release: Callable[..., Release]
) -> None:
    release(EVENTS)
    xml = client.get("/v1/feeds/closures/cifs").headers["etag"]
    assert client.get(NATIVE, params={"since": xml}).json()["reset"] is True


def test_nothing_has_changed_is_an_increment_without_records(
    client: TestClient, release: Callable[..., Release]
) -> None:
    made = release(EVENTS)
    told = client.get(NATIVE, params={"since": made.version}).json()
    assert (told["from"], told["to"], told["upserts"], told["tombstones"]) == (made.version, made.version, [], [])


def test_an_increment_says_why_a_record_is_gone(
    client: TestClient, release: Callable[..., Release], clock: Any
) -> None:
    first = release([CLOSURE, SLOW])
    clock.forward(minutes=1)
    release([SLOW], tombstones=[Tombstone(id=CLOSURE.id, reason="cancelled", at=clock.now)])
    for format in INCREMENTAL:
        gone = client.get(f"/v1/feeds/closures/{format}", params={"since": first.version}).json()["tombstones"]
        assert gone
        assert {stone["reason"] for stone in gone} == {"cancelled"}
        assert all(stone["id"].startswith(CLOSURE.id) for stone in gone)


def test_a_format_without_increments_says_which_have_some(client: TestClient, release: Callable[..., Release]) -> None:
    made = release(EVENTS)
    answer = client.get("/v1/feeds/closures/cifs", params={"since": made.version})
    assert answer.status_code == 422
    assert answer.json()["formats"] == ["cifs-json", "native", "wzdx"]
    both = client.get(NATIVE, params={"since": made.version, "as_of": NOW.isoformat()})
    assert both.status_code == 422


def test_a_rolled_back_feed_says_so_in_a_header_in_the_list_and_on_the_page(
    client: TestClient, services: Services, release: Callable[..., Release], clock: Any
) -> None:
    release([CLOSURE])
    clock.forward(minutes=1)
    release(EVENTS)
    assert "x-feed-rolled-back" not in client.get(NATIVE).headers
    roll_back(services.releases, "1", by="ann", reason="wrong <street>", as_of=clock.now)
    services.feeds.refresh()
    answer = client.get(NATIVE)
    assert answer.headers["x-feed-rolled-back"] == "1 since 2026-12-05T12:01:00+00:00"
    assert client.get("/v1/feeds").json()["rolled_back"]["reason"] == "wrong <street>"
    page = client.get("/").text
    assert 'role="alert"' in page
    assert "wrong &lt;street&gt;" in page


@pytest.fixture
def partners(settings: Settings) -> Any:
    """Write the city's partners; each has native and wzdx, the second a token."""
    path: Path = settings.cities_dir / settings.city / "partners.toml"
    digest = hashlib.sha256(b"open-sesame").hexdigest()
    path.write_text(
        '[[partner]]\nid = "open"\ntitle = "Open"\nprofile = "google"\nformats = ["native", "wzdx"]\n'
        f'[[partner]]\nid = "shut"\ntitle = "Shut"\nprofile = "waze"\nformats = ["native"]\n'
        f'token_sha256 = "{digest}"\n',
        "utf-8",
    )
    yield {"open": ("native", "wzdx"), "shut": ("native",), "gone": ("native",)}
    path.unlink()


def test_a_partner_gets_its_own_documents_with_increments_and_replays(
    partners: Any, client: TestClient, release: Callable[..., Release], clock: Any
) -> None:
    first = release([CLOSURE], partners=partners)
    clock.forward(hours=1)
    release(EVENTS, partners=partners)
    url = "/v1/partners/open/closures/native"
    answer = client.get(url)
    assert answer.status_code == 200
    assert client.get(url, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    told = client.get(url, params={"since": first.version}).json()
    assert _applied(json.loads(first.documents["partners/open/closures.geojson"].data), told) == answer.json()
    replay = client.get(url, params={"as_of": NOW.isoformat()})
    assert replay.content == first.documents["partners/open/closures.geojson"].data


def test_a_partner_with_a_token_is_served_with_it_alone_and_not_from_shared_caches(
    partners: Any, client: TestClient, release: Callable[..., Release]
) -> None:
    release(EVENTS, partners=partners)
    url = "/v1/partners/shut/closures/native"
    for token in (None, "open-sesam", "x"):
        refused = client.get(url, headers={} if token is None else {"Authorization": f"Bearer {token}"})
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Bearer")
    for more in ({}, {"since": "x"}, {"as_of": NOW.isoformat()}):
        assert client.get(url, params=more).status_code == 401
        answer = client.get(url, params=more, headers={"Authorization": "Bearer open-sesame"})
        assert answer.status_code == 200
        assert answer.headers["cache-control"].startswith("private")
        assert "Authorization" in answer.headers["vary"]


def test_who_is_no_partner_any_more_gets_nothing_though_the_release_has_his_documents(
    partners: Any, client: TestClient, release: Callable[..., Release]
) -> None:
    release(EVENTS, partners=partners)
    assert client.get("/v1/partners/gone/closures/native").status_code == 404
    unknown = client.get("/v1/partners/open/closures/cifs")
    assert (unknown.status_code, unknown.json()["formats"]) == (404, ["native", "wzdx"])
