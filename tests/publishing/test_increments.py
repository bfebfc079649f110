import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_events import CLOSURE, EVENTS, FEED, KERB_LANE, SLOW

from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.errors import FeedNonConformant
from trafficfeed.formats.feed_info import Tombstone
from trafficfeed.formats.standards import STANDARDS
from trafficfeed.publishing.increments import RECORDS, increment, taken_apart

AT = datetime(2026, 12, 1, 12, tzinfo=UTC)
FORMATS = sorted(set(RECORDS) & set(STANDARDS))


def _document(
    format: str, events: Sequence[RoadEvent], *, at: datetime = AT, stones: Sequence[Tombstone] = ()
) -> bytes:
    feed = replace(FEED, tombstones=tuple(stones))
    return STANDARDS[format].encode(events, publication_time=at, feed=feed)


def _told(old: bytes | None, new: bytes, format: str, **more: Any) -> dict[str, Any]:
    found = increment(old, new, format, at=AT, **more).as_json(since="a", version="b", published_at=AT)
    told: dict[str, Any] = json.loads(found)
    return told


def _id(record: dict[str, Any]) -> str:
    found: str = record.get("incident", record)["id"]
    return found


def _applied(copy: dict[str, Any] | None, told: dict[str, Any]) -> dict[str, Any]:
    """Do what docs/feeds.md tells a client to do."""
    held = {} if copy is None or told["reset"] else {_id(record): record for record in copy[told["records"]]}
    for gone in told["tombstones"]:
        held.pop(gone["id"], None)
    held |= {_id(record): record for record in told["upserts"]}
    return {**told["head"], told["records"]: [held[name] for name in sorted(held)]}


@pytest.mark.parametrize("format", FORMATS)
def test_a_copy_with_the_increment_is_the_new_document(format: str) -> None:
    changed = replace(CLOSURE, description={"en": "Dug up further."})
    old = _document(format, [CLOSURE, SLOW])
    new = _document(format, [changed, KERB_LANE], at=AT + timedelta(minutes=1))
    told = _told(old, new, format)
    assert _applied(json.loads(old), told) == json.loads(new)
    assert 0 < len(told["upserts"]) < len(json.loads(new)[RECORDS[format]]) + 1
    assert any(gone["id"].startswith(SLOW.id) for gone in told["tombstones"])


@pytest.mark.parametrize("format", FORMATS)
def test_without_an_old_document_everything_comes_with_a_reset(format: str) -> None:
    new = _document(format, EVENTS)
    told = _told(None, new, format)
    assert told["reset"] is True
    assert _applied({RECORDS[format]: [{"id": "left over"}]}, told) == json.loads(new)


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_changed_gives_nothing_but_the_head(format: str) -> None:
    document = _document(format, EVENTS)
    told = _told(document, document, format)
    assert (told["upserts"], told["tombstones"], told["reset"]) == ([], [], False)
    assert _applied(json.loads(document), told) == json.loads(document)


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=40, deadline=None)
@given(chosen=st.lists(st.lists(st.integers(0, 9), unique=True), min_size=2, max_size=5))
def test_any_way_through_the_releases_leads_to_the_same_copy(format: str, chosen: list[list[int]]) -> None:
    documents = [
        _document(format, [replace(EVENTS[i], street=f"Street {n % 2}") for i in picked], at=AT + timedelta(minutes=n))
        for n, picked in enumerate(chosen)
    ]
    step_by_step: dict[str, Any] = json.loads(documents[0])
    for old, new in pairwise(documents):
        step_by_step = _applied(step_by_step, _told(old, new, format))
    at_once = _applied(json.loads(documents[0]), _told(documents[0], documents[-1], format))
    assert step_by_step == at_once == json.loads(documents[-1])


@pytest.mark.parametrize("format", FORMATS)
def test_why_a_record_is_gone_is_what_the_native_feed_says_of_its_event(format: str) -> None:
    stone = Tombstone(id=CLOSURE.id, reason="cancelled", at=AT - timedelta(minutes=5))
    native = _document("native", [], stones=[stone])
    new = native if format == "native" else _document(format, [])
    told = _told(_document(format, [CLOSURE]), new, format, native=native)
    assert told["tombstones"]
    assert {(gone["reason"], gone["at"]) for gone in told["tombstones"]} == {("cancelled", "2026-12-01T11:55:00Z")}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(("ends_h", "reason"), [(-1, "ended"), (1, "withdrawn")])
def test_where_the_native_feed_says_nothing_the_record_s_own_end_decides(format: str, ends_h: int, reason: str) -> None:
    window = replace(CLOSURE.window, start=AT - timedelta(days=1), end=AT + timedelta(hours=ends_h))
    told = _told(_document(format, [replace(CLOSURE, window=window)]), _document(format, []), format)
    assert {gone["reason"] for gone in told["tombstones"]} == {reason}


@pytest.mark.parametrize(
    "damaged",
    [b"", b"{}", b'{"features":[1]}', b'{"features":[{}]}', b'{"features":[],"more":1}', b"\xff", b'{"features":['],
)
def test_what_is_no_such_document_is_refused(damaged: bytes) -> None:
    with pytest.raises(FeedNonConformant, match="no native document"):
        taken_apart(damaged, "native")
