"""The one door: what it takes, what it refuses, and when nothing may be timed."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import AnnouncedEnd, GroupKey, LampEvent
from trafficfeed.signals.ingest.intake import Intake
from trafficfeed.signals.ingest.refusals import Rule
from trafficfeed.signals.ingest.staleness import Staleness
from trafficfeed.signals.topology import Intersection, SignalGroup, Topology

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
RED, GREEN, AMBER, DARK = (
    Aspect.STOP_AND_REMAIN,
    Aspect.PROTECTED_GREEN,
    Aspect.PROTECTED_AMBER,
    Aspect.UNAVAILABLE,
)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def event(
    seconds: float, aspect: Aspect, group: int = 1, *, lag_s: float = 0.1, source: str = "here", told_s: float = 0.0
) -> LampEvent:
    """An event of an instant that arrives `lag_s` later, from a controller whose clock is `told_s` ahead."""
    told = at(seconds + told_s)
    return LampEvent(
        key=GroupKey("north", group),
        aspect=aspect,
        observed_at=told,
        raw_observed_at=told,
        received_at=at(seconds + lag_s),
        source=source,
    )


def topology(conflicts: Sequence[tuple[int, int]] = ()) -> Topology:
    groups = [
        SignalGroup(id=n, name=str(n), street="", compass="n", manoeuvres=(), stop_line=(0.0, 0.0)) for n in (1, 2, 3)
    ]
    north = Intersection(
        id="north",
        number=1,
        region=1,
        name="",
        lonlat=(0.0, 0.0),
        lanes=(),
        connections=(),
        groups=groups,
        conflicts=conflicts,
    )
    return Topology(city="c", version="1", source="test", made_at=NOON, intersections={"north": north})


@pytest.fixture
def door() -> Intake:
    return Intake(topology=topology([(1, 2)]), staleness=Staleness(default_s=60.0))


def aspects(events: Sequence[LampEvent]) -> list[tuple[int, Aspect]]:
    return [(event.key.group, event.aspect) for event in events]


def test_what_is_sound_is_logged_and_handed_on_in_the_order_of_time(door: Intake) -> None:
    heard: list[LampEvent] = []
    door.subscribe(heard.extend)

    taken = door.take([event(3, AMBER), event(0, GREEN), event(6, RED)])

    assert aspects(heard) == [(1, GREEN), (1, AMBER), (1, RED)]
    assert heard == list(taken.handed_on)
    assert list(door.log.replay(at(0), at(60))) == heard
    assert not door.findings()


def test_the_same_delivery_twice_is_taken_once(door: Intake) -> None:
    delivery = [event(0, GREEN), event(3, AMBER), event(6, RED)]
    door.take(delivery)

    again = door.take(delivery)

    assert (again.handed_on, again.logged, again.duplicates) == ((), 0, 3)
    assert len(list(door.log.replay(at(0), at(60)))) == 3


def test_a_duplicate_older_than_is_remembered_is_not_taken_either(door: Intake) -> None:
    first = event(0, GREEN)
    door.take([first])
    for cycle in range(40):
        door.take([event(10 * cycle + 3, AMBER), event(10 * cycle + 6, RED), event(10 * cycle + 9, GREEN)])

    again = door.take([first])

    assert (again.handed_on, again.logged, again.duplicates) == ((), 0, 1)


def test_an_event_that_comes_after_a_younger_one_is_kept_but_not_shown(door: Intake) -> None:
    door.take([event(0, GREEN), event(6, RED)])

    taken = door.take([event(3, AMBER, lag_s=4.0)])

    assert (taken.handed_on, taken.logged) == ((), 1)
    assert door.log.newest()[GroupKey("north", 1)].aspect is RED


def test_a_state_that_is_said_again_is_no_event(door: Intake) -> None:
    door.take([event(0, GREEN)])

    taken = door.take([event(1, GREEN), event(2, GREEN)])

    assert (taken.handed_on, taken.repeats) == ((), 2)


def test_news_of_the_end_of_what_is_shown_is_handed_on(door: Intake) -> None:
    door.take([event(0, GREEN)])
    said = LampEvent(
        key=GroupKey("north", 1),
        aspect=GREEN,
        observed_at=at(0),
        raw_observed_at=at(0),
        received_at=at(2),
        source="here",
        announced=AnnouncedEnd(likely_end=at(12)),
    )

    assert door.take([said]).handed_on == (said,)
    assert door.take([said]).handed_on == ()


def test_what_the_topology_does_not_know_is_refused(door: Intake) -> None:
    stray = LampEvent(key=GroupKey("moon", 1), aspect=RED, observed_at=at(0), received_at=at(0), source="here")

    taken = door.take([event(0, RED, group=9), stray])

    assert (taken.handed_on, taken.logged, taken.refused) == ((), 0, 2)
    assert door.refusals.count(Rule.UNKNOWN_GROUP) == 1
    assert door.refusals.count(Rule.UNKNOWN_INTERSECTION) == 1


@pytest.mark.parametrize(
    "told", [datetime(1970, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC), at(-3600), at(3600)]
)
def test_times_from_1970_the_future_or_another_zone_are_refused(door: Intake, told: datetime) -> None:
    wrong = LampEvent(
        key=GroupKey("north", 1), aspect=GREEN, observed_at=told, raw_observed_at=told, received_at=at(0), source="here"
    )

    taken = door.take([wrong])

    assert (taken.handed_on, taken.logged, taken.refused) == ((), 0, 1)
    assert door.refusals.count(Rule.TIME_PAST) + door.refusals.count(Rule.TIME_FUTURE) == 1


def test_a_time_without_a_zone_is_refused_and_does_not_spoil_the_rest(door: Intake) -> None:
    naive = LampEvent(
        key=GroupKey("north", 2), aspect=RED, observed_at=at(0).replace(tzinfo=None), received_at=at(0), source="here"
    )

    assert aspects(door.take([naive, event(0, GREEN)]).handed_on) == [(1, GREEN)]
    assert door.refusals.count(Rule.TIME_ZONE) == 1


def test_one_time_from_the_future_moves_no_clock(door: Intake) -> None:
    for k in range(10):
        door.take([event(10 * k, GREEN), event(10 * k + 3, AMBER), event(10 * k + 6, RED)])

    glitch = door.take([event(100, GREEN, told_s=200)])
    after = door.take([event(103, GREEN)])

    assert glitch.handed_on == ()
    assert [event.observed_at for event in after.handed_on] == [at(103)]


def test_two_aspects_at_one_instant_are_refused(door: Intake) -> None:
    door.take([event(0, GREEN)])

    assert door.take([event(0, RED)]).refused == 1
    assert door.refusals.count(Rule.CONTRADICTION) == 1


def test_a_green_that_turns_red_without_amber_shows_nothing_until_the_next_word(door: Intake) -> None:
    door.take([event(0, GREEN), event(10, AMBER), event(13, RED), event(40, GREEN)])

    taken = door.take([event(50, RED)])
    resumed = door.take([event(51, RED)])

    assert aspects(taken.handed_on) == [(1, DARK)]
    assert door.refusals.count(Rule.ILLEGAL_TRANSITION) == 1
    assert aspects(resumed.handed_on) == [(1, RED)]


def test_a_pedestrian_light_needs_no_amber(door: Intake) -> None:
    taken = door.take([event(0, RED), event(10, GREEN), event(20, RED), event(40, GREEN)])

    assert len(taken.handed_on) == 4


def test_greens_that_exclude_one_another_are_both_withdrawn(door: Intake) -> None:
    door.take([event(0, GREEN, group=1), event(0, RED, group=2)])

    taken = door.take([event(5, GREEN, group=2)])

    assert aspects(taken.handed_on) == [(2, DARK), (1, DARK)]
    assert door.refusals.count(Rule.CONFLICTING_GREEN) == 1
    assert aspects(door.take([event(6, AMBER, group=1)]).handed_on) == [(1, AMBER)]


def test_greens_that_change_places_at_one_instant_do_not_exclude_one_another(door: Intake) -> None:
    door.take([event(0, GREEN, group=1), event(0, RED, group=2)])

    taken = door.take([event(9, GREEN, group=2), event(9, AMBER, group=1)])

    assert aspects(taken.handed_on) == [(1, AMBER), (2, GREEN)]


def test_a_flood_of_duplicates_changes_nothing_and_is_told(door: Intake) -> None:
    door.take([event(0, RED)])
    sent = event(5, GREEN)
    door.take([sent])

    taken = door.take([sent] * 5000)

    assert (taken.handed_on, taken.logged, taken.duplicates) == ((), 0, 5000)
    assert door.refusals.count(Rule.FLOOD) == 1
    assert len(door.findings()) == 2


def test_a_controller_thirty_seconds_behind_is_refused_first_and_then_corrected(door: Intake) -> None:
    handed_on: list[LampEvent] = []
    door.subscribe(handed_on.extend)
    true = []
    for k in range(12):
        cycle = [event(30 * k, GREEN, told_s=-30), event(30 * k + 20, AMBER, told_s=-30)]
        for one in [*cycle, event(30 * k + 23, RED, told_s=-30)]:
            true.append(one)
            door.take([one])
            timed = door.may_be_timed("north")
            assert timed is bool(handed_on), "nothing is timed before the clock is known"

    assert door.refusals.count(Rule.CLOCK_SETTLING) == 7
    assert door.refusals.count(Rule.CLOCK_OFF) == len(handed_on) == len(true) - 7
    for shown in handed_on:
        assert abs((shown.received_at - shown.observed_at).total_seconds()) < 0.5
    clock = door.clock_of("north")
    assert clock is not None
    assert clock.is_off


def test_a_clock_that_steps_back_is_not_timed_until_it_is_known_again(door: Intake) -> None:
    for k in range(8):
        door.take([event(30 * k, GREEN), event(30 * k + 20, AMBER), event(30 * k + 23, RED)])
    assert door.may_be_timed("north")

    promised: list[LampEvent] = []
    for k in range(8, 20):
        for seconds, aspect in ((30 * k, GREEN), (30 * k + 20, AMBER), (30 * k + 23, RED)):
            taken = door.take([event(seconds, aspect, told_s=-30)])
            if door.may_be_timed("north"):
                promised += taken.handed_on

    assert promised
    for shown in promised:
        assert abs((shown.received_at - shown.observed_at).total_seconds()) < 0.5


def test_silence_is_flagged_within_two_seconds_and_a_change_missed_in_it_has_no_beginning() -> None:
    door = Intake(topology=topology())
    door.take([event(0, GREEN)])
    looks = [at(0.1 + 0.5 * k) for k in range(10)]

    flagged = [(look, silent) for look in looks if (silent := door.look(look))]

    assert [silent for _, silent in flagged] == [("north",)]
    assert (flagged[0][0] - at(0.1)).total_seconds() <= 2.0
    assert door.is_stale("north")
    assert not door.may_be_timed("north")
    back = door.take([event(30, RED)])
    assert aspects(back.handed_on) == [(1, DARK), (1, RED)]
    assert not door.is_stale("north")


def test_a_heartbeat_keeps_a_quiet_source_alive() -> None:
    door = Intake(topology=topology())
    door.take([event(0, GREEN)])
    for second in range(1, 30):
        door.heartbeat("here", at(second))
        assert door.look(at(second + 0.1)) == ()

    assert aspects(door.take([event(30, AMBER)]).handed_on) == [(1, AMBER)]


def test_a_heartbeat_with_a_time_measures_the_clock_before_anything_is_shown(door: Intake) -> None:
    door.heartbeat("here", at(0.2), "north", told=at(-29.9), round_trip_s=0.2)

    taken = door.take([event(1, GREEN, told_s=-30)])

    assert [shown.observed_at for shown in taken.handed_on] == [at(1)]


def test_a_second_source_is_logged_and_shown_once_the_first_is_silent() -> None:
    door = Intake(topology=topology())
    door.take([event(0, GREEN, source="first"), event(0.2, GREEN, source="second")])
    standby = door.take([event(0.8, AMBER, source="second")])
    door.heartbeat("second", at(2))
    door.look(at(2.2))

    taken = door.take([event(3, RED, source="second")])

    assert (standby.handed_on, standby.logged) == ((), 1)
    assert aspects(taken.handed_on)[-1] == (1, RED)


def test_a_started_process_does_not_take_again_what_the_last_one_took(door: Intake) -> None:
    delivery = [event(0, GREEN), event(3, AMBER)]
    door.take(delivery)
    successor = Intake(log=door.log, topology=topology(), staleness=Staleness(default_s=60.0))

    successor.remember(door.log.replay(at(-60), at(60)))

    assert successor.take(delivery).duplicates == 2
