"""However a run ends, none of its processes is left: not those that ignore SIGTERM, nor those that fled."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from trafficfeed.errors import SourceUnavailable
from trafficfeed.running.crew import Crew
from trafficfeed.running.processes import Component, end_descendants
from trafficfeed.running.progress import Teller

RUNAWAYS = Path(__file__).parent / "crew_of_runaways.py"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finding orphans needs Linux's subreapers")


@pytest.fixture
def run(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, str(RUNAWAYS), str(tmp_path)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "READY\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def _living(folder: Path) -> list[int]:
    pids = [int(path.stem) for path in folder.glob("*.pid") if path.stem != "story"]
    assert len(pids) == 3
    return [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]


def _until_none_is_left(folder: Path) -> None:
    deadline = time.monotonic() + 30
    while _living(folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _living(folder) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything_and_shows_in_the_exit_code(
    run: "subprocess.Popen[str]", tmp_path: Path, number: signal.Signals
) -> None:
    assert len(_living(tmp_path)) == 2  # the one between them has left its child an orphan
    run.send_signal(number)
    assert run.wait(timeout=30) == 128 + number
    assert _living(tmp_path) == []


def test_killing_the_guard_ends_everything(run: "subprocess.Popen[str]", tmp_path: Path) -> None:
    run.kill()
    _until_none_is_left(tmp_path)


def test_killing_the_runner_ends_everything(run: "subprocess.Popen[str]", tmp_path: Path) -> None:
    os.kill(int((tmp_path / "story.pid").read_text()), signal.SIGKILL)
    assert run.wait(timeout=30) == 128 + signal.SIGKILL
    _until_none_is_left(tmp_path)


def test_killing_the_whole_foreground_group_ends_everything(run: "subprocess.Popen[str]", tmp_path: Path) -> None:
    os.killpg(run.pid, signal.SIGKILL)  # as a closed container or `timeout -s KILL` does
    _until_none_is_left(tmp_path)


def _alone(body: Callable[[Path], None], folder: Path) -> None:
    """Run `body` in a process of its own, for it ends all that is below it."""
    process = multiprocessing.get_context("spawn").Process(target=body, args=(folder,))
    process.start()
    process.join(120)
    assert process.exitcode == 0, "see the standard error"


def _crew(folder: Path, code: str) -> tuple[Component, Crew]:
    part = Component(name="part", command=[sys.executable, "-c", code], environment={}, log=folder / "part.log")
    return part, Crew([part], teller=Teller())


def _silent(_text: str) -> None:
    pass


def _restarts(folder: Path) -> None:
    part, crew = _crew(folder, "import time; time.sleep(600)")
    with crew.running(grace_s=1):
        first = part.pid
        os.kill(first or 0, signal.SIGKILL)
        crew.wait(lambda: "" if part.pid != first else "the restart", limit_s=30, note=_silent)
        assert part.exit_code is None
    assert part.exit_code is not None


def test_a_component_that_dies_is_started_again(tmp_path: Path) -> None:
    _alone(_restarts, tmp_path)


def _keeps_dying(folder: Path) -> None:
    _, crew = _crew(folder, "raise SystemExit('no such database')")
    with crew.running(grace_s=1), pytest.raises(SourceUnavailable, match="no such database"):
        crew.wait(lambda: "the end", limit_s=60, note=_silent)


def test_a_component_that_keeps_dying_ends_the_run_with_the_end_of_its_log(tmp_path: Path) -> None:
    _alone(_keeps_dying, tmp_path)


def _never_ready(folder: Path) -> None:
    _, crew = _crew(folder, "import time; time.sleep(600)")
    with crew.running(grace_s=1), pytest.raises(SourceUnavailable, match="still waiting for the DAG closures"):
        crew.wait(lambda: "waiting for the DAG closures", limit_s=0.5, note=_silent)


def test_what_never_becomes_ready_is_named_when_patience_ends(tmp_path: Path) -> None:
    _alone(_never_ready, tmp_path)


def _takes_grandchildren(_folder: Path) -> None:
    child = subprocess.Popen(["sh", "-c", "sleep 600 & sleep 600"], start_new_session=True)
    while not (below := psutil.Process(child.pid).children()):
        time.sleep(0.01)
    end_descendants(grace_s=1)
    assert not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in below)
    assert child.poll() is not None


def test_ending_descendants_takes_grandchildren_and_spares_this_process(tmp_path: Path) -> None:
    _alone(_takes_grandchildren, tmp_path)
