from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from made_orders import made_order, with_periods, with_schedule

from trafficfeed.closures.schedules import Occurrence, windows_of
from trafficfeed.closures.soundness import order_findings
from trafficfeed.errors import OrderInvalid
from trafficfeed.findings import Finding, Severity

SINCE, UNTIL = datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 12, 31, tzinfo=UTC)
HOUR = timedelta(hours=1)


def windows(schedule: dict[str, Any], timezone: str = "Europe/Helsinki", **between: datetime) -> tuple[Occurrence, ...]:
    order = with_schedule(schedule, timezone=timezone)
    return windows_of(order.measures[0], timezone, since=between.get("since", SINCE), until=between.get("until", UNTIL))


def weekly(start: str, end: str, rrule: str, **more: Any) -> dict[str, Any]:
    return {"recurrences": [{"first": {"start": start, "end": end}, "rrule": rrule, **more}]}


def fault(schedule: dict[str, Any], timezone: str = "Europe/Helsinki") -> Finding:
    with pytest.raises(OrderInvalid) as refused:
        with_schedule(schedule, timezone=timezone)
    (found,) = refused.value.findings
    return found


def local(instant: datetime, zone: str = "Europe/Helsinki") -> str:
    return f"{instant.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def test_wall_time_is_that_of_the_orders_zone() -> None:
    (one,) = windows({"periods": [{"start": "2026-12-05T07:00", "end": "2026-12-05T18:00"}]})
    assert (one.key, one.window.start) == ("p1", datetime(2026, 12, 5, 5, tzinfo=UTC))
    (there,) = windows({"periods": [{"start": "2026-12-05T07:00", "end": "2026-12-05T18:00"}]}, "Asia/Kathmandu")
    assert there.window.start == datetime(2026, 12, 5, 1, 15, tzinfo=UTC)


def test_a_night_over_the_spring_change_is_an_hour_shorter_and_over_the_autumn_change_an_hour_longer() -> None:
    spring, autumn = windows(
        {
            "periods": [
                {"start": "2027-03-27T22:00", "end": "2027-03-28T06:00"},
                {"start": "2027-10-30T22:00", "end": "2027-10-31T06:00"},
            ]
        }
    )
    assert spring.window.length == 7 * HOUR
    assert autumn.window.length == 9 * HOUR


def test_a_time_that_the_clocks_skip_is_refused_with_the_time_to_write() -> None:
    found = fault({"periods": [{"start": "2027-03-27T22:00", "end": "2027-03-28T03:30"}]})
    assert found.where == "measures[0].when.periods[0].end"
    assert "does not exist" in found.message
    assert "2027-03-28T04:30" in found.mend


def test_a_time_that_the_clocks_show_twice_is_refused_until_it_has_its_offset() -> None:
    found = fault({"periods": [{"start": "2027-10-31T03:30", "end": "2027-10-31T06:00"}]})
    assert "occurs twice" in found.message
    for offset, hours in (("+03:00", 3.5), ("+02:00", 2.5)):
        assert f"2027-10-31T03:30{offset}" in found.mend
        (one,) = windows({"periods": [{"start": f"2027-10-31T03:30{offset}", "end": "2027-10-31T06:00"}]})
        assert one.window.length == hours * HOUR


@pytest.mark.parametrize("offset", ["+08:00", "+03:00", "-02:00", "+02:30"])
def test_an_offset_that_the_zone_does_not_have_then_is_refused(offset: str) -> None:
    found = fault({"periods": [{"start": f"2026-12-05T07:00{offset}", "end": "2026-12-05T23:00"}]})
    assert found.where == "measures[0].when.periods[0].start"
    assert "2026-12-05T07:00 for wall time" in found.mend


@pytest.mark.parametrize("start", ["2026-12-05T07:00+02:00", "2026-12-05T05:00Z", "2026-12-05 07:00:00"])
def test_utc_and_the_zones_own_offset_are_taken(start: str) -> None:
    (one,) = windows({"periods": [{"start": start, "end": "2026-12-05T18:00"}]})
    assert one.window.start == datetime(2026, 12, 5, 5, tzinfo=UTC)


