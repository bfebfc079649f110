"""`trafficfeed up --once` whole: the real Airflow and API, on free ports, with the scheduler killed in mid-run."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from made_gridtown import SHORT, build_gridtown, closed_street, write_order

from trafficfeed.pipeline.releasing import FEED
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.settings import Settings
from trafficfeed.store.objects import ObjectStore

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(900)]

ORDERS = {"grid-north": "C2C3", "grid-south": "D3D2"}


@pytest.fixture
def configured(tmp_path: Path) -> Settings:
    cities = build_gridtown(tmp_path)
    for order_id, edge in ORDERS.items():
        write_order(closed_street(cities, order_id, edge=edge), cities)
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        ports = one.getsockname()[1], other.getsockname()[1]
    return Settings(
        state_dir=tmp_path / "state",
        cities_dir=cities,
        city="gridtown",
        api_port=ports[0],
        airflow_port=ports[1],
        simulation=SHORT,
    )


@pytest.fixture
def run(configured: Settings) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", "from trafficfeed.cli import main; main()", "up", "--once"]
    variables = {k: v for k, v in configured.environment().items() if not k.startswith("AIRFLOW")}
    process = subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
    )
    yield process
    process.terminate()
    process.wait(60)


def test_no_order_is_lost_when_the_scheduler_is_killed_and_no_process_is_left(
    run: "subprocess.Popen[str]", configured: Settings
) -> None:
    told: list[str] = []
    assert run.stdout is not None
    for line in run.stdout:
        told.append(line)
        if line.startswith(f"… Order {min(ORDERS)}"):
            _kill_the_scheduler(run.pid)
    story = "".join(told)

    assert run.wait(60) == 0, story
    assert "airflow scheduler died" in story
    assert _released(configured) == set(ORDERS), story
    assert _left_over(configured) == []


def _kill_the_scheduler(guard: int) -> None:
    """Kill it as soon as one of its tasks drives SUMO."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        below = psutil.Process(guard).children(recursive=True)
        if any(Path(word).name == "sumo" for one in below for word in _command(one)[:1]):
            break
        time.sleep(0.05)
    else:
        pytest.fail("no simulation was started")
    [scheduler] = [one for one in below if "scheduler" in _command(one)]
    os.kill(scheduler.pid, signal.SIGKILL)


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _released(configured: Settings) -> set[str]:
    release = ReleaseStore(ObjectStore(configured.objects_url), FEED).current()
    assert release is not None
    assert json.loads(release.documents["closures.geojson"].data)["features"]
    return set(release.manifest.facts["orders"])


def _left_over(configured: Settings) -> list[list[str]]:
    """Return the commands of the processes that know this run's state folder."""
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except psutil.Error:
            continue
        if environment.get("TRAFFICFEED_STATE_DIR") == str(configured.state_dir) and process.pid != os.getpid():
            found.append(_command(process))
    return found
