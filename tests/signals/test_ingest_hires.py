"""Controllers' logs: which lamps their rows speak of."""

import os
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from trafficfeed.errors import SourceMalformed
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.controller_events import ControllerEvent
from trafficfeed.signals.ingest.hires import OVERLAPS, WALKS, HiresLamps, event_of, read_log
from trafficfeed.signals.ingest.intake import Intake
from trafficfeed.signals.ingest.staleness import Staleness

NOON = datetime(2024, 5, 13, 12)
LOG = Path(os.environ.get("TRAFFICFEED_SHARED", Path(__file__).parents[3] / "shared")) / (
    "data/signals/oregon_hires_events.parquet"
)


def rows(*codes: tuple[int, int]) -> list[ControllerEvent]:
    return [event_of(7, NOON.replace(second=second), *code) for second, code in enumerate(codes)]


def shown(*codes: tuple[int, int]) -> list[tuple[int, Aspect]]:
    return [(event.key.group, event.aspect) for event in HiresLamps().lamps(rows(*codes))]


def test_a_phase_is_green_amber_and_red() -> None:
    assert shown((0, 2), (1, 2), (3, 2), (4, 2), (7, 2), (8, 2), (9, 2), (10, 2), (11, 2), (12, 2)) == [
        (2, Aspect.PROTECTED_GREEN),
        (2, Aspect.PROTECTED_AMBER),
        (2, Aspect.STOP_AND_REMAIN),
        (2, Aspect.STOP_AND_REMAIN),
    ]


def test_overlaps_and_pedestrian_lights_are_groups_of_their_own() -> None:
    assert shown((61, 2), (62, 2), (63, 2), (64, 2), (21, 2), (22, 2), (23, 2)) == [
        (OVERLAPS + 2, Aspect.PROTECTED_GREEN),
        (OVERLAPS + 2, Aspect.PROTECTED_GREEN),
        (OVERLAPS + 2, Aspect.PROTECTED_AMBER),
        (OVERLAPS + 2, Aspect.STOP_AND_REMAIN),
        (WALKS + 2, Aspect.PROTECTED_GREEN),
        (WALKS + 2, Aspect.PROTECTED_AMBER),
        (WALKS + 2, Aspect.STOP_AND_REMAIN),
    ]


def test_detectors_and_calls_are_no_lamps() -> None:
    assert shown((82, 5), (81, 5), (43, 2), (44, 2), (31, 1), (9999, 3)) == []


def test_a_controller_that_flashes_shows_nothing_that_is_known() -> None:
    assert shown((1, 2), (10, 6), (173, 5))[2:] == [(2, Aspect.UNAVAILABLE), (6, Aspect.UNAVAILABLE)]
    assert shown((1, 2), (173, 2))[1:] == []


def test_groups_can_be_named_as_the_topology_has_them() -> None:
    adapter = HiresLamps({"7": {2: 11}})

    assert [event.key.group for event in adapter.lamps(rows((1, 2), (1, 6)))] == [11, 6]


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_log_is_read_whatever_its_columns_are_called_and_its_times_put_to_utc(tmp_path: Path, kind: str) -> None:
    table = pa.table(
        {
            "signal_id": [7, 7],
            "timestamp": [NOON.replace(second=5), NOON],
            "event_code": [8, 1],
            "event_param": [2, 2],
        }
    )
    path = tmp_path / f"log.{kind}"
    if kind == "csv":
        csv.write_csv(table, path)
    else:
        parquet.write_table(table, path)

    first, second = read_log(path, ZoneInfo("America/Los_Angeles"))

    assert (first.intersection, first.code, first.parameter) == ("7", 1, 2)
    assert first.observed_at == datetime(2024, 5, 13, 19, tzinfo=UTC)
    assert second.observed_at > first.observed_at


def test_a_file_without_the_columns_says_which_is_missing(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"timestamp": [NOON], "device": [1], "parameter": [1]}), tmp_path / "log.parquet")
    with pytest.raises(SourceMalformed, match="code"):
        read_log(tmp_path / "log.parquet")


@pytest.mark.skipif(not LOG.exists(), reason=f"the recorded log is not at {LOG}")
def test_the_door_takes_hours_of_real_controllers_almost_whole() -> None:
    door = Intake(staleness=Staleness(default_s=10.0))

    taken = door.take(HiresLamps().lamps(read_log(LOG)))

    assert len(taken.handed_on) > 3000
    assert taken.refused < 10
