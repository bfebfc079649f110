"""The current release held in memory for serving, and a new one noticed within a second by one look at the store."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime

from trafficfeed.errors import PublishFailed, SourceUnavailable
from trafficfeed.publishing.documents import Release
from trafficfeed.publishing.releases import ReleaseStore

_LOG = logging.getLogger(__name__)


class ReleaseReader:
    """The current release of a feed, for many requests a second from many threads.

    A request costs a comparison of two numbers; once in `poll_s` one of them asks the store whether the next number
    exists (one stat) and when the feed was last checked. Whatever fails, the last good release goes on being served.

    Parameters
    ----------
    store
        The feed's releases.
    poll_s
        Seconds between two looks.
    now_s
        A monotonic clock, in seconds.
    """

    def __init__(
        self, store: ReleaseStore, *, poll_s: float = 0.5, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._poll_s = poll_s
        self._now_s = now_s
        self._look = threading.Lock()
        self._due_s = float("-inf")
        self._seen = 0
        self._release: Release | None = None
        self._checked_at: datetime | None = None
        self._trouble: str | None = None

    def current(self) -> Release | None:
        """Return the release to serve, or None before the first; the same object until a new one is published."""
        self._refresh()
        return self._release

    def checked_at(self) -> datetime | None:
        """Return when the feed was last checked, or None if never."""
        self._refresh()
        return self._checked_at

    def trouble(self) -> str | None:
        """Return why a newer release could not be read, or None when all is well."""
        self._refresh()
        return self._trouble

    def _refresh(self) -> None:
        if self._now_s() < self._due_s or not self._look.acquire(blocking=self._release is None):
            return
        try:
            if self._now_s() >= self._due_s:
                self._ask()
                self._due_s = self._now_s() + self._poll_s
        finally:
            self._look.release()

    def _ask(self) -> None:
        try:
            self._checked_at = self._store.checked_at()
            damaged = self._release is not None and self._release.faults
            if self._release is None or damaged or self._store.has(self._seen + 1):
                self._take(self._store.newest())
            self._tell(self._release.faults[0].message if self._release and self._release.faults else None)
        except (SourceUnavailable, PublishFailed) as error:
            self._tell(str(error))

    def _take(self, newest: int) -> None:
        if newest == 0:
            return
        held = () if self._release is None else self._release.documents.values()
        release = self._store.load(newest, known={document.sha256: document for document in held})
        if (
            self._release is None
            or release.manifest != self._release.manifest
            or release.faults != self._release.faults
        ):
            self._release = release
        self._seen = newest

    def _tell(self, trouble: str | None) -> None:
        if trouble is not None and trouble != self._trouble:
            _LOG.error("feed %s: %s", self._store.feed, trouble)
        self._trouble = trouble
