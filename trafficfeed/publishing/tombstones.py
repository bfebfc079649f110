"""What a feed says of records that it no longer has: their ids, why, and since when."""

import json
from collections.abc import Iterator, Mapping, Set
from datetime import UTC, datetime, timedelta
from typing import Any

from trafficfeed.formats.feed_info import Tombstone

ENDED = "ended"
CANCELLED = "cancelled"
WITHDRAWN = "withdrawn"  # neither over nor cancelled: a new version of the order, or the checks, took it out


def tombstones_after(
    previous_native: bytes | None, ids_now: Set[str], *, as_of: datetime, keep: timedelta
) -> tuple[Tombstone, ...]:
    """Return the tombstones of the document that follows `previous_native`.

    Parameters
    ----------
    previous_native
        The native document that is served, None before the first. One that cannot be read leaves no tombstones: that
        must not keep the next release back.
    ids_now
        Ids of the records of the next document; one that is back has no tombstone.
    as_of
        Aware: when the next document's facts were gathered; the time of new tombstones, to the second.
    keep
        How long a tombstone stays.

    Returns
    -------
    tuple of Tombstone
        Sorted by id, each id once; with the same arguments the same, so that nothing changes where nothing happened.
    """
    moment = as_of.astimezone(UTC).replace(microsecond=0)
    document = _document(previous_native)
    stones = {stone.id: stone for stone in tombstones_in(document) if stone.at > moment - keep}
    for feature in _mappings(document.get("features")):
        gone = str(feature.get("id", ""))
        stones[gone] = Tombstone(id=gone, reason=reason_of(feature.get("properties"), moment), at=moment)
    return tuple(stones[name] for name in sorted(stones) if name and name not in ids_now)


def tombstones_in(native: Mapping[str, Any]) -> Iterator[Tombstone]:
    """Give the tombstones that a parsed native document states; those that make no sense are left out."""
    feed = native.get("feed")
    for stone in _mappings(feed.get("tombstones") if isinstance(feed, dict) else None):
        at = _instant(stone.get("at"))
        if at is not None:
            yield Tombstone(id=str(stone.get("id", "")), reason=str(stone.get("reason", WITHDRAWN)), at=at)


def reason_of(properties: Any, at: datetime) -> str:
    """Return why a record with these native `properties` is gone at `at`, by its own facts."""
    facts = properties if isinstance(properties, dict) else {}
    if facts.get("cancelled"):
        return CANCELLED
    end = _instant(facts.get("end"))
    return ENDED if end is not None and end <= at else WITHDRAWN


def _document(data: bytes | None) -> dict[str, Any]:
    try:
        found = json.loads(data or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


def _instant(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found.astimezone(UTC) if found.tzinfo else None
