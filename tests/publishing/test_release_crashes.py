"""Publishers killed with SIGKILL, at every step and at any moment; readers look on all the while."""

import multiprocessing
import os
import random
import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from trafficfeed.errors import PublishFailed
from trafficfeed.publishing.documents import Document, Release
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.store.objects import ObjectStore

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
NAMES = ("a.geojson", "b.geojson", "c.geojson")
_FORK = multiprocessing.get_context("fork")


def _documents(generation: int, size: int = 50_000) -> dict[str, Document]:
    """Three documents, each its own, that all say the same: a mix of two releases would show."""
    body = f"{generation:012d}".encode() * (size // 12)
    return {name: Document(data=body + name.encode(), media_type="text/plain") for name in NAMES}


def _generation(release: Release | None) -> int:
    """Return which generation a release is, having looked at every byte of it."""
    assert release is not None
    assert release.faults == ()
    (generation,) = {int(document.data[:12]) for document in release.documents.values()}
    assert release.documents == _documents(generation)
    return generation


def _die_at(step_number: int) -> Any:
    seen = iter(range(step_number + 1))

    def on_step(_name: str) -> None:
        if next(seen) == step_number:
            os.kill(os.getpid(), signal.SIGKILL)

    return on_step


def _publish_once(folder: str, generation: int, step_number: int) -> None:
    store = ReleaseStore(ObjectStore(folder), "closures", on_step=_die_at(step_number))
    store.publish(_documents(generation), as_of=NOW, facts={})


# the steps: one for each document, then the manifest, the hint, the version's number, the end
@pytest.mark.parametrize("step_number", range(len(NAMES) + 4))
def test_killed_at_any_step_a_publisher_leaves_the_old_release_or_the_new(tmp_path: Path, step_number: int) -> None:
    store = ReleaseStore(ObjectStore(str(tmp_path)), "closures")
    store.publish(_documents(1), as_of=NOW, facts={})
    publisher = _FORK.Process(target=_publish_once, args=(str(tmp_path), 2, step_number))
    publisher.start()
    publisher.join(60)
    assert publisher.exitcode == -signal.SIGKILL
    published = step_number > len(NAMES)
    assert _generation(store.current()) == (2 if published else 1)
    assert len(store.history()) == (2 if published else 1)
    again = store.publish(_documents(2), as_of=NOW, facts={})
    assert _generation(store.current()) == 2
    assert again.manifest.number == 2
    assert store.find(again.version) == again.manifest


def _publish_for_ever(folder: str, first: int, begun: Any = None) -> None:
    store = ReleaseStore(ObjectStore(folder), "closures")
    if begun is not None:
        begun.set()
    for generation in range(first, first + 1_000_000):
        try:
            store.publish(_documents(generation), as_of=NOW, facts={})
        except PublishFailed:
            continue  # outrun


def test_sixty_publishers_killed_at_random_moments_never_leave_a_mix(tmp_path: Path) -> None:
    store = ReleaseStore(ObjectStore(str(tmp_path)), "closures")
    chance = random.Random(7)
    seen = -1
    for kill in range(60):
        begun = _FORK.Event()
        publisher = _FORK.Process(target=_publish_for_ever, args=(str(tmp_path), 1000 * kill, begun))
        publisher.start()
        assert begun.wait(60)
        time.sleep(chance.uniform(0.0, 0.06))
        os.kill(publisher.pid or 0, signal.SIGKILL)
        publisher.join(60)
        if store.newest():
            generation = _generation(store.current())
            assert generation >= seen
            seen = generation
    history = store.history()
    assert [manifest.number for manifest in history] == list(range(1, store.newest() + 1))
    assert len({_generation(store.load(m.number)) // 1000 for m in history}) > 1, "more than one got that far"
    assert [m.previous for m in history[1:]] == [m.version for m in history[:-1]]


def test_two_publishers_at_once_both_make_valid_releases_and_each_number_is_one_s(tmp_path: Path) -> None:
    publishers = [_FORK.Process(target=_publish_for_ever, args=(str(tmp_path), 10_000 * n)) for n in (1, 2)]
    store = ReleaseStore(ObjectStore(str(tmp_path)), "closures")
    for publisher in publishers:
        publisher.start()
    deadline = time.monotonic() + 120
    makers: set[int] = set()
    while time.monotonic() < deadline and (makers != {1, 2} or store.newest() < 30):
        if store.newest():
            makers.add(_generation(store.current()) // 10_000)
    for publisher in publishers:
        os.kill(publisher.pid or 0, signal.SIGKILL)
        publisher.join(60)
    assert makers == {1, 2}
    history = store.history()
    assert [manifest.number for manifest in history] == list(range(1, len(history) + 1))
    assert [m.previous for m in history[1:]] == [m.version for m in history[:-1]]
    for manifest in history:
        assert _generation(store.load(manifest.number)) > 0
