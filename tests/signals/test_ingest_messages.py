"""Messages from roadside units, over real sockets: what they say is taken, what cannot be is not."""

import asyncio
import socket
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trafficfeed.formats import spatem
from trafficfeed.formats.its_asn1 import encode
from trafficfeed.formats.j2735_reading import Frame, read_spat_frame, write_frame
from trafficfeed.formats.spatem_reading import read_spatem
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import GroupKey, LampEvent
from trafficfeed.signals.ingest.intake import Intake
from trafficfeed.signals.ingest.j2735 import J2735Source, frame_in
from trafficfeed.signals.ingest.refusals import Rule
from trafficfeed.signals.ingest.spatem import SpatemSource
from trafficfeed.signals.ingest.spatem_udp import listen
from trafficfeed.signals.ingest.staleness import Staleness
from trafficfeed.signals.states import GroupState, IntersectionState

NOW = datetime(2026, 5, 4, 12, 59, 58, tzinfo=UTC)
RED, GREEN, AMBER = Aspect.STOP_AND_REMAIN, Aspect.PROTECTED_GREEN, Aspect.PROTECTED_AMBER


def state(aspects: Sequence[Aspect], at: datetime = NOW) -> IntersectionState:
    groups = [GroupState(group=number, aspect=aspect, since=at) for number, aspect in enumerate(aspects, 1)]
    return IntersectionState(
        intersection="north", number=7, region=3, revision=1, observed_at=at, groups=groups, name="North"
    )


def value(aspect: Aspect, at: datetime, *marks: int) -> dict[str, Any]:
    """The SPATEM of one group, with its timing as a foreign sender would write it."""
    message = spatem.value_of(state([aspect], at))
    timing = dict(zip(("minEndTime", "maxEndTime", "likelyTime"), marks, strict=False))
    message["spat"]["intersections"][0]["states"][0]["state-time-speed"][0]["timing"] = timing
    return message


@pytest.fixture
def door() -> Intake:
    return Intake(staleness=Staleness(default_s=60.0))


@pytest.fixture
def roadside(door: Intake) -> SpatemSource:
    return SpatemSource(door, read_spatem, {(3, 7): "north"})


def test_a_spatem_is_taken_by_the_intersections_own_name(roadside: SpatemSource) -> None:
    taken = roadside.take(spatem.encode(state([GREEN, RED])), NOW + timedelta(milliseconds=50), "unit")

    assert taken is not None
    assert [(event.key, event.aspect) for event in taken.handed_on] == [
        (GroupKey("north", 2), RED),
        (GroupKey("north", 1), GREEN),
    ]
    assert {event.observed_at for event in taken.handed_on} == {NOW}


def test_a_state_that_is_repeated_ten_times_a_second_is_one_event(door: Intake, roadside: SpatemSource) -> None:
    for tenth in range(30):
        at = NOW + timedelta(milliseconds=100 * tenth)
        roadside.take(spatem.encode(state([GREEN], at)), at, "unit")

    assert len(list(door.log.replay(NOW, NOW + timedelta(minutes=1)))) == 1


@pytest.mark.parametrize("length", [0, 1, 9, 20, -1])
def test_truncated_uper_is_counted_and_shows_nothing(door: Intake, roadside: SpatemSource, length: int) -> None:
    assert roadside.take(spatem.encode(state([GREEN]))[:length], NOW, "unit") is None

    assert door.refusals.count(Rule.MALFORMED, "unit") == 1
    assert door.is_stale("north")


def announced(door: Intake, roadside: SpatemSource, *marks: int) -> list[LampEvent]:
    at = NOW
    data = encode("SPATEM", value(GREEN, at, *marks))
    taken = roadside.take(data, at, "unit")
    assert taken is not None
    return list(taken.handed_on)


