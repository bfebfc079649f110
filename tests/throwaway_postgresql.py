"""A PostgreSQL of our own for the tests: started from the machine's binaries in a temporary folder, gone afterwards."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

DRIVERS = ("psycopg", "pg8000", "psycopg2")


@contextmanager
def cluster() -> Iterator[str]:
    """Run a cluster and give the SQLAlchemy URL of its first database; skip, saying why, where that cannot be."""
    binaries = _binaries()
    driver = next((name for name in DRIVERS if find_spec(name)), None)
    if binaries is None:
        pytest.skip("no PostgreSQL binaries here; set TRAFFICFEED_TEST_POSTGRES to the URL of a server instead")
    if driver is None:
        pytest.skip(f"no PostgreSQL driver here: install one of {', '.join(DRIVERS)}")
    user = _unprivileged_user()
    folder = Path(tempfile.mkdtemp(prefix="trafficfeed-postgresql-"))
    server: subprocess.Popen[bytes] | None = None
    try:
        if user is not None:
            shutil.chown(folder, user)
        _run(
            [binaries / "initdb", "-D", folder / "data", "-A", "trust", "-U", "tests", "-N", "-E", "UTF8"], user, folder
        )
        port = _free_port()
        server = _start(binaries, folder, port, user)
        _wait_until_ready(server, port, folder)
        yield f"postgresql+{driver}://tests@127.0.0.1:{port}/postgres"
    finally:
        if server is not None:
            _stop(server)
        shutil.rmtree(folder, ignore_errors=True)


def _start(binaries: Path, folder: Path, port: int, user: str | None) -> subprocess.Popen[bytes]:
    options = {"fsync": "off", "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": 60}
    settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [binaries / "postgres", "-D", folder / "data", "-p", str(port), *settings],
            stdout=log,
            stderr=log,
            cwd=folder,
            **_as(user),
        )


def _wait_until_ready(server: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if b"ready to accept connections" in (folder / "log").read_bytes():
            return
        if server.poll() is not None:
            break
        time.sleep(0.05)
    pytest.fail(f"PostgreSQL on port {port} did not start: {(folder / 'log').read_text()[-2000:]}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(2)  # fast shutdown
    try:
        server.wait(30)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _run(command: list[str | Path], user: str | None, folder: Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False, **_as(user))
    if done.returncode:
        pytest.fail(f"{command[0]} failed: {done.stderr[-2000:]}")


def _binaries() -> Path | None:
    candidates = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    if found := shutil.which("initdb"):
        candidates.append(Path(found).resolve().parent)
    return next((folder for folder in candidates if (folder / "postgres").exists()), None)


def _unprivileged_user() -> str | None:
    """PostgreSQL refuses to run as root."""
    return "nobody" if os.geteuid() == 0 else None


def _as(user: str | None) -> dict[str, object]:
    return {} if user is None else {"user": user, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
