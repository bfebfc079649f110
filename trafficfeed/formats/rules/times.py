"""Times say what their offset is, come in order, and end."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from trafficfeed.findings import Severity
from trafficfeed.formats.records import Clock, Feed, Stated
from trafficfeed.formats.rules.rule import Fault, Yardstick, rule

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?", re.ASCII)
_LONGEST = timedelta(days=5 * 366)
_KEPT = timedelta(days=1)


def instant(text: Any) -> datetime | None:
    """Return the aware instant that a text states; None where it states none."""
    return _instant(text) if isinstance(text, str) else None


@lru_cache(maxsize=20_000)  # every rule on times asks, and records share them
def _instant(text: str) -> datetime | None:
    if not _TIME.fullmatch(text):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def now_of(yard: Yardstick) -> datetime | None:
    """Return the time at which a document is looked at: that asked for, else its own."""
    return yard.as_of or (instant(yard.feed.published[1]) if yard.feed.published else None)


@rule("time.missing", mend="state it")
def is_stated(yard: Yardstick) -> Iterator[Fault]:
    """A time that the standard demands is there.

    Source: WZDx 4.2 (update_date, start_date), CIFS (starttime of a closure), DATEX II 3.5 (overallStartTime), CAP 1.2
    (sent).
    """
    demanded = [yard.feed.published] if yard.feed.published else []
    for record in yard.feed.records:
        demanded += [record.start] if record.closes or record.needs_end else []
        demanded += record.times
    for path, text in demanded:
        if text is None or text == "":
            yield Fault(path, "the time is missing")


@rule("time.form", mend="write a date of the calendar as 2026-12-05T16:00:00Z or with an offset, +02:00")
def is_a_time(yard: Yardstick) -> Iterator[Fault]:
    """A time is a moment of the calendar in ISO 8601's extended form, to the second.

    Source: RFC 3339, 5.6; XML Schema 1.1 part 2, 3.3.7 dateTime.
    """
    for path, text in _times(yard.feed):
        if not isinstance(text, str) or not _TIME.fullmatch(text) or not _exists(text):
            yield Fault(path, f"{_short(text)} is not a time")


@rule("time.offset", mend="add the offset that was in force there and then: +02:00, or Z for UTC")
def has_an_offset(yard: Yardstick) -> Iterator[Fault]:
    """A time says its offset from UTC: without one every reader takes its own.

    Source: RFC 3339, 4.4; CIFS specification, starttime (with its offset from UTC); CAP 1.2, 3.3.2.
    """
    for path, text in _times(yard.feed):
        if isinstance(text, str) and (found := _TIME.fullmatch(text)) and not found[2] and _exists(text):
            yield Fault(path, f"{text} has no offset")


@rule("time.utc", mend="write it as the standard wants: 2026-12-05T16:00:00Z; in CAP 2026-12-05T18:00:00+02:00")
def is_on_the_standards_clock(yard: Yardstick) -> Iterator[Fault]:
    """A time is in UTC with ``Z`` where the standard wants that, and never with ``Z`` where it forbids it.

    Source: WZDx 4.2, start_date and others ("The UTC date and time"); CAP 1.2, 3.3.2 (no alphabetic time zone, UTC as
    -00:00). DATEX II takes any offset, but UTC is what its consumers test with: a warning.
    """
    clock = yard.feed.clock
    for path, text in _times(yard.feed):
        found = _TIME.fullmatch(text) if isinstance(text, str) else None
        if not found or not found[2]:
            continue
        fraction, offset = found.groups()
        if clock in (Clock.UTC, Clock.UTC_ADVISED) and offset != "Z":
            yield Fault(path, f"{text} is not in UTC", Severity.WARNING if clock is Clock.UTC_ADVISED else None)
        elif clock is Clock.NUMERIC and (offset == "Z" or fraction):
            yield Fault(path, f"{text} has {'a letter for its zone' if offset == 'Z' else 'a fraction of a second'}")
        elif clock is Clock.NUMERIC and offset == "+00:00":
            yield Fault(path, f"{text} has +00:00 where -00:00 is meant", Severity.WARNING)


@rule("time.end", mend="state the planned end; where it is not known, an estimate that is moved on as it nears")
def ends(yard: Yardstick) -> Iterator[Fault]:
    """A closure has an end: one without stays on the map for ever, or for as long as the reader fancies.

    Source: WZDx 4.2, end_date is required; CIFS specification, endtime (requested); for the others unwritten: partners
    complain of closures that were never ended.
    """
    for record in yard.feed.records:
        if (record.needs_end or record.closes) and record.end[1] in (None, ""):
            yield Fault(record.end[0], "has no end")


@rule("time.order", mend="mend the window it was made of")
def ends_after_its_start(yard: Yardstick) -> Iterator[Fault]:
    """A record ends after it starts.

    Source: no schema compares two times (Waze's own example of an incident in JSON ends two months before it starts).
    """
    for record in yard.feed.records:
        start, end = instant(record.start[1]), instant(record.end[1])
        if start and end and end <= start:
            yield Fault(record.end[0], f"ends at {record.end[1]}, not after its start at {record.start[1]}")


@rule("time.update", mend="take both from the order's history")
def is_updated_after_its_creation(yard: Yardstick) -> Iterator[Fault]:
    """A record is not updated before it was created.

    Source: WZDx 4.2, creation_date and update_date; DATEX II 3.5, situationRecordVersionTime.
    """
    for record in yard.feed.records:
        created, updated = instant(record.created), instant(record.updated)
        if created and updated and updated < created:
            yield Fault(record.path, f"updated at {record.updated}, before its creation at {record.created}")


@rule("time.published", mend="publish with the time of the latest change or later")
def is_updated_before_publication(yard: Yardstick) -> Iterator[Fault]:
    """A record is not newer than the document it stands in: readers skip a document that looks old.

    Source: WZDx 4.2, feed_info.update_date; DATEX II 3.5, publicationTime.
    """
    published = instant(yard.feed.published[1]) if yard.feed.published else None
    for record in yard.feed.records:
        updated = instant(record.updated)
        if updated and published and yard.feed.published and updated > published:
            yield Fault(record.path, f"updated at {record.updated}, after publication at {yard.feed.published[1]}")


@rule("time.far_end", severity=Severity.WARNING, mend="state the end that is planned, not a placeholder")
def ends_within_reason(yard: Yardstick) -> Iterator[Fault]:
    """A record does not last longer than five years: such ends are placeholders.

    Source: unwritten: partners complain of closures that were never ended.
    """
    for record in yard.feed.records:
        start, end = instant(record.start[1]), instant(record.end[1])
        if start and end and end - start > _LONGEST:
            yield Fault(record.end[0], f"lasts until {record.end[1]}")


@rule("time.stale", severity=Severity.WARNING, mend="take it out an hour or so after its end")
def is_not_long_over(yard: Yardstick) -> Iterator[Fault]:
    """A record that ended a day ago or more is not in the feed any more.

    Source: our own releases keep what has ended for an hour, so that no reader misses the end.
    """
    now = now_of(yard)
    for record in yard.feed.records:
        end = instant(record.end[1])
        if now and end and now - end > _KEPT:
            yield Fault(record.end[0], f"ended at {record.end[1]}")


RULES = (
    is_stated, is_a_time, has_an_offset, is_on_the_standards_clock, ends, ends_after_its_start,
    is_updated_after_its_creation, is_updated_before_publication, ends_within_reason, is_not_long_over,
)  # fmt: skip


def _times(feed: Feed) -> Iterator[Stated]:
    if feed.published:
        yield from _given((feed.published,))
    for record in feed.records:
        yield from _given((record.start, record.end, *record.times))


def _given(times: tuple[Stated, ...]) -> Iterator[Stated]:
    return ((path, text) for path, text in times if text is not None and text != "")


def _exists(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
