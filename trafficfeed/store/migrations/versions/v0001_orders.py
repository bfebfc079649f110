"""Orders, their versions, checks, certificates, the audit log and the outbox."""

import sqlalchemy as sa
from alembic import op

from trafficfeed.store.tables import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_STATES = "'draft', 'checked', 'simulated', 'approved', 'published', 'active', 'ended', 'cancelled'"
_APPEND_ONLY = ("order_versions", "checks", "certificates", "audit_log")


def upgrade() -> None:
    """Make the tables, and the triggers that keep history as it was."""
    _orders()
    _checks_and_certificates()
    _audit_log()
    _outbox()
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION trafficfeed_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$"
        )
    for table in _APPEND_ONLY:
        _refuse_changes(table)


def _orders() -> None:
    op.create_table(
        "orders",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("city", sa.String(200), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("published_version", sa.Integer()),
        sa.Column("created", UtcDateTime(), nullable=False),
        sa.Column("updated", UtcDateTime(), nullable=False),
        sa.Column("submitted_at", UtcDateTime()),
        sa.Column("pre_approved_by", sa.String(200)),
        sa.Column("approved_by", sa.String(200)),
        sa.Column("finished_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("id", name="pk_orders"),
        sa.CheckConstraint(f"state IN ({_STATES})", name=op.f("ck_orders_state")),
        sa.CheckConstraint("version >= 1 AND revision >= 1", name=op.f("ck_orders_counts")),
        sa.CheckConstraint(
            "published_version IS NULL OR published_version BETWEEN 1 AND version",
            name=op.f("ck_orders_published_version"),
        ),
    )
    op.create_index("ix_orders_city_state", "orders", ["city", "state"])
    op.create_table(
        "order_versions",
        sa.Column("order_id", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "version", name="pk_order_versions"),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name="fk_order_versions_order_id"),
    )


def _checks_and_certificates() -> None:
    op.create_table(
        "checks",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("order_id", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_checks"),
        _order_version("checks"),
    )
    op.create_index("ix_checks_order_id_version", "checks", ["order_id", "version"])
    op.create_table(
        "certificates",
        sa.Column("id", sa.String(100), nullable=False),
        sa.Column("order_id", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", "order_id", "version", name="pk_certificates"),
        _order_version("certificates"),
    )
    op.create_index("ix_certificates_order_id_version", "certificates", ["order_id", "version"])


def _audit_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("order_id", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("from_state", sa.String(16)),
        sa.Column("to_state", sa.String(16), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_log"),
        _order_version("audit_log"),
    )
    op.create_index("ix_audit_log_order_id_id", "audit_log", ["order_id", "id"])


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("dag_id", sa.String(250), nullable=False),
        sa.Column("run_id", sa.String(250), nullable=False),
        sa.Column("conf", sa.JSON(), nullable=False),
        sa.Column("created", UtcDateTime(), nullable=False),
        sa.Column("due", UtcDateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("done_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("dag_id", "run_id", name="uq_outbox_dag_id_run_id"),
    )
    op.create_index("ix_outbox_done_at_due", "outbox", ["done_at", "due"])


def _order_version(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["order_id", "version"],
        ["order_versions.order_id", "order_versions.version"],
        name=f"fk_{table}_order_id_version",
    )


def _refuse_changes(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION trafficfeed_append_only()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
