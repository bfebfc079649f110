"""Pushes to partners: what each release changed is written into the outbox, and sent from there."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.exc import IntegrityError

from trafficfeed.errors import FeedNonConformant
from trafficfeed.formats.standards import STANDARDS
from trafficfeed.publishing.documents import Document, Release
from trafficfeed.publishing.increments import RECORDS, Parts, head_of, taken_apart
from trafficfeed.publishing.partners import Partner
from trafficfeed.publishing.push import PushMessage, messages_between
from trafficfeed.publishing.push_delivery import MOST_ATTEMPTS, Delivered, PushTarget, deliver
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.store.database import Database
from trafficfeed.store.push_outbox import Cursor, PushOutbox, cursor_of, put

RECEIPTS_KEPT: Final = timedelta(days=90)
_NATIVE: Final = STANDARDS["native"].file_name
_MOST_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What a partner is told of: a document in a format with increments, and where the partner reads it."""

    format: str
    document: Document
    href: str


class Pusher:
    """Pushes of one feed; what it knows of the last round makes the next one cheap. Not for several threads at once."""

    def __init__(self, database: Database, releases: ReleaseStore, *, public_url: str) -> None:
        self._database = database
        self._releases = releases
        self._public_url = public_url.rstrip("/")
        self._queued: tuple[int, tuple[str, ...]] | None = None

    def queue(self, partners: Iterable[Partner], *, as_of: datetime) -> int:
        """Write what the newest release changed into the outbox, for each partner that has a `push_url`.

        A partner's first time everything is new. Several processes may do so at once, and be killed at it: messages
        and the cursor that says how far they lead are written together.

        Parameters
        ----------
        partners
            The city's.
        as_of
            Aware: now.

        Returns
        -------
        int
            How many messages were written.

        Raises
        ------
        PublishFailed, SourceUnavailable
            If the releases or the database cannot be read; the next round tries again.
        """
        takers = [partner for partner in partners if partner.push_url]
        key = (self._releases.newest(), tuple(partner.id for partner in takers))
        if not takers or not key[0] or key == self._queued:
            return 0
        release = self._releases.load(key[0])
        written = sum(self._queue_for(partner, release, as_of) for partner in takers)
        self._queued = key
        return written

    def send(
        self,
        partners: Iterable[Partner],
        *,
        as_of: datetime,
        timeout_s: float = 5.0,
        most_attempts: int = MOST_ATTEMPTS,
    ) -> Delivered:
        """Send what is due, each partner's in its order and beside the others'; one that is slow delays nobody else.

        Raises
        ------
        SourceUnavailable
            If the database cannot be used; what was sent without a receipt is sent again.
        """
        outbox = PushOutbox(self._database, as_of=as_of)
        waiting = set(outbox.partners_waiting())
        targets = [_target(partner) for partner in partners if partner.push_url and partner.id in waiting]
        if not targets:
            return Delivered()

        def to(target: PushTarget) -> Delivered:
            return deliver(outbox, target, as_of=as_of, timeout_s=timeout_s, most_attempts=most_attempts)

        with ThreadPoolExecutor(min(len(targets), _MOST_AT_ONCE), thread_name_prefix="push") as pool:
            return sum(pool.map(to, targets), Delivered())

    def _queue_for(self, partner: Partner, release: Release, as_of: datetime) -> int:
        told = self._told(partner, release)
        if told is None:
            return 0
        try:
            with self._database.transaction() as connection:
                cursor = cursor_of(connection, partner.id)
                if cursor is not None and cursor.release >= release.manifest.number:
                    return 0
                after = taken_apart(told.document.data, told.format)
                before = self._before(cursor, told, after)
                messages = self._messages(before, after, told, release)
                reached = Cursor(
                    partner=partner.id,
                    release=release.manifest.number,
                    sha256=told.document.sha256,
                    format=told.format,
                )
                put(connection, [one.for_partner(partner.id) for one in messages], reached, as_of=as_of)
        except IntegrityError:
            return 0  # another process has told this partner just now
        return len(messages)

    def _before(self, cursor: Cursor | None, told: _Told, after: Parts) -> Parts | None:
        """Take apart what the partner was told of last; nothing where it has taken up another format since."""
        if cursor is None or cursor.format != told.format:
            return None
        if cursor.sha256 == told.document.sha256:
            return after
        data = self._releases.bytes_of(cursor.sha256)
        return None if data is None else taken_apart(data, told.format)

    def _messages(self, before: Parts | None, after: Parts, told: _Told, release: Release) -> Sequence[PushMessage]:
        return messages_between(
            before,
            after,
            told.format,
            release=release.manifest.number,
            at=release.published_at,
            href=told.href,
            stones=_stones(release),
        )

    def _told(self, partner: Partner, release: Release) -> _Told | None:
        """Return the partner's own document with increments where it has one, else the public native one."""
        own = f"/v1/partners/{partner.id}/closures"
        for format in partner.formats:
            name = f"partners/{partner.id}/{STANDARDS[format].file_name}"
            if format in RECORDS and name in release.documents:
                return _Told(format=format, document=release.documents[name], href=f"{self._public_url}{own}/{format}")
        if _NATIVE not in release.documents:
            return None
        href = f"{self._public_url}{own}/{partner.formats[0]}"
        return _Told(format="native", document=release.documents[_NATIVE], href=href)


def _stones(release: Release) -> Mapping[str, Any]:
    document = release.documents.get(_NATIVE)
    try:
        return {} if document is None else head_of(document.data, "native")
    except FeedNonConformant:
        return {}


def _target(partner: Partner) -> PushTarget:
    assert partner.push_url is not None and partner.push_secret is not None
    return PushTarget(partner=partner.id, url=partner.push_url, secret=partner.push_secret)
