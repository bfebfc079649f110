"""A SUMO that is stepped from here, by TraCI over a loopback socket: one process, its own group, never left behind."""

import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import traci
from traci.exceptions import FatalTraCIError, TraCIException

from trafficfeed.errors import SimulationFailed
from trafficfeed.simulation.sumo_process import kill_group, last_words, start_program

_POLL_S: Final = 0.05
_STARTS: Final = 3  # another process may take the free port between our look and SUMO's


@contextmanager
def controlled_sumo(arguments: Sequence[str], *, folder: Path, load_limit_s: float = 300.0) -> Iterator[Any]:
    """Start SUMO and give the TraCI connection to it; it is killed at the end, whatever happens.

    Parameters
    ----------
    arguments
        SUMO's command line without the program and the port.
    folder
        The working directory; messages go to ``sumo.log`` in it.
    load_limit_s
        Wall-clock limit for loading the network, s.

    Raises
    ------
    SimulationFailed
        If SUMO does not come up, or ends while it is being stepped; the message carries its last lines.
    """
    log_path = folder / "sumo.log"
    process, connection = _started(arguments, folder, log_path, load_limit_s)
    try:
        yield connection
        with suppress(TraCIException, FatalTraCIError, OSError):
            connection.close()  # waits until the outputs are written
        process.wait(timeout=load_limit_s)
    except (FatalTraCIError, TraCIException, OSError) as error:
        raise SimulationFailed(f"SUMO ended while it was driven: {last_words(log_path)} ({error})") from error
    except subprocess.TimeoutExpired as error:
        raise SimulationFailed(f"SUMO did not end within {load_limit_s:g} s of being told to") from error
    finally:
        kill_group(process)


def _started(
    arguments: Sequence[str], folder: Path, log_path: Path, load_limit_s: float
) -> tuple[subprocess.Popen[bytes], Any]:
    for _ in range(_STARTS):
        port = _free_port()
        process = start_program("sumo", [*arguments, "--remote-port", str(port)], folder=folder, log_path=log_path)
        connection = _connected(process, port, load_limit_s)
        if connection is not None:
            return process, connection
        kill_group(process)
        if "port" not in last_words(log_path).lower():
            break
    raise SimulationFailed(f"SUMO did not come up: {last_words(log_path)}")


def _connected(process: "subprocess.Popen[bytes]", port: int, limit_s: float) -> Any:
    """Return a connection, or None if SUMO ended or said nothing within the limit."""
    give_up = time.monotonic() + limit_s
    while process.poll() is None and time.monotonic() < give_up:
        try:
            return traci.connect(port=port, numRetries=0, host="127.0.0.1")
        except (FatalTraCIError, OSError):
            time.sleep(_POLL_S)
    return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
