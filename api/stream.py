"""The change stream: every release's increment, made and encoded once for all clients that are as far."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from api.feeds import Feeds
from api.history import History, Increment
from trafficfeed.formats.json_documents import as_json
from trafficfeed.formats.standards import STANDARDS
from trafficfeed.publishing.documents import Release

MOST_CLIENTS: Final = 1000


class ChangeStream:
    """What clients of the stream wait for.

    A client is sent the increment from what it has to what is served: one that was slow gets several releases' changes
    as one event, so that nothing is queued for anybody.
    """

    def __init__(self, feeds: Feeds, history: History) -> None:
        self._feeds = feeds
        self._history = history
        self._changed = asyncio.Event()
        self._announced: Release | None = None
        self._making: dict[tuple[str, str], asyncio.Task[bytes]] = {}
        self._encoded: dict[object, bytes] = {}
        self.clients = 0

    def announce(self) -> None:
        """Wake the clients where there is a new release; on the event loop."""
        release = self._feeds.board.release
        if release is not self._announced:
            self._announced = release
            self._making, self._encoded = {}, {}
            changed, self._changed = self._changed, asyncio.Event()
            changed.set()

    async def events(self, format: str, since: str | None) -> AsyncIterator[bytes]:
        """Give a client its events: `hello`, then an increment as often as what is served has changed.

        Parameters
        ----------
        format
            One that has increments.
        since
            The version, or ETag, that the client has; None: what is served when it is greeted.
        """
        self.clients += 1
        try:
            known = since
            greeted = False
            while True:
                changed, release = self._changed, self._feeds.board.release
                if release is not None and not greeted:
                    yield _hello(release, resuming=since is not None)
                    greeted, known = True, release.version if known is None else known
                if release is None or release.version == known:
                    await changed.wait()
                    continue
                assert known is not None
                yield await self._frame(release, format, known)
                known = release.version
        finally:
            self.clients -= 1

    async def _frame(self, release: Release, format: str, known: str) -> bytes:
        """Return the event that leads from `known` to `release`; of many clients that wait for it, one makes it."""
        key = (format, known)
        if release is not self._announced or key not in self._making:
            task = asyncio.create_task(self._make(release, format, known))
            if release is not self._announced:
                return await task
            self._making[key] = task
        return await asyncio.shield(self._making[key])

    async def _make(self, release: Release, format: str, known: str) -> bytes:
        name = STANDARDS[format].file_name
        found = await asyncio.to_thread(self._history.increment, release, name, format, known)
        return self._encoded.setdefault(found.key, _event(found))


def _hello(release: Release, *, resuming: bool) -> bytes:
    """Return the greeting; who resumes has that version only after the increment that follows."""
    manifest = release.manifest
    told = {
        "version": manifest.version,
        "release": manifest.number,
        "published_at": manifest.published_at.isoformat(),
        "rolled_back": manifest.rolled_back is not None,
    }
    return (b"" if resuming else _id(manifest.version)) + b"event: hello\ndata: " + as_json(told) + b"\n\n"


def _event(increment: Increment) -> bytes:
    return _id(increment.version) + b"event: increment\ndata: " + increment.body.rstrip() + b"\n\n"


def _id(version: str) -> bytes:
    return f"id: {version}\n".encode()
