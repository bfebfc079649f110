"""The audit log: who did what to which order, when, and why; the database refuses to change it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from trafficfeed.closures.orders import OrderState
from trafficfeed.store.tables import audit_log


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One line of the log; `from_state` is None where the order was made. `id` grows with time."""

    id: int
    at: datetime
    actor: str
    action: str
    order_id: str
    version: int
    from_state: OrderState | None
    to_state: OrderState
    detail: Mapping[str, Any]


class AuditLog:
    """The log, on one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def append(
        self,
        *,
        at: datetime,
        actor: str,
        action: str,
        order_id: str,
        version: int,
        from_state: OrderState | None,
        to_state: OrderState,
        detail: Mapping[str, Any],
    ) -> None:
        """Add a line, in the transaction of the step that it tells of."""
        self._connection.execute(
            insert(audit_log).values(
                at=at,
                actor=actor,
                action=action,
                order_id=order_id,
                version=version,
                from_state=from_state,
                to_state=to_state,
                detail=dict(detail),
            )
        )

    def of_order(self, order_id: str) -> tuple[AuditEntry, ...]:
        """Return everything that happened to an order, oldest first."""
        rows = self._connection.execute(
            select(audit_log).where(audit_log.c.order_id == order_id).order_by(audit_log.c.id)
        )
        return tuple(_entry(row) for row in rows)

    def latest(self, *, limit: int = 100, before: int | None = None) -> tuple[AuditEntry, ...]:
        """Return the newest lines first; `before` is the id to page on from."""
        query = select(audit_log).order_by(audit_log.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(audit_log.c.id < before)
        return tuple(_entry(row) for row in self._connection.execute(query))

    def was_approved(self, order_id: str, version: int) -> bool:
        """Tell whether this very version was ever approved."""
        found = self._connection.execute(
            select(audit_log.c.id)
            .where(audit_log.c.order_id == order_id, audit_log.c.version == version)
            .where(audit_log.c.action == "approve")
            .limit(1)
        )
        return found.first() is not None


def _entry(row: Row[Any]) -> AuditEntry:
    values = dict(row._mapping)
    values["from_state"] = OrderState(row.from_state) if row.from_state else None
    values["to_state"] = OrderState(row.to_state)
    return AuditEntry(**values)
