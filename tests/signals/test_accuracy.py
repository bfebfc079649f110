"""Scores: only what is known, second by second, at the horizon that was true; nothing for silence."""

import random
from datetime import UTC, date
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from made_accuracy import GREEN, KEY, RED, at, lamp, said

from trafficfeed.signals.accuracy.scoring import NEAR_MS, Said, score_run
from trafficfeed.signals.accuracy.tally import COUNTED, HORIZONS_S, Tally, merged
from trafficfeed.signals.accuracy.watch import Accuracy, GroupDay, of_days
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import GroupKey, LampEvent
from trafficfeed.signals.forecast import Forecast, Method

TODAY = GroupDay(KEY, date(2026, 11, 22))


def told(*happenings: LampEvent | Forecast, settle_s: float = 10.0) -> Accuracy:
    """Return the scores after some happenings."""
    accuracy = Accuracy(UTC, settle_s=settle_s)
    for one in happenings:
        if isinstance(one, LampEvent):
            accuracy.observe(one)
        else:
            accuracy.publishable(one)
    return accuracy


def counts(accuracy: Accuracy, day: GroupDay = TODAY) -> dict[str, int]:
    """Return the counts of one group and day by name."""
    return dict(zip(COUNTED, accuracy.tallies[day].total(), strict=True))


def test_a_forecast_is_not_scored_before_its_outcome_is_known_and_settled() -> None:
    accuracy = told(lamp(RED, 0), said(RED, 0, 0, 30))
    accuracy.settle(at(1000))
    assert not accuracy.tallies
    accuracy.observe(lamp(GREEN, 30))
    assert not accuracy.tallies
    accuracy.settle(at(39.9))
    assert not accuracy.tallies
    accuracy.settle(at(40))
    assert counts(accuracy)["within_1s"] == 30


def test_every_second_is_scored_by_what_was_said_of_it_last() -> None:
    accuracy = told(
        lamp(RED, 0),
        said(RED, 0, 0, 40, countdown=False),
        said(RED, 0, 10, 33),
        said(RED, 0, 20, 30.5),
        lamp(GREEN, 30),
    )
    accuracy.finish()
    of = counts(accuracy)
    assert of["seconds"] == 30
    assert of["published"] == 20
    assert of["within_1s"] == 10
    assert of["within_2s"] == 10
    assert of["error_ms"] == 10 * 3000 + 10 * 500
    assert of["with_interval"] == 30
    figures = accuracy.tallies[TODAY].figures()
    assert figures.published_share == round(20 / 30, 4)
    assert figures.mae_s == 1.75


def test_the_horizon_is_the_time_that_was_left_in_truth() -> None:
    accuracy = told(lamp(RED, 0), said(RED, 0, 0, 60), lamp(GREEN, 60))
    accuracy.finish()
    tally = accuracy.tallies[TODAY]
    assert [tally.at(k)[0] for k in range(5)] == [5, 5, 10, 20, 20]


def test_a_second_before_the_first_word_was_not_published() -> None:
    accuracy = told(lamp(RED, 0), said(RED, 0, 12.5, 30), lamp(GREEN, 30))
    accuracy.finish()
    assert counts(accuracy)["seconds"] == 30
    assert counts(accuracy)["published"] == 17  # the seconds 13 to 29


def test_silence_and_unavailability_are_not_scored_but_counted_as_lost() -> None:
    silent = told(lamp(RED, 0), said(RED, 0, 0, 30))
    silent.lost(KEY)
    silent.observe(lamp(GREEN, 30))
    unavailable = told(lamp(RED, 0), said(RED, 0, 0, 30), lamp(Aspect.UNAVAILABLE, 20), lamp(GREEN, 30))
    for accuracy in (silent, unavailable):
        accuracy.finish()
        assert counts(accuracy)["seconds"] == 0
        assert accuracy.tallies[TODAY].lost == 1


def test_the_same_aspect_after_a_silence_does_not_make_the_run_known_again() -> None:
    accuracy = told(lamp(RED, 0), said(RED, 0, 0, 30))
    accuracy.lost(KEY)
    accuracy.observe(lamp(RED, 100))
    accuracy.observe(lamp(GREEN, 130))
    accuracy.finish()
    assert accuracy.tallies[TODAY].runs == 0