def test_an_end_before_the_start_is_refused_with_a_word_on_overnight_ends() -> None:
    found = fault({"periods": [{"start": "2026-12-05T22:00", "end": "2026-12-05T05:00"}]})
    assert found.where == "measures[0].when.periods[0].end"
    assert "next day" in found.mend


def test_an_open_end_is_carried_as_an_estimate_with_its_condition() -> None:
    until = {"en": "until the crowd has left"}
    (one,) = windows({"periods": [{"start": "2026-12-05T18:00", "until": until, "estimated_end": "2026-12-05T23:00"}]})
    assert one.end_is_estimate
    assert one.until == until
    assert one.window.length == 5 * HOUR


@pytest.mark.parametrize("missing", ["until", "estimated_end"])
def test_an_open_end_needs_both_a_condition_and_an_estimate(missing: str) -> None:
    period = {"start": "2026-12-05T18:00", "until": {"en": "x"}, "estimated_end": "2026-12-05T23:00"}
    del period[missing]
    assert fault({"periods": [period]}).rule == "schedule.end"


def test_weekly_nights_keep_their_clock_times_through_both_dst_changes() -> None:
    found = windows(weekly("2026-12-07T22:00", "2026-12-08T05:00", "FREQ=WEEKLY;BYDAY=MO,SA;UNTIL=20271130"))
    assert {local(o.window.start)[-5:] for o in found} == {"22:00"}
    assert {local(o.window.end)[-5:] for o in found} == {"05:00"}
    lengths = {o.key: o.window.length / HOUR for o in found}
    assert (lengths["2027-03-27"], lengths["2027-10-30"], lengths["2027-04-03"]) == (6, 8, 7)


def test_the_key_of_a_recurrence_is_its_local_date_and_does_not_depend_on_the_time_asked_for() -> None:
    schedule = weekly("2026-12-07T01:00", "2026-12-07T05:00", "FREQ=DAILY;UNTIL=20270301")
    everything = {o.key: o.window for o in windows(schedule)}
    later = windows(schedule, since=datetime(2027, 1, 10, 0, 30, tzinfo=UTC), until=datetime(2027, 1, 12, tzinfo=UTC))
    assert [o.key for o in later] == ["2027-01-10", "2027-01-11", "2027-01-12"]
    assert all(everything[o.key] == o.window for o in later)


def test_an_occurrence_in_the_skipped_hour_moves_out_of_it_and_says_so() -> None:
    schedule = weekly("2027-03-26T03:15", "2027-03-26T03:45", "FREQ=DAILY;COUNT=4")
    moved = {o.key: o for o in windows(schedule)}["2027-03-28"]
    assert (local(moved.window.start), moved.window.length) == ("2027-03-28 04:15", HOUR / 2)
    assert "skip" in moved.note
    order = with_schedule(schedule)
    assert [f.rule for f in order_findings(order) if f.severity is Severity.INFO] == ["schedule.dst"]


def test_an_occurrence_that_starts_in_the_skipped_hour_and_ends_after_it_keeps_a_length() -> None:
    schedule = weekly("2027-03-26T03:30", "2027-03-26T04:00", "FREQ=DAILY;COUNT=4")
    assert {o.window.length for o in windows(schedule)} == {HOUR / 2}


def test_until_without_a_time_includes_that_day() -> None:
    found = windows(weekly("2026-12-07T22:00", "2026-12-08T05:00", "FREQ=DAILY;UNTIL=20261209"))
    assert [o.key for o in found] == ["2026-12-07", "2026-12-08", "2026-12-09"]


def test_until_in_utc_is_taken_to_the_zone() -> None:
    found = windows(weekly("2026-12-07T22:00", "2026-12-08T05:00", "FREQ=DAILY;UNTIL=20261208T200000Z"))
    assert [o.key for o in found] == ["2026-12-07", "2026-12-08"]


def test_count_counts_from_the_first_occurrence_whatever_is_asked_for() -> None:
    schedule = weekly("2026-12-07T22:00", "2026-12-08T05:00", "FREQ=DAILY;COUNT=3")
    assert [o.key for o in windows(schedule, since=datetime(2026, 12, 9, 12, tzinfo=UTC))] == ["2026-12-09"]


