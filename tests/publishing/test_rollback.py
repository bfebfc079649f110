import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trafficfeed.errors import PublishFailed
from trafficfeed.publishing.documents import Document, Release, RolledBack
from trafficfeed.publishing.releases import Gathered, ReleaseStore
from trafficfeed.publishing.rollback import resume, roll_back
from trafficfeed.store.objects import ObjectStore

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=2)


@pytest.fixture
def store() -> ReleaseStore:
    return ReleaseStore(ObjectStore(f"memory://{uuid.uuid4().hex}"), "closures")


def _documents(text: str) -> dict[str, Document]:
    return {"closures.geojson": Document(data=text.encode(), media_type="application/geo+json")}


def _publish(store: ReleaseStore, text: str, *, after_h: int = 0, **facts: Any) -> Release:
    return store.publish(_documents(text), as_of=NOW + timedelta(hours=after_h), facts=facts)


def _text(store: ReleaseStore) -> str:
    release = store.current()
    assert release is not None
    return release.documents["closures.geojson"].data.decode()


def _gather_newer() -> Gathered:
    return _documents("newer"), {}


def test_rolling_back_serves_the_old_content_as_a_new_release_that_says_why(store: ReleaseStore) -> None:
    old = _publish(store, "good", orders={"a": 1})
    _publish(store, "bad", after_h=1, orders={"b": 1})
    back = roll_back(store, old.version, by="ann", reason="wrong street", as_of=LATER)
    assert (back.version, back.manifest.number, back.published_at) == (old.version, 3, LATER)
    assert back.manifest.facts["orders"] == {"a": 1}
    assert back.manifest.rolled_back == RolledBack(to=1, version=old.version, reason="wrong street", by="ann", at=LATER)
    assert _text(store) == "good"
    assert store.current() == back


def test_a_rollback_holds_against_every_publisher_until_it_is_taken_back(store: ReleaseStore) -> None:
    old = _publish(store, "good")
    _publish(store, "bad", after_h=1)
    back = roll_back(store, "1", by="ann", reason="wrong street", as_of=LATER)

    def gather() -> Gathered:
        raise AssertionError("nothing is gathered while the feed is rolled back")

    for minutes in range(3):
        held = store.publish_gathered(gather, as_of=LATER + timedelta(minutes=minutes))
        assert held == back
    resumed = resume(store, by="bob", reason="put right", as_of=LATER + timedelta(hours=1))
    assert resumed.version == old.version
    assert resumed.manifest.rolled_back is None
    assert resumed.manifest.facts["resumed"]["by"] == "bob"
    assert store.publish_gathered(_gather_newer, as_of=LATER + timedelta(hours=1)).manifest.number == 5
    assert _text(store) == "newer"


def test_facts_that_were_being_gathered_when_it_was_rolled_back_are_not_published(store: ReleaseStore) -> None:
    _publish(store, "good")
    _publish(store, "bad", after_h=1)

    def gather_slowly() -> Gathered:
        roll_back(store, "1", by="ann", reason="wrong street", as_of=LATER)
        return _documents("worse"), {}

    held = store.publish_gathered(gather_slowly, as_of=LATER)
    assert held.manifest.rolled_back is not None
    assert _text(store) == "good"
    assert store.newest() == 3


def test_the_present_content_can_be_held_too(store: ReleaseStore) -> None:
    now = _publish(store, "good")
    back = roll_back(store, now.version, by="ann", reason="a storm of changes", as_of=LATER)
    assert (back.manifest.number, back.version) == (2, now.version)
    assert store.publish_gathered(_gather_newer, as_of=LATER) == back


def test_a_second_rollback_takes_the_place_of_the_first(store: ReleaseStore) -> None:
    for n, text in enumerate(("one", "two", "three")):
        _publish(store, text, after_h=n)
    roll_back(store, "2", by="ann", reason="three is wrong", as_of=LATER)
    again = roll_back(store, "1", by="ann", reason="so is two", as_of=LATER)
    assert again.manifest.rolled_back is not None
    assert (again.manifest.number, again.manifest.rolled_back.to, _text(store)) == (5, 1, "one")


def test_a_rollback_wins_against_a_publisher_that_is_always_first(store: ReleaseStore) -> None:
    _publish(store, "good")
    rivals = iter(range(3))

    class Outrun(ReleaseStore):
        def _write_documents(self, *args: Any, **kwargs: Any) -> None:
            super()._write_documents(*args, **kwargs)
            for n in rivals:
                _publish(store, f"rival {n}", after_h=1)
                return

    objects = store._shelf._objects
    back = roll_back(Outrun(objects, "closures"), "1", by="ann", reason="stop", as_of=LATER)
    assert (back.manifest.number, _text(store)) == (5, "good")


@pytest.mark.parametrize("version", ["0" * 64, "7", "nonsense"])
def test_rolling_back_to_what_never_was_is_refused(store: ReleaseStore, version: str) -> None:
    _publish(store, "one")
    with pytest.raises(PublishFailed, match="no intact release"):
        roll_back(store, version, by="ann", reason="x", as_of=NOW)
    assert store.newest() == 1


def test_a_rollback_without_a_reason_is_refused(store: ReleaseStore) -> None:
    _publish(store, "one")
    with pytest.raises(PublishFailed, match="needs a reason"):
        roll_back(store, "1", by="ann", reason="  ", as_of=NOW)


def test_what_was_not_rolled_back_cannot_be_resumed(store: ReleaseStore) -> None:
    with pytest.raises(PublishFailed, match="not rolled back"):
        resume(store, by="ann", as_of=NOW)
    _publish(store, "one")
    with pytest.raises(PublishFailed, match="not rolled back"):
        resume(store, by="ann", as_of=NOW)


def test_a_version_whose_number_was_never_noted_is_found_all_the_same(store: ReleaseStore) -> None:
    old = _publish(store, "good")
    _publish(store, "bad", after_h=1)
    objects = store._shelf._objects
    objects._filesystem.rm(objects._full(f"feeds/closures/versions/{old.version}"))
    assert roll_back(store, old.version, by="ann", reason="x", as_of=LATER).version == old.version
