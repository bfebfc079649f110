"""The API in a process of its own, over a folder of releases that a test publishes."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.store.objects import ObjectStore

_SERVE = """
import logging
import api.main, api.routes.stream
from trafficfeed.running import serving

logging.basicConfig(level=logging.INFO)
api.main.POLL_S = 0.02
{more}
serving.serve(serving.from_environment())
"""


@dataclass(frozen=True)
class Served:
    """A server that runs: its port, and the releases that it serves."""

    port: int
    store: ReleaseStore
    log: Path

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def served(folder: Path, more: str = "") -> Iterator[Served]:
    """Serve the releases in `folder`, having done `more`; a new one is noticed within some 20 ms."""
    objects = folder / "objects"
    port = _free_port()
    environment = {
        **os.environ, "TRAFFICFEED_STATE_DIR": str(folder), "TRAFFICFEED_OBJECTS": str(objects),
        "TRAFFICFEED_API_PORT": str(port), "TRAFFICFEED_API_TICK_S": "0",
    }  # fmt: skip
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", _SERVE.format(more=more)], env=environment, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + 60
        while not _listens(port):
            assert process.poll() is None, (folder / "server.log").read_text("utf-8")
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield Served(port=port, log=folder / "server.log", store=ReleaseStore(ObjectStore(str(objects)), "closures"))
    finally:
        process.terminate()
        process.wait(20)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0
