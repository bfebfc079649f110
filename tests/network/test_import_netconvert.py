"""netconvert run as a child that never outlives its caller, and its warnings counted."""

import subprocess
from pathlib import Path

import psutil
import pytest

from trafficfeed.errors import ScenarioInvalid, SimulationFailed
from trafficfeed.network.netconvert import Netconvert, strip_header, sumo_environment, warning_kinds
from trafficfeed.network.sumo_binary import binary


def test_warnings_are_counted_by_kind_not_by_id() -> None:
    lines = [
        "Loading...",
        "Warning: Not joining junctions 12,34,56 (slip lane).",
        "Warning: Not joining junctions 7,8 (slip lane).",
        "Warning: Ambiguity in turnarounds computation at junction 'cluster_1_2'.",
        "Success.",
    ]
    assert warning_kinds(lines) == {
        "Not joining junctions % (slip lane).": 2,
        "Ambiguity in turnarounds computation at junction %.": 1,
    }


def test_roads_that_netconvert_refuses_are_told_in_its_words(tmp_path: Path) -> None:
    arguments = ["--osm-files", str(tmp_path / "none.osm"), "-o", str(tmp_path / "x.net.xml")]
    with Netconvert(arguments, log=tmp_path / "log") as run, pytest.raises(ScenarioInvalid, match=r"none\.osm"):
        run.wait()


def test_a_run_at_its_time_limit_is_killed_with_its_children(tmp_path: Path) -> None:
    grid = tmp_path / "grid.net.xml"
    make = [binary("netgenerate"), "--grid", "--grid.number", "40", "-o", grid]
    subprocess.run(make, check=True, capture_output=True, env=sumo_environment())
    with Netconvert(["-s", str(grid), "-o", str(tmp_path / "x.net.xml")], log=tmp_path / "log") as run:
        process = psutil.Process(run.pid)
        with pytest.raises(SimulationFailed, match="stopped after"):
            run.wait(time_limit_s=0.01)
    assert not process.is_running()


def test_a_run_that_is_left_in_the_middle_is_stopped(tmp_path: Path) -> None:
    grid = tmp_path / "grid.net.xml"
    make = [binary("netgenerate"), "--grid", "--grid.number", "40", "-o", grid]
    subprocess.run(make, check=True, capture_output=True, env=sumo_environment())
    with (
        pytest.raises(KeyboardInterrupt),
        Netconvert(["-s", str(grid), "-o", str(tmp_path / "x.net.xml")], log=tmp_path / "log") as run,
    ):
        process = psutil.Process(run.pid)
        raise KeyboardInterrupt
    assert not process.is_running()


def test_the_time_of_day_and_the_folders_are_taken_out_of_a_network(tmp_path: Path) -> None:
    path = tmp_path / "a.net.xml"
    path.write_text(
        '<?xml version="1.0"?>\n\n<!-- generated on 2026-11-22 in /tmp/x -->\n\n<net version="1.20">\n</net>\n'
    )
    strip_header(path)
    assert path.read_text() == '<?xml version="1.0"?>\n<net version="1.20">\n</net>\n'
