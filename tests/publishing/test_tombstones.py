import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from made_events import CANCELLED, CLOSURE, EVENTS, FEED, SLOW

from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.formats import native
from trafficfeed.formats.feed_info import Tombstone
from trafficfeed.publishing.tombstones import tombstones_after

BEFORE = CLOSURE.window.end - timedelta(hours=1)
AFTER = CLOSURE.window.end + timedelta(hours=1)
KEEP = timedelta(hours=2)


def _native(*events: RoadEvent, tombstones: tuple[Tombstone, ...] = ()) -> bytes:
    return native.encode(events, publication_time=BEFORE, feed=replace(FEED, tombstones=tombstones))


def test_before_the_first_document_there_are_none() -> None:
    assert tombstones_after(None, {"a"}, as_of=BEFORE, keep=KEEP) == ()


def test_a_record_that_stays_leaves_none() -> None:
    ids = {event.id for event in EVENTS}
    assert tombstones_after(_native(*EVENTS), ids, as_of=AFTER, keep=KEEP) == ()


@pytest.mark.parametrize(
    ("event", "as_of", "reason"),
    [(CLOSURE, AFTER, "ended"), (CLOSURE, BEFORE, "withdrawn"), (CANCELLED, BEFORE, "cancelled")],
    ids=["over", "not over", "cancelled"],
)
def test_a_record_that_is_gone_says_why_by_its_own_facts(event: RoadEvent, as_of: datetime, reason: str) -> None:
    gone = tombstones_after(_native(event, SLOW), {SLOW.id}, as_of=as_of, keep=KEEP)
    assert gone == (Tombstone(id=event.id, reason=reason, at=as_of),)


def test_a_tombstone_stays_as_it_was_for_so_long_and_no_longer() -> None:
    first = tombstones_after(_native(CLOSURE), set(), as_of=AFTER, keep=KEEP)
    served = _native(tombstones=first)
    assert tombstones_after(served, set(), as_of=AFTER + KEEP - timedelta(seconds=1), keep=KEEP) == first
    assert tombstones_after(served, set(), as_of=AFTER + KEEP, keep=KEEP) == ()


def test_a_record_that_is_back_has_none() -> None:
    served = _native(tombstones=(Tombstone(id=CLOSURE.id, reason="withdrawn", at=BEFORE),))
    assert tombstones_after(served, {CLOSURE.id}, as_of=AFTER, keep=KEEP) == ()


def test_the_same_facts_twice_give_the_same_bytes_though_the_clock_has_gone_on() -> None:
    first = tombstones_after(_native(CLOSURE, CANCELLED), set(), as_of=AFTER.replace(microsecond=987), keep=KEEP)
    again = tombstones_after(_native(tombstones=first), set(), as_of=AFTER + timedelta(minutes=1), keep=KEEP)
    assert _native(tombstones=again) == _native(tombstones=first)


@pytest.mark.parametrize(
    "damaged",
    [
        b"{",
        b"[]",
        b'{"feed": 1, "features": {}}',
        b'{"features": [1, {}]}',
        json.dumps({"feed": {"tombstones": [{"id": "a", "reason": "ended", "at": "2026-12-05T18:00:00"}]}}).encode(),
    ],
)
def test_a_document_that_cannot_be_read_does_not_keep_the_next_release_back(damaged: bytes) -> None:
    assert tombstones_after(damaged, set(), as_of=datetime(2026, 12, 5, tzinfo=UTC), keep=KEEP) == ()
