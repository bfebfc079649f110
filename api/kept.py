"""Things that are dear to make, kept while there is room."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

_Thing = TypeVar("_Thing")


class Kept(Generic[_Thing]):
    """A least-recently-used store with a budget of bytes; of many threads that want one thing, one makes it.

    Parameters
    ----------
    budget
        How many bytes may be kept, as `size` counts them.
    size
        Returns a thing's size, bytes.
    """

    def __init__(self, budget: int, size: Callable[[_Thing], int]) -> None:
        self._budget = budget
        self._size = size
        self._held: OrderedDict[Hashable, _Thing] = OrderedDict()
        self._bytes = 0
        self._lock = threading.RLock()

    def get(self, key: Hashable, make: Callable[[], _Thing]) -> _Thing:
        """Return what is kept under `key`, or what `make` returns; one thing is made at a time."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
            made = self._held[key] = make()
            self._bytes += self._size(made)
            while self._bytes > self._budget and len(self._held) > 1:
                self._bytes -= self._size(self._held.popitem(last=False)[1])
            return made
