"""The log of all that was heard: it can be read back as of any instant, whatever happens to the writer."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from trafficfeed.errors import SourceMalformed
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import AnnouncedEnd, GroupKey, LampEvent
from trafficfeed.signals.ingest.event_log import EventLog

START = datetime(2026, 5, 4, 12, 59, tzinfo=UTC)


def heard(seconds: float, aspect: Aspect, group: int = 1, lag_s: float = 0.125) -> LampEvent:
    observed_at = START + timedelta(seconds=seconds)
    return LampEvent(
        key=GroupKey("Straße 1", group),
        aspect=aspect,
        observed_at=observed_at,
        raw_observed_at=observed_at - timedelta(milliseconds=1),
        received_at=observed_at + timedelta(seconds=lag_s),
        source="test",
        sequence=7,
        announced=AnnouncedEnd(min_end=observed_at, max_end=observed_at + timedelta(microseconds=1)),
        simulated=True,
    )


EVENTS = [
    heard(0, Aspect.PROTECTED_GREEN),
    heard(20, Aspect.PROTECTED_AMBER),
    heard(23, Aspect.STOP_AND_REMAIN),
    heard(90, Aspect.PROTECTED_GREEN, group=2),
]


@pytest.mark.parametrize("in_memory", [True, False])
def test_what_was_written_is_read_back_equal_over_the_turn_of_the_hour(tmp_path: Path, in_memory: bool) -> None:
    log = EventLog(None if in_memory else tmp_path)
    for event in EVENTS:
        log.append([event])

    assert list(log.replay(START, START + timedelta(hours=1))) == EVENTS
    assert list(log.replay(START + timedelta(seconds=20), START + timedelta(seconds=24))) == EVENTS[1:3]
    assert list(log.replay(START, START + timedelta(hours=1), {"elsewhere"})) == []


def test_a_group_that_is_quiet_for_an_hour_is_known_in_it_all_the_same(tmp_path: Path) -> None:
    EventLog(tmp_path).append(EVENTS)

    known = EventLog(tmp_path).known_at(START + timedelta(seconds=200))

    assert known == {EVENTS[2].key: EVENTS[2], EVENTS[3].key: EVENTS[3]}


def test_what_was_known_at_an_instant_has_nothing_that_was_received_later(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    log.append(EVENTS)

    assert log.known_at(START + timedelta(seconds=20.1))[EVENTS[0].key] == EVENTS[0]
    assert log.known_at(START + timedelta(seconds=20.2))[EVENTS[0].key] == EVENTS[1]
    assert log.known_at(START - timedelta(days=1)) == {}


def test_an_event_that_came_late_is_logged_and_is_not_the_newest(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    log.append([*EVENTS[:3], heard(20, Aspect.PROTECTED_AMBER, lag_s=9)])

    assert log.newest()[EVENTS[0].key] == EVENTS[2]
    assert log.known_at(START + timedelta(seconds=40))[EVENTS[0].key] == EVENTS[2]


def test_a_torn_last_line_is_dropped_and_the_log_goes_on(tmp_path: Path) -> None:
    EventLog(tmp_path).append(EVENTS[:2])
    segment = next(tmp_path.glob("*.jsonl"))
    segment.write_bytes(segment.read_bytes() + b'["heard","Stra')

    log = EventLog(tmp_path)
    assert list(log.replay(START, START + timedelta(hours=1))) == EVENTS[:2]
    log.append(EVENTS[2:])

    assert list(EventLog(tmp_path).replay(START, START + timedelta(hours=1))) == EVENTS


def test_a_broken_line_in_the_middle_says_where_it_is(tmp_path: Path) -> None:
    EventLog(tmp_path).append(EVENTS[:3])
    segment = next(tmp_path.glob("*.jsonl"))
    lines = segment.read_bytes().splitlines(keepends=True)
    segment.write_bytes(b"".join([*lines[:2], b"nonsense\n", *lines[2:]]))

    with pytest.raises(SourceMalformed, match="line 3"):
        EventLog(tmp_path)


def test_a_killed_process_leaves_all_that_append_returned_from(tmp_path: Path) -> None:
    writer = (
        "import sys; from pathlib import Path; from datetime import timedelta\n"
        "from test_ingest_event_log import heard\n"
        "from trafficfeed.signals.aspects import Aspect\n"
        "from trafficfeed.signals.ingest.event_log import EventLog\n"
        "log = EventLog(Path(sys.argv[1]))\n"
        "for second in range(10**6):\n"
        "    log.append([heard(second / 1000, Aspect.STOP_AND_REMAIN, group=second % 250 + 1)])\n"
        "    print(second, flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", writer, str(tmp_path)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)},
    )
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(500)]
    process.send_signal(signal.SIGKILL)
    said += [line for line in process.stdout if line.endswith(b"\n")]
    process.wait()

    log = EventLog(tmp_path)
    read = list(log.replay(START, START + timedelta(days=1)))

    assert len(read) >= len(said) >= 500
    assert [event.observed_at for event in read] == sorted(event.observed_at for event in read)


def test_old_hours_can_be_forgotten_and_the_quiet_groups_stay_known(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    log.append(EVENTS)

    assert log.forget(START + timedelta(hours=2)) == 1

    assert log.known_at(START + timedelta(hours=1)).keys() == {EVENTS[2].key, EVENTS[3].key}
    assert list(log.replay(START, START + timedelta(hours=1))) == EVENTS[3:]
