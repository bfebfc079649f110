"""Which sources have fallen silent: flagged within two seconds of the message that should have come."""

import heapq
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

EVERY_S: Final = 1.0  # a source of which nothing else is known speaks, or sends a heartbeat, once a second
GRACE_S: Final = 0.5  # for the way; with a look every half second it is flagged within two seconds


class Staleness:
    """When each source was last heard, and when it should have been heard again. A look costs O(overdue)."""

    def __init__(self, every_s: Mapping[str, float] | None = None, default_s: float = EVERY_S) -> None:
        """Take by source how often it speaks at least, in seconds; for a log without heartbeats, its longest pause."""
        self._every_s = dict(every_s or {})
        self._default_s = default_s
        self._heard: dict[str, datetime] = {}
        self._due: list[tuple[datetime, str]] = []
        self._silent: set[str] = set()

    def expect(self, source: str, every_s: float) -> None:
        """Set how often a source speaks at least."""
        self._every_s[source] = every_s
        if source in self._heard:
            heapq.heappush(self._due, (self._deadline(source), source))

    def hear(self, source: str, at: datetime) -> bool:
        """Take that a source was heard; return whether it had been silent, so that changes may be missed."""
        last = self._heard.get(source)
        if last is None or at > last:
            self._heard[source] = at
        if last is None:
            heapq.heappush(self._due, (self._deadline(source), source))
        if source not in self._silent:
            return last is not None and at > last and at - last > self._allowed(source)
        self._silent.discard(source)
        heapq.heappush(self._due, (self._deadline(source), source))
        return True

    def overdue(self, as_of: datetime) -> tuple[str, ...]:
        """Return the sources that have become silent since the last look."""
        fallen = []
        while self._due and self._due[0][0] < as_of:
            _, source = heapq.heappop(self._due)
            if source in self._silent:
                continue
            deadline = self._deadline(source)
            if deadline < as_of:
                self._silent.add(source)
                fallen.append(source)
            else:
                heapq.heappush(self._due, (deadline, source))
        return tuple(fallen)

    def is_silent(self, source: str) -> bool:
        """Whether a source was silent at the last look; also one that was never heard."""
        return source in self._silent or source not in self._heard

    def last_heard(self, source: str) -> datetime | None:
        """When a source was last heard."""
        return self._heard.get(source)

    def _allowed(self, source: str) -> timedelta:
        return timedelta(seconds=self._every_s.get(source, self._default_s) + GRACE_S)

    def _deadline(self, source: str) -> datetime:
        return self._heard[source] + self._allowed(source)