def test_excepted_dates_fall_away() -> None:
    schedule = weekly("2026-12-07T22:00", "2026-12-08T05:00", "FREQ=DAILY;COUNT=3", except_dates=["2026-12-08"])
    assert [o.key for o in windows(schedule)] == ["2026-12-07", "2026-12-09"]


def test_an_excepted_date_on_which_nothing_starts_is_pointed_out() -> None:
    schedule = weekly("2026-12-07T22:00", "2026-12-08T05:00", "FREQ=WEEKLY;COUNT=3", except_dates=["2026-12-09"])
    (found,) = order_findings(with_schedule(schedule))
    assert (found.severity, found.rule) == (Severity.WARNING, "schedule.exception")


def test_an_unbounded_rule_is_followed_as_far_as_is_asked_and_warned_of() -> None:
    schedule = weekly("2026-12-07T22:00", "2026-12-08T05:00", "FREQ=WEEKLY")
    assert len(windows(schedule, until=datetime(2026, 12, 25, tzinfo=UTC))) == 3
    assert [f.rule for f in order_findings(with_schedule(schedule))] == ["schedule.unbounded"]


@pytest.mark.parametrize(
    "rrule",
    [
        "FREQ=SECONDLY",
        "FREQ=MINUTELY;INTERVAL=5",
        "FREQ=HOURLY",
        "FREQ=DAILY;BYHOUR=1,2",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=3;UNTIL=20270101",
        "FREQ=DAILY;UNTIL=20270231",
        "FREQ=DAILY;BYEASTER=1",
        "FREQ=WEEKLY;BYDAY=2MO",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=WEEKLY;BYDAY=TU",  # the first is a Monday
        "FREQ=WEEKLY;BYDAY=MO;BYDAY=MO",
        "BYDAY=MO",
        "every Monday",
        "",
    ],
)
def test_a_rule_that_closures_do_not_take_is_refused_at_its_path(rrule: str) -> None:
    found = fault(weekly("2026-12-07T22:00", "2026-12-08T05:00", rrule))
    assert (found.rule, found.where) == ("schedule.rrule", "measures[0].when.recurrences[0].rrule")


def test_a_rule_whose_occurrences_overlap_is_refused() -> None:
    found = fault(weekly("2026-12-07T08:00", "2026-12-08T09:00", "FREQ=DAILY;COUNT=5"))
    assert found.rule == "schedule.overlap"


def test_periods_that_overlap_are_refused_and_those_that_touch_are_not() -> None:
    morning = {"start": "2026-12-05T07:00", "end": "2026-12-05T12:00"}
    found = fault({"periods": [morning, {"start": "2026-12-05T11:00", "end": "2026-12-05T18:00"}]})
    assert found.rule == "schedule.overlap"
    assert len(windows({"periods": [morning, {"start": "2026-12-05T12:00", "end": "2026-12-05T18:00"}]})) == 2


def test_reopenings_cut_a_window_and_only_the_last_piece_keeps_the_open_end() -> None:
    pieces = windows(
        {
            "periods": [
                {"start": "2026-12-05T06:00", "until": {"en": "x"}, "estimated_end": "2026-12-05T20:00"},
                {"start": "2026-12-06T06:00", "end": "2026-12-06T20:00"},
            ],
            "reopenings": [
                {"start": "2026-12-05T16:00", "end": "2026-12-05T16:30"},
                {"start": "2026-12-05T12:00", "end": "2026-12-05T12:30"},
            ],
        }
    )
    assert [(o.key, local(o.window.start)[11:], local(o.window.end)[11:], o.end_is_estimate) for o in pieces] == [
        ("p1a", "06:00", "12:00", False),
        ("p1b", "12:30", "16:00", False),
        ("p1c", "16:30", "20:00", True),
        ("p2", "06:00", "20:00", False),
    ]


def test_a_reopening_at_the_edge_of_a_window_leaves_one_piece() -> None:
    (piece,) = windows(
        {
            "periods": [{"start": "2026-12-05T06:00", "end": "2026-12-05T20:00"}],
            "reopenings": [{"start": "2026-12-05T05:00", "end": "2026-12-05T07:00"}],
        }
    )
    assert (piece.key, local(piece.window.start)[11:]) == ("p1a", "07:00")


