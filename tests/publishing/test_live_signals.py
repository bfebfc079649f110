"""The lamps of a city as they are told: what changed alone, silence, forecasts that lag behind, who comes back."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from trafficfeed.formats.signals_json_reading import read_signals_json
from trafficfeed.pipeline.live_city import LiveCity
from trafficfeed.publishing.bus import Batch, LocalBus
from trafficfeed.publishing.signal_board import SignalBoard
from trafficfeed.signals import live as live_module
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import GroupKey, LampEvent
from trafficfeed.signals.live import Change, LiveSignals, Reason
from trafficfeed.signals.prediction.predictor import Predictor
from trafficfeed.signals.states import GroupState
from trafficfeed.signals.timer_wheel import TimerWheel

BEGIN = datetime(2026, 12, 1, 12, tzinfo=UTC)
RED, GREEN, AMBER = Aspect.STOP_AND_REMAIN, Aspect.PROTECTED_GREEN, Aspect.PROTECTED_AMBER


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def lamp(seconds: float, aspect: Aspect, group: int = 1, intersection: str = "a") -> LampEvent:
    return LampEvent(
        key=GroupKey(intersection, group),
        aspect=aspect,
        observed_at=at(seconds),
        raw_observed_at=at(seconds),
        received_at=at(seconds),
        source="test",
    )


def group(change: Change, number: int = 1) -> GroupState:
    return next(one for one in change.state.groups if one.group == number)


def cycles(count: int, length_s: float = 60.0) -> list[LampEvent]:
    """A group that is green for 20 s of each minute, always at the same second."""
    return [
        lamp(n * length_s + second, aspect)
        for n in range(count)
        for second, aspect in ((0.0, GREEN), (20.0, AMBER), (23.0, RED))
    ]


@pytest.fixture
def signals() -> LiveSignals:
    return LiveSignals(Predictor())


def told(signals: LiveSignals, seconds: float, *events: LampEvent) -> list[Change]:
    signals.take(events)
    signals.learn()
    return signals.changes(at(seconds))


def test_only_the_groups_that_changed_are_told(signals: LiveSignals) -> None:
    told(signals, 0, lamp(0, RED), lamp(0, RED, 2), lamp(0, RED, 3, "b"))
    [change] = told(signals, 5, lamp(5, GREEN, 2))
    assert (change.state.intersection, change.groups, change.reason) == ("a", (2,), Reason.CHANGE)
    assert [one.aspect for one in change.state.groups] == [RED, GREEN]
    assert told(signals, 6, lamp(6, GREEN, 2)) == [], "the same again is no news"


def test_a_beginning_that_was_not_seen_has_no_time(signals: LiveSignals) -> None:
    [first] = told(signals, 0, lamp(0, RED))
    assert group(first).since is None
    [second] = told(signals, 5, lamp(5, GREEN))
    assert group(second).since == at(5)


def test_late_events_change_nothing(signals: LiveSignals) -> None:
    told(signals, 10, lamp(10, GREEN))
    assert told(signals, 11, lamp(9, RED)) == []
    assert signals.late == 1


def test_a_steady_lamp_is_foreseen_to_the_second(signals: LiveSignals) -> None:
    for event in cycles(30):
        signals.take([event])
        signals.learn()
        signals.changes(event.observed_at)
    [change] = told(signals, 1800.1, lamp(1800, GREEN))
    forecast = group(change).forecast
    assert forecast is not None and forecast.likely_end is not None
    assert abs((forecast.likely_end - at(1820)).total_seconds()) <= 1.0


def test_lamps_do_not_wait_for_their_forecast(signals: LiveSignals) -> None:
    for event in cycles(30):
        signals.take([event])
        signals.learn()
        signals.changes(event.observed_at)
    signals.take([lamp(1800, GREEN)])
    [first] = signals.changes(at(1800.1))
    assert group(first).aspect is GREEN and group(first).forecast is None
    signals.learn()
    [second] = signals.changes(at(1800.2))
    assert second.groups == (1,) and group(second).forecast is not None


def test_what_the_predictor_cannot_follow_is_let_go_and_its_run_is_not_learnt(
    signals: LiveSignals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "MOST_UNLEARNT", 2)
    signals.take([lamp(n, (GREEN, AMBER, RED)[n % 3]) for n in range(6)])
    assert (signals.unlearnt, signals.unforeseen) == (2, 4)
    [change] = signals.changes(at(6))
    assert group(change).aspect is RED, "the lamps themselves are shown"
    signals.learn()
    assert signals.unlearnt == 0


def test_silence_makes_lamps_stale_until_they_are_heard_of_again(signals: LiveSignals) -> None:
    told(signals, 0, lamp(0, RED), lamp(0, RED, 2))
    signals.fall_silent("a", at(2))
    [silent] = signals.changes(at(2))
    assert silent.state.stale and silent.groups == (1, 2)
    [again] = told(signals, 8, lamp(8, RED))
    assert [one.stale for one in again.state.groups] == [False, True]


def test_an_intersection_of_which_nothing_is_new_is_told_once_in_a_heartbeat(signals: LiveSignals) -> None:
    told(signals, 0, lamp(0, RED))
    beats = [change for second in range(1, 31) for change in signals.changes(at(second))]
    assert [change.reason for change in beats] == [Reason.HEARTBEAT] * 3
    assert [change.state.revision for change in beats] == [1, 2, 3]


def test_the_wheel_brings_each_thing_up_once_it_is_due() -> None:
    wheel: TimerWheel[str] = TimerWheel()
    wheel.set("late", at(5))
    wheel.set("soon", at(1))
    assert list(wheel.due(at(0.9))) == []
    assert list(wheel.due(at(1.0))) == ["soon"]
    wheel.set("past", at(0))
    assert list(wheel.due(at(10))) == ["past", "late"]
    assert len(wheel) == 0


class City:
    """A live city on a clock that the test sets."""

    def __init__(self) -> None:
        self.now = BEGIN
        self.bus = LocalBus()
        self.board = SignalBoard()
        self.batches: list[Batch] = []
        self.bus.subscribe(self.board.take)
        self.bus.subscribe(self.batches.append)
        self.city = LiveCity(self.bus, lambda: self.now, zone=ZoneInfo("UTC"))

    def hear(self, seconds: float, *events: LampEvent) -> None:
        self.now = at(seconds)
        self.city.intake.heartbeat("test", self.now)
        self.city.take(events)
        self.city.hub.beat()


@pytest.fixture
def city() -> City:
    return City()


def test_silence_is_flagged_within_two_seconds(city: City) -> None:
    city.hear(0, lamp(0, RED))
    flagged = None
    for tick in range(1, 40):
        city.now = at(tick * 0.1)
        city.city.hub.beat()
        if flagged is None and city.board.latest["a"].state.stale:
            flagged = tick * 0.1
    assert flagged is not None and 1.0 < flagged <= 2.0


def test_who_comes_back_is_told_what_he_missed_and_who_was_away_too_long_is_not(city: City) -> None:
    city.hear(0, lamp(0, RED), lamp(0, RED, 1, "b"))
    known = city.board.newest
    city.hear(1, lamp(1, GREEN))
    city.hear(2, lamp(2, GREEN, 1, "b"))
    missed = city.board.since(known)
    assert missed is not None
    assert [update.id for update in missed] == ["a", "b"]
    only = city.board.since(known, frozenset(["b"]))
    assert only is not None and [update.id for update in only] == ["b"]
    for second in range(3, 700):
        city.hear(second)
    assert city.board.since(known) is None, "more than ten minutes ago"
    assert city.board.since(city.board.newest + 1) is None, "of another run"


def test_the_past_is_shown_as_it_was_published(city: City) -> None:
    city.hear(0, lamp(0, RED))
    city.hear(5, lamp(5, GREEN))

    def aspects(seconds: float) -> list[Aspect]:
        shown = city.board.at(at(seconds))
        assert shown is not None
        return [one.aspect for one in shown["a"].groups]

    assert aspects(4) == [RED]
    assert aspects(5) == [GREEN]
    assert city.board.at(at(-1)) is None
    assert [one.aspect for one in city.city.at(at(4))["a"].groups] == [RED], "the log knows it too"


def test_messages_are_encoded_once_and_carry_what_changed(city: City) -> None:
    city.hear(0, lamp(0, RED), lamp(0, RED, 2))
    city.hear(1, lamp(1, GREEN))
    [update] = city.batches[-1].updates
    assert update.delta is update.delta and update.whole is update.whole
    [some], [every] = read_signals_json(update.delta), read_signals_json(update.whole)
    assert [one.group for one in some.groups] == [1]
    assert [(one.group, one.aspect) for one in every.groups] == [(1, GREEN), (2, RED)]
    assert some.revision == every.revision == update.state.revision
