from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import AnnouncedEnd, GroupKey, LampEvent
from trafficfeed.signals.forecast import Forecast, Method
from trafficfeed.signals.prediction.history import REACH
from trafficfeed.signals.prediction.predictor import Predictor

START = datetime(2026, 3, 2, 7, tzinfo=UTC)
KEY = GroupKey("junction", 1)
RED, GREEN, AMBER = Aspect.STOP_AND_REMAIN, Aspect.PROTECTED_GREEN, Aspect.PROTECTED_AMBER
Shown = tuple[float, Aspect]


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def lamp(second: float, aspect: Aspect, key: GroupKey = KEY, announced: AnnouncedEnd | None = None) -> LampEvent:
    seen = at(second)
    return LampEvent(
        key=key, aspect=aspect, observed_at=seen, received_at=seen, source="test:made", announced=announced
    )


def fed(events: Sequence[Shown], predictor: Predictor | None = None, key: GroupKey = KEY) -> Predictor:
    predictor = predictor or Predictor()
    for second, aspect in events:
        predictor.observe(lamp(second, aspect, key))
    return predictor


def forecast(predictor: Predictor, second: float, key: GroupKey = KEY) -> Forecast:
    said = predictor.forecast(key, at(second))
    assert said is not None
    return said


def fixed_cycles(count: int, cycle_s: float = 90.0, red_s: float = 50.0) -> list[Shown]:
    return [
        (cycle_s * n + second, aspect)
        for n in range(count)
        for second, aspect in ((0.0, RED), (red_s, GREEN), (cycle_s - 3, AMBER))
    ]


def random_cycles(count: int, seed: int = 7) -> list[Shown]:
    """Greens and reds of lengths that nothing foretells."""
    random, second, shown = Random(seed), 0.0, []
    for _ in range(count):
        for aspect, shortest, longest in ((RED, 15, 70), (GREEN, 8, 60), (AMBER, 3, 3)):
            shown.append((second, aspect))
            second += random.randint(shortest, longest)
    return shown


def seconds_of(events: Sequence[Shown]) -> Iterator[int]:
    return iter(range(int(events[0][0]), int(events[-1][0])))


def test_a_fixed_cycle_is_counted_down_to_the_second() -> None:
    predictor = fed(fixed_cycles(15))
    said = forecast(predictor, 14 * 90 + 88)
    assert said.aspect is AMBER
    predictor.observe(lamp(15 * 90, RED))
    said = forecast(predictor, 15 * 90 + 10)
    assert said.likely_end == at(15 * 90 + 50)
    assert said.countdown_allowed
    assert said.method is Method.ANALOGUES
    assert said.next_aspect is GREEN
    assert said.p10 is not None and said.p90 is not None
    assert at(15 * 90 + 49) <= said.p10 <= said.p90 <= at(15 * 90 + 51)


def test_nothing_is_counted_down_before_there_is_a_past() -> None:
    predictor = fed(fixed_cycles(3))
    said = forecast(predictor, 2 * 90 + 89)
    assert not said.countdown_allowed
    assert forecast(fed([(0, RED)]), 5).method is Method.ABSTAIN


def test_lengths_that_nothing_foretells_are_hardly_ever_counted_down() -> None:
    events = random_cycles(60)
    predictor, allowed, seconds = Predictor(), 0, 0
    for (second, aspect), (end, _) in pairwise(events):
        predictor.observe(lamp(second, aspect))
        if aspect is not AMBER:
            said = [forecast(predictor, t).countdown_allowed for t in range(int(second), int(end))]
            allowed, seconds = allowed + sum(said), seconds + len(said)
    assert allowed / seconds < 0.03


@pytest.mark.parametrize("events", [random_cycles(30), fixed_cycles(20)], ids=["random", "fixed"])
def test_what_comes_later_does_not_change_what_was_said_earlier(events: list[Shown]) -> None:
    cut = len(events) * 2 // 3
    other = [(second + 5.0 * (n % 3), aspect) for n, (second, aspect) in enumerate(events[cut:])]
    said = [_all_forecasts(tail, until=events[cut][0]) for tail in (events, [*events[:cut], *other])]
    assert said[0] == said[1]
    assert any(one.method is not Method.ABSTAIN for one in said[0])


def _all_forecasts(events: Sequence[Shown], until: float) -> list[Forecast]:
    predictor, said, left = Predictor(), [], list(events)
    for second in range(int(until)):
        while left and left[0][0] <= second:
            predictor.observe(lamp(*left.pop(0)))
        said.append(forecast(predictor, second))
    return said