def test_a_time_mark_past_the_hour_is_in_the_next_one(door: Intake, roadside: SpatemSource) -> None:
    (event,) = announced(door, roadside, 30, 80, 50)

    assert event.announced is not None
    assert event.announced.min_end == datetime(2026, 5, 4, 13, 0, 3, tzinfo=UTC)
    assert event.announced.likely_end == datetime(2026, 5, 4, 13, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize("mark", [0, 36_000, 36_001])
def test_a_time_mark_for_unknown_or_beyond_the_hour_announces_no_end(
    door: Intake, roadside: SpatemSource, mark: int
) -> None:
    (event,) = announced(door, roadside, mark, mark, mark)

    assert event.announced is None or event.announced.likely_end is None
    assert event.announced is None or (event.announced.min_end, event.announced.max_end) == (None, None)


def test_an_end_that_had_passed_when_it_was_told_is_left_out(door: Intake, roadside: SpatemSource) -> None:
    (event,) = announced(door, roadside, 35_930, 35_940, 35_935)

    assert event.announced is None
    assert door.refusals.count(Rule.IMPOSSIBLE_END) == 1


def test_a_unit_thirty_seconds_ahead_has_its_ends_put_right_with_its_clock(
    door: Intake, roadside: SpatemSource
) -> None:
    shown: list[LampEvent] = []
    door.subscribe(shown.extend)
    for second in range(20):
        received_at = NOW + timedelta(seconds=second)
        told = received_at + timedelta(seconds=30)
        mark = round((told.minute * 60 + told.second + 10) * 10) % 36_000
        aspect = RED if second % 2 else GREEN
        roadside.take(encode("SPATEM", value(aspect, told, mark, mark, mark)), received_at, "unit")

    assert door.refusals.count(Rule.CLOCK_SETTLING) == 7
    assert len(shown) == 13
    for event in shown:
        assert event.observed_at == event.received_at
        assert event.announced is not None
        assert event.announced.likely_end == event.received_at + timedelta(seconds=10)


def test_a_message_whose_sender_does_not_stand_by_it_shows_nothing(roadside: SpatemSource) -> None:
    message = spatem.value_of(state([GREEN]))
    message["spat"]["intersections"][0]["status"] = (1 << 2, 16)

    taken = roadside.take(encode("SPATEM", message), NOW, "unit")

    assert taken is not None
    assert [event.aspect for event in taken.handed_on] == [Aspect.UNAVAILABLE]


def frame() -> bytes:
    return write_frame(Frame(kind="SPAT", value=spatem.value_of(state([GREEN]))["spat"]))


@pytest.mark.parametrize(
    "sent",
    [
        lambda data: data,
        lambda data: data.hex().encode(),
        lambda data: data.hex().upper().encode() + b"\n",
        lambda data: b"Version=0.7\nType=SPAT\nPayload=" + data.hex().encode() + b"\n",
    ],
)
def test_a_j2735_frame_is_read_as_bytes_and_as_text(door: Intake, sent: Any) -> None:
    taken = J2735Source(door, read_spat_frame, {(3, 7): "north"}).take(sent(frame()), NOW, "unit")

    assert taken is not None
    assert [event.aspect for event in taken.handed_on] == [GREEN]


def test_what_is_no_hexadecimal_text_is_left_as_it_came() -> None:
    assert frame_in(b"\x00\x13\x04abcd") == b"\x00\x13\x04abcd"
    assert frame_in(b"0013zz00") == b"0013zz00"


def test_datagrams_come_in_by_a_socket_and_a_broken_one_costs_the_next_nothing(door: Intake) -> None:
    source = SpatemSource(door, read_spatem, {(3, 7): "north"})
    heard: list[LampEvent] = []
    door.subscribe(heard.extend)

    async def scene() -> None:
        transport, port = await listen(source.take, lambda: NOW)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unit:
            unit.sendto(b"\xff" * 40, ("127.0.0.1", port))
            unit.sendto(spatem.encode(state([GREEN])), ("127.0.0.1", port))
        for _ in range(200):
            if heard:
                break
            await asyncio.sleep(0.02)
        transport.close()

    asyncio.run(scene())

    assert [(event.aspect, event.source) for event in heard] == [(GREEN, "spatem:udp://127.0.0.1")]
    assert door.refusals.count(Rule.MALFORMED) == 1
