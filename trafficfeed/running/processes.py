"""Child processes that never outlive us: started in sessions of their own, found again wherever they fled to, ended.

A runner that is only a parent loses its grandchildren: Airflow's task supervisors open sessions of their own, and what
a killed scheduler leaves behind becomes a child of init. Two processes therefore watch each other (`guarded`): both
are *subreapers*, to whom the kernel gives every orphan below them, so `end_descendants` in the one that is left
finds everything, even after ``kill -9`` of the other. On systems without ``prctl`` (macOS) only the ordinary way
of stopping is covered.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import psutil

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Somebody asked us to stop; no error, hence no Exception that a loop might swallow."""


@dataclass(slots=True, kw_only=True)
class Component:
    """A long-running program: how to start it, and the process it runs as now."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: "subprocess.Popen[bytes] | None" = None
    restarts: list[float] = field(default_factory=list)

    def start(self) -> None:
        """Start it in a session of its own, its output appended to its log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int | None:
        """The process id while it has one."""
        return self.process.pid if self.process else None

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs or before it was started."""
        return self.process.poll() if self.process else None

    def last_lines(self, count: int = 15) -> str:
        """Return the end of its log, for a message about its death."""
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])
        return ""


def restart(component: Component, *, others: Sequence[Component]) -> None:
    """Start a dead component again, after ending what it left behind (workers, tasks, simulations)."""
    known = {other.pid for other in others if other is not component}
    left_behind = [child for child in psutil.Process().children() if child.pid not in known]
    _end([orphan for child in left_behind for orphan in (child, *_below(child))], grace_s=0)
    component.restarts.append(time.monotonic())
    component.start()


def end_descendants(*, grace_s: float) -> None:
    """End every process below this one: SIGTERM, `grace_s` of patience, SIGKILL, and again for late-born ones."""
    _end(_below(psutil.Process()), grace_s=grace_s)
    while remaining := _below(psutil.Process()):
        _end(remaining, grace_s=0)


def guarded(story: Callable[[], int], *, grace_s: float = 10.0) -> int:
    """Run `story` in a child process and leave no process behind, however either of the two ends.

    This process waits, passes SIGINT, SIGTERM and SIGHUP on as SIGTERM, and ends whatever the child leaves. The child
    receives SIGTERM when this process dies. A second signal ends everything at once.

    Parameters
    ----------
    story
        Called in the child, where `Stopped` is raised on SIGTERM. Returns the exit code.
    grace_s
        Patience with what `story` has started, after it has returned or died.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    _adopt_orphans()
    guard = os.getpid()
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)  # none is lost between the fork and the handlers
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = _tell(story, guard, grace_s)
        finally:
            if sys.exc_info()[0]:
                traceback.print_exc()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    return _wait(child, grace_s)


def _tell(story: Callable[[], int], guard: int, grace_s: float) -> int:
    os.setsid()  # Ctrl-C reaches the guard alone, which passes it on once
    _adopt_orphans()
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    signal.signal(signal.SIGTERM, _raise_stopped)
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
        if os.getppid() != guard:  # it died before we asked to be told
            return 1
        return story()
    except Stopped:
        return 128 + signal.SIGTERM
    finally:
        end_descendants(grace_s=grace_s)


def _wait(child: int, grace_s: float) -> int:
    asked: list[int] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        asked.append(number)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM if len(asked) == 1 else signal.SIGKILL)

    for number in _STOPPING:
        signal.signal(number, pass_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    end_descendants(grace_s=0 if len(asked) > 1 else grace_s)
    if code == 128 + signal.SIGTERM and asked:
        return 128 + asked[0]
    return code if code >= 0 else 128 - code


def _raise_stopped(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # stopping is not interrupted; the guard has SIGKILL
    raise Stopped


def _end(processes: Sequence[psutil.Process], *, grace_s: float) -> None:
    if grace_s > 0:
        _signal(processes, signal.SIGTERM)
        psutil.wait_procs(processes, timeout=grace_s)
    _signal([process for process in processes if _alive(process)], signal.SIGKILL)
    psutil.wait_procs(processes, timeout=5)


def _signal(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _below(process: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return [child for child in process.children(recursive=True) if _alive(child)]
    return []


def _adopt_orphans() -> None:
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        libc: Any = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(option, int(value), 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), f"prctl({option}) failed")
