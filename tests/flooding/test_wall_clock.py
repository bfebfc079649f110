"""Wall times through clock changes, in zones east and west of Greenwich: flagged, or told by the order of a file."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from made_sources import read, rules

from trafficfeed.flooding.observations import Quality

ZONES = [
    ("Europe/Helsinki", "2026-03-29T03:30", "2026-10-25T03:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ("America/New_York", "2026-03-08T02:30", "2026-11-01T01:30", datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
]


def _csv(*times: str, sensor: str = "G") -> str:
    return "sensor,time,value\n" + "".join(f"{sensor},{time},{row}\n" for row, time in enumerate(times))


@pytest.mark.parametrize(("zone", "skipped", "_twice", "_first"), ZONES)
def test_a_time_that_the_clocks_skip_is_flagged(zone: str, skipped: str, _twice: str, _first: datetime) -> None:
    parsed = read(_csv(skipped), timezone=zone)
    assert [one.quality for one in parsed.readings] == [Quality.TIME]
    assert "does not exist" in parsed.readings[0].why and rules(parsed) == ["time.doubtful"]


@pytest.mark.parametrize(("zone", "_skipped", "twice", "_first"), ZONES)
def test_a_time_that_occurs_twice_is_flagged_and_takes_no_instant_s_place(
    zone: str, _skipped: str, twice: str, _first: datetime
) -> None:
    (reading,) = read(_csv(twice), timezone=zone).readings
    assert reading.quality is Quality.TIME and "occurs twice" in reading.why
    assert reading.id == f"G@{twice}?"


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(("zone", "_skipped", "twice", "first"), ZONES)
def test_the_order_of_a_file_that_shows_the_hour_twice_tells_which_is_meant(
    zone: str, _skipped: str, twice: str, first: datetime, backwards: bool
) -> None:
    instants = [first + timedelta(minutes=20 * step) for step in range(-3, 8)]
    walls = [one.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M") for one in instants]
    assert len(set(walls)) < len(walls)
    order = slice(None, None, -1 if backwards else 1)
    parsed = read(_csv(*walls[order]), timezone=zone, at=instants[-1])
    assert [one.observed_at for one in parsed.readings] == instants[order]
    assert {one.quality for one in parsed.readings} == {Quality.UNCHECKED}
    assert set(rules(parsed)) == {"time.by_order"}


@pytest.mark.parametrize(("zone", "_skipped", "twice", "_first"), ZONES)
def test_an_order_that_does_not_tell_leaves_the_doubt(zone: str, _skipped: str, twice: str, _first: datetime) -> None:
    hour, later = twice[:-2], twice[:-2]
    once = [f"{hour}00", f"{hour}20", f"{later}40"]
    shuffled = [f"{hour}00", f"{hour}40", f"{hour}20", f"{hour}00", f"{hour}40", f"{hour}20"]
    for walls in (once, shuffled):
        assert {one.quality for one in read(_csv(*walls), timezone=zone).readings} == {Quality.TIME}


def test_the_hour_that_one_sensor_shows_twice_tells_nothing_of_another() -> None:
    both = _csv("2026-10-25T03:30", "2026-10-25T03:45", "2026-10-25T03:30", "2026-10-25T03:45")
    lone = "H,2026-10-25T03:30,9\n"
    parsed = read(both + lone, timezone="Europe/Helsinki")
    assert [one.quality is Quality.TIME for one in parsed.readings] == [False] * 4 + [True]


def test_an_offset_in_the_text_leaves_no_doubt() -> None:
    parsed = read(_csv("2026-10-25T03:30+03:00", "2026-10-25T03:30+02:00"), timezone="Europe/Helsinki")
    assert [one.observed_at.hour for one in parsed.readings] == [0, 1]
    assert {one.quality for one in parsed.readings} == {Quality.UNCHECKED}
