"""The example consumer, killed and started again at random while the feed changes a thousand times."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from made_events import CLOSURE, EVENTS, FEED
from served_releases import Served, served

from trafficfeed.formats import native
from trafficfeed.publishing.documents import Document
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.publishing.tombstones import tombstones_after

EXAMPLE = Path(__file__).parents[2] / "examples" / "follow_closures.py"
CHANGES = 1000
BEGIN = datetime(2026, 12, 1, 12, tzinfo=UTC)


def _publisher(store: ReleaseStore, chance: random.Random) -> Callable[[int], None]:
    """Return what makes one change: a record comes, goes, comes back, or is another."""
    held = {event.id: event for event in EVENTS}
    previous: list[bytes] = []

    def change(number: int) -> None:
        event = replace(CLOSURE, id=f"order-1.closure.street-{chance.randrange(40)}-northbound.p1")
        if event.id in held and chance.random() < 0.5:
            del held[event.id]
        else:
            held[event.id] = replace(event, street=f"Street {number}")
        at = BEGIN + timedelta(seconds=number)
        stones = tombstones_after(
            previous[-1] if previous else None, held.keys(), as_of=at, keep=timedelta(seconds=100)
        )
        data = native.encode(held.values(), publication_time=at, feed=replace(FEED, tombstones=stones))
        previous[:] = [data]
        document = Document(data=data, media_type=native.STANDARD.media_type)
        store.publish({native.FILE_NAME: document}, as_of=at, facts={})

    return change


def _document_of(store: ReleaseStore, copy: dict[str, Any]) -> Any:
    deadline = time.monotonic() + 10
    while (manifest := store.find(copy["version"])) is None:  # its number is noted just after it is published
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return json.loads(store.document(manifest, native.FILE_NAME).data)


def _follow(server: Served, file: Path) -> "subprocess.Popen[bytes]":
    url = f"{server.url}/v1/feeds/closures/native"
    return subprocess.Popen([sys.executable, EXAMPLE, url, file, "0.01"], stderr=subprocess.DEVNULL)


def test_the_example_is_short() -> None:
    assert len(EXAMPLE.read_text("utf-8").splitlines()) <= 60


def test_killed_at_random_through_a_thousand_changes_its_copy_is_the_feed_every_time(tmp_path: Path) -> None:
    chance, file = random.Random(5), tmp_path / "copy.json"
    with served(tmp_path) as server:
        change = _publisher(server.store, chance)
        change(0)
        publishing = threading.Thread(target=lambda: [change(n) for n in range(1, CHANGES)])
        publishing.start()
        seen = []
        while publishing.is_alive() or len(seen) < 10:
            consumer = _follow(server, file)
            time.sleep(chance.uniform(0.1, 1.0))
            os.kill(consumer.pid, signal.SIGKILL)
            consumer.wait()
            if file.exists():
                copy = json.loads(file.read_text("utf-8"))
                assert copy["document"] == _document_of(server.store, copy)
                seen.append(copy["version"])
        publishing.join()
        assert server.store.newest() == CHANGES
        assert len(set(seen)) >= 5
        newest = server.store.current()
        assert newest is not None
        consumer = _follow(server, file)
        deadline = time.monotonic() + 30
        while json.loads(file.read_text("utf-8"))["version"] != newest.version and time.monotonic() < deadline:
            time.sleep(0.05)
        consumer.kill()
        consumer.wait()
        copy = json.loads(file.read_text("utf-8"))
        assert copy == {"version": newest.version, "document": json.loads(newest.documents[native.FILE_NAME].data)}


def test_a_consumer_that_was_away_for_all_of_it_converges_in_one_step(tmp_path: Path) -> None:
    file = tmp_path / "copy.json"
    with served(tmp_path) as server:
        change = _publisher(server.store, random.Random(6))
        change(0)
        consumer = _follow(server, file)
        while not file.exists():
            time.sleep(0.05)
        consumer.kill()
        consumer.wait()
        for number in range(1, 60):
            change(number)
        newest = server.store.current()
        assert newest is not None
        consumer = _follow(server, file)
        deadline = time.monotonic() + 30
        while json.loads(file.read_text("utf-8"))["version"] != newest.version and time.monotonic() < deadline:
            time.sleep(0.05)
        consumer.kill()
        consumer.wait()
        copy = json.loads(file.read_text("utf-8"))
        assert copy["document"] == json.loads(newest.documents[native.FILE_NAME].data)
