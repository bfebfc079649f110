"""Which readings may decide: spikes wait, true rises pass, stuck, jumping and mistaken gauges are found out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from made_sources import NOW, gauge

from trafficfeed.flooding.observations import Quality, Reading
from trafficfeed.flooding.quality import gaps, judge

G, U, S = Quality.GOOD, Quality.UNCHECKED, Quality.SPIKE


def stream(readings: list[Reading], **how: Any) -> tuple[list[Quality], list[Quality]]:
    """Return the quality of each as it was when it came, one by one, and as it is in the end."""
    stored: dict[str, dict[str, Reading]] = {}
    at_first = {}
    for one in readings:
        history = {sensor: tuple(sorted(its.values(), key=lambda r: r.observed_at)) for sensor, its in stored.items()}
        judged = judge([one], history, received_at=one.received_at, **how)
        at_first[one.id] = judged.readings[0].quality
        for kept in (*judged.readings, *judged.again):
            stored.setdefault(kept.sensor, {})[kept.id] = kept
    return [at_first[one.id] for one in readings], [stored[one.sensor][one.id].quality for one in readings]


def test_a_flood_that_rises_from_5_to_15_cm_in_four_minutes_is_good_as_it_comes() -> None:
    came, _ = stream(gauge([0, 0, 0, 2, 5, 7, 10, 12.5, 15, 18, 22, 27, 31, 33]))
    assert came == [U] + [G] * 13


def test_the_first_reading_of_a_gauge_is_unchecked_until_the_next_agrees() -> None:
    came, then = stream(gauge([40, 41]))
    assert (came, then) == ([U, G], [G, G])


def test_a_spike_is_not_believed_and_what_follows_is() -> None:
    came, then = stream(gauge([4, 4, 4.2, 80, 4.1, 4.3]))
    assert (came, then) == ([U, G, G, S, G, G], [G, G, G, S, G, G])


def test_a_sudden_rise_waits_for_the_next_reading_and_is_then_good_itself() -> None:
    came, then = stream(gauge([2, 2, 2, 34, 36]))
    assert came[3:] == [S, G] and then[3:] == [G, G]


def test_a_sudden_rise_that_goes_on_rising_is_confirmed() -> None:
    came, _ = stream(gauge([2, 2, 2, 20, 36, 45]))
    assert came[3:] == [S, G, G]


def test_two_gauges_of_a_place_that_agree_need_not_wait() -> None:
    beside = {"a": ["b"], "b": ["a"]}
    a, b = gauge([2, 2, 2, 34, 36]), gauge([2, 2, 2, 33, 35], sensor="b")
    came, then = stream([one for pair in zip(a, b, strict=True) for one in pair], beside=beside)
    assert came[6:] == [S, G, G, G]
    assert set(then) == {G}


def test_a_sudden_fall_must_last_before_it_is_believed() -> None:
    came, then = stream(gauge([40, 40.5, 41, 3, 3, 3.2, 3.1, 3, 2.9, 2.8]))
    assert came[3:8] == [S] * 5 and came[8:] == [G, G]
    assert then[3:] == [G] * 7


def test_a_jumping_gauge_neither_closes_nor_clears() -> None:
    came, _ = stream(gauge([5, 5, 5] + [60, 60, 5, 5] * 6))
    depths = [5, 5, 5] + [60, 60, 5, 5] * 6
    believed = [depth for depth, quality in zip(depths[11:], came[11:], strict=True) if quality is G]
    assert len(set(believed)) <= 1, "after some jumps it is believed one level at most"


def test_a_stuck_gauge_is_found_out_sooner_in_deep_water() -> None:
    deep, _ = stream(gauge([10, 18, 25, 31] + [35.0] * 90))
    assert deep[60] is G and deep[-1] is Quality.STUCK
    shallow, _ = stream(gauge([0, 3, 6] + [8.0] * 90))
    assert Quality.STUCK not in shallow
    long, _ = stream(gauge([0, 3, 6] + [8.0] * 60, every_s=180))
    assert long[-1] is Quality.STUCK


def test_a_dry_gauge_is_not_stuck_and_a_still_pond_with_noise_neither() -> None:
    dry, _ = stream(gauge([0.0] * 200))
    assert set(dry[1:]) == {G}
    pond, _ = stream(gauge([20 + 0.1 * (n % 3) for n in range(200)]))
    assert set(pond[1:]) == {G}


def test_a_gauge_that_begins_to_move_again_is_believed_again() -> None:
    came, _ = stream(gauge([31, 33] + [35.0] * 90 + [34, 33, 32]))
    assert came[-4:] == [Quality.STUCK, G, G, G]


def test_inches_for_centimetres_are_found_out_by_the_jump_and_stay_out() -> None:
    inches = [round(one / 2.54, 2) for one in (33, 34, 35, 36, 37, 36)]
    came, then = stream(gauge([28, 29, 31, 32, *inches]))
    assert came[:4] == [U, G, G, G]
    assert came[4:] == [Quality.UNIT] * 6 and then[4:] == came[4:]
    findings = judge(gauge([28, 29, 31, 32, *inches]), {}, received_at=NOW + timedelta(minutes=10)).findings
    assert any("inches for centimetres" in one.message for one in findings)


def test_a_gauge_that_always_sent_inches_is_found_out_by_the_one_beside_it() -> None:
    beside = {"a": ["b"], "b": ["a"]}
    true_cm = [20, 23, 26, 29, 32, 35, 38, 41]
    right, wrong = gauge(true_cm, sensor="b"), gauge([round(one / 2.54, 1) for one in true_cm])
    came, _ = stream([one for pair in zip(right, wrong, strict=True) for one in pair], beside=beside)
    assert came[0::2] == [U] + [G] * 7
    assert came[1::2][4:] == [Quality.UNIT] * 4


def test_a_gauge_that_stands_higher_than_the_one_beside_it_is_no_gauge_of_inches() -> None:
    beside = {"a": ["b"], "b": ["a"]}
    low, high = gauge([20, 23, 26, 29, 32, 35, 38], sensor="b"), gauge([8, 11, 14, 17, 20, 23, 26])
    came, _ = stream([one for pair in zip(low, high, strict=True) for one in pair], beside=beside)
    assert Quality.UNIT not in came


def test_millimetres_for_centimetres_are_found_out_too_and_the_gauge_is_believed_when_it_is_back() -> None:
    came, _ = stream(gauge([20, 21, 22, 220, 221, 222, 23, 24]))
    assert came[3:6] == [Quality.UNIT] * 3 and came[6:] == [G, G]


def test_times_of_the_future_and_of_1970_are_flagged() -> None:
    (ahead,) = gauge([5], start=NOW + timedelta(hours=1))
    (unset,) = gauge([5], start=datetime(1970, 1, 1, 0, 5, tzinfo=UTC))
    judged = judge([replace(ahead, received_at=NOW), replace(unset, received_at=NOW)], {}, received_at=NOW)
    assert [one.quality for one in judged.readings] == [Quality.TIME] * 2
    near = replace(gauge([5], start=NOW + timedelta(seconds=60))[0], received_at=NOW)
    assert judge([near], {}, received_at=NOW).readings[0].quality is U


def test_what_comes_late_is_history_only() -> None:
    back_fill = gauge([5, 6, 7, 30, 31] + [31.5] * 3, every_s=600)
    judged = judge(back_fill, {}, received_at=back_fill[-1].observed_at + timedelta(seconds=30))
    qualities = [one.quality for one in judged.readings]
    assert qualities[:5] == [Quality.LATE] * 5 and qualities[-2:] == [G, G]


def test_back_fill_between_stored_readings_changes_none_that_was_good() -> None:
    whole = gauge([0, 3, 6, 9, 12, 15, 18, 21, 24, 27])
    stored = judge(whole[::2], {}, received_at=whole[-1].received_at).readings
    later = whole[-1].received_at + timedelta(hours=2)
    judged = judge(whole[1::2], {"a": stored}, received_at=later)
    assert {one.quality for one in judged.readings} == {Quality.LATE}
    assert not judged.again


def test_after_a_pause_the_first_reading_decides_nothing_unless_nothing_changed() -> None:
    before = gauge([40, 41, 42])
    for depth, expected in ((3.0, U), (43.0, G)):
        came, _ = stream([*before, *gauge([depth], start=NOW + timedelta(hours=3))])
        assert came[-1] is expected


def test_a_gauge_that_speaks_four_times_an_hour_is_judged_by_its_own_pace() -> None:
    came, then = stream(gauge([0, 0, 2, 20, 45, 44, 120, 40], every_s=900))
    assert came[1:6] == [G] * 5
    assert (came[6], came[7]) == (S, G) and then[6] is S


def test_range_and_doubt_from_the_adapter_stand_and_lead_nobody_astray() -> None:
    readings = gauge([5, 5, 900, 5.2, 5.1])
    readings[2] = replace(readings[2], quality=Quality.RANGE, why="no depth")
    came, _ = stream(readings)
    assert came == [U, G, Quality.RANGE, G, G]


def test_a_finding_names_the_gauge_once_however_many_readings() -> None:
    judged = judge(gauge([31, 33] + [35.0] * 90), {}, received_at=NOW + timedelta(hours=2), late_s=1e6)
    (stuck,) = [one for one in judged.findings if one.rule == "reading.stuck"]
    assert stuck.where == "a" and stuck.detail["count"] > 20


def test_a_silent_gauge_is_named() -> None:
    history = {"a": [replace(one, quality=G) for one in gauge([3, 3])], "b": gauge([9], sensor="b")}
    found = gaps(history, as_of=NOW + timedelta(minutes=30))
    assert [one.where for one in found] == ["a", "b"]
    assert not gaps({"a": history["a"]}, as_of=NOW + timedelta(minutes=10))
