"""Water and rain that were measured, reported and foretold, and what was decided of them."""

import sqlalchemy as sa
from alembic import op

from trafficfeed.store.tables import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_APPEND_ONLY = ("water_readings", "water_reports", "flood_decisions")


def upgrade() -> None:
    """Make the tables, and the triggers that keep what was seen and decided as it was."""
    _water_readings()
    _rain_readings()
    _water_reports()
    _rain_forecasts()
    _flood_decisions()
    for table in _APPEND_ONLY:
        _refuse_changes(table)


def _water_readings() -> None:
    op.create_table(
        "water_readings",
        sa.Column("row", _ROW_ID, nullable=False),
        sa.Column("city", sa.String(200), nullable=False),
        sa.Column("id", sa.String(300), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("sensor", sa.String(200), nullable=False),
        sa.Column("observed_at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("depth_m", sa.Float(), nullable=False),
        sa.Column("quality", sa.String(16), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("source", sa.String(100), nullable=False),
        sa.Column("raw", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("row", name="pk_water_readings"),
        sa.UniqueConstraint("city", "id", "revision", name="uq_water_readings_city_id_revision"),
    )
    op.create_index("ix_water_readings_city_sensor_observed_at", "water_readings", ["city", "sensor", "observed_at"])
    op.create_index("ix_water_readings_city_observed_at", "water_readings", ["city", "observed_at"])


def _rain_readings() -> None:
    op.create_table(
        "rain_readings",
        sa.Column("row", _ROW_ID, nullable=False),
        sa.Column("city", sa.String(200), nullable=False),
        sa.Column("id", sa.String(300), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("gauge", sa.String(200), nullable=False),
        sa.Column("lon", sa.Float(), nullable=False),
        sa.Column("lat", sa.Float(), nullable=False),
        sa.Column("start", UtcDateTime(), nullable=False),
        sa.Column("end", UtcDateTime(), nullable=False),
        sa.Column("rain_mm", sa.Float(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("quality", sa.String(16), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("source", sa.String(100), nullable=False),
        sa.Column("raw", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("row", name="pk_rain_readings"),
        sa.UniqueConstraint("city", "id", "revision", name="uq_rain_readings_city_id_revision"),
    )
    op.create_index("ix_rain_readings_city_end", "rain_readings", ["city", "end"])


def _water_reports() -> None:
    op.create_table(
        "water_reports",
        sa.Column("row", _ROW_ID, nullable=False),
        sa.Column("city", sa.String(200), nullable=False),
        sa.Column("id", sa.String(300), nullable=False),
        sa.Column("lon", sa.Float(), nullable=False),
        sa.Column("lat", sa.Float(), nullable=False),
        sa.Column("observed_at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("depth", sa.String(16), nullable=False),
        sa.Column("by_police", sa.Boolean(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("site", sa.String(200), nullable=False),
        sa.Column("source", sa.String(100), nullable=False),
        sa.Column("raw", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("row", name="pk_water_reports"),
        sa.UniqueConstraint("city", "id", name="uq_water_reports_city_id"),
    )
    op.create_index("ix_water_reports_city_observed_at", "water_reports", ["city", "observed_at"])


def _rain_forecasts() -> None:
    op.create_table(
        "rain_forecasts",
        sa.Column("row", _ROW_ID, nullable=False),
        sa.Column("city", sa.String(200), nullable=False),
        sa.Column("source", sa.String(100), nullable=False),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.Column("lon", sa.Float(), nullable=False),
        sa.Column("lat", sa.Float(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("step_s", sa.Float(), nullable=False),
        sa.Column("members", sa.Integer(), nullable=False),
        sa.Column("arrays", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("raw", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("row", name="pk_rain_forecasts"),
        sa.UniqueConstraint(
            "city",
            "source",
            "issued_at",
            "lon",
            "lat",
            "revision",
            name="uq_rain_forecasts_city_source_issued_at_lon_lat_revision",
        ),
    )


def _flood_decisions() -> None:
    op.create_table(
        "flood_decisions",
        sa.Column("row", _ROW_ID, nullable=False),
        sa.Column("city", sa.String(200), nullable=False),
        sa.Column("site", sa.String(200), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sa.Column("level", sa.String(16), nullable=False),
        sa.Column("basis", sa.String(16), nullable=False),
        sa.Column("episode", sa.String(250), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("row", name="pk_flood_decisions"),
    )
    op.create_index("ix_flood_decisions_city_site_decided_at", "flood_decisions", ["city", "site", "decided_at"])
    op.create_index("ix_flood_decisions_city_episode", "flood_decisions", ["city", "episode"])


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
