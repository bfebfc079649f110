import hashlib
import json
import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from trafficfeed.errors import PublishFailed
from trafficfeed.publishing.documents import Document, Manifest, read_manifest, write_manifest
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.store.objects import ObjectStore

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


def _documents(text: str, **more: str) -> dict[str, Document]:
    texts = {"closures.geojson": text, **more}
    return {name: Document(data=body.encode(), media_type="application/geo+json") for name, body in texts.items()}


@pytest.fixture(params=["file", "memory"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ObjectStore]:
    """A store of each kind; on the folder a crash is a crash, in memory the single-PUT way is taken."""
    yield ObjectStore(f"file://{tmp_path}" if request.param == "file" else f"memory://{uuid.uuid4().hex}")


@pytest.fixture
def store(objects: ObjectStore) -> ReleaseStore:
    return ReleaseStore(objects, "closures")


def _publish(store: ReleaseStore, text: str, *, after_h: int = 0, **facts: Any) -> Any:
    return store.publish(_documents(text), as_of=NOW + timedelta(hours=after_h), facts=facts)


def _text(store: ReleaseStore) -> str:
    release = store.current()
    assert release is not None
    return release.documents["closures.geojson"].data.decode()


def test_before_the_first_release_there_is_none(store: ReleaseStore) -> None:
    assert store.current() is None
    assert store.history() == ()
    assert store.newest() == 0


def test_a_release_comes_back_whole_with_its_manifest(store: ReleaseStore) -> None:
    documents = _documents("one", **{"wzdx.geojson": "two"})
    facts = {"orders": {"water-main": 1}, "certificates": ["c1"]}
    published = store.publish(documents, as_of=NOW, facts=facts)
    found = store.current()
    assert found == published
    assert found is not None
    assert found.documents == documents
    assert found.faults == ()
    manifest = found.manifest
    assert (manifest.number, manifest.previous, manifest.published_at, manifest.facts) == (1, None, NOW, facts)
    assert manifest.documents["wzdx.geojson"].size == 3


def test_the_same_content_is_the_same_release_and_nothing_new(store: ReleaseStore) -> None:
    first = _publish(store, "one", run=1)
    again = _publish(store, "one", after_h=1, run=2)
    assert again == first
    assert len(store.history()) == 1


def test_the_version_is_the_content_s_alone(objects: ObjectStore) -> None:
    first = _publish(ReleaseStore(objects, "one"), "same", why="this")
    second = _publish(ReleaseStore(objects, "other"), "same", after_h=5, why="that")
    other = _publish(ReleaseStore(objects, "third"), "different")
    assert first.version == second.version != other.version


def test_another_name_or_media_type_is_another_version() -> None:
    document = Document(data=b"x", media_type="text/plain")
    versions = {
        Manifest.of(documents, number=1, as_of=NOW, facts={}).version
        for documents in ({"a": document}, {"b": document}, {"a": replace(document, media_type="text/html")})
    }
    assert len(versions) == 3


def test_history_is_in_order_and_each_names_the_one_before(store: ReleaseStore) -> None:
    versions = [_publish(store, text, after_h=n).version for n, text in enumerate(("one", "two", "one"))]
    history = store.history()
    assert [manifest.version for manifest in history] == versions
    assert [manifest.previous for manifest in history] == [None, *versions[:-1]]
    assert [manifest.number for manifest in history] == [1, 2, 3]
    assert _text(store) == "one"


def test_what_was_served_at_a_time_can_be_replayed(store: ReleaseStore) -> None:
    for n, text in enumerate(("one", "two", "three")):
        _publish(store, text, after_h=n)
    replayed = [store.manifest_as_of(NOW + timedelta(minutes=m)) for m in (-1, 0, 59, 60, 1000)]
    assert [manifest and store.document(manifest, "closures.geojson").data for manifest in replayed] == [
        None, b"one", b"one", b"two", b"three"
    ]  # fmt: skip


def test_times_of_releases_never_run_back_so_that_a_time_finds_its_release(store: ReleaseStore) -> None:
    for text, after_h in (("one", 0), ("two", 2), ("three", 1), ("four", 3)):
        _publish(store, text, after_h=after_h)
    times = [manifest.published_at for manifest in store.history()]
    assert times == [NOW + timedelta(hours=h) for h in (0, 2, 2, 3)]
    found = store.manifest_as_of(NOW + timedelta(hours=2))
    assert found is not None
    assert found.number == 3


def test_of_a_thousand_releases_a_replay_reads_about_a_dozen_manifests(tmp_path: Path) -> None:
    class Counted(ObjectStore):
        asked: ClassVar[list[str]] = []

        def read(self, path: str) -> bytes | None:
            self.asked.append(path)
            return super().read(path)

    objects = Counted(f"memory://{uuid.uuid4().hex}")
    store = ReleaseStore(objects, "closures")
    for n in range(1000):
        store.publish(_documents(str(n)), as_of=NOW + timedelta(minutes=n), facts={})
    for n in (0, 1, 499, 998, 999):
        objects.asked.clear()
        manifest = store.manifest_as_of(NOW + timedelta(minutes=n, seconds=30))
        assert manifest is not None
        assert (manifest.number, store.document(manifest, "closures.geojson").data) == (n + 1, str(n).encode())
        assert len(objects.asked) <= 15


def test_a_damaged_manifest_on_the_way_does_not_mislead_a_replay(store: ReleaseStore, objects: ObjectStore) -> None:
    for n in range(9):
        _publish(store, str(n), after_h=n)
    for number in (4, 5):
        _damage(objects, f"feeds/closures/releases/{number:08d}.json", b"rot")
    found = [store.manifest_as_of(NOW + timedelta(hours=n)) for n in range(9)]
    assert [manifest and manifest.number for manifest in found] == [1, 2, 3, 3, 3, 6, 7, 8, 9]


def test_what_was_served_and_is_damaged_is_refused_rather_than_replaced(
    store: ReleaseStore, objects: ObjectStore
) -> None:
    _publish(store, "one")
    _publish(store, "two", after_h=1)
    _damage(objects, _path_of(b"two"), b"rot")
    manifest = store.manifest_as_of(NOW + timedelta(hours=1))
    assert manifest is not None
    with pytest.raises(PublishFailed, match="release 2"):
        store.document(manifest, "closures.geojson")


def test_a_document_that_did_not_change_is_not_written_again_and_keeps_its_date(objects: ObjectStore) -> None:
    steps: list[str] = []
    store = ReleaseStore(objects, "closures", on_step=steps.append)
    for n, text in enumerate(("one", "two")):
        store.publish(_documents(text, **{"wzdx.geojson": "same"}), as_of=NOW + timedelta(hours=n), facts={})
    assert steps.count("document wzdx.geojson") == 1
    assert steps.count("document closures.geojson") == 2
    entries = store.history()[-1].documents
    assert entries["wzdx.geojson"].modified == NOW
    assert entries["closures.geojson"].modified == NOW + timedelta(hours=1)


def test_documents_with_the_same_bytes_are_kept_once(store: ReleaseStore, objects: ObjectStore) -> None:
    store.publish(_documents("same", **{"partners/a/closures.geojson": "same"}), as_of=NOW, facts={})
    assert len(objects.list("feeds/closures/documents")) == 1
    release = store.current()
    assert release is not None
    assert set(release.documents) == {"closures.geojson", "partners/a/closures.geojson"}


def test_a_release_is_found_by_its_version_or_its_number(store: ReleaseStore) -> None:
    versions = [_publish(store, text, after_h=n).version for n, text in enumerate(("one", "two", "one"))]
    found = [store.find(name) for name in (versions[0], versions[1], "2", "0" * 64, "9", "0", "../newest", "", "٣")]
    assert [manifest and manifest.number for manifest in found] == [3, 2, 2, None, None, None, None, None, None]


def test_a_version_whose_number_was_not_noted_is_noted_by_the_next_publisher(
    store: ReleaseStore, objects: ObjectStore
) -> None:
    first = _publish(store, "one")
    _damage(objects, f"feeds/closures/versions/{first.version}", None)
    assert store.find(first.version) is None
    _publish(store, "two")
    assert store.find(first.version) == first.manifest


def test_manifests_come_page_by_page_newest_first(store: ReleaseStore) -> None:
    for n in range(5):
        _publish(store, str(n), after_h=n)
    assert [m.number for m in store.manifests(limit=2)] == [5, 4]
    assert [m.number for m in store.manifests(before=4, limit=2)] == [3, 2]
    assert store.manifests(before=1) == ()


def test_nothing_is_no_release(store: ReleaseStore) -> None:
    with pytest.raises(PublishFailed, match="nothing to publish"):
        store.publish({}, as_of=NOW, facts={})


@pytest.mark.parametrize("damage", [b"tw0", b"", None], ids=["changed", "emptied", "missing"])
def test_a_damaged_document_falls_back_to_the_last_good_release_and_says_so(
    store: ReleaseStore, objects: ObjectStore, tmp_path: Path, damage: bytes | None
) -> None:
    _publish(store, "one")
    _publish(store, "two", after_h=1)
    _damage(objects, _path_of(b"two"), damage)
    release = store.current()
    assert release is not None
    assert release.documents["closures.geojson"].data == b"one"
    (fault,) = release.faults
    assert "release 2" in fault.message
    assert "closures.geojson" in fault.message


@pytest.mark.parametrize("damage", [b"{", b"[]", b"{}", b'{"number": 1}'])
def test_a_damaged_manifest_falls_back_too(store: ReleaseStore, objects: ObjectStore, damage: bytes) -> None:
    _publish(store, "one")
    _publish(store, "two", after_h=1)
    _damage(objects, "feeds/closures/releases/00000002.json", damage)
    release = store.current()
    assert release is not None
    assert (release.manifest.number, len(release.faults)) == (1, 1)


def test_a_manifest_that_was_edited_by_hand_is_not_believed(store: ReleaseStore, objects: ObjectStore) -> None:
    _publish(store, "one")
    _publish(store, "two", after_h=1)
    path = "feeds/closures/releases/00000002.json"
    document = json.loads(objects.read(path) or b"")
    document["documents"]["closures.geojson"]["sha256"] = "0" * 64
    _damage(objects, path, json.dumps(document).encode())
    release = store.current()
    assert release is not None
    assert "contradicts itself" in release.faults[0].message


def test_publishing_over_a_damaged_release_mends_or_follows_it(store: ReleaseStore, objects: ObjectStore) -> None:
    _publish(store, "one")
    _publish(store, "two", after_h=1)
    _damage(objects, _path_of(b"two"), b"rot")
    _publish(store, "two", after_h=2)
    assert _text(store) == "two"
    _damage(objects, "feeds/closures/releases/00000002.json", b"rot")
    third = _publish(store, "two", after_h=3)
    assert (third.manifest.number, third.faults) == (3, ())
    assert store.current() == third


def test_when_nothing_is_intact_that_is_said_and_publishing_helps(store: ReleaseStore, objects: ObjectStore) -> None:
    _publish(store, "one")
    _damage(objects, _path_of(b"one"), b"rot")
    with pytest.raises(PublishFailed, match="none of 1 releases is intact"):
        store.current()
    _publish(store, "two")
    assert _text(store) == "two"


@pytest.mark.parametrize("hint", [None, b"", b"1", b"rubbish", b"99", b"-1"])
def test_the_hint_may_be_stale_or_rubbish(store: ReleaseStore, objects: ObjectStore, hint: bytes | None) -> None:
    for text in ("one", "two", "three"):
        _publish(store, text)
    _damage(objects, "feeds/closures/newest", hint)
    assert store.newest() == 3
    assert _text(store) == "three"


def test_the_heartbeat_changes_no_release(store: ReleaseStore) -> None:
    _publish(store, "one")
    before = store.current()
    assert store.checked_at() is None
    store.heartbeat(NOW + timedelta(hours=1))
    assert store.checked_at() == NOW + timedelta(hours=1)
    assert store.current() == before


def test_feeds_do_not_see_each_other(objects: ObjectStore) -> None:
    _publish(ReleaseStore(objects, "closures"), "one")
    assert ReleaseStore(objects, "signals").current() is None


def test_facts_gathered_before_another_release_do_not_replace_it(store: ReleaseStore) -> None:
    after = store.newest()
    _publish(store, "newer facts")
    with pytest.raises(PublishFailed, match="another publisher was first"):
        store.publish(_documents("older facts"), as_of=NOW, facts={}, after=after)
    assert _text(store) == "newer facts"


def test_a_publisher_that_is_outrun_at_the_last_step_leaves_the_winner_s_release(objects: ObjectStore) -> None:
    winner = ReleaseStore(objects, "closures")

    def be_outrun(step: str) -> None:
        if step == "manifest":
            _publish(winner, "winner")

    with pytest.raises(PublishFailed, match="another publisher was first"):
        _publish(ReleaseStore(objects, "closures", on_step=be_outrun), "loser")
    assert _text(winner) == "winner"


def test_who_gathers_anew_when_outrun_ends_with_the_newest_facts(objects: ObjectStore) -> None:
    stores = [ReleaseStore(objects, "closures") for _ in range(4)]
    lock, facts = threading.Lock(), [0]

    def gather() -> tuple[Mapping[str, Document], Mapping[str, Any]]:
        with lock:
            return _documents(str(facts[0])), {}

    def change_and_publish(store: ReleaseStore) -> None:
        for _ in range(5):
            with lock:
                facts[0] += 1
            store.publish_gathered(gather, as_of=NOW)

    threads = [threading.Thread(target=change_and_publish, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _text(stores[0]) == "20"
    served = [int(_read(stores[0], manifest.number)) for manifest in stores[0].history()]
    assert served == sorted(served)


def test_a_manifest_is_written_and_read_back_the_same() -> None:
    first = Manifest.of(_documents("ä", b="2"), number=6, as_of=NOW, facts={})
    manifest = Manifest.of(_documents("ö", b="2"), number=7, as_of=NOW, facts={"é": [1, None]}).following(first)
    assert read_manifest(write_manifest(manifest)) == manifest


def _path_of(data: bytes) -> str:
    sha256 = hashlib.sha256(data).hexdigest()
    return f"feeds/closures/documents/{sha256[:2]}/{sha256}"


def _read(store: ReleaseStore, number: int) -> str:
    return store.load(number).documents["closures.geojson"].data.decode()


def _damage(objects: ObjectStore, path: str, data: bytes | None) -> None:
    if data is not None:
        objects.write(path, data)
        return
    assert objects.exists(path)
    objects._filesystem.rm(objects._full(path))
