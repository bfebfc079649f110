"""Virtual signals with all their versions, and the messages pushed to partners."""

import sqlalchemy as sa
from alembic import op

from trafficfeed.store.tables import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables, and the triggers that keep what officers entered as it was."""
    op.create_table(
        "virtual_signal_versions",
        sa.Column("signal_id", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("city", sa.String(200), nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("signal_id", "version", name="pk_virtual_signal_versions"),
    )
    op.create_index("ix_virtual_signal_versions_city_expires_at", "virtual_signal_versions", ["city", "expires_at"])
    _refuse_changes("virtual_signal_versions")
    _pushes()


def _pushes() -> None:
    op.create_table(
        "push_messages",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("partner", sa.String(40), nullable=False),
        sa.Column("record_id", sa.String(300), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created", UtcDateTime(), nullable=False),
        sa.Column("due", UtcDateTime(), nullable=False),
        sa.Column("leased_until", UtcDateTime()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("error", sa.Text()),
        sa.Column("done_at", UtcDateTime()),
        sa.Column("dead_at", UtcDateTime()),
        sa.PrimaryKeyConstraint("id", name="pk_push_messages"),
        sa.UniqueConstraint("partner", "record_id", "version", name="uq_push_messages_partner_record_id_version"),
        sa.UniqueConstraint("key", name="uq_push_messages_key"),
    )
    op.create_index("ix_push_messages_done_at_dead_at_due", "push_messages", ["done_at", "dead_at", "due"])
    op.create_table(
        "push_cursors",
        sa.Column("partner", sa.String(40), nullable=False),
        sa.Column("release", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("format", sa.String(40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("partner", name="pk_push_cursors"),
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
