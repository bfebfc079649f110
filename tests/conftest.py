"""What tests of several rooms share: a fresh database of either kind."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, make_url, text
from throwaway_postgresql import cluster

from trafficfeed.store.database import Database, open_database, upgrade


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """URL of a PostgreSQL server: TRAFFICFEED_TEST_POSTGRES (its role must make databases), or one of our own."""
    if given := os.environ.get("TRAFFICFEED_TEST_POSTGRES"):
        yield given
        return
    with cluster() as url:
        yield url


@pytest.fixture(scope="session")
def upgraded_postgresql(postgresql: str) -> Iterator[str]:
    """Name of an upgraded, empty database on that server, to copy from: quicker than a migration for each test."""
    name = _new_name()
    _on_server(postgresql, f"CREATE DATABASE {name}")
    upgrade(_named(postgresql, name))
    yield name
    _on_server(postgresql, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database without tables, once of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'trafficfeed.db'}"
        return
    yield from _made(request.getfixturevalue("postgresql"), "template0")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An open, upgraded, empty database, once of each kind."""
    if request.param == "sqlite":
        opened = open_database(f"sqlite:///{tmp_path / 'trafficfeed.db'}")
        yield opened
        opened.close()
        return
    template = request.getfixturevalue("upgraded_postgresql")
    for url in _made(request.getfixturevalue("postgresql"), template):
        opened = Database(url)
        yield opened
        opened.close()


def _made(server: str, template: str) -> Iterator[str]:
    name = _new_name()
    _on_server(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield _named(server, name)
    _on_server(server, f"DROP DATABASE {name} WITH (FORCE)")


def _new_name() -> str:
    return f"trafficfeed_test_{uuid.uuid4().hex}"


def _named(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _on_server(server: str, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(statement))
