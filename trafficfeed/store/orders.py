"""Orders: one head row each, immutable versions, and no change of state without a line in the audit log."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, and_, case, func, insert, or_, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from trafficfeed.closures.document import dump_order, order_hash
from trafficfeed.closures.orders import Order, OrderState
from trafficfeed.errors import OrderConflict, OrderNotFound
from trafficfeed.store import lifecycle
from trafficfeed.store.audit import AuditLog
from trafficfeed.store.bodies import known_order, read_order
from trafficfeed.store.tables import order_versions, orders

_AT_ONCE: Final = 400  # databases limit how many values one statement takes


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOrder:
    """One version of an order, and where the order as a whole stands.

    `state`, `revision` and what follows belong to the order; `order`, `version`, `sha256`, `author` and `version_at` to
    the version. `revision` grows with every change: give it back with an amendment. `latest_version` differs from
    `version` where an older version is looked at. `published_version` is the one that map apps get, until a newer one
    is published. `submitted_at` and the approvals speak of the latest version. `finished_at` is when the order ended
    or was cancelled.
    """

    order: Order
    version: int
    sha256: str
    author: str
    version_at: datetime
    state: OrderState
    latest_version: int
    revision: int
    created: datetime
    updated: datetime
    published_version: int | None
    submitted_at: datetime | None
    pre_approved_by: str | None
    approved_by: str | None
    finished_at: datetime | None

    @property
    def etag(self) -> str:
        """The HTTP entity tag of this state of the order."""
        return f'"{self.order.id}.{self.revision}"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A change of state: what the audit log says of it, and what else changes in the head row."""

    action: str
    to: OrderState
    actor: str
    as_of: datetime
    detail: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)


