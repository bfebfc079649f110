"""The released feeds as they are answered: bytes and headers made once per release, then only compared and sent.

What is served is one immutable `Board`; a new release replaces it whole. `answer` is pure, so that the ASGI fast path
(`api.fast_path`), the documented route and the tests share it.
"""

import gzip
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

from trafficfeed.publishing.documents import Document, Release
from trafficfeed.publishing.reader import ReleaseReader

FEED = "closures"
FORMATS = {
    "native": ("closures.geojson", "GeoJSON: every record, with its certificate"),
    "wzdx": ("wzdx.geojson", "WZDx 4.2: works and detours"),
}
STALE_AFTER = timedelta(minutes=5)  # the feed is checked every minute

_CACHE_CONTROL = b"public, max-age=15"
_EXPOSED = b"ETag, Last-Modified, X-Feed-Version, X-Feed-Published-At, X-Feed-Checked-At, X-Feed-Stale"
_log = logging.getLogger(__name__)

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedDocument:
    """One format of the current release, ready to send.

    `etag` is weak, because the two encodings of one content share it. `modified` is in whole seconds.
    """

    format: str
    title: str
    data: bytes
    gzipped: bytes
    etag: str
    modified: datetime
    media_type: str
    headers: Headers
    full_headers: Headers
    gzip_headers: Headers

    @classmethod
    def of(cls, name: str, title: str, document: Document, release: Release) -> "FeedDocument":
        """Compress the bytes and write the headers, once."""
        etag = f'W/"{document.sha256[:32]}"'
        modified = release.published_at.astimezone(UTC).replace(microsecond=0)
        gzipped = gzip.compress(document.data, compresslevel=6, mtime=0)
        shared: Headers = (
            (b"etag", etag.encode()),
            (b"last-modified", format_datetime(modified, usegmt=True).encode()),
            (b"cache-control", _CACHE_CONTROL),
            (b"vary", b"Accept-Encoding"),
            (b"x-content-type-options", b"nosniff"),
            (b"access-control-allow-origin", b"*"),
            (b"access-control-expose-headers", _EXPOSED),
            (b"x-feed-version", release.version.encode()),
            (b"x-feed-published-at", release.published_at.isoformat().encode()),
        )
        media = (b"content-type", document.media_type.encode())
        return cls(
            format=name,
            title=title,
            data=document.data,
            gzipped=gzipped,
            etag=etag,
            modified=modified,
            media_type=document.media_type,
            headers=shared,
            full_headers=(*shared, media, (b"content-length", str(len(document.data)).encode())),
            gzip_headers=(
                *shared,
                media,
                (b"content-encoding", b"gzip"),
                (b"content-length", str(len(gzipped)).encode()),
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """What is served until the next release or look at the store.

    `trouble` says why a newer release could not be read; `checked_at` when the feed was last found to hold.
    """

    release: Release | None = None
    documents: Mapping[str, FeedDocument] = field(default_factory=dict)
    checked_at: datetime | None = None
    trouble: str | None = None

    def is_stale(self, now: datetime) -> bool:
        """Tell whether nobody has found the feed to hold for too long."""
        return self.checked_at is None or now - self.checked_at > STALE_AFTER

    def freshness(self, now: datetime) -> Headers:
        """Return the headers that say how fresh the feed is."""
        checked = () if self.checked_at is None else ((b"x-feed-checked-at", self.checked_at.isoformat().encode()),)
        if not self.is_stale(now):
            return (*checked, (b"x-feed-stale", b"false"))
        return (*checked, (b"x-feed-stale", b"true"), (b"warning", b'110 - "Response is Stale"'))


class Feeds:
    """The feeds held in memory; `board` never waits for the store."""

    def __init__(self, reader: ReleaseReader, clock: Callable[[], datetime]) -> None:
        self._reader = reader
        self._lock = threading.Lock()
        self.clock = clock
        self.board = Board()

    def refresh(self) -> Board:
        """Look at the store and serve what is newest; blocking, for a thread. The last good release stands."""
        with self._lock:
            release = self._reader.current()
            documents = self.board.documents if release is self.board.release else _documents(release)
            self.board = Board(
                release=release,
                documents=documents,
                checked_at=self._reader.checked_at(),
                trouble=self._reader.trouble(),
            )
            return self.board


def _documents(release: Release | None) -> dict[str, FeedDocument]:
    if release is None:
        return {}
    _log.info("serving release %d, %s", release.manifest.number, release.version[:12])
    return {
        name: FeedDocument.of(name, title, release.documents[file], release)
        for name, (file, title) in FORMATS.items()
        if file in release.documents
    }


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    headers: Headers
    body: bytes


def answer(document: FeedDocument, request_headers: Mapping[bytes, bytes], freshness: Headers) -> Answer:
    """Answer a GET for `document`; names of `request_headers` are in lower case."""
    if _is_known(document, request_headers):
        return Answer(304, document.headers + freshness, b"")
    if _takes_gzip(request_headers.get(b"accept-encoding", b"")):
        return Answer(200, document.gzip_headers + freshness, document.gzipped)
    return Answer(200, document.full_headers + freshness, document.data)


def _is_known(document: FeedDocument, headers: Mapping[bytes, bytes]) -> bool:
    """Tell whether the client has this content. Source: RFC 9110, 13.1.2 (weak comparison), 13.1.3 and 13.2.2."""
    known = headers.get(b"if-none-match")
    if known is not None:
        tags = [tag.strip().removeprefix("W/") for tag in known.decode("latin-1").split(",")]
        return "*" in tags or document.etag.removeprefix("W/") in tags
    since = headers.get(b"if-modified-since")
    if since is None:
        return False
    try:
        return document.modified <= parsedate_to_datetime(since.decode("latin-1")).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return False  # RFC 9110: a date that cannot be read is ignored


def _takes_gzip(accept_encoding: bytes) -> bool:
    for part in accept_encoding.lower().split(b","):
        name, _, weight = part.strip().partition(b";")
        if name.strip() in (b"gzip", b"*"):
            return weight.replace(b" ", b"").rstrip(b"0.") not in (b"q=", b"q")
    return False
