"""The outbox: runs to ask Airflow for, written with the transition that needs them, kept until Airflow has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from trafficfeed.store.database import Database
from trafficfeed.store.tables import outbox

_LONGEST_WAIT: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxEntry:
    """A run that is to be asked for; `error` is what went wrong the last of `attempts` times."""

    id: int
    dag_id: str
    run_id: str
    conf: Mapping[str, Any]
    created: datetime
    due: datetime
    attempts: int
    error: str | None
    done_at: datetime | None


def put(connection: Connection, *, dag_id: str, run_id: str, conf: Mapping[str, Any], as_of: datetime) -> None:
    """Write a run into the outbox, in the caller's transaction; the same run a second time changes nothing."""
    known = select(outbox.c.id).where(outbox.c.dag_id == dag_id, outbox.c.run_id == run_id)
    if connection.execute(known).first() is None:
        connection.execute(
            insert(outbox).values(dag_id=dag_id, run_id=run_id, conf=dict(conf), created=as_of, due=as_of, attempts=0)
        )


class Outbox:
    """What waits for delivery as of one instant; each note is a transaction of its own.

    Two that deliver at the same time do no harm, because Airflow takes a run id once. Nothing is ever given up: what
    failed becomes due again after 2, 4, 8 … seconds, at most 5 minutes.
    """

    def __init__(self, database: Database, *, as_of: datetime) -> None:
        self._database = database
        self._as_of = as_of

    def pending(self, limit: int = 100) -> tuple[OutboxEntry, ...]:
        """Return what is due, oldest first."""
        query = select(outbox).where(outbox.c.done_at.is_(None), outbox.c.due <= self._as_of)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(outbox.c.id).limit(limit)).all()
        return tuple(OutboxEntry(**row._mapping) for row in rows)

    def delivered(self, message_id: int) -> None:
        """Note that Airflow has it; a second note changes nothing."""
        with self._database.transaction() as connection:
            connection.execute(
                update(outbox)
                .where(outbox.c.id == message_id, outbox.c.done_at.is_(None))
                .values(done_at=self._as_of, error=None)
            )

    def failed(self, message_id: int, error: str) -> None:
        """Note why it could not be delivered, and put it off; no-op where it has been delivered meanwhile."""
        with self._database.transaction() as connection:
            row = connection.execute(
                select(outbox.c.attempts).where(outbox.c.id == message_id, outbox.c.done_at.is_(None)).with_for_update()
            ).first()
            if row is None:
                return
            attempts = row.attempts + 1
            wait = min(timedelta(seconds=2 ** min(attempts, 20)), _LONGEST_WAIT)
            connection.execute(
                update(outbox)
                .where(outbox.c.id == message_id)
                .values(attempts=attempts, error=error, due=self._as_of + wait)
            )