def test_a_late_event_moves_the_truth_until_it_has_settled_and_not_afterwards() -> None:
    happened = [lamp(RED, 0), said(RED, 0, 0, 30), lamp(GREEN, 50)]
    in_time = told(*happened, lamp(Aspect.PRE_MOVEMENT, 30, received=55))
    too_late = told(*happened, lamp(Aspect.PRE_MOVEMENT, 30, received=61))
    in_time.finish(), too_late.finish()
    assert counts(in_time)["within_1s"] == counts(in_time)["seconds"] == 30
    assert counts(too_late)["within_1s"] == 0
    assert counts(too_late)["seconds"] == 50


def test_an_event_received_late_scores_only_the_seconds_in_which_the_lamp_still_showed_it() -> None:
    accuracy = told(lamp(RED, 0), said(RED, 0, 0, 30), said(RED, 0, 32, 45), lamp(GREEN, 30, received=40))
    accuracy.finish()
    assert counts(accuracy)["seconds"] == counts(accuracy)["within_1s"] == 30


def test_a_forecast_of_another_run_is_no_forecast_of_this_one() -> None:
    accuracy = told(lamp(RED, 0), said(RED, -50, 0, 30), said(GREEN, 0, 0, 30), lamp(GREEN, 30))
    accuracy.finish()
    assert counts(accuracy)["published"] == 0


def test_an_abstention_withdraws_what_was_said() -> None:
    nothing = Forecast(key=KEY, aspect=RED, since=at(0), made_at=at(10), method=Method.ABSTAIN, max_end=at(60))
    accuracy = told(lamp(RED, 0), said(RED, 0, 0, 30), nothing, lamp(GREEN, 30))
    accuracy.finish()
    assert counts(accuracy)["published"] == counts(accuracy)["with_interval"] == 10


def test_flashing_and_dark_are_no_countdowns_to_score() -> None:
    accuracy = told(lamp(Aspect.FLASHING_AMBER, 0), lamp(Aspect.DARK, 100), lamp(RED, 200))
    accuracy.finish()
    assert not accuracy.tallies


def test_a_day_is_the_citys_own() -> None:
    accuracy = Accuracy(ZoneInfo("Asia/Shanghai"))
    for event in (lamp(RED, 3.9 * 3600), lamp(GREEN, 3.99 * 3600), lamp(RED, 4.01 * 3600)):  # noon UTC is 20 there
        accuracy.observe(event)
    accuracy.finish()
    assert {own.day for own in accuracy.tallies} == {date(2026, 11, 22), date(2026, 11, 23)}
    accuracy.forget(date(2026, 11, 23))
    assert {own.day for own in accuracy.tallies} == {date(2026, 11, 23)}


def test_a_truth_known_to_the_second_is_covered_by_the_part_of_it_that_the_interval_holds() -> None:
    whole = told(lamp(RED, 0), said(RED, 0, 0, 30, width=0.8), lamp(GREEN, 30))
    exact = told(lamp(RED, 0.001), said(RED, 0.001, 0.001, 30, width=0.8), lamp(GREEN, 30.001))
    whole.finish(), exact.finish()
    assert whole.tallies[TODAY].figures().coverage_p10_p90 == 0.8
    assert exact.tallies[TODAY].figures().coverage_p10_p90 == 1.0


def test_memory_does_not_grow_with_what_is_said_in_a_run_that_does_not_end() -> None:
    accuracy = told(lamp(RED, 0))
    for second in range(5000):
        accuracy.publishable(said(RED, 0, second, second + 30))
    run = accuracy._present(KEY)
    assert run is not None
    assert len(run.said) <= 500
    accuracy.observe(lamp(GREEN, 5000))
    accuracy.finish()
    assert accuracy.tallies[TODAY].lost == 1


