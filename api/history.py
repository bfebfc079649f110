"""What was served before, and what has changed since: replays and increments, made once and kept for a while."""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from api.encodings import ENCODERS, IDENTITY, accepted
from api.feeds import FOR_EVER, FOR_NOW, STANDARD_OF, FeedDocument
from api.kept import Kept
from trafficfeed.errors import FeedNonConformant
from trafficfeed.publishing.documents import Document, Manifest, Release
from trafficfeed.publishing.increments import RECORDS, Parts, between, head_of, taken_apart
from trafficfeed.publishing.releases import ReleaseStore

SETTLED_AFTER: Final = timedelta(minutes=1)  # a release may come a moment after the facts that it bears the time of
_MOST_BYTES: Final = 128_000_000
_SMALL: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Increment:
    """An increment ready to send: where it begins (None: it is a reset), the version that it leads to, its JSON."""

    since: str | None
    version: str
    body: bytes
    key: Hashable


class History:
    """Replays and increments of one feed; every method may read the store and blocks."""

    def __init__(self, store: ReleaseStore) -> None:
        self.store = store
        self._parts: Kept[Parts] = Kept(_MOST_BYTES, lambda parts: parts.size)
        self._increments: Kept[Increment] = Kept(_MOST_BYTES // 4, lambda increment: len(increment.body))
        self._compressed: Kept[bytes] = Kept(_MOST_BYTES // 4, len)

    def replay(self, name: str, instant: datetime, *, now: datetime) -> tuple[Manifest | None, FeedDocument | None]:
        """Return what was served as document `name` at `instant`, with its manifest; None where there was none.

        Raises
        ------
        PublishFailed
            If it is damaged: what was served is not known any more.
        SourceUnavailable
            If the store cannot be read.
        """
        manifest = self.store.manifest_as_of(instant)
        if manifest is None or name not in manifest.documents:
            return manifest, None
        standard = STANDARD_OF[name.rpartition("/")[2]]
        cache = FOR_EVER if now - instant > SETTLED_AFTER else FOR_NOW
        document = self.store.document(manifest, name)
        return manifest, FeedDocument.of(standard.name, standard.title, document, manifest, name, cache=cache)

    def compressed(self, document: FeedDocument, accept_encoding: bytes) -> FeedDocument:
        """Return the document with the content coding that a client likes best."""
        coding = accepted(accept_encoding)[0]
        if coding == IDENTITY:
            return document
        key = (document.etag, coding)
        return document.with_coding(coding, self._compressed.get(key, lambda: ENCODERS[coding](document.data)))

    def increment(self, release: Release, name: str, format: str, since: str) -> Increment:
        """Return what changed in document `name` of `release` since a version, or an ETag, that a client has.

        What is not known, or not any more, gives everything with a reset.

        Raises
        ------
        FeedNonConformant
            If the documents are not of `format`.
        SourceUnavailable
            If the store cannot be read.
        """
        after = release.documents[name]
        known = since.strip().removeprefix("W/").strip('"').lower()
        before = self._before(self._sha256_of(release, name, known), after, format)
        told = None if before is None else known

        def make() -> Increment:
            parts = self._apart(after, format)
            stones = self._stones(release, name, format, parts)
            found = between(before, parts, format, at=release.published_at, stones=stones)
            body = found.as_json(since=told, version=release.version, published_at=release.published_at)
            return Increment(since=told, version=release.version, body=body, key=key)

        key = (name, told, release.version, release.manifest.number)
        return self._increments.get(key, make)

    def packed(self, increment: Increment, accept_encoding: bytes) -> tuple[bytes, bytes]:
        """Return an increment compressed as a client likes best, and the coding."""
        body = increment.body
        coding = accepted(accept_encoding)[0] if len(body) >= _SMALL else IDENTITY
        if coding == IDENTITY:
            return body, coding
        return self._compressed.get((increment.key, coding), lambda: ENCODERS[coding](body)), coding

    def _sha256_of(self, release: Release, name: str, known: str) -> str | None:
        """Return the sha256 of the document that a client has: of the version it names, or as its ETag says."""
        if known == release.version:
            return release.documents[name].sha256
        manifest = self.store.find(known) if len(known) == len(release.version) else None
        if manifest is None:
            return known
        entry = manifest.documents.get(name)
        return None if entry is None else entry.sha256

    def _before(self, sha256: str | None, after: Document, format: str) -> Parts | None:
        """Take the document that a client has apart; None where it is not known, or is no document of `format`."""
        if sha256 is None or sha256 == after.sha256:
            return None if sha256 is None else self._apart(after, format)

        def make() -> Parts:
            data = self.store.bytes_of(sha256)
            if data is None:
                raise LookupError(sha256)
            return taken_apart(data, format)

        try:
            return self._parts.get((sha256, format), make)
        except (LookupError, FeedNonConformant):
            return None

    def _apart(self, document: Document, format: str) -> Parts:
        return self._parts.get((document.sha256, format), lambda: taken_apart(document.data, format))

    def _stones(self, release: Release, name: str, format: str, parts: Parts) -> dict[str, object]:
        """Return the head of the native document beside `name`, whose tombstones say why records are gone."""
        if format == "native":
            return dict(parts.head)
        folder = name.rpartition("/")[0]
        for beside in (f"{folder}/closures.geojson", "closures.geojson"):
            if beside in release.documents:
                return dict(head_of(release.documents[beside].data, "native"))
        return {}


def has_increments(format: str) -> bool:
    """Tell whether a format has increments."""
    return format in RECORDS
