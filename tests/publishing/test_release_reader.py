import hashlib
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from trafficfeed.errors import SourceUnavailable
from trafficfeed.publishing.documents import Document
from trafficfeed.publishing.reader import ReleaseReader
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.store.objects import ObjectStore

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
_SHA_OF_TWO = hashlib.sha256(b"two").hexdigest()


class _Objects(ObjectStore):
    """A store that counts what is asked of it and can be taken away."""

    asked = 0
    is_down = False

    def read(self, path: str) -> bytes | None:
        self._ask()
        return super().read(path)

    def exists(self, path: str) -> bool:
        self._ask()
        return super().exists(path)

    def _ask(self) -> None:
        self.asked += 1
        if self.is_down:
            raise SourceUnavailable("the disk is gone")


class _Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def objects(tmp_path: Path) -> _Objects:
    return _Objects(str(tmp_path))


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def store(objects: _Objects) -> ReleaseStore:
    return ReleaseStore(objects, "closures")


@pytest.fixture
def reader(store: ReleaseStore, clock: _Clock) -> ReleaseReader:
    return ReleaseReader(store, poll_s=0.5, now_s=clock)


def _publish(store: ReleaseStore, text: str) -> str:
    documents = {"a": Document(data=text.encode(), media_type="text/plain")}
    return store.publish(documents, as_of=NOW, facts={}).version


def _text(reader: ReleaseReader) -> str | None:
    release = reader.current()
    return None if release is None else release.documents["a"].data.decode()


def test_the_first_release_is_noticed_when_it_comes(reader: ReleaseReader, store: ReleaseStore, clock: _Clock) -> None:
    assert _text(reader) is None
    _publish(store, "one")
    clock.now_s += 0.5
    assert _text(reader) == "one"


def test_a_new_release_is_noticed_at_the_next_look_and_not_before(
    reader: ReleaseReader, store: ReleaseStore, clock: _Clock
) -> None:
    _publish(store, "one")
    assert _text(reader) == "one"
    _publish(store, "two")
    clock.now_s += 0.49
    assert _text(reader) == "one"
    clock.now_s += 0.02
    assert _text(reader) == "two"


def test_several_releases_between_two_looks_give_the_newest(
    reader: ReleaseReader, store: ReleaseStore, clock: _Clock
) -> None:
    _publish(store, "one")
    reader.current()
    for text in ("two", "three", "four"):
        _publish(store, text)
    clock.now_s += 1
    assert _text(reader) == "four"


def test_between_looks_nothing_is_asked_and_a_look_asks_twice(
    reader: ReleaseReader, store: ReleaseStore, objects: _Objects, clock: _Clock
) -> None:
    _publish(store, "one")
    first = reader.current()
    before = objects.asked
    assert all(reader.current() is first for _ in range(100))
    assert objects.asked == before
    clock.now_s += 1
    assert reader.current() is first
    assert objects.asked == before + 2


def test_when_the_store_fails_the_last_release_is_served_and_the_trouble_told(
    reader: ReleaseReader, store: ReleaseStore, objects: _Objects, clock: _Clock
) -> None:
    _publish(store, "one")
    assert _text(reader) == "one"
    objects.is_down = True
    clock.now_s += 1
    assert _text(reader) == "one"
    assert "the disk is gone" in (reader.trouble() or "")
    objects.is_down = False
    clock.now_s += 1
    assert (_text(reader), reader.trouble()) == ("one", None)


def test_a_damaged_new_release_is_passed_over_until_it_is_mended(
    reader: ReleaseReader, store: ReleaseStore, objects: _Objects, clock: _Clock
) -> None:
    _publish(store, "one")
    reader.current()
    _publish(store, "two")
    objects.write(f"feeds/closures/documents/{_SHA_OF_TWO[:2]}/{_SHA_OF_TWO}", b"rot")
    clock.now_s += 1
    assert _text(reader) == "one"
    assert "release 2" in (reader.trouble() or "")
    _publish(store, "two")
    clock.now_s += 1
    assert (_text(reader), reader.trouble()) == ("two", None)


def test_the_heartbeat_is_read_at_each_look_and_keeps_the_release(
    reader: ReleaseReader, store: ReleaseStore, clock: _Clock
) -> None:
    _publish(store, "one")
    first = reader.current()
    store.heartbeat(NOW + timedelta(minutes=5))
    clock.now_s += 1
    assert reader.checked_at() == NOW + timedelta(minutes=5)
    assert reader.current() is first


def test_many_threads_get_whole_releases_while_new_ones_are_published(store: ReleaseStore) -> None:
    _publish(store, "0")
    reader = ReleaseReader(store, poll_s=0.0)
    stop = threading.Event()
    faults: list[str] = []

    def read() -> None:
        last = 0
        while not stop.is_set():
            number = int(_text(reader) or -1)
            if number < last:
                faults.append(f"{number} after {last}")
            last = number
            stop.wait(0.001)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(1, 40):
        _publish(store, str(number))
    stop.set()
    for thread in threads:
        thread.join()
    assert faults == []
    assert _text(reader) == "39"