def test_a_run_longer_than_all_before_it_is_not_foretold() -> None:
    predictor = fed([*fixed_cycles(15), (15 * 90, RED)])
    assert forecast(predictor, 15 * 90 + 49).method is not Method.ABSTAIN
    said = forecast(predictor, 15 * 90 + 51)
    assert said.method is Method.ABSTAIN
    assert said.likely_end is None and not said.countdown_allowed
    assert predictor.next_change(KEY, at(15 * 90 + 51)) is None


def test_events_twice_or_late_change_nothing() -> None:
    events = random_cycles(25)
    twice = [event for event in events for _ in range(3)]
    late = [event for n, event in enumerate(events) for event in (event, *events[max(0, n - 4) : n])]
    plain, doubled, disordered = (fed(each) for each in (events, twice, late))
    now = events[-1][0] + 1
    assert forecast(plain, now) == forecast(doubled, now) == forecast(disordered, now)


def test_an_event_says_which_forecasts_it_changed() -> None:
    predictor = fed(fixed_cycles(3))
    assert predictor.observe(lamp(3 * 90, RED)) == (KEY,)
    assert predictor.observe(lamp(3 * 90 + 1, RED)) == ()
    assert predictor.observe(lamp(3 * 90 - 5, GREEN)) == ()


@pytest.mark.parametrize("aspect", [Aspect.DARK, Aspect.FLASHING_AMBER, Aspect.UNAVAILABLE, Aspect.STOP_THEN_PROCEED])
def test_dark_flashing_and_unknown_lamps_are_never_foretold(aspect: Aspect) -> None:
    events = [(30.0 * n, aspect if n % 2 else RED) for n in range(41)]
    predictor = fed(events[:40])
    said = forecast(predictor, 30 * 39 + 3)
    assert said.aspect is aspect
    assert said.method is Method.ABSTAIN


def test_a_red_that_was_cut_off_by_silence_is_no_example() -> None:
    whole = fixed_cycles(12)
    broken = [*whole, (12 * 90, RED), (12 * 90 + 20, Aspect.UNAVAILABLE), (12 * 90 + 30, RED), (12 * 90 + 50, GREEN)]
    again = [(second + 13 * 90, aspect) for second, aspect in fixed_cycles(1)]
    said = forecast(fed([*broken, (12 * 90 + 87, AMBER), *again[:1]]), 13 * 90 + 5)
    assert said.min_end is not None and said.min_end >= at(13 * 90 + 49)


def test_memory_does_not_grow_with_the_number_of_events() -> None:
    predictor = fed(fixed_cycles(300))
    history = predictor._ladders[KEY].group.history
    assert {len(runs) for runs in history.runs.values()} == {REACH}


def test_between_changes_the_forecast_stands() -> None:
    events = random_cycles(25)
    predictor = fed(events)
    now = at(events[-1][0])
    for _ in range(40):
        change = predictor.next_change(KEY, now)
        if change is None:
            break
        assert change > now
        before = predictor.forecast(KEY, now)
        just_before = predictor.forecast(KEY, change - timedelta(milliseconds=1))
        assert before is not None and just_before is not None
        assert (before.likely_end, before.p10, before.p90) == (just_before.likely_end, just_before.p10, just_before.p90)
        now = change
    else:
        pytest.fail("it never came to an end")


def test_quantiles_are_in_order_and_not_in_the_past() -> None:
    events = random_cycles(40)
    predictor, left = Predictor(), list(events)
    for second in seconds_of(events):
        while left and left[0][0] <= second:
            predictor.observe(lamp(*left.pop(0)))
        said = forecast(predictor, second)
        if said.method is Method.ABSTAIN:
            continue
        assert said.min_end and said.p10 and said.p50 and said.p90 and said.max_end
        assert at(second) <= said.min_end <= said.p50 <= said.max_end
        assert said.p10 <= said.p50 <= said.p90


def test_a_countdown_stays_within_what_the_controller_announces() -> None:
    predictor = fed(fixed_cycles(15))
    bounds = AnnouncedEnd(min_end=at(15 * 90 + 60), max_end=at(15 * 90 + 70))
    predictor.observe(lamp(15 * 90, RED, announced=bounds))
    said = forecast(predictor, 15 * 90 + 5)
    assert said.likely_end == at(15 * 90 + 60)
    assert not said.countdown_allowed
