"""Ids are unique and links between records hold both ways."""

from collections import Counter
from collections.abc import Iterator

from trafficfeed.findings import Finding, Severity
from trafficfeed.formats.records import Feed

_BACK = {"related-detour": "related-work-zone"}


def ids_are_unique(feed: Feed) -> Iterator[Finding]:
    """Every record has an id, and no two have the same."""
    counts = Counter(record.id for record in feed.records)
    for record in feed.records:
        if not record.id:
            yield _error("id.missing", record.path, "has no id", "give it one that stays")
        elif counts[record.id] > 1:
            message = f"the id {record.id!r} is used {counts[record.id]} times"
            yield _error("id.unique", f"{record.path}.id", message, "make ids of order, measure, street and period")


def links_resolve(feed: Feed) -> Iterator[Finding]:
    """A link leads to a record of the feed; a detour and its work zone link to each other."""
    records = {record.id: record for record in feed.records}
    for record in feed.records:
        for kind, target in record.links:
            if target not in records:
                message = f"{kind} points to {target!r}, which is not in the feed"
                yield _error("link.target", record.path, message, "publish both or drop the link")
            elif kind in _BACK and (_BACK[kind], record.id) not in records[target].links:
                message = f"{target!r} does not link back to {record.id!r}"
                yield _error("link.back", record.path, message, f"add a {_BACK[kind]} link to it")
        if record.kind == "detour" and not any(kind == "related-work-zone" for kind, _ in record.links):
            yield _error("link.detour", record.path, "is a detour of nothing", "link it to its work zone")


def _error(rule: str, where: str, message: str, mend: str) -> Finding:
    return Finding(rule=f"feed.{rule}", severity=Severity.ERROR, message=message, where=where, mend=mend)
