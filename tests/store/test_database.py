import multiprocessing
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from made_orders import made_order
from sqlalchemy import text

from trafficfeed.errors import SourceUnavailable
from trafficfeed.store.audit import AuditLog
from trafficfeed.store.database import Database, open_database
from trafficfeed.store.orders import Orders

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
_FORK = multiprocessing.get_context("fork")


def test_what_a_transaction_wrote_is_gone_when_it_fails(database: Database) -> None:
    with pytest.raises(RuntimeError), database.transaction() as connection:
        Orders(connection).add(made_order(), actor="ann", as_of=NOW)
        raise RuntimeError("power cut")
    with database.reading() as connection:
        assert Orders(connection).list() == ()
        assert AuditLog(connection).latest() == ()


def test_what_is_written_while_reading_is_not_kept(database: Database) -> None:
    with database.reading() as connection:
        connection.execute(
            text(
                "INSERT INTO orders (id, city, state, version, revision, created, updated) "
                "VALUES ('x1', 'c', 'draft', 1, 1, '2026-01-01', '2026-01-01')"
            )
        )
    with database.reading() as connection:
        assert Orders(connection).list() == ()


def test_a_reader_sees_one_state_while_another_writes(database: Database) -> None:
    with database.reading() as reader:
        assert Orders(reader).list() == ()
        with database.transaction() as writer:
            Orders(writer).add(made_order(), actor="ann", as_of=NOW)
        assert Orders(reader).list() == ()
    with database.reading() as reader:
        assert len(Orders(reader).list()) == 1


def test_sqlite_is_in_wal_mode_with_foreign_keys(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    with database.reading() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1


def test_the_folder_of_a_new_sqlite_file_is_made(tmp_path: Path) -> None:
    open_database(f"sqlite:///{tmp_path / 'not' / 'yet' / 'there.db'}").close()
    assert (tmp_path / "not" / "yet" / "there.db").exists()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite://", "in-memory"),
        ("sqlite:///:memory:", "in-memory"),
        ("no url at all", "cannot be used as a database URL"),
        ("nosuchbase://host/name", "cannot be used as a database URL"),
        ("sqlite:////proc/nobody/writes/here.db", "cannot be made"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_with_words(url: str, says: str) -> None:
    with pytest.raises(SourceUnavailable, match=says):
        open_database(url)


def test_a_file_that_is_no_database_is_refused_with_words(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"certainly not SQLite" * 100)
    with pytest.raises(SourceUnavailable, match="cannot be used"):
        open_database(f"sqlite:///{tmp_path / 'a.db'}")


def test_a_database_without_tables_says_that_it_wants_an_upgrade(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "a.db").close()
    with pytest.raises(SourceUnavailable, match="upgrade"), Database(f"sqlite:///{tmp_path / 'a.db'}").reading() as c:
        Orders(c).list()


def _open_and_add(url: str, first: int, barrier: "multiprocessing.synchronize.Barrier") -> None:
    barrier.wait()
    database = open_database(url)
    for number in range(first, first + 10):
        with database.transaction() as connection:
            Orders(connection).add(made_order(f"order-{number}"), actor="ann", as_of=NOW)
        with database.transaction() as connection:
            orders = Orders(connection)
            stored = orders.lock("shared")
            orders.amend(stored, made_order("shared", description={"en": str(number)}), actor="ann", as_of=NOW)


def test_processes_that_open_upgrade_and_write_at_the_same_time_lose_nothing(database_url: str) -> None:
    barrier = _FORK.Barrier(4)
    database = open_database(database_url)
    with database.transaction() as connection:
        Orders(connection).add(made_order("shared"), actor="ann", as_of=NOW)
    database.close()  # connections do not survive a fork
    writers = [_FORK.Process(target=_open_and_add, args=(database_url, 100 * n, barrier)) for n in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
    assert [writer.exitcode for writer in writers] == [0, 0, 0, 0]
    with database.reading() as connection:
        assert len(Orders(connection).list()) == 41
        assert [stored.version for stored in Orders(connection).versions("shared")] == list(range(1, 42))


def _open(url: str, barrier: "multiprocessing.synchronize.Barrier") -> None:
    barrier.wait()
    open_database(url).close()


def test_processes_that_make_the_same_new_database_all_find_it_upgraded(database_url: str) -> None:
    barrier = _FORK.Barrier(4)
    openers = [_FORK.Process(target=_open, args=(database_url, barrier)) for _ in range(4)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join(120)
    assert [opener.exitcode for opener in openers] == [0, 0, 0, 0]
    with Database(database_url).reading() as connection:
        assert Orders(connection).list() == ()
