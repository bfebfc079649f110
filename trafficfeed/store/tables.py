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
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

from trafficfeed.closures.orders import OrderState

SCHEMA_REVISION: Final = "0003"
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

water_readings = Table(
    "water_readings",
    metadata,
    Column("row", _ROW_ID, primary_key=True),
    Column("city", String(200), nullable=False),
    Column("id", String(300), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("sensor", String(200), nullable=False),
    Column("observed_at", UtcDateTime, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("depth_m", Float, nullable=False),
    Column("quality", String(16), nullable=False),
    Column("why", Text, nullable=False),
    Column("source", String(100), nullable=False),
    Column("raw", String(200), nullable=False),
    UniqueConstraint("city", "id", "revision"),
    Index(None, "city", "sensor", "observed_at"),
    Index(None, "city", "observed_at"),
)

rain_readings = Table(
    "rain_readings",
    metadata,
    Column("row", _ROW_ID, primary_key=True),
    Column("city", String(200), nullable=False),
    Column("id", String(300), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("gauge", String(200), nullable=False),
    Column("lon", Float, nullable=False),
    Column("lat", Float, nullable=False),
    Column("start", UtcDateTime, nullable=False),
    Column("end", UtcDateTime, nullable=False),
    Column("rain_mm", Float, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("quality", String(16), nullable=False),
    Column("why", Text, nullable=False),
    Column("source", String(100), nullable=False),
    Column("raw", String(200), nullable=False),
    UniqueConstraint("city", "id", "revision"),
    Index(None, "city", "end"),
)

water_reports = Table(
    "water_reports",
    metadata,
    Column("row", _ROW_ID, primary_key=True),
    Column("city", String(200), nullable=False),
    Column("id", String(300), nullable=False),
    Column("lon", Float, nullable=False),
    Column("lat", Float, nullable=False),
    Column("observed_at", UtcDateTime, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("depth", String(16), nullable=False),
    Column("by_police", Boolean, nullable=False),
    Column("text", Text, nullable=False),
    Column("site", String(200), nullable=False),
    Column("source", String(100), nullable=False),
    Column("raw", String(200), nullable=False),
    UniqueConstraint("city", "id"),
    Index(None, "city", "observed_at"),
)

rain_forecasts = Table(
    "rain_forecasts",
    metadata,
    Column("row", _ROW_ID, primary_key=True),
    Column("city", String(200), nullable=False),
    Column("source", String(100), nullable=False),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("lon", Float, nullable=False),
    Column("lat", Float, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("step_s", Float, nullable=False),
    Column("members", Integer, nullable=False),
    Column("arrays", LargeBinary, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("raw", String(200), nullable=False),
    UniqueConstraint("city", "source", "issued_at", "lon", "lat", "revision"),
)

flood_decisions = Table(
    "flood_decisions",
    metadata,
    Column("row", _ROW_ID, primary_key=True),
    Column("city", String(200), nullable=False),
    Column("site", String(200), nullable=False),
    Column("decided_at", UtcDateTime, nullable=False),
    Column("level", String(16), nullable=False),
    Column("basis", String(16), nullable=False),
    Column("episode", String(250), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("body", JSON, nullable=False),
    Index(None, "city", "site", "decided_at"),
    Index(None, "city", "episode"),
)

APPEND_ONLY: Final = (
    "order_versions",
    "checks",
    "certificates",
    "audit_log",
    "virtual_signal_versions",
    "water_readings",
    "water_reports",
    "flood_decisions",
)
"""Tables whose rows the database itself refuses to change or delete (triggers, made by the migrations)."""
