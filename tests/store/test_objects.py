import multiprocessing
import os
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from trafficfeed.errors import SourceUnavailable
from trafficfeed.store.objects import ObjectStore

_FORK = multiprocessing.get_context("fork")


@pytest.fixture(params=["file", "memory"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ObjectStore]:
    if request.param == "file":
        yield ObjectStore(f"file://{tmp_path}/a folder/objects")
    else:
        yield ObjectStore(f"memory://{uuid.uuid4().hex}")


def test_bytes_come_back_as_they_were_written(objects: ObjectStore) -> None:
    objects.write("a/b.bin", b"\x00\xff")
    assert objects.read("a/b.bin") == b"\x00\xff"
    objects.write("a/b.bin", b"")
    assert objects.read("a/b.bin") == b""


def test_what_is_not_there_reads_as_none(objects: ObjectStore) -> None:
    assert objects.read("a/b.bin") is None
    assert not objects.exists("a/b.bin")
    assert objects.list("a") == ()


def test_only_the_first_creates(objects: ObjectStore) -> None:
    assert objects.create("a", b"first")
    assert not objects.create("a", b"second")
    assert objects.read("a") == b"first"


def test_the_list_has_all_below_sorted_and_no_drafts(objects: ObjectStore) -> None:
    for path in ("f/b", "f/a/x", "g/c"):
        objects.write(path, b"1")
    assert objects.list("f") == ("f/a/x", "f/b")
    assert objects.exists("f/a/x")


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../outside", "a/../../outside", ".drafts/x"])
def test_a_path_outside_the_store_is_refused(objects: ObjectStore, path: str) -> None:
    with pytest.raises(ValueError, match="not a path inside"):
        objects.write(path, b"1")


def test_a_plain_path_is_a_folder_and_two_stores_on_it_see_each_other(tmp_path: Path) -> None:
    ObjectStore(str(tmp_path)).write("a", b"1")
    assert ObjectStore(f"file://{tmp_path}").read("a") == b"1"
    assert ObjectStore(str(tmp_path)).address("a") == str(tmp_path / "a")


def test_a_store_that_nobody_knows_is_refused_with_words() -> None:
    with pytest.raises(SourceUnavailable, match="cannot be opened"):
        ObjectStore("nosuchstore://bucket")


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"in the way")
    with pytest.raises(SourceUnavailable, match="cannot write a"):
        ObjectStore(str(tmp_path / "file")).write("a", b"1")
    with pytest.raises(SourceUnavailable, match="cannot create file/a"):
        ObjectStore(str(tmp_path)).create("file/a", b"1")


def _rewrite_for_ever(folder: str, size: int) -> None:
    objects = ObjectStore(folder)
    while True:
        for letter in b"abc":
            objects.write("object", bytes([letter]) * size)


def test_an_object_is_whole_whenever_its_writer_is_killed(tmp_path: Path) -> None:
    size = 3_000_000
    objects = ObjectStore(str(tmp_path))
    objects.write("object", b"a" * size)
    for wait_ms in range(0, 100, 5):
        writer = _FORK.Process(target=_rewrite_for_ever, args=(str(tmp_path), size))
        writer.start()
        writer.join(wait_ms / 1000)
        os.kill(writer.pid or 0, signal.SIGKILL)
        writer.join()
        data = objects.read("object")
        assert data is not None
        assert len(data) == size
        assert len(set(data)) == 1


def test_what_killed_writers_left_is_swept_but_no_draft_of_today(tmp_path: Path) -> None:
    drafts = tmp_path / ".drafts"
    drafts.mkdir()
    for name, age_s in (("old", 100_000), ("young", 1000)):
        (drafts / name).write_bytes(b"half")
        os.utime(drafts / name, (time.time() - age_s,) * 2)
    ObjectStore(str(tmp_path)).write("a", b"1")
    assert [draft.name for draft in drafts.iterdir()] == ["young"]


def _create(folder: str, name: str, barrier: "multiprocessing.synchronize.Barrier") -> None:
    objects = ObjectStore(folder)
    for number in range(50):
        barrier.wait(60)
        objects.create(f"{number}", name.encode() * 1000) and objects.write(f"won-{number}-{name}", b"1")


def test_of_several_processes_exactly_one_creates(tmp_path: Path) -> None:
    barrier = _FORK.Barrier(3)
    rivals = [_FORK.Process(target=_create, args=(str(tmp_path), name, barrier)) for name in "xyz"]
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join(60)
    assert [rival.exitcode for rival in rivals] == [0, 0, 0]
    objects = ObjectStore(str(tmp_path))
    for number in range(50):
        (winner,) = [name for name in "xyz" if objects.exists(f"won-{number}-{name}")]
        assert objects.read(f"{number}") == winner.encode() * 1000
