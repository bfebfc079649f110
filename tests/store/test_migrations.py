from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from trafficfeed.errors import SourceUnavailable
from trafficfeed.store.database import MIGRATIONS, Database, open_database, upgrade
from trafficfeed.store.tables import APPEND_ONLY, SCHEMA_REVISION, metadata


def test_the_migrations_make_exactly_the_tables_of_the_models(database: Database) -> None:
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_the_migrations_make_the_same_keys_indexes_and_constraints_as_the_models(tmp_path: Path) -> None:
    migrated = open_database(f"sqlite:///{tmp_path / 'migrated.db'}")
    modelled = create_engine(f"sqlite:///{tmp_path / 'modelled.db'}")
    metadata.create_all(modelled)
    with migrated.reading() as one, modelled.connect() as other:
        assert _described(one) == _described(other)


def _described(connection: Connection) -> dict[str, Any]:
    found = inspect(connection)
    return {
        name: {
            "columns": [(c["name"], str(c["type"]), c["nullable"]) for c in found.get_columns(name)],
            "primary key": found.get_pk_constraint(name),
            "foreign keys": found.get_foreign_keys(name),
            "checks": sorted(map(str, found.get_check_constraints(name))),
            "unique": found.get_unique_constraints(name),
            "indexes": sorted(map(str, found.get_indexes(name))),
        }
        for name in found.get_table_names()
        if name != "alembic_version"
    }


def test_the_newest_migration_is_the_one_that_opening_looks_for() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == SCHEMA_REVISION


def test_upgrading_again_changes_nothing(database_url: str) -> None:
    upgrade(database_url)
    upgrade(database_url)
    with Database(database_url).reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar() == 1


def test_a_migration_that_fails_leaves_no_half(database_url: str) -> None:
    with Database(database_url).transaction() as connection:
        connection.execute(text("CREATE TABLE outbox (id INTEGER)"))
    with pytest.raises(SourceUnavailable, match="outbox"):
        upgrade(database_url)
    with Database(database_url).reading() as connection:
        assert inspect(connection).get_table_names() == ["outbox"]


def test_a_database_of_a_newer_program_is_refused(database_url: str) -> None:
    database = open_database(database_url)
    with database.transaction() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SourceUnavailable, match="newer"):
        upgrade(database_url)


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("statement", ["UPDATE {table} SET {column} = {column}", "DELETE FROM {table}"])
def test_the_database_itself_refuses_to_change_history(history: Database, table: str, statement: str) -> None:
    before = _rows(history, table)
    assert before
    with pytest.raises((DBAPIError, SourceUnavailable), match="append-only"), history.transaction() as connection:
        column = next(iter(metadata.tables[table].c)).name
        connection.execute(text(statement.format(table=table, column=f'"{column}"')))
    assert _rows(history, table) == before


def test_postgresql_refuses_to_truncate_the_audit_log(history: Database) -> None:
    if history.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no TRUNCATE")
    with pytest.raises((DBAPIError, SourceUnavailable), match="append-only"), history.transaction() as connection:
        connection.execute(text("TRUNCATE audit_log"))


def _rows(database: Database, table: str) -> list[Any]:
    with database.reading() as connection:
        return [tuple(map(str, row)) for row in connection.execute(metadata.tables[table].select())]
