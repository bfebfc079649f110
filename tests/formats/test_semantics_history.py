"""What was published before binds: starts, places, versions, and that nothing just vanishes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from made_events import CLOSURE, FEED, KERB_LANE, PUBLISHED

from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.findings import Finding, errors_in
from trafficfeed.formats import semantics
from trafficfeed.formats.feed_info import FeedInfo, Tombstone
from trafficfeed.formats.standards import STANDARDS
from trafficfeed.windows import Window

RUNNING = datetime(2026, 12, 5, 12, tzinfo=UTC)
EVERY = ("native", "wzdx", "cifs", "cifs-json", "datex2")
HOUR = timedelta(hours=1)


def document(name: str, *events: RoadEvent, feed: FeedInfo = FEED) -> bytes:
    return STANDARDS[name].encode(events, publication_time=PUBLISHED, feed=feed)


def after(name: str, now: bytes, before: bytes, *, as_of: datetime = RUNNING, **more: Any) -> tuple[Finding, ...]:
    return errors_in(semantics.check(name, now, previous=before, as_of=as_of, bounds=FEED.bounds, **more))


def shifted(event: RoadEvent, *, start: timedelta = timedelta(), end: timedelta = timedelta()) -> RoadEvent:
    return replace(event, window=Window(start=event.window.start + start, end=event.window.end + end))


@pytest.mark.parametrize("name", EVERY)
def test_the_start_of_what_is_in_force_may_not_move(name: str) -> None:
    before, now = document(name, CLOSURE), document(name, shifted(CLOSURE, start=HOUR))
    assert {f.rule for f in after(name, now, before)} == {"feed.history.start_moved"}


@pytest.mark.parametrize("name", EVERY)
def test_the_start_of_what_is_still_to_come_and_the_end_may_move(name: str) -> None:
    before = document(name, CLOSURE)
    assert after(name, document(name, shifted(CLOSURE, start=HOUR)), before, as_of=PUBLISHED) == ()
    assert after(name, document(name, shifted(CLOSURE, end=HOUR)), before) == ()


@pytest.mark.parametrize("name", EVERY)
def test_a_closure_may_not_just_vanish(name: str) -> None:
    before, now = document(name, CLOSURE, KERB_LANE), document(name, KERB_LANE)
    assert "feed.history.vanished" in {f.rule for f in after(name, now, before)}


@pytest.mark.parametrize("name", EVERY)
def test_what_has_ended_was_withdrawn_knowingly_or_is_elsewhere_may_be_missing(name: str) -> None:
    before, now = document(name, CLOSURE, KERB_LANE), document(name, KERB_LANE)
    assert after(name, now, before, as_of=CLOSURE.window.end) == ()
    assert after(name, now, before, gone={CLOSURE.id}) == ()
    assert after(name, now, before, others={record.id for record in semantics.read(name, before).records}) == ()


def test_a_tombstone_accounts_for_a_native_record() -> None:
    grave = replace(FEED, tombstones=(Tombstone(id=CLOSURE.id, reason="withdrawn", at=PUBLISHED),))
    before = document("native", CLOSURE, KERB_LANE)
    assert after("native", document("native", KERB_LANE, feed=grave), before) == ()


@pytest.mark.parametrize("name", EVERY)
def test_an_id_may_not_move_to_another_street(name: str) -> None:
    def east(line: Any) -> Any:
        return tuple((lon + 0.002, lat) for lon, lat in line)

    segments = [replace(one, coordinates=east(one.coordinates)) for one in CLOSURE.segments]
    moved = replace(CLOSURE, coordinates=east(CLOSURE.coordinates), segments=segments, detour=None)
    found = after(name, document(name, moved), document(name, replace(CLOSURE, detour=None)))
    assert {f.rule for f in found} == {"feed.history.moved_away"}


@pytest.mark.parametrize("name", EVERY)
def test_an_id_may_not_turn_round(name: str) -> None:
    segments = [replace(one, coordinates=one.coordinates[::-1]) for one in CLOSURE.segments]
    turned = replace(CLOSURE, coordinates=CLOSURE.coordinates[::-1], segments=segments)
    found = {f.rule for f in after(name, document(name, turned), document(name, CLOSURE))}
    assert "feed.history.moved_away" in found


def test_a_longer_line_or_a_few_metres_are_the_same_place() -> None:
    longer = replace(CLOSURE, coordinates=(*CLOSURE.coordinates, (10.0028141, 59.9035)))
    nudged = replace(CLOSURE, coordinates=tuple((lon + 0.0001, lat) for lon, lat in CLOSURE.coordinates))
    for now in (longer, nudged):
        assert after("native", document("native", now), document("native", CLOSURE)) == ()


def test_versions_count_upwards() -> None:
    older = document("native", replace(CLOSURE, order_version=1))
    assert {f.rule for f in after("native", older, document("native", CLOSURE))} == {"feed.history.version"}
    assert after("native", document("native", CLOSURE), older) == ()


def test_ids_used_twice_among_the_parts_of_a_release_are_found() -> None:
    (found,) = semantics.check_ids(["a", "b", "a"])
    assert (found.rule, found.where) == ("feed.id.unique", "a")
    assert semantics.check_ids(["a", "b"]) == ()