def test_a_reopening_while_nothing_is_closed_or_of_the_whole_is_refused() -> None:
    period = {"start": "2026-12-05T06:00", "end": "2026-12-05T20:00"}
    for reopening in (
        {"start": "2026-12-04T06:00", "end": "2026-12-04T07:00"},
        {"start": "2026-12-05T05:00", "end": "2026-12-05T21:00"},
    ):
        assert fault({"periods": [period], "reopenings": [reopening]}).rule == "schedule.reopening"


def test_a_reopening_years_into_a_recurrence_is_taken() -> None:
    schedule = weekly("2026-12-07T06:00", "2026-12-07T20:00", "FREQ=WEEKLY;UNTIL=20321231")
    schedule["reopenings"] = [{"start": "2031-12-08T12:00", "end": "2031-12-08T13:00"}]
    found = windows(schedule, since=datetime(2031, 12, 7, tzinfo=UTC), until=datetime(2031, 12, 9, tzinfo=UTC))
    assert [o.key for o in found] == ["2031-12-08a", "2031-12-08b"]


def test_windows_are_those_that_overlap_the_time_asked_for_uncut() -> None:
    order = with_periods({"start": "2026-12-01T00:00", "end": "2027-02-01T00:00"})
    inside = datetime(2027, 1, 1, tzinfo=UTC)
    (one,) = windows_of(order.measures[0], order.timezone, since=inside, until=inside + HOUR)
    assert one.window.length > timedelta(days=60)
    after = datetime(2027, 2, 2, tzinfo=UTC)
    assert windows_of(order.measures[0], order.timezone, since=after, until=after + HOUR) == ()


def test_two_rules_of_one_measure_have_different_keys_on_the_same_day() -> None:
    order = made_order()
    schedule = weekly("2026-12-07T06:00", "2026-12-07T08:00", "FREQ=DAILY;COUNT=2")
    schedule["recurrences"] += weekly("2026-12-07T15:00", "2026-12-07T18:00", "FREQ=DAILY;COUNT=2")["recurrences"]
    assert order.measures
    keys = [o.key for o in windows(schedule)]
    assert keys == ["2026-12-07", "2026-12-07-r2", "2026-12-08", "2026-12-08-r2"]


ZONES = [
    "Europe/Helsinki",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Asia/Shanghai",
    "America/Havana",
]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    zone=st.sampled_from(ZONES),
    start=st.datetimes(datetime(2027, 1, 1), datetime(2027, 12, 1)),
    minutes=st.integers(30, 23 * 60),
    rrule=st.sampled_from(["FREQ=DAILY;COUNT=400", "FREQ=DAILY;INTERVAL=2", "FREQ=WEEKLY;COUNT=60", "FREQ=MONTHLY"]),
    cut_after=st.integers(0, 13),
    asked_after=st.integers(0, 400),
)
def test_windows_never_overlap_and_keep_their_keys_whatever_is_asked_for(
    zone: str, start: datetime, minutes: int, rrule: str, cut_after: int, asked_after: int
) -> None:
    first = start.replace(second=0, microsecond=0)
    schedule = weekly(first.isoformat(), (first + timedelta(minutes=minutes)).isoformat(), rrule)
    cut = first + timedelta(days=28 * cut_after, minutes=5)
    schedule["reopenings"] = [{"start": cut.isoformat(), "end": (cut + timedelta(minutes=20)).isoformat()}]
    since = datetime(2027, 1, 1, tzinfo=UTC)
    try:
        everything = windows(schedule, zone, since=since, until=since + timedelta(days=800))
    except OrderInvalid as refused:
        assert {f.rule for f in refused.findings} <= {"schedule.time", "schedule.order", "schedule.reopening"}
        event("refused")
        return  # a written time in a gap or a fold, a re-opening while nothing is closed
    assert all(a.window.end <= b.window.start for a, b in pairwise(everything))
    assert len({o.key for o in everything}) == len(everything)
    then = since + timedelta(days=asked_after)
    some = windows(schedule, zone, since=then, until=then + timedelta(days=30))
    by_key = {o.key: o.window for o in everything}
    assert all(by_key[o.key] == o.window for o in some)
