"""A real broker for tests: mosquitto on a free port of the loopback interface."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
MISSING = "mosquitto is not installed: apt-get install mosquitto"


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def broker_on(port: int, folder: Path, *more: str) -> Iterator[None]:
    """Run mosquitto until the block is left; it is entered once the port answers."""
    assert MOSQUITTO is not None
    settings = folder / f"mosquitto-{port}.conf"
    lines = more or ("allow_anonymous true",)
    settings.write_text("\n".join([f"listener {port} 127.0.0.1", "persistence false", "user root", *lines, ""]))
    process = subprocess.Popen([MOSQUITTO, "-c", str(settings)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(250):
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait()
