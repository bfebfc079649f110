"""Releases in every format, made from what has changed; the real graph, store and formats."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from made_closures import closure, order_of
from made_gridtown import closed_street

from trafficfeed.formats.standards import STANDARDS
from trafficfeed.pipeline import releasing
from trafficfeed.pipeline.orders import (
    amend_order,
    approve_order,
    cancel_order,
    end_order,
    record_check,
    store_emergency,
)
from trafficfeed.pipeline.releasing import FEED, Released, release
from trafficfeed.publishing.partners import Partner
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.publishing.rollback import resume, roll_back
from trafficfeed.settings import Settings
from trafficfeed.store.database import Database, open_database
from trafficfeed.store.objects import ObjectStore
from trafficfeed.store.orders import Orders

NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
END = datetime(2026, 12, 1, 2, 10, tzinfo=UTC)
EDGES = ("C2C3", "D2D3", "C3C4", "B2B3")


class _Desk:
    """A store to approve orders in, and its feed."""

    def __init__(self, settings: Settings, cities: Path) -> None:
        self.settings = settings
        self.cities = cities
        self.database: Database = open_database(settings.database_url)
        self.store = ReleaseStore(ObjectStore(settings.objects_url), FEED)

    def approve(self, order_id: str, edge: str = "C2C3", as_of: datetime = NOW, **changes: Any) -> None:
        document = closed_street(self.cities, order_id, edge=edge, night=NOW.date()) | changes
        order = order_of(document)
        store_emergency(self.database, order, (), actor="chief", as_of=as_of, reason="a test")

    def release(self, as_of: datetime = NOW) -> Released:
        return release(self.settings, database=self.database, as_of=as_of)

    def documents(self) -> dict[str, bytes]:
        current = self.store.current()
        assert current is not None
        return {name: document.data for name, document in current.documents.items()}

    def native(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.documents()["closures.geojson"])
        return document


@pytest.fixture
def desk(configured: Settings, cities: Path) -> _Desk:
    return _Desk(configured, cities)


@pytest.fixture
def forget(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Forget all that this process has drafted, as a new one would not know it."""
    return releasing._latest.clear


def test_a_release_has_every_format_that_needs_no_code_table(desk: _Desk) -> None:
    desk.approve("works")
    released = desk.release()
    expected = {standard.file_name for standard in STANDARDS.values() if standard.name != "rsi"}
    assert set(released.manifest.documents) == expected
    assert released.record_ids("works") and not released.withheld


def test_what_a_process_makes_of_changes_is_what_a_new_process_makes_of_the_facts(
    desk: _Desk, forget: Callable[[], None]
) -> None:
    for number, edge in enumerate(EDGES):
        desk.approve(f"works-{number}", edge, reason="roadworks" if number % 2 else "sport")
        desk.release(NOW + timedelta(seconds=number))
    end_order(desk.database, "works-1", actor="ann", as_of=NOW + timedelta(minutes=4), reason="done")
    warm = desk.release(NOW + timedelta(minutes=4))

    forget()
    cold = desk.release(NOW + timedelta(minutes=5))

    assert cold.manifest == warm.manifest, "no document differs, so nothing was published"


def test_a_document_in_which_nothing_changed_keeps_its_bytes_and_its_time(desk: _Desk) -> None:
    desk.approve("works", reason="roadworks")
    first = desk.release()
    desk.approve("race", "D2D3", reason="sport")
    second = desk.release(NOW + timedelta(minutes=1))

    changed = {n for n, entry in second.manifest.documents.items() if entry != first.manifest.documents[n]}
    assert "closures.geojson" in changed
    assert "wzdx.geojson" not in changed, "a race is no work zone"


def test_partners_get_documents_of_their_own_and_share_those_that_are_the_same(
    desk: _Desk, monkeypatch: pytest.MonkeyPatch, forget: Callable[[], None]
) -> None:
    partners = (
        Partner(id="plain", title="Plain", profile="google", formats=("native", "wzdx")),
        Partner(id="china", title="China", profile="china", datum="gcj02", formats=("native",)),
    )
    monkeypatch.setattr(releasing, "load_partners", lambda city: partners)
    desk.approve("works")
    documents = desk.release().manifest.documents
    forget()

    assert documents["partners/plain/closures.geojson"] == documents["closures.geojson"]
    shifted = json.loads(desk.documents()["partners/china/closures.geojson"])
    assert shifted["feed"]["datum"] == "gcj02"
    assert shifted["features"][0]["geometry"] != desk.native()["features"][0]["geometry"]


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        (lambda database, at: end_order(database, "works", actor="ann", as_of=at, reason="done"), "ended"),
        (lambda database, at: cancel_order(database, "works", actor="ann", as_of=at, reason="rain"), "cancelled"),
    ],
)
def test_a_finished_record_stays_an_hour_and_is_named_for_a_week_after_that(
    desk: _Desk, finish: Callable[[Database, datetime], object], reason: str
) -> None:
    desk.approve("works")
    [record_id] = desk.release().record_ids("works")
    finish(desk.database, NOW + timedelta(minutes=5))
    desk.release(NOW + timedelta(minutes=64))
    assert [feature["id"] for feature in desk.native()["features"]] == [record_id]

    gone_at = NOW + timedelta(minutes=71)
    desk.release(gone_at)
    assert desk.native()["features"] == []
    [stone] = desk.native()["feed"]["tombstones"]
    assert (stone["id"], stone["reason"]) == (record_id, reason)

    desk.release(gone_at + timedelta(days=7, seconds=1))
    assert desk.native()["feed"]["tombstones"] == []


def test_a_release_says_when_time_alone_changes_something_next(desk: _Desk) -> None:
    desk.approve("works")
    begins = NOW + timedelta(minutes=2)
    assert desk.release().next_due == begins
    assert desk.release(begins).next_due == END
    assert desk.release(END).next_due == END + timedelta(hours=1)


def test_a_version_whose_start_moves_while_it_holds_is_withheld_and_the_one_before_goes_on(desk: _Desk) -> None:
    desk.approve("works")
    during = NOW + timedelta(minutes=4)
    desk.release(during)
    document = closure(desk.cities, "works")
    document["measures"][0]["when"]["periods"][0]["start"] = "2026-12-01T03:03"
    with desk.database.reading() as connection:
        revision = Orders(connection).get("works").revision
    amend_order(desk.database, order_of(document), expected_revision=revision, actor="ann", as_of=during)
    record_check(desk.database, "works", 2, (), as_of=during)
    approve_order(desk.database, "works", actor="ann", as_of=during, override_reason="a test")

    released = desk.release(during)

    assert [one.version for one in released.withheld] == [2]
    assert any(finding.rule == "feed.history.start_moved" for finding in released.withheld[0].findings)
    assert desk.native()["features"][0]["properties"]["order"]["version"] == 1


def test_while_a_feed_is_rolled_back_nothing_is_published_and_the_release_says_so(desk: _Desk) -> None:
    desk.approve("works")
    first = desk.release()
    desk.approve("more", "D2D3")
    desk.release(NOW + timedelta(minutes=1))
    roll_back(desk.store, first.manifest.version, by="chief", reason="a wrong street", as_of=NOW)

    held = desk.release(NOW + timedelta(minutes=2))

    assert "a wrong street" in held.held_back
    assert len(desk.native()["features"]) == 1
    resume(desk.store, by="chief", as_of=NOW)
    assert desk.release(NOW + timedelta(minutes=3)).held_back == ""
    assert len(desk.native()["features"]) == 2
