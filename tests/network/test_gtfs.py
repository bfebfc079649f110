"""Static GTFS: what is read, from a zip or a folder, and what is refused."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from made_graphs import Street, graph_of
from made_gtfs import WORKING_DAYS, made_gtfs, written_gtfs

from trafficfeed.errors import SourceMalformed, SourceUnavailable
from trafficfeed.network.gtfs import read_gtfs
from trafficfeed.network.service_days import start_of

GRAPH = graph_of({"a": (0, 0), "b": (300, 0), "c": (600, 0)}, [Street(name="High Street", nodes=("a", "b", "c"))])
LINES = {"east": ("a>b", "b>c"), "west": ("c>b", "b>a")}


@pytest.fixture
def files() -> dict[str, str]:
    return made_gtfs(GRAPH, LINES, weekdays=WORKING_DAYS)


@pytest.mark.parametrize("name", ["gtfs.zip", "gtfs"])
def test_a_zip_and_a_folder_read_the_same(files: dict[str, str], tmp_path: Path, name: str) -> None:
    found = read_gtfs(written_gtfs(files, tmp_path / name))
    assert found.timezone == "Europe/Paris"
    assert [pattern.route.name for pattern in found.patterns] == ["st", "st"]
    east = found.patterns[0]
    assert (east.direction_id, east.shape_id, east.stop_ids) == (0, "shape-east", ("east-a>b", "east-b>c"))
    assert east.trip_ids == ("east-0", "east-1", "east-2")
    assert east.times_s[2].tolist() == [24.5 * 3600, 24.5 * 3600 + 60]


def test_files_may_lie_in_a_folder_inside_the_zip(files: dict[str, str], tmp_path: Path) -> None:
    inner = {f"feed/{name}": text for name, text in files.items()}
    assert len(read_gtfs(written_gtfs(inner, tmp_path / "gtfs.zip")).patterns) == 2


def test_days_follow_the_calendar_and_its_exceptions(files: dict[str, str], tmp_path: Path) -> None:
    files["calendar_dates.txt"] += "run,20261205,1\nrun,20261207,2\n"
    days = read_gtfs(written_gtfs(files, tmp_path / "gtfs.zip")).days
    running = {day: "run" in days.running(date(2026, 12, day)) for day in (4, 5, 6, 7, 8)}
    assert running == {4: True, 5: True, 6: False, 7: False, 8: True}


def test_a_timetable_may_have_days_only_one_by_one(files: dict[str, str], tmp_path: Path) -> None:
    del files["calendar.txt"]
    files["calendar_dates.txt"] += "run,20261205,1\n"
    days = read_gtfs(written_gtfs(files, tmp_path / "gtfs.zip")).days
    assert [bool(days.running(date(2026, 12, day))) for day in (4, 5)] == [False, True]


def test_a_service_day_begins_twelve_hours_before_noon_even_when_the_clocks_change() -> None:
    assert start_of(date(2026, 10, 25), "Europe/Paris").isoformat() == "2026-10-25T01:00:00+02:00"
    assert start_of(date(2026, 12, 5), "Europe/Paris").isoformat() == "2026-12-05T00:00:00+01:00"


def test_trips_by_frequency_run_once_a_headway(files: dict[str, str], tmp_path: Path) -> None:
    files["frequencies.txt"] = "trip_id,start_time,end_time,headway_secs\neast-0,06:00:00,07:00:00,1200\n"
    east = read_gtfs(written_gtfs(files, tmp_path / "gtfs.zip")).patterns[0]
    starts = [times[0] / 3600 for trip, times in zip(east.trip_ids, east.times_s, strict=True) if trip == "east-0"]
    assert np.allclose(starts, [6, 6 + 1 / 3, 6 + 2 / 3])


def test_calls_without_a_time_lie_between_those_with_one(tmp_path: Path) -> None:
    files = made_gtfs(GRAPH, {"loop": ("a>b", "b>c", "c>b")})
    lines = files["stop_times.txt"].splitlines()
    lines[2] = "loop-0,,,loop-b>c,2"
    files["stop_times.txt"] = "\n".join(lines)
    (pattern,) = read_gtfs(written_gtfs(files, tmp_path / "gtfs.zip")).patterns
    assert pattern.times_s[0].tolist() == [8 * 3600, 8 * 3600 + 60, 8 * 3600 + 120]


def test_trams_and_what_runs_elsewhere_are_left_out(files: dict[str, str], tmp_path: Path) -> None:
    path = written_gtfs(files, tmp_path / "gtfs.zip")
    assert read_gtfs(path, bounds=(100.0, 10.0, 101.0, 11.0)).patterns == ()
    trams = made_gtfs(GRAPH, LINES, route_type=0)
    assert read_gtfs(written_gtfs(trams, tmp_path / "trams.zip")).patterns == ()


@pytest.mark.parametrize("file", ["routes.txt", "trips.txt", "stops.txt", "stop_times.txt", "agency.txt"])
def test_a_file_that_is_missing_is_named(files: dict[str, str], tmp_path: Path, file: str) -> None:
    del files[file]
    with pytest.raises(SourceMalformed, match=file):
        read_gtfs(written_gtfs(files, tmp_path / "gtfs.zip"))


def test_a_column_that_is_missing_is_named(files: dict[str, str], tmp_path: Path) -> None:
    files["stop_times.txt"] = files["stop_times.txt"].replace("stop_sequence", "number")
    with pytest.raises(SourceMalformed, match=r"stop_times\.txt .* stop_sequence"):
        read_gtfs(written_gtfs(files, tmp_path / "gtfs.zip"))


def test_a_value_that_cannot_be_read_is_refused(files: dict[str, str], tmp_path: Path) -> None:
    files["stop_times.txt"] = files["stop_times.txt"].replace("08:00:00", "eight")
    with pytest.raises(SourceMalformed, match="cannot be used"):
        read_gtfs(written_gtfs(files, tmp_path / "gtfs.zip"))


def test_what_is_not_there_or_no_zip_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="not there"):
        read_gtfs(tmp_path / "none.zip")
    (tmp_path / "bad.zip").write_bytes(b"no zip")
    with pytest.raises(SourceMalformed, match="neither a zip nor a folder"):
        read_gtfs(tmp_path / "bad.zip")
