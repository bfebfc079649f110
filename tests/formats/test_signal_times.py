"""TimeMarks and minutes of the year: both ways, over the hour and over New Year."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trafficfeed.formats.signal_times import (
    MARK_BEYOND,
    MARK_UNKNOWN,
    milliseconds,
    minute_of_year,
    moment_in_year,
    moment_of,
    time_mark,
)
from trafficfeed.formats.spatem_reading import facts_of_spat

NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
moments = st.datetimes(datetime(2024, 1, 1), datetime(2031, 12, 31), timezones=st.just(UTC))


@given(moments, st.integers(0, 35_400))
def test_a_mark_comes_back_as_its_moment(at: datetime, tenths: int) -> None:
    whole = at.replace(microsecond=at.microsecond // 100_000 * 100_000)
    moment = whole + timedelta(milliseconds=100 * tenths)
    assert moment_of(time_mark(moment, at), at) == moment


@pytest.mark.parametrize(("mark", "meant"), [(0, None), (1, "00.1"), (35_999, None)])
def test_marks_just_after_the_hour_are_of_the_next_one(mark: int, meant: str | None) -> None:
    at = NEW_YEAR - timedelta(seconds=20)
    moment = moment_of(mark, at)
    assert moment is not None
    assert moment == (NEW_YEAR + timedelta(seconds=mark / 10) if mark < 20 else NEW_YEAR - timedelta(milliseconds=100))
    assert meant is None or f"{moment:%S.%f}".startswith(meant)


def test_a_mark_a_little_behind_is_late_and_not_an_hour_ahead() -> None:
    at = NEW_YEAR + timedelta(seconds=2)
    assert moment_of(35_990, at) == NEW_YEAR - timedelta(seconds=1)


@pytest.mark.parametrize("mark", [None, MARK_BEYOND, MARK_UNKNOWN, -1, 40_000])
def test_unknown_and_beyond_are_no_moments(mark: int | None) -> None:
    assert moment_of(mark, NEW_YEAR) is None


def test_no_end_is_36001_and_one_more_than_an_hour_ahead_36000() -> None:
    assert time_mark(None, NEW_YEAR) == MARK_UNKNOWN
    assert time_mark(NEW_YEAR + timedelta(hours=1), NEW_YEAR) == MARK_BEYOND
    assert time_mark(NEW_YEAR + timedelta(minutes=59), NEW_YEAR) == 35_400


@given(moments, st.timedeltas(-timedelta(days=100), timedelta(days=100)))
def test_a_minute_of_the_year_is_of_the_nearest_year(moment: datetime, received_later: timedelta) -> None:
    read = moment_in_year(minute_of_year(moment), milliseconds(moment), moment + received_later)
    assert read == moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def test_an_unknown_minute_is_no_moment() -> None:
    assert moment_in_year(527_040, 0, NEW_YEAR) is None
    assert moment_in_year(None, 0, NEW_YEAR) is None


@pytest.mark.parametrize("timing", [{"minEndTime": 0}, {"minEndTime": 0, "maxEndTime": 0, "likelyTime": 0}])
def test_senders_that_write_0_for_unknown_announce_nothing(timing: dict[str, int]) -> None:
    assert _read(timing) is None


def test_a_0_beside_a_real_mark_is_the_full_hour() -> None:
    announced = _read({"minEndTime": 0, "maxEndTime": 50})
    assert announced == (NEW_YEAR, NEW_YEAR + timedelta(seconds=5))


def _read(timing: dict[str, int]) -> tuple[datetime | None, datetime | None] | None:
    event = {"eventState": "stop-And-Remain", "timing": timing}
    one = {
        "id": {"id": 1},
        "revision": 0,
        "status": (0, 16),
        "states": [{"signalGroup": 1, "state-time-speed": [event]}],
    }
    (facts,) = facts_of_spat({"intersections": [one]}, near=NEW_YEAR)
    announced = facts.groups[0].announced
    return announced and (announced.min_end, announced.max_end)
