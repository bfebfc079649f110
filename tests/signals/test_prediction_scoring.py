import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.score_signals import score_file
from benchmarks.signal_trial.replay import Slice

REPO = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("TRAFFICFEED_SHARED", REPO.parent / "shared"))
HAMBURG = SHARED / "data/signals/hamburg_signal_cycles.parquet"
DARK, RED, AMBER, GREEN = b"\x00", b"\x01", b"\x02", b"\x03"


def row(thing: str, cycles: list[bytes], start: int = 1_700_000_000) -> dict[str, Any]:
    starts = [start + sum(map(len, cycles[:n])) for n in range(len(cycles))]
    ends = [first + len(states) for first, states in zip(starts, cycles, strict=True)]
    return {"thing": thing, "day": 0, "hour": 7, "start": starts, "end": ends, "states": cycles}


def fixed(cycles: int) -> list[bytes]:
    return [RED * 50 + GREEN * 37 + AMBER * 3] * cycles


def written(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "cycles.parquet"
    pq.write_table(pa.Table.from_pylist(list(rows)), path)
    return path


def test_a_fixed_signal_is_published_and_right_once_it_can_be_scored(tmp_path: Path) -> None:
    report = score_file(written(tmp_path, row("made_1", fixed(20))), workers=1)
    assert report["things_scored"] == 1
    assert report["published_share"] == 1.0
    assert report["within_1s"] == 1.0
    assert report["after_eight_cycles"]["seconds"] == 12 * 90 - 3  # of twenty; the last amber's end is not in the slice
    assert report["seconds"] == 12 * 90 - 3 - 50  # the first red was cut off by the slice, so that one more is needed
    assert report["all_seconds"]["seconds"] == 20 * 90 - 3
    assert report["all_seconds"]["published_share"] < 1.0


def test_dark_seconds_are_not_scored(tmp_path: Path) -> None:
    report = score_file(written(tmp_path, row("made_1", [DARK * 60] * 12)), workers=1)
    assert report["seconds"] == 0
    assert report["published_share"] is None


def test_every_figure_is_there_by_horizon_too(tmp_path: Path) -> None:
    report = score_file(written(tmp_path, row("made_1", fixed(20)), row("made_2", fixed(15))), workers=2)
    asked = {"published_share", "within_1s", "coverage_p10_p90"}
    assert asked <= report.keys()
    assert sum(part["seconds"] for part in report["by_horizon"].values()) == report["seconds"]
    assert all(asked <= part.keys() for part in report["by_horizon"].values())
    assert {"median_of_last_5", "analogues_2s_wide", "analogues_2s_wide_by_position"} == report["yardsticks"].keys()


def test_a_slice_with_a_hole_is_two() -> None:
    given = row("made_1", fixed(6))
    given["start"][3:] = [start + 7 for start in given["start"][3:]]
    given["end"][3:] = [end + 7 for end in given["end"][3:]]
    pieces = list(Slice.of_row(given))
    assert [len(piece.starts) for piece in pieces] == [3, 3]
    assert [len(piece.states) for piece in pieces] == [270, 270]


@pytest.mark.skipif(not HAMBURG.is_file(), reason="the shared data is not here")
def test_the_command_prints_what_it_promises() -> None:
    command = [sys.executable, "benchmarks/score_signals.py", str(HAMBURG), "--json", "--slices", "12"]
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=True)
    report = json.loads(done.stdout)
    assert report["slices"] == 12
    assert report["things_scored"] + report["things_fitted_on"] == report["things"]
