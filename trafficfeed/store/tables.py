"""The tables, the same on SQLite and PostgreSQL; `migrations/` makes them, a test proves that both agree."""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

from trafficfeed.closures.orders import OrderState

SCHEMA_REVISION: Final = "0002"
"""The newest migration: a database that says so needs none."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, kept in UTC (SQLite has no zones: the text there is UTC)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn an aware time to UTC; a naive one is a programming error."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"the store needs aware times, got {value.isoformat()}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the time back in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_ROW_ID = BigInteger().with_variant(Integer, "sqlite")
_STATES = ", ".join(f"'{state}'" for state in OrderState)

orders = Table(
    "orders",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("city", String(200), nullable=False),
    Column("state", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("published_version", Integer),
    Column("created", UtcDateTime, nullable=False),
    Column("updated", UtcDateTime, nullable=False),
    Column("submitted_at", UtcDateTime),
    Column("pre_approved_by", String(200)),
    Column("approved_by", String(200)),
    Column("finished_at", UtcDateTime),
    CheckConstraint(f"state IN ({_STATES})", name="state"),
    CheckConstraint("version >= 1 AND revision >= 1", name="counts"),
    CheckConstraint("published_version IS NULL OR published_version BETWEEN 1 AND version", name="published_version"),
    Index(None, "city", "state"),
)

order_versions = Table(
    "order_versions",
    metadata,
    Column("order_id", String(64), ForeignKey("orders.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("body", JSON, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("author", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)


def _order_version() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["order_id", "version"], ["order_versions.order_id", "order_versions.version"])


checks = Table(
    "checks",
    metadata,
    Column("id", _ROW_ID, primary_key=True),
    Column("order_id", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("passed", Boolean, nullable=False),
    Column("findings", JSON, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    _order_version(),
    Index(None, "order_id", "version"),
)

certificates = Table(
    "certificates",
    metadata,
    Column("id", String(100), primary_key=True),
    Column("order_id", String(64), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("verdict", String(16), nullable=False),
    Column("body", JSON, nullable=False),
    Column("report", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    _order_version(),
    Index(None, "order_id", "version"),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", _ROW_ID, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("action", String(64), nullable=False),
    Column("order_id", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("from_state", String(16)),
    Column("to_state", String(16), nullable=False),
    Column("detail", JSON, nullable=False),
    _order_version(),
    Index(None, "order_id", "id"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", _ROW_ID, primary_key=True),
    Column("dag_id", String(250), nullable=False),
    Column("run_id", String(250), nullable=False),
    Column("conf", JSON, nullable=False),
    Column("created", UtcDateTime, nullable=False),
    Column("due", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", Text),
    Column("done_at", UtcDateTime),
    UniqueConstraint("dag_id", "run_id"),
    Index(None, "done_at", "due"),
)

virtual_signal_versions = Table(
    "virtual_signal_versions",
    metadata,
    Column("signal_id", String(64), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("city", String(200), nullable=False),
    Column("action", String(16), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("body", JSON, nullable=False),
    Index(None, "city", "expires_at"),
)

push_messages = Table(
    "push_messages",
    metadata,
    Column("id", _ROW_ID, primary_key=True),
    Column("partner", String(40), nullable=False),
    Column("record_id", String(300), nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", String(8), nullable=False),
    Column("key", String(64), nullable=False),
    Column("body", Text, nullable=False),
    Column("created", UtcDateTime, nullable=False),
    Column("due", UtcDateTime, nullable=False),
    Column("leased_until", UtcDateTime),
    Column("attempts", Integer, nullable=False),
    Column("status", Integer),
    Column("error", Text),
    Column("done_at", UtcDateTime),
    Column("dead_at", UtcDateTime),
    UniqueConstraint("partner", "record_id", "version"),
    UniqueConstraint("key"),
    Index(None, "done_at", "dead_at", "due"),
)

push_cursors = Table(
    "push_cursors",
    metadata,
    Column("partner", String(40), primary_key=True),
    Column("release", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("format", String(40), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

APPEND_ONLY: Final = ("order_versions", "checks", "certificates", "audit_log", "virtual_signal_versions")
"""Tables whose rows the database itself refuses to change or delete (triggers, made by the migrations)."""
