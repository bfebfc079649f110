"""The released feeds as they are answered: bytes and headers made once per release, then only compared and sent.

What is served is one immutable `Board`; a new release replaces it whole. `answer` is pure, so that the ASGI fast path
(`api.fast_path`), the documented routes and the tests share it.
"""

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Final

from api.encodings import ENCODERS, IDENTITY, accepted
from trafficfeed.formats.standard import Standard
from trafficfeed.formats.standards import STANDARDS
from trafficfeed.publishing.documents import Document, Manifest, Release, RolledBack
from trafficfeed.publishing.reader import ReleaseReader

FEED = "closures"
PUBLIC = "/v1/feeds/closures/"
PARTNERS = "partners/"
STANDARD_OF: Final = {standard.file_name: standard for standard in STANDARDS.values()}
STALE_AFTER = timedelta(minutes=5)  # the feed is checked every minute
FOR_NOW: Final = b"public, max-age=15"
FOR_EVER: Final = b"public, max-age=31536000, immutable"

_EXPOSED = (
    b"ETag, Last-Modified, X-Feed-Version, X-Feed-Published-At, X-Feed-Checked-At, X-Feed-Stale, X-Feed-Rolled-Back"
)
_log = logging.getLogger(__name__)

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Variant:
    """One content coding of a document: its bytes, and the headers of an answer with them."""

    body: bytes
    headers: Headers


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedDocument:
    """One format of a release, ready to send.

    `etag` is weak, because the codings of one content share it. `modified` is in whole seconds. `headers` are those
    of every answer; `variants` are those made so far, by content coding.
    """

    format: str
    title: str
    document: Document
    etag: bytes
    modified: datetime
    headers: Headers
    variants: Mapping[bytes, Variant]

    @classmethod
    def of(
        cls, format: str, title: str, document: Document, manifest: Manifest, name: str, *, cache: bytes = FOR_NOW
    ) -> "FeedDocument":
        """Write the headers of a document called `name` in its manifest; nothing is compressed yet."""
        etag = f'W/"{document.sha256}"'.encode()
        modified = manifest.documents[name].modified.astimezone(UTC).replace(microsecond=0)
        shared: Headers = (
            (b"etag", etag),
            (b"last-modified", format_datetime(modified, usegmt=True).encode()),
            (b"cache-control", cache),
            (b"vary", b"Accept-Encoding"),
            (b"x-content-type-options", b"nosniff"),
            (b"access-control-allow-origin", b"*"),
            (b"access-control-expose-headers", _EXPOSED),
            (b"x-feed-version", manifest.version.encode()),
            (b"x-feed-published-at", manifest.published_at.isoformat().encode()),
            *_rolled_back(manifest),
        )
        bare = cls(
            format=format, title=title, document=document, etag=etag, modified=modified, headers=shared, variants={}
        )
        return bare.with_coding(IDENTITY, document.data)

    @property
    def data(self) -> bytes:
        """The document's bytes."""
        return self.document.data

    @property
    def media_type(self) -> str:
        """The document's media type."""
        return self.document.media_type

    def with_coding(self, coding: bytes, body: bytes) -> "FeedDocument":
        """Return the same with the bytes of one more content coding."""
        headers = (
            *self.headers,
            (b"content-type", self.media_type.encode()),
            *(() if coding == IDENTITY else ((b"content-encoding", coding),)),
            (b"content-length", str(len(body)).encode()),
        )
        return replace(self, variants={**self.variants, coding: Variant(body, headers)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """What is served until the next release or look at the store.

    `documents` are the public ones by format, `partners` those of each partner by format, `open` what anybody may have
    by its path. `trouble` says why a newer release could not be read; `checked_at` when the feed last held.
    """

    release: Release | None = None
    documents: Mapping[str, FeedDocument] = field(default_factory=dict)
    partners: Mapping[str, Mapping[str, FeedDocument]] = field(default_factory=dict)
    open: Mapping[str, FeedDocument] = field(default_factory=dict)
    checked_at: datetime | None = None
    trouble: str | None = None

    @property
    def rolled_back(self) -> RolledBack | None:
        """What holds the feed at an older release, or None."""
        return None if self.release is None else self.release.manifest.rolled_back

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
    """The feeds held in memory; `board` never waits for the store, nor a new release for the slower compressions.

    Parameters
    ----------
    reader
        Reads the releases.
    clock
        Returns the time, aware.
    open_partners
        Returns the ids of the partners whose feeds need no token.
    """

    def __init__(
        self,
        reader: ReleaseReader,
        clock: Callable[[], datetime],
        open_partners: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self._reader = reader
        self._open_partners = open_partners
        self._lock = threading.Lock()
        self._compressors = ThreadPoolExecutor(2, thread_name_prefix="compress")
        self._compressed: dict[tuple[str, bytes], bytes] = {}
        self._completed: Release | None = None
        self.clock = clock
        self.board = Board()

    def refresh(self) -> Board:
        """Look at the store and serve what is newest; blocking, for a thread. The last good release stands.

        Public documents come with gzip, which everybody takes; `complete` adds the rest.
        """
        with self._lock:
            release, board = self._reader.current(), self.board
            if release is not None and release is not board.release:
                _log.info("serving release %d, %s", release.manifest.number, release.version[:12])
                kept = {document.sha256 for document in release.documents.values()}
                self._compressed = {key: body for key, body in self._compressed.items() if key[0] in kept}
                self._compress((d for name, d in release.documents.items() if "/" not in name), (b"gzip",))
                board = self._laid_out(release)
            self._take(
                replace(
                    board,
                    open=_open_paths(board, self._open_partners()),
                    checked_at=self._reader.checked_at(),
                    trouble=self._reader.trouble(),
                )
            )
            return self.board

    def complete(self) -> Board:
        """Compress what is served in every way; blocking, for a thread."""
        release = self.board.release
        if release is not None and release is not self._completed:
            for coding in ENCODERS:
                self._compress(release.documents.values(), (coding,))
            with self._lock:
                if self.board.release is release:
                    self._completed = release
                    laid_out = self._laid_out(release)
                    self.board = replace(
                        self.board,
                        documents=laid_out.documents,
                        partners=laid_out.partners,
                        open=_open_paths(laid_out, self._open_partners()),
                    )
        return self.board

    def _take(self, board: Board) -> None:
        """Serve `board`, unless it says what is served already: answers that are remembered hold for the old one."""
        held = self.board
        is_same = board.documents is held.documents and board.open.keys() == held.open.keys()
        if not is_same or (board.checked_at, board.trouble) != (held.checked_at, held.trouble):
            self.board = board

    def _compress(self, documents: Iterable[Document], codings: Sequence[bytes]) -> None:
        distinct = {document.sha256: document.data for document in documents}
        wanted = [(sha, coding) for sha in distinct for coding in codings if (sha, coding) not in self._compressed]
        bodies = self._compressors.map(lambda key: ENCODERS[key[1]](distinct[key[0]]), wanted)
        self._compressed.update(zip(wanted, bodies, strict=True))

    def _laid_out(self, release: Release) -> Board:
        """Return a board with the documents of `release`, compressed as far as they are."""
        documents: dict[str, FeedDocument] = {}
        partners: dict[str, dict[str, FeedDocument]] = {}
        for name in release.documents:
            folder, _, file_name = name.rpartition("/")
            standard = STANDARD_OF.get(file_name)
            if standard is None:
                continue
            found = self._ready(standard, name, release)
            if not folder:
                documents[standard.name] = found
            elif folder.startswith(PARTNERS):
                partners.setdefault(folder.removeprefix(PARTNERS), {})[standard.name] = found
        return Board(release=release, documents=_in_order(documents), partners=partners)

    def _ready(self, standard: Standard, name: str, release: Release) -> FeedDocument:
        document = release.documents[name]
        found = FeedDocument.of(standard.name, standard.title, document, release.manifest, name)
        for coding in ENCODERS:
            body = self._compressed.get((document.sha256, coding))
            if body is not None:
                found = found.with_coding(coding, body)
        return found


def _in_order(documents: Mapping[str, FeedDocument]) -> dict[str, FeedDocument]:
    return {name: documents[name] for name in STANDARDS if name in documents}


def _open_paths(board: Board, open_partners: Collection[str]) -> dict[str, FeedDocument]:
    found = {f"{PUBLIC}{name}": document for name, document in board.documents.items()}
    for partner in open_partners:
        for name, document in board.partners.get(partner, {}).items():
            found[partner_path(partner, name)] = document
    return found


def partner_path(partner: str, format: str) -> str:
    """Return the path of a partner's feed."""
    return f"/v1/partners/{partner}/closures/{format}"


def _rolled_back(manifest: Manifest) -> Headers:
    held = manifest.rolled_back
    return () if held is None else ((b"x-feed-rolled-back", f"{held.to} since {held.at.isoformat()}".encode()),)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    headers: Headers
    body: bytes


def answer(document: FeedDocument, request_headers: Mapping[bytes, bytes], freshness: Headers = ()) -> Answer:
    """Answer a GET for `document`; names of `request_headers` are in lower case."""
    if is_known(document, request_headers):
        return Answer(304, document.headers + freshness, b"")
    for coding in accepted(request_headers.get(b"accept-encoding", b"")):
        variant = document.variants.get(coding)
        if variant is not None:
            break
    else:
        variant = document.variants[IDENTITY]
    return Answer(200, variant.headers + freshness, variant.body)


def is_known(document: FeedDocument, headers: Mapping[bytes, bytes]) -> bool:
    """Tell whether the client has this content. Source: RFC 9110, 13.1.2 (weak comparison), 13.1.3 and 13.2.2."""
    known = headers.get(b"if-none-match")
    if known is not None:
        if known == document.etag:
            return True
        tags = [tag.strip().removeprefix(b"W/") for tag in known.split(b",")]
        return b"*" in tags or document.etag.removeprefix(b"W/") in tags
    since = headers.get(b"if-modified-since")
    if since is None:
        return False
    try:
        return document.modified <= parsedate_to_datetime(since.decode("latin-1")).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return False  # RFC 9110: a date that cannot be read is ignored
