"""The commands on releases, as an officer types them."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from made_events import CLOSURE, FEED, SLOW
from typer.testing import CliRunner

from trafficfeed.cli import app
from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.formats import native
from trafficfeed.publishing.documents import Document
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.settings import settings
from trafficfeed.store.objects import ObjectStore

BEGIN = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReleaseStore]:
    monkeypatch.setenv("TRAFFICFEED_STATE_DIR", str(tmp_path))
    settings.cache_clear()
    yield ReleaseStore(ObjectStore(f"file://{tmp_path / 'objects'}"), "closures")
    settings.cache_clear()


def _publish(store: ReleaseStore, *events: RoadEvent) -> None:
    at = BEGIN + timedelta(hours=store.newest())
    data = native.encode(events, publication_time=at, feed=FEED)
    facts = {"orders": {"order-1": {"version": 2, "records": len(events)}}}
    store.publish({native.FILE_NAME: Document(data=data, media_type="application/geo+json")}, as_of=at, facts=facts)


def _said(*words: str, status: int = 0) -> str:
    result = CliRunner().invoke(app, ["releases", *words])
    assert result.exit_code == status, result.output
    return result.output


def test_before_the_first_release_there_is_nothing_to_list(store: ReleaseStore) -> None:
    assert "nothing has been released" in _said("list")
    assert "nothing had been released" in _said("show", status=1)


def test_releases_are_listed_and_shown(store: ReleaseStore) -> None:
    _publish(store, CLOSURE)
    _publish(store, CLOSURE, SLOW)
    lines = _said("list").splitlines()
    assert [line.split()[0] for line in lines] == ["2", "1"]
    assert "1 orders      2 records" in lines[0]
    assert "order order-1 version 2, 2 records" in _said("show")
    assert "release 1," in _said("show", "1")


def test_what_was_served_at_a_time_is_written_byte_for_byte(store: ReleaseStore, tmp_path: Path) -> None:
    _publish(store, CLOSURE)
    _publish(store, SLOW)
    out = tmp_path / "then.geojson"
    _said("show", "--as-of", "2026-11-01T12:30:00Z", "--document", native.FILE_NAME, "--out", str(out))
    assert out.read_bytes() == store.load(1).documents[native.FILE_NAME].data
    assert "nothing had been" in _said("show", "--as-of", "2026-11-01T11:00:00Z", status=1)


def test_a_diff_says_what_came_what_went_and_what_changed(store: ReleaseStore) -> None:
    _publish(store, CLOSURE)
    _publish(store, replace(CLOSURE, street="Low Street"), SLOW)
    said = _said("diff", "1")
    assert f"+ {SLOW.id}" in said
    assert "street: High Street → Low Street" in said
    assert "1 added, 0 removed, 1 changed, 0 the same" in said
    assert json.loads(_said("diff", "2", "1", "--json"))["removed"][0]["id"] == SLOW.id


def test_a_rollback_holds_and_says_who_and_why(store: ReleaseStore) -> None:
    _publish(store, CLOSURE)
    _publish(store, SLOW)
    assert "release 3 serves the content of release 1" in _said("rollback", "1", "--reason", "bad", "--by", "ann")
    assert "rolled back to 1 by ann: bad" in _said("list")
    current = store.current()
    assert current is not None
    assert current.manifest.rolled_back is not None
    assert "there is no release 9" in " ".join(_said("show", "9", status=2).split())
