"""When a feed was last checked: its freshness, apart from its content."""

import json
from datetime import UTC, datetime

from trafficfeed.store.objects import ObjectStore


class Heartbeat:
    """One small object that says when a feed was last checked."""

    def __init__(self, objects: ObjectStore, path: str) -> None:
        self._objects = objects
        self._path = path

    def beat(self, as_of: datetime) -> None:
        """Write `as_of` (aware)."""
        self._objects.write(self._path, json.dumps({"checked_at": as_of.astimezone(UTC).isoformat()}).encode())

    def last(self) -> datetime | None:
        """Return the last time written, or None where there is none or it cannot be read."""
        data = self._objects.read(self._path)
        if data is None:
            return None
        try:
            return datetime.fromisoformat(json.loads(data)["checked_at"])
        except (ValueError, KeyError, TypeError):
            return None
