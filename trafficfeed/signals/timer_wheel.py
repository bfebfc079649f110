"""One clock for thousands of deadlines: slots of a tenth of a second, looked at as time passes, no task for any."""

from collections.abc import Iterator
from datetime import datetime
from math import ceil, floor
from typing import Final, Generic, TypeVar

SLOT_S: Final = 0.1

_T = TypeVar("_T")


class TimerWheel(Generic[_T]):
    """What is due when, to a slot. Setting costs O(1), a look O(slots passed + what is due).

    A thing may be set several times and comes up each time; who has put its deadline off since sets it again then.
    """

    __slots__ = ("_at", "_slots")

    def __init__(self) -> None:
        self._slots: dict[int, list[_T]] = {}
        self._at: int | None = None

    def set(self, thing: _T, due: datetime) -> None:
        """Have `thing` come up at the first look at or after `due`, aware."""
        slot = ceil(due.timestamp() / SLOT_S)
        if self._at is not None and slot <= self._at:
            slot = self._at + 1
        self._slots.setdefault(slot, []).append(thing)

    def due(self, as_of: datetime) -> Iterator[_T]:
        """Yield what has come up since the last look, earliest first; what is set meanwhile comes at the next."""
        now = floor(as_of.timestamp() / SLOT_S)
        if self._at is not None and now <= self._at:
            return
        passed = sorted(slot for slot in self._slots if slot <= now)
        self._at = now
        for slot in passed:
            yield from self._slots.pop(slot)

    def __len__(self) -> int:
        return sum(map(len, self._slots.values()))
