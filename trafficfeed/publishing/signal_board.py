"""What clients of live signals are shown: the newest state of every intersection, and the last minutes of updates."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from trafficfeed.publishing.bus import Batch, Update
from trafficfeed.signals.states import IntersectionState

KEPT: Final = timedelta(minutes=10)
MOST_KEPT: Final = 200_000  # updates; some 300 MB

Wanted = frozenset[str] | None
"""Intersections by id; None: all."""


@dataclass(frozen=True, slots=True)
class _Kept:
    number: int
    made_at: datetime
    updates: Mapping[str, Update]


class SignalBoard:
    """Fed by a bus, on the event loop. Batches are numbered from 1 in the order in which they come."""

    def __init__(self, kept: timedelta = KEPT) -> None:
        self.newest = 0
        self.made_at: datetime | None = None
        self.latest: dict[str, Update] = {}
        self._kept_for = kept
        self._kept: deque[_Kept] = deque()
        self._before: dict[str, Update] = {}  # the newest update of each intersection that is not kept any more
        self._kept_updates = 0
        self._changed = asyncio.Event()
        self._frames: dict[object, bytes] = {}

    def take(self, batch: Batch) -> None:
        """Show a batch, and wake who waits."""
        self.newest += 1
        self.made_at = batch.made_at
        updates = {update.id: update for update in batch.updates}
        self.latest |= updates
        self._kept.append(_Kept(self.newest, batch.made_at, updates))
        self._kept_updates += len(updates)
        while self._kept[0].made_at < batch.made_at - self._kept_for or self._kept_updates > MOST_KEPT:
            gone = self._kept.popleft()
            self._before |= gone.updates
            self._kept_updates -= len(gone.updates)
        self._frames.clear()
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def beyond(self, number: int) -> None:
        """Wait until there is a batch after `number`."""
        while self.newest <= number:
            await self._changed.wait()

    def since(self, number: int, wanted: Wanted = None) -> list[Update] | None:
        """Return the updates after a batch, oldest first; None where they are not kept any more."""
        if number > self.newest or (number < self.newest and (not self._kept or self._kept[0].number > number + 1)):
            return None
        return list(self._after(number, wanted))

    def of(self, wanted: Wanted = None) -> list[Update]:
        """Return the newest update of intersections, by id."""
        ids = self.latest if wanted is None else wanted & self.latest.keys()
        return [self.latest[id] for id in sorted(ids)]

    def frame(self, key: object, make: Callable[[], bytes]) -> bytes:
        """Return what `make` gives, made once for all who ask with the same key before the next batch."""
        if key not in self._frames:
            self._frames[key] = make()
        return self._frames[key]

    def at(self, as_of: datetime, wanted: Collection[str] | None = None) -> dict[str, IntersectionState] | None:
        """Return what was shown at an instant, aware; None where that is not kept."""
        if not self._kept or as_of < self._kept[0].made_at:
            return None
        found = {id: update.state for id, update in self._before.items() if wanted is None or id in wanted}
        for kept in self._kept:
            if kept.made_at > as_of:
                break
            for id, update in kept.updates.items():
                if wanted is None or id in wanted:
                    found[id] = update.state
        return found

    def _after(self, number: int, wanted: Wanted) -> Iterator[Update]:
        skipped = len(self._kept) - (self.newest - number)
        for k in range(max(skipped, 0), len(self._kept)):
            updates = self._kept[k].updates
            if wanted is None:
                yield from updates.values()
            elif len(wanted) < len(updates):
                yield from (updates[id] for id in wanted if id in updates)
            else:
                yield from (update for id, update in updates.items() if id in wanted)
