"""Times are in UTC, ends follow starts, and nothing is updated before it is made."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from trafficfeed.findings import Finding, Severity
from trafficfeed.formats.records import Feed

_UTC = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z")


def times_are_utc(feed: Feed) -> Iterator[Finding]:
    """Every time is RFC 3339 in UTC with ``Z``. Source: WZDx 4.2, start_date and others ("The UTC date and time")."""
    stated = [feed.published] if feed.published else []
    for record in feed.records:
        stated += [record.start, record.end, *record.times]
    for path, text in stated:
        if not isinstance(text, str) or not _UTC.fullmatch(text) or _instant(text) is None:
            message = f"{text!r} is not a time in UTC" if text is not None else "the time is missing"
            yield _error("time.utc", path, message, "write it as 2026-12-05T16:00:00Z")


def ends_follow_starts(feed: Feed) -> Iterator[Finding]:
    """A record ends after it starts."""
    for record in feed.records:
        start, end = _instant(record.start[1]), _instant(record.end[1])
        if start and end and end <= start:
            message = f"ends at {record.end[1]}, not after its start at {record.start[1]}"
            yield _error("time.order", record.end[0], message, "mend the window it was made of")


def updates_follow_creation(feed: Feed) -> Iterator[Finding]:
    """A record is not updated before it was created, nor after the feed was published."""
    published = _instant(feed.published[1]) if feed.published else None
    for record in feed.records:
        created, updated = _instant(record.created), _instant(record.updated)
        if created and updated and updated < created:
            message = f"updated at {record.updated}, before its creation at {record.created}"
            yield _error("time.update", record.path, message, "take both from the order's history")
        if updated and published and updated > published:
            message = f"updated at {record.updated}, after the feed was published at {published:%Y-%m-%dT%H:%M:%SZ}"
            yield _error("time.published", record.path, message, "publish with the time of the latest change or later")


def _instant(text: Any) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        return None
    return instant if instant.tzinfo else None


def _error(rule: str, where: str, message: str, mend: str) -> Finding:
    return Finding(rule=f"feed.{rule}", severity=Severity.ERROR, message=message, where=where, mend=mend)