class Orders:
    """The orders, on one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._audit = AuditLog(connection)

    def get(self, order_id: str, *, version: int | None = None) -> StoredOrder:
        """Return an order at `version`, or at its latest.

        Raises
        ------
        OrderNotFound
            If there is no such order, or no such version of it.
        """
        wanted = orders.c.version if version is None else version
        found = self._one(_stored(wanted).where(orders.c.id == order_id))
        if found is None:
            what = f"order {order_id}" if version is None else f"version {version} of order {order_id}"
            raise OrderNotFound(f"there is no {what} in the store: look at the list of orders")
        return found

    def lock(self, order_id: str, *, expected_revision: int | None = None) -> StoredOrder:
        """Return the order for a change that nobody can come between, until the transaction ends.

        Raises
        ------
        OrderNotFound
            If there is no such order.
        OrderConflict
            If it is not at `expected_revision` any more: somebody else changed it first.
        """
        self._connection.execute(select(orders.c.id).where(orders.c.id == order_id).with_for_update())
        stored = self.get(order_id)
        if expected_revision is not None and stored.revision != expected_revision:
            raise OrderConflict(
                f"order {order_id} is at revision {stored.revision}, not {expected_revision}: somebody changed it at "
                f"{stored.updated.isoformat()}; read it again, then repeat the step"
            )
        return stored

    def list(
        self,
        *,
        city: str | None = None,
        states: Collection[OrderState] | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> tuple[StoredOrder, ...]:
        """Return orders at their latest version, by id."""
        query = _stored(orders.c.version).order_by(orders.c.id).limit(limit).offset(offset or None)
        if city is not None:
            query = query.where(orders.c.city == city)
        if states is not None:
            query = query.where(orders.c.state.in_(list(states)))
        return self._many(query)

    def versions(self, order_id: str) -> tuple[StoredOrder, ...]:
        """Return all versions of an order, oldest first; empty where there is no such order."""
        query = _stored(None).where(orders.c.id == order_id).order_by(order_versions.c.version)
        return self._many(query)

    def awaiting_simulation(self, *, city: str | None = None) -> tuple[StoredOrder, ...]:
        """Return the orders that were submitted and whose latest version has no certificate yet, oldest first."""
        waiting = and_(orders.c.submitted_at.is_not(None), orders.c.state == OrderState.CHECKED)
        query = _stored(orders.c.version).where(waiting).order_by(orders.c.submitted_at, orders.c.id)
        if city is not None:
            query = query.where(orders.c.city == city)
        return self._many(query)

    def to_serve(self, *, city: str, ended_since: datetime) -> tuple[StoredOrder, ...]:
        """Return what the next release carries, by order id: each order at the version to be served.

        An approved version replaces the published one; where the latest version is still being worked on, the
        published one goes on being served. Orders that ended or were cancelled at `ended_since` or later are included.
        """
        approved = orders.c.state == OrderState.APPROVED
        version = case((approved, orders.c.version), else_=orders.c.published_version)
        current = or_(orders.c.finished_at.is_(None), orders.c.finished_at >= ended_since)
        query = _stored(version).where(orders.c.city == city, current).order_by(orders.c.id)
        return self._many(query)

    def stamp(self, *, city: str) -> tuple[int, int]:
        """Return two numbers that differ from those of before whenever an order of the city was added or changed."""
        changes = select(func.count(), func.coalesce(func.sum(orders.c.revision), 0)).where(orders.c.city == city)
        count, revisions = self._connection.execute(changes).one()
        return int(count), int(revisions)

    def add(self, order: Order, *, actor: str, as_of: datetime) -> StoredOrder:
        """Store a new order as version 1, a draft.

        Raises
        ------
        OrderConflict
            If an order of this id exists.
        """
        try:
            self._connection.execute(
                insert(orders).values(
                    id=order.id,
                    city=order.city,
                    state=OrderState.DRAFT,
                    version=1,
                    revision=1,
                    created=as_of,
                    updated=as_of,
                )
            )
        except IntegrityError as error:
            raise OrderConflict(f"an order {order.id} exists: amend it, or give the new one another id") from error
        digest = self._add_version(order, 1, actor=actor, as_of=as_of)
        step = Step(action="create", to=OrderState.DRAFT, actor=actor, as_of=as_of, detail={"sha256": digest})
        self._log(order.id, 1, None, step)
        return self.get(order.id)

    def amend(self, stored: StoredOrder, order: Order, *, actor: str, as_of: datetime) -> StoredOrder:
        """Add a version to a locked order, which goes back to draft; a published version goes on being served.

        Raises
        ------
        OrderConflict
            If the order has ended or was cancelled.
        """
        lifecycle.require(order.id, stored.state, to=OrderState.DRAFT)
        version = stored.latest_version + 1
        digest = self._add_version(order, version, actor=actor, as_of=as_of)
        changes = {"version": version, "submitted_at": None, "pre_approved_by": None, "approved_by": None}
        step = Step(
            action="amend", to=OrderState.DRAFT, actor=actor, as_of=as_of, detail={"sha256": digest}, changes=changes
        )
        return self.advance(stored, step, version=version)

    def advance(self, stored: StoredOrder, step: Step, *, version: int | None = None) -> StoredOrder:
        """Take a locked order to another state (or note a step within its state), and write it down.

        Raises
        ------
        OrderConflict
            If the state does not allow the step, or somebody else changed the order since it was read.
        """
        if step.to is not stored.state:
            lifecycle.require(stored.order.id, stored.state, to=step.to)
        changed = self._connection.execute(
            update(orders)
            .where(orders.c.id == stored.order.id, orders.c.revision == stored.revision)
            .values(state=step.to, revision=stored.revision + 1, updated=step.as_of, **step.changes)
        )
        if changed.rowcount != 1:
            raise OrderConflict(f"order {stored.order.id} was changed by somebody else: read it again, then repeat")
        self._log(stored.order.id, version or stored.latest_version, stored.state, step)
        return self.get(stored.order.id)

    def _many(self, query: Select[Any]) -> tuple[StoredOrder, ...]:
        """Return the orders of a query; only bodies that this process has not read before come from the database."""
        rows = self._connection.execute(query).all()
        found = {_key(row): known_order(_name(row), row.sha256) for row in rows}
        unknown = {_key(row): row for row in rows if found[_key(row)] is None}
        for keys in _batches(list(unknown)):
            columns = select(order_versions.c.order_id, order_versions.c.version, order_versions.c.body)
            wanted = columns.where(tuple_(order_versions.c.order_id, order_versions.c.version).in_(keys))
            for order_id, version, body in self._connection.execute(wanted):
                row = unknown[order_id, version]
                found[order_id, version] = read_order(_name(row), row.sha256, body)
        return tuple(_stored_order(row, order) for row in rows if (order := found[_key(row)]) is not None)

    def _one(self, query: Select[Any]) -> StoredOrder | None:
        found = self._many(query)
        return found[0] if found else None

    def _add_version(self, order: Order, version: int, *, actor: str, as_of: datetime) -> str:
        digest = order_hash(order)
        self._connection.execute(
            insert(order_versions).values(
                order_id=order.id, version=version, body=dump_order(order), sha256=digest, author=actor, at=as_of
            )
        )
        return digest

    def _log(self, order_id: str, version: int, before: OrderState | None, step: Step) -> None:
        self._audit.append(
            at=step.as_of,
            actor=step.actor,
            action=step.action,
            order_id=order_id,
            version=version,
            from_state=before,
            to_state=step.to,
            detail=step.detail,
        )


def _stored(version: Any) -> Select[Any]:
    """Select orders joined to one version each (`version` an expression), or to all of theirs (None)."""
    same_order = orders.c.id == order_versions.c.order_id
    condition = same_order if version is None else and_(same_order, order_versions.c.version == version)
    return select(
        orders,
        order_versions.c.version.label("shown_version"),
        order_versions.c.sha256,
        order_versions.c.author,
        order_versions.c.at,
    ).join_from(orders, order_versions, condition)


def _name(row: Row[Any]) -> str:
    return f"version {row.shown_version} of order {row.id} in the store"


def _batches(keys: Sequence[tuple[str, int]]) -> Iterator[Sequence[tuple[str, int]]]:
    return (keys[at : at + _AT_ONCE] for at in range(0, len(keys), _AT_ONCE))


def _key(row: Row[Any]) -> tuple[str, int]:
    return row.id, row.shown_version


def _stored_order(row: Row[Any], order: Order) -> StoredOrder:
    return StoredOrder(
        order=order,
        version=row.shown_version,
        sha256=row.sha256,
        author=row.author,
        version_at=row.at,
        state=OrderState(row.state),
        latest_version=row.version,
        revision=row.revision,
        created=row.created,
        updated=row.updated,
        published_version=row.published_version,
        submitted_at=row.submitted_at,
        pre_approved_by=row.pre_approved_by,
        approved_by=row.approved_by,
        finished_at=row.finished_at,
    )
