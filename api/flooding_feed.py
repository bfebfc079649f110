"""The flood map as it is answered: its newest release held in memory, earlier ones by their time."""

import threading
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from api.encodings import ENCODERS, IDENTITY, accepted
from api.feeds import FOR_EVER, FOR_NOW, FeedDocument, Headers
from api.history import SETTLED_AFTER
from trafficfeed.pipeline.flood_map import FEED, FILES
from trafficfeed.publishing.documents import Manifest
from trafficfeed.publishing.reader import ReleaseReader
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.store.objects import ObjectStore

TITLES: Final = MappingProxyType(
    {
        "segments": "Flood map: road segments with depth, chances, speed and who passes",
        "sites": "Flood map: places with their hydrograph, observation and decision",
        "alerts": "CAP 1.2 alerts for flooded places without roads",
    }
)
STALE_AFTER: Final = timedelta(minutes=75)  # when it is dry it is looked at once an hour


class FloodFeed:
    """Answers for the flood map of one installation, for many threads."""

    def __init__(self, objects: ObjectStore) -> None:
        self.store = ReleaseStore(objects, FEED)
        self._reader = ReleaseReader(self.store)
        self._held: tuple[Manifest | None, dict[str, FeedDocument]] = (None, {})
        self._lock = threading.Lock()

    def renew(self) -> None:
        """Look at the store at the next request, however lately it was looked at: this process has released."""
        self._reader = ReleaseReader(self.store)

    def current(self, document: str, accept_encoding: bytes) -> FeedDocument | None:
        """Return a document of the newest release, with the coding that the client likes best; None before the first.

        `document` is the last part of its path: segments, sites, alerts.
        """
        release = self._reader.current()
        if release is None:
            return None
        with self._lock:
            if self._held[0] != release.manifest:
                self._held = (release.manifest, {})
            found = self._held[1].get(document)
            if found is None:
                name = FILES[document]
                data = release.documents[name]
                found = FeedDocument.of(document, TITLES[document], data, release.manifest, name)
            coding = accepted(accept_encoding)[0]
            if coding != IDENTITY and coding not in found.variants:
                found = found.with_coding(coding, ENCODERS[coding](found.data))
            self._held[1][document] = found
            return found

    def as_of(self, document: str, instant: datetime, *, now: datetime) -> FeedDocument | None:
        """Return a document as it was served at `instant` (aware), byte for byte; None where there was none.

        Raises
        ------
        PublishFailed, SourceUnavailable
            If it is damaged, or the store cannot be read.
        """
        name, manifest = FILES[document], self.store.manifest_as_of(instant)
        if manifest is None or name not in manifest.documents:
            return None
        cache = FOR_EVER if now - instant > SETTLED_AFTER else FOR_NOW
        data = self.store.document(manifest, name)
        return FeedDocument.of(document, TITLES[document], data, manifest, name, cache=cache)

    def freshness(self, now: datetime) -> Headers:
        """Return the headers that say when it was looked at last, and whether that is too long ago."""
        checked = self._reader.checked_at()
        if checked is None:
            return ((b"x-feed-stale", b"true"),)
        stale = b"true" if now - checked > STALE_AFTER else b"false"
        return ((b"x-feed-checked-at", checked.isoformat().encode()), (b"x-feed-stale", stale))

    def trouble(self) -> str | None:
        """Return why a newer release could not be read, or None."""
        return self._reader.trouble()