steps = st.lists(
    st.tuples(
        st.integers(-2000, 70_000),
        st.integers(0, 90_000),
        st.integers(0, 9_000),
        st.booleans(),
        st.booleans(),
    ),
    max_size=8,
)


@settings(max_examples=200, deadline=None)
@given(steps, st.integers(1, 70_000), st.booleans())
def test_closed_form_counts_what_looking_at_every_second_counts(
    drawn: list[tuple[int, int, int, bool, bool]], lasted: int, whole: bool
) -> None:
    spoken = [
        Said(start, end, end - width, end + width, countdown, countdown and shown)
        for start, end, width, countdown, shown in sorted(drawn, key=lambda one: one[0])
    ]
    tally = Tally()
    score_run(spoken, lasted, tally, to_the_second=whole)
    expected = [[0] * len(COUNTED) for _ in range(len(HORIZONS_S) + 1)]
    for second in range(-(-lasted // 1000)):
        held = [one for one in spoken if one.from_ms <= second * 1000]
        horizon = sum(lasted - second * 1000 > 1000 * edge for edge in HORIZONS_S)
        for k, value in enumerate(_plainly(held[-1] if held else Said(0), lasted, whole)):
            expected[horizon][k] += value
    assert [list(tally.at(k)) for k in range(5)] == expected


def _plainly(held: Said, truth: int, whole: bool) -> list[int]:
    row = dict.fromkeys(COUNTED, 0)
    row["seconds"] = 1
    if held.low_ms is not None and held.high_ms is not None:
        row["with_interval"] = 1
        inside = held.low_ms <= truth <= held.high_ms
        overlap = min(held.high_ms, truth + 500) - max(held.low_ms, truth - 500)
        row["covered_ms"] = min(1000, max(0, overlap)) if whole else 1000 * inside
    if held.countdown and held.likely_ms is not None:
        error = abs(held.likely_ms - truth)
        if held.shown:
            row |= {"published": 1, "error_ms": error, "within_1s": error <= NEAR_MS, "within_2s": error <= 2010}
        else:
            row |= {"shadow": 1, "shadow_within_1s": error <= NEAR_MS}
    return [int(row[name]) for name in COUNTED]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 90), st.integers(-5, 5)), max_size=30), st.randoms())
def test_tallies_of_parts_of_a_day_add_up_to_the_tally_of_the_day_in_any_order(
    runs: list[tuple[int, int, int]], shuffled: random.Random
) -> None:
    parts, together = [], Accuracy(UTC)
    for group, lasted, error in runs:
        key = GroupKey("crossing", group)
        part = Accuracy(UTC)
        begin = together._present(key).since if together._present(key) else at(0)  # type: ignore[union-attr]
        second = (begin - at(0)).total_seconds() + 1000
        for accuracy in (part, together):
            accuracy.observe(lamp(RED, second, key=key))
            accuracy.publishable(said(RED, second, second, second + lasted + error, key=key))
            accuracy.observe(lamp(Aspect.DARK, second + lasted, key=key))
        part.finish()
        parts.append(part)
    together.finish()
    shuffled.shuffle(parts)
    assert of_days(item for part in parts for item in part.tallies.items()) == together.tallies
    assert merged(together.tallies.values()).runs == len(runs)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 300), st.sampled_from(list(Aspect)), st.floats(0, 30)), max_size=60))
def test_no_order_of_events_scores_a_second_twice_or_more_seconds_than_have_passed(
    drawn: list[tuple[float, Aspect, float]],
) -> None:
    accuracy = Accuracy(UTC)
    for second, aspect, delay in sorted(drawn, key=lambda one: one[0] + one[2]):
        accuracy.observe(lamp(aspect, second, received=second + delay))
        accuracy.publishable(said(aspect, second, second + delay, second + 10))
    accuracy.finish()
    for tally in accuracy.tallies.values():
        of = dict(zip(COUNTED, tally.total(), strict=True))
        assert of["seconds"] <= 301 + tally.runs
        assert of["within_1s"] <= of["within_2s"] <= of["published"] <= of["seconds"]
        assert of["covered_ms"] <= 1000 * of["with_interval"] <= 1000 * of["seconds"]
