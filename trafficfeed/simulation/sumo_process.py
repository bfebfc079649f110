"""One SUMO process: started in its own group, killed at its limit, and never left behind."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from trafficfeed.errors import SimulationFailed
from trafficfeed.network.sumo_binary import binary, sumo_home

_PR_SET_PDEATHSIG = 1
_TAIL_LINES = 12


class Running:
    """The programs that are running for one caller, so that it can end them all from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._ended = False

    def add(self, process: subprocess.Popen[bytes]) -> None:
        """Remember a program that has just been started; kill it at once where all have been ended."""
        with self._lock:
            self._processes.add(process)
            if self._ended:
                kill_group(process)

    def discard(self, process: subprocess.Popen[bytes]) -> None:
        """Forget a program that has ended."""
        with self._lock:
            self._processes.discard(process)

    def end_all(self) -> None:
        """Kill all that run, and whatever is started later."""
        with self._lock:
            self._ended = True
            for process in self._processes:
                kill_group(process)


def run_program(
    name: str, arguments: Sequence[str], *, folder: Path, time_limit_s: float, running: Running | None = None
) -> Path:
    """Run one of SUMO's programs in `folder` and return the file that holds its messages.

    The program gets its own process group, so that all of it can be killed at the limit or when this process is
    interrupted; the kernel kills it too if this process dies without a chance to clean up (Linux).

    Parameters
    ----------
    name
        ``sumo``, ``netconvert`` …
    arguments
        Its command line, without the program.
    folder
        The working directory; messages go to `folder`/``NAME.log``.
    time_limit_s
        Wall-clock limit, s.
    running
        Where it is noted while it runs, for a caller in another thread that may have to end it.

    Raises
    ------
    SimulationFailed
        If it ends with an error (the message carries SUMO's last lines) or is killed at the limit.
    """
    log_path = folder / f"{name}.log"
    process = start_program(name, arguments, folder=folder, log_path=log_path)
    try:
        if running is not None:
            running.add(process)
        code = process.wait(timeout=time_limit_s)
    except subprocess.TimeoutExpired as error:
        raise SimulationFailed(
            f"{name} was killed at its time limit of {time_limit_s:g} s: "
            "simulate a shorter stretch, or raise simulation.time_limit_s"
        ) from error
    finally:
        kill_group(process)
        if running is not None:
            running.discard(process)
    if code != 0:
        raise SimulationFailed(f"{name} ended with code {code}: {last_words(log_path)}")
    return log_path


def start_program(name: str, arguments: Sequence[str], *, folder: Path, log_path: Path) -> subprocess.Popen[bytes]:
    """Start one of SUMO's programs in its own process group, as `run_program` does; end it with `kill_group`."""
    with log_path.open("wb") as log:
        return subprocess.Popen(
            [str(binary(name)), *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "SUMO_HOME": str(sumo_home()), "LC_ALL": "C"},
            process_group=0,
            preexec_fn=die_with_parent(),
        )


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a program that was started in its own process group, with all that it started."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def die_with_parent() -> Callable[[], None] | None:
    """Return what a child does before exec: ask the kernel to kill it when the thread that started it ends."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died between fork and here
            os._exit(1)

    return ask


def last_words(path: Path) -> str:
    """Return the last errors in a program's messages, else its last lines."""
    lines = [line for line in path.read_text("utf-8", "replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("Error")]
    return " | ".join((errors or lines)[-_TAIL_LINES:]) or "it said nothing"
