"""One database by URL, SQLite (WAL) or PostgreSQL: opening, upgrading, and transactions that wait their turn."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError, InterfaceError, NoSuchModuleError, TimeoutError

from trafficfeed.errors import SourceUnavailable
from trafficfeed.store.tables import SCHEMA_REVISION

MIGRATIONS: Final = Path(__file__).parent / "migrations"
_WRITES = "trafficfeed_writes"
_WAIT_S = 30.0
_UPGRADE_LOCK = 0x7472_6166  # any number that no other program uses for an advisory lock


class Database:
    """The store's database; make one per process (connections do not survive a fork).

    Parameters
    ----------
    url
        SQLAlchemy URL. On SQLite it must name a file: several processes share it (API, tasks, command line).

    Raises
    ------
    SourceUnavailable
        If the URL cannot be used.
    """

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Give a connection whose writes are committed together at the end, or not at all on an exception.

        On SQLite writers wait for each other (``BEGIN IMMEDIATE``), so what is read here cannot change before the
        commit; on PostgreSQL the repositories lock the rows that they are about to change.

        Raises
        ------
        SourceUnavailable
            If the database cannot be reached, is locked for longer than 30 s, or has no tables.
        """
        with self._connect(writes=True) as connection, connection.begin():
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database; nothing written on it is kept.

        Raises
        ------
        SourceUnavailable
            As for `transaction`.
        """
        with self._connect(writes=False) as connection:
            yield connection

    @contextmanager
    def _connect(self, *, writes: bool) -> Iterator[Connection]:
        try:
            with self.engine.connect() as connection:
                connection.execution_options(**{_WRITES: writes})
                if not writes and connection.dialect.name == "postgresql":
                    connection.execution_options(isolation_level="REPEATABLE READ")
                yield connection
        except IntegrityError:
            raise  # not the database's trouble: the repositories know what it means
        except (DatabaseError, InterfaceError, TimeoutError) as error:
            raise SourceUnavailable(
                f"the database {self.engine.url!r} cannot be used: {getattr(error, 'orig', error)}; "
                "is the server running, the file writable, and was it opened by `open_database`, which upgrades it?"
            ) from error

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def open_database(url: str) -> Database:
    """Bring the database at `url` to the present schema, making it if need be, and open it.

    Raises
    ------
    SourceUnavailable
        If it cannot be reached, or was made by a newer version of this program.
    """
    upgrade(url)
    return Database(url)


def upgrade(url: str) -> None:
    """Run the migrations that the database at `url` lacks, all or none; several processes may do so at once.

    Raises
    ------
    SourceUnavailable
        If it cannot be reached, or was made by a newer version of this program.
    """
    database = Database(url)
    try:
        if not _is_upgraded(database):
            _migrate(database)
    finally:
        database.close()


def _is_upgraded(database: Database) -> bool:
    with database.reading() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == SCHEMA_REVISION


def _migrate(database: Database) -> None:
    # Alembic takes 0.1 s to import, which only those whose database is not of today should pay.
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    try:
        with database.transaction() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise SourceUnavailable(
            f"the database {database.engine.url!r} cannot be upgraded: {error}; "
            "if a newer trafficfeed made it, run that one"
        ) from error


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        options: dict[str, Any] = {"json_serializer": partial(json.dumps, allow_nan=False, ensure_ascii=False)}
        if parsed.get_backend_name() == "sqlite":
            _prepare_folder(parsed)
            options["connect_args"] = {"timeout": _WAIT_S, "check_same_thread": False}
        else:
            options["pool_pre_ping"] = True
        engine = create_engine(parsed, **options)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise SourceUnavailable(
            f"{url.split('@')[-1]!r} cannot be used as a database URL: {error}; "
            "give sqlite:////path/file.db, or postgresql+DRIVER://user@host/name with the driver installed"
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _on_sqlite_connect)
        event.listen(engine, "begin", _on_sqlite_begin)
    return engine


def _prepare_folder(url: URL) -> None:
    if not url.database or url.database == ":memory:":
        raise SourceUnavailable("the store needs an SQLite file that processes can share, not an in-memory database")
    try:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SourceUnavailable(f"the folder of the database {url.database} cannot be made: {error}") from error


def _on_sqlite_connect(raw: Any, _record: Any) -> None:
    # Transactions are begun by _on_sqlite_begin, not by the driver's guess.
    raw.isolation_level = None
    raw.execute("PRAGMA foreign_keys = ON")
    if raw.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            raw.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            # Another process is just now making this file, and sets the mode: it belongs to the file.


def _on_sqlite_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
