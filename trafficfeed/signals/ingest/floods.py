"""Who sends almost nothing but duplicates."""

from datetime import datetime, timedelta
from typing import Final

_WINDOW: Final = timedelta(seconds=10)
_MANY: Final = 100  # duplicates in a window, which a sender that repeats each message for safety may reach
_PER_FRESH: Final = 10


class Floods:
    """Duplicates and fresh events by source, in windows of ten seconds."""

    def __init__(self) -> None:
        self._windows: dict[str, list[float]] = {}
        self._since: dict[str, datetime] = {}

    def fresh(self, source: str, at: datetime) -> None:
        """Count an event that is new."""
        self._window(source, at)[0] += 1

    def again(self, source: str, at: datetime) -> bool:
        """Count a duplicate; return whether it makes its source's window a flood, once a window."""
        window = self._window(source, at)
        window[1] += 1
        return window[1] == max(_MANY, _PER_FRESH * window[0])

    def _window(self, source: str, at: datetime) -> list[float]:
        since = self._since.get(source)
        if since is None or at - since >= _WINDOW or at < since:
            self._since[source] = at
            self._windows[source] = [0, 0]
        return self._windows[source]
