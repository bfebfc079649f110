"""Messages to partners: written with the cursor that says how far, sent in order of each record, receipts kept."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update
from sqlalchemy.sql import and_, exists, or_

from trafficfeed.store.database import Database
from trafficfeed.store.tables import push_cursors, push_messages

LEASE: Final = timedelta(seconds=60)
_LONGEST_WAIT: Final = timedelta(minutes=10)
_LONGEST_ERROR: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Which document a partner has been told of: its release, its sha256 and its format."""

    partner: str
    release: int
    sha256: str
    format: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPush:
    """A message to be kept: `body` is sent as it is, and `key` with it however often that takes."""

    partner: str
    record_id: str
    version: int
    kind: str
    key: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPush:
    """A message and what became of it.

    `done_at`: the partner took it, with HTTP `status`. `dead_at`: given up after `attempts`, the last for `error`.
    `due`: when it may be tried (again); `leased_until`: a process has it in hand.
    """

    id: int
    partner: str
    record_id: str
    version: int
    kind: str
    key: str
    body: str
    created: datetime
    due: datetime
    leased_until: datetime | None
    attempts: int
    status: int | None
    error: str | None
    done_at: datetime | None
    dead_at: datetime | None


def cursor_of(connection: Connection, partner: str) -> Cursor | None:
    """Return how far a partner has been told, locked for the transaction; None where it never was."""
    row = connection.execute(select(push_cursors).where(push_cursors.c.partner == partner).with_for_update()).first()
    if row is None:
        return None
    return Cursor(partner=row.partner, release=row.release, sha256=row.sha256, format=row.format)


def put(connection: Connection, messages: Iterable[NewPush], cursor: Cursor, *, as_of: datetime) -> None:
    """Write messages and how far they lead, in the caller's transaction: both are there, or neither.

    Raises
    ------
    IntegrityError
        If another process has told the partner first.
    """
    values = {"release": cursor.release, "sha256": cursor.sha256, "format": cursor.format, "at": as_of}
    moved = connection.execute(update(push_cursors).where(push_cursors.c.partner == cursor.partner).values(**values))
    if not moved.rowcount:
        connection.execute(insert(push_cursors).values(partner=cursor.partner, **values))
    rows = [
        {
            "partner": one.partner, "record_id": one.record_id, "version": one.version, "kind": one.kind,
            "key": one.key, "body": one.body, "created": as_of, "due": as_of, "attempts": 0,
        }
        for one in messages
    ]  # fmt: skip
    if rows:
        connection.execute(insert(push_messages), rows)


class PushOutbox:
    """What waits for delivery as of one instant; each note is a transaction of its own.

    Of one record a message is only given out when all before it were taken, or given up. A message given out is leased
    for a minute: when its process dies, it is given out again, with the same key.
    """

    def __init__(self, database: Database, *, as_of: datetime) -> None:
        self._database = database
        self._as_of = as_of

    def claim(self, partner: str, limit: int = 20) -> tuple[StoredPush, ...]:
        """Return a partner's messages that are due, oldest first, and lease them."""
        earlier = push_messages.alias()
        behind_another = exists().where(
            earlier.c.partner == push_messages.c.partner,
            earlier.c.record_id == push_messages.c.record_id,
            earlier.c.version < push_messages.c.version,
            earlier.c.done_at.is_(None),
            earlier.c.dead_at.is_(None),
        )
        query = (
            select(push_messages)
            .where(push_messages.c.partner == partner, _open(), push_messages.c.due <= self._as_of, ~behind_another)
            .where(or_(push_messages.c.leased_until.is_(None), push_messages.c.leased_until <= self._as_of))
            .order_by(push_messages.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        with self._database.transaction() as connection:
            found = tuple(_stored(row) for row in connection.execute(query))
            self._lease(connection, [one.id for one in found], self._as_of + LEASE)
        return found

    def let_go(self, messages: Sequence[StoredPush]) -> None:
        """Give back what was claimed and not tried."""
        with self._database.transaction() as connection:
            self._lease(connection, [one.id for one in messages], None)

    def delivered(self, message: StoredPush, status: int) -> None:
        """Keep the receipt; a second one changes nothing."""
        with self._database.transaction() as connection:
            connection.execute(
                update(push_messages)
                .where(push_messages.c.id == message.id, _open())
                .values(
                    done_at=self._as_of, status=status, attempts=message.attempts + 1, error=None, leased_until=None
                )
            )

    def failed(
        self, message: StoredPush, error: str, *, status: int | None, most: int, after: timedelta | None = None
    ) -> bool:
        """Note a failure and put the message off, 2, 4, 8 … seconds, at most 10 minutes; return whether it is given up.

        Parameters
        ----------
        message
            As it was claimed.
        error, status
            What went wrong; the HTTP status where there was an answer.
        most
            After so many attempts it is given up: a dead letter.
        after
            Longest pause that the receiver itself asked for (``Retry-After``).
        """
        attempts = message.attempts + 1
        wait = min(max(timedelta(seconds=2 ** min(attempts, 20)), after or timedelta()), _LONGEST_WAIT)
        is_dead = attempts >= most
        values: dict[str, Any] = {"attempts": attempts, "status": status, "error": error[:_LONGEST_ERROR]}
        values |= {"leased_until": None, "due": self._as_of + wait}
        with self._database.transaction() as connection:
            connection.execute(
                update(push_messages)
                .where(push_messages.c.id == message.id, _open())
                .values(**values, dead_at=self._as_of if is_dead else None)
            )
        return is_dead

    def partners_waiting(self) -> tuple[str, ...]:
        """Return the partners that have messages due."""
        query = select(push_messages.c.partner).where(_open(), push_messages.c.due <= self._as_of).distinct()
        with self._database.reading() as connection:
            return tuple(sorted(connection.execute(query).scalars()))

    def retry(self, message_id: int) -> bool:
        """Let a dead letter be tried anew; False where it is none."""
        with self._database.transaction() as connection:
            revived = connection.execute(
                update(push_messages)
                .where(push_messages.c.id == message_id, push_messages.c.dead_at.is_not(None))
                .values(dead_at=None, attempts=0, due=self._as_of, leased_until=None)
            )
        return bool(revived.rowcount)

    def forget(self, before: datetime) -> int:
        """Delete receipts older than an instant; dead letters stay until they were taken. Return how many."""
        with self._database.transaction() as connection:
            gone = connection.execute(delete(push_messages).where(push_messages.c.done_at < before))
        return gone.rowcount

    def list(self, *, partner: str | None = None, state: str | None = None, limit: int = 100) -> tuple[StoredPush, ...]:
        """Return messages, newest first; `state` is ``waiting``, ``delivered`` or ``dead``."""
        query = select(push_messages).order_by(push_messages.c.id.desc()).limit(limit)
        if partner is not None:
            query = query.where(push_messages.c.partner == partner)
        if state is not None:
            query = query.where(_STATES[state])
        with self._database.reading() as connection:
            return tuple(_stored(row) for row in connection.execute(query))

    @staticmethod
    def _lease(connection: Connection, ids: Sequence[int], until: datetime | None) -> None:
        if ids:
            connection.execute(update(push_messages).where(push_messages.c.id.in_(ids)).values(leased_until=until))


def _open() -> ColumnElement[bool]:
    return and_(push_messages.c.done_at.is_(None), push_messages.c.dead_at.is_(None))


_STATES: Final = {
    "waiting": _open(),
    "delivered": push_messages.c.done_at.is_not(None),
    "dead": push_messages.c.dead_at.is_not(None),
}


def _stored(row: Row[Any]) -> StoredPush:
    return StoredPush(**row._mapping)
