"""Live signals by a real broker: what is published, retained, escaped, read back, and what a broker's absence costs."""

import json
import queue
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest
from brokers import MISSING, MOSQUITTO, broker_on, free_port
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from trafficfeed.errors import ScenarioInvalid
from trafficfeed.formats import signals_json
from trafficfeed.formats.signals_json_states import read_state
from trafficfeed.publishing.bus import Batch, Fragments, LocalBus, Update
from trafficfeed.publishing.mqtt_bus import MqttBus, shard_of, topic_level
from trafficfeed.publishing.mqtt_reader import SILENT, MqttReader
from trafficfeed.publishing.mqtt_sender import broker_address, publish_packet
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import GroupKey
from trafficfeed.signals.forecast import Forecast, Method
from trafficfeed.signals.live import Change
from trafficfeed.signals.states import GroupState, IntersectionState

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
FRAGMENTS = Fragments()
needs_broker = pytest.mark.skipif(MOSQUITTO is None, reason=MISSING)


def state_of(id: str, revision: int = 0, *, groups: int = 3) -> IntersectionState:
    foreseen = Forecast(
        key=GroupKey(id, 1), aspect=Aspect.PROTECTED_GREEN, since=NOW, made_at=NOW, method=Method.ANALOGUES,
        min_end=NOW + timedelta(seconds=18), likely_end=NOW + timedelta(seconds=20),
        max_end=NOW + timedelta(seconds=23), p10=NOW + timedelta(seconds=19), p50=NOW + timedelta(seconds=20),
        p90=NOW + timedelta(seconds=21), countdown_allowed=True, analogues=12, next_aspect=Aspect.PROTECTED_AMBER,
    )  # fmt: skip
    green = GroupState(group=1, aspect=Aspect.PROTECTED_GREEN, since=NOW, forecast=foreseen, source="test")
    reds = [GroupState(group=g, aspect=Aspect.STOP_AND_REMAIN, source="test") for g in range(2, groups + 1)]
    return IntersectionState(
        intersection=id, number=7, region=1, revision=revision, observed_at=NOW, groups=(green, *reds), name="Mühlweg"
    )


def batch(*states: IntersectionState, changed: tuple[int, ...] = (1,)) -> Batch:
    return Batch(made_at=NOW, updates=[Update(Change(state=one, groups=changed), NOW, FRAGMENTS) for one in states])


def until(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline, f"it never came about that {what}"
        time.sleep(0.01)


class Subscriber:
    """A client library's own client, so that two readings of the protocol meet."""

    def __init__(self, port: int, topic: str) -> None:
        self.came: queue.Queue[tuple[str, bytes, bool]] = queue.Queue()
        self.ready = False
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda _c, _d, m: self.came.put((m.topic, bytes(m.payload), m.retain))
        self._client.on_connect = lambda c, *_: c.subscribe(topic)
        self._client.on_subscribe = lambda *_: setattr(self, "ready", True)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        until(lambda: self.ready, "the subscription is there")

    def next(self) -> tuple[str, bytes, bool]:
        return self.came.get(timeout=20)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    if MOSQUITTO is None:
        pytest.skip(MISSING)
    free = free_port()
    with broker_on(free, tmp_path):
        yield free


@pytest.fixture
def bus(port: int) -> Iterator[MqttBus]:
    with closing(MqttBus(f"mqtt://127.0.0.1:{port}", "made", shards=4)) as made:
        until(lambda: made.is_connected, "the broker answers")
        yield made


def test_a_shard_is_told_the_groups_that_changed_in_one_batch(port: int, bus: MqttBus) -> None:
    ids = [f"j{n}" for n in range(40)]
    own = [id for id in ids if shard_of(id, 4) == 2]
    with closing(Subscriber(port, "signals/made/shard/2")) as subscriber:
        bus.publish(batch(*map(state_of, ids)))
        topic, payload, retained = subscriber.next()
    told = json.loads(payload)
    assert (topic, retained, told["at"]) == ("signals/made/shard/2", False, "2026-12-01T12:00:00.000Z")
    assert [one["id"] for one in told["intersections"]] == own
    assert {group["group"] for one in told["intersections"] for group in one["groups"]} == {1}


def test_the_broker_keeps_the_whole_newest_state_of_each_intersection(port: int, bus: MqttBus) -> None:
    with closing(Subscriber(port, "signals/made/last")) as watching:
        for revision in range(3):
            bus.publish(batch(state_of("a", revision), state_of("b")))
        bus.publish(batch(state_of("last")))
        watching.next()
    with closing(Subscriber(port, "signals/made/a")) as late:
        topic, payload, retained = late.next()
    assert (topic, retained) == ("signals/made/a", True)
    assert payload == signals_json.encode(state_of("a", 2), at=NOW)


def test_a_batch_of_many_megabytes_arrives_whole_and_in_order(port: int, bus: MqttBus) -> None:
    many = [state_of(f"j{n}", groups=60) for n in range(2000)]
    with closing(Subscriber(port, "signals/made/+")) as subscriber:
        bus.publish(batch(*many))
        got = [subscriber.next()[0] for _ in many]
    assert got == [f"signals/made/{one.intersection}" for one in many]
    assert bus.lost == 0


@pytest.mark.parametrize("id", ["a/b", "+", "#", "100 % sure", "$SYS", "a\x00b\nc\x7f", "Mannerheimintie/Töölö", "%2F"])
def test_an_id_never_means_anything_in_a_topic_and_can_be_read_back(port: int, bus: MqttBus, id: str) -> None:
    level = topic_level(id)
    assert not set(level) & set("+#/\x00\n\x7f") and not level.startswith("$")
    assert unquote(level) == id
    with closing(Subscriber(port, "signals/made/+")) as subscriber:
        bus.publish(batch(state_of(id)))
        topic, payload, _ = subscriber.next()
    assert topic == f"signals/made/{level}"
    assert read_state(payload).intersection == id


def test_different_ids_have_different_topics() -> None:
    ids = ["a/b", "a%2Fb", "a%252Fb", "a+b", "a b", "ab"]
    assert len({topic_level(id) for id in ids}) == len(ids)


@needs_broker
def test_a_broker_that_comes_back_is_published_to_again(tmp_path: Path) -> None:
    port = free_port()
    with closing(MqttBus(f"mqtt://127.0.0.1:{port}", "made")) as bus:
        bus.publish(batch(state_of("nobody is there")))
        for _ in range(2):
            with broker_on(port, tmp_path):
                until(lambda: bus.is_connected, "the broker answers")
                with closing(Subscriber(port, "signals/made/+")) as subscriber:
                    bus.publish(batch(state_of("a")))
                    assert subscriber.next()[0] == "signals/made/a"
            until(lambda: not bus.is_connected, "it is noticed that the broker has gone")


@needs_broker
def test_a_broker_that_wants_a_password_is_given_it(tmp_path: Path) -> None:
    maker = shutil.which("mosquitto_passwd")
    if maker is None:
        pytest.skip(MISSING)
    subprocess.run([maker, "-b", "-c", str(tmp_path / "users"), "city", "p@ss/word"], check=True, capture_output=True)
    port = free_port()
    with broker_on(port, tmp_path, "allow_anonymous false", f"password_file {tmp_path / 'users'}"):
        with closing(MqttBus(f"mqtt://city:p%40ss%2Fword@127.0.0.1:{port}", "made")) as right:
            until(lambda: right.is_connected, "the broker lets us in")
        with closing(MqttBus(f"mqtt://city:wrong@127.0.0.1:{port}", "made")) as wrong:
            time.sleep(0.3)
            assert not wrong.is_connected


@pytest.mark.parametrize("address", ["", "http://host", "mqtt://", "mqtt://user:secret@host:port"])
def test_an_address_of_no_broker_is_refused_without_telling_the_password(address: str) -> None:
    with pytest.raises(ScenarioInvalid, match="TRAFFICFEED_SIGNALS_BUS") as refused:
        broker_address(address)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("size", "length"), [(0, "03"), (124, "7f"), (125, "8001"), (16_380, "ff7f"), (16_381, "808001")]
)
def test_packets_have_their_length_in_sevens_of_bits(size: int, length: str) -> None:
    assert publish_packet(b"t", b"x" * size).hex()[2 : 2 + len(length)] == length


def test_a_state_that_is_read_is_written_as_it_was() -> None:
    state = state_of("a", 5)
    stale = replace(state, groups=(replace(state.groups[0], stale=True, forecast=None), *state.groups[1:]))
    advisory = replace(state, advisory=True, authority="police", expires_at=NOW + timedelta(minutes=5))
    for one in (state, stale, advisory):
        data = signals_json.encode(one, at=NOW)
        assert signals_json.encode(read_state(data), at=NOW) == data


class Reading:
    """A process that takes nothing in, on a clock that the test sets."""

    def __init__(self, port: int) -> None:
        self.now = NOW
        self.batches: list[Batch] = []
        local = LocalBus()
        local.subscribe(self.batches.append)
        self.reader = MqttReader(f"mqtt://127.0.0.1:{port}", "made", local, lambda: self.now, pace_s=0.01)

    def updates(self) -> list[Update]:
        self.reader.beat()
        return [update for one in self.batches for update in one.updates]


@pytest.fixture
def reading(port: int) -> Iterator[Reading]:
    found = Reading(port)
    with found.reader.listening():
        yield found


def test_another_process_shows_what_the_broker_has(port: int, bus: MqttBus, reading: Reading) -> None:
    def told() -> Update | None:
        bus.publish(batch(state_of("a/b", 9)))
        return next((one for one in reading.updates() if one.state.groups[0].forecast is not None), None)

    until(told, "a live state is read")
    [update] = reading.batches[-1].updates
    assert signals_json.encode(update.state, at=NOW) == signals_json.encode(state_of("a/b", 9), at=NOW)


def test_what_was_retained_is_shown_without_forecasts(port: int, bus: MqttBus) -> None:
    with closing(Subscriber(port, "signals/made/a")) as watching:
        bus.publish(batch(state_of("a")))
        watching.next()
    late = Reading(port)
    with late.reader.listening():
        until(late.updates, "the retained state is read")
    [update] = late.updates()
    assert [group.aspect for group in update.state.groups][:2] == [Aspect.PROTECTED_GREEN, Aspect.STOP_AND_REMAIN]
    assert all(group.forecast is None for group in update.state.groups)


def test_what_is_not_told_for_longer_than_a_heartbeat_is_stale(port: int, bus: MqttBus, reading: Reading) -> None:
    def heard() -> list[Update]:
        bus.publish(batch(state_of("a")))
        return reading.updates()

    until(heard, "a state is read")
    time.sleep(0.2)
    reading.updates()
    reading.now = NOW + SILENT + timedelta(seconds=1)
    last = reading.updates()[-1]
    assert last.state.stale and all(group.forecast is None for group in last.state.groups)


def test_only_the_groups_that_changed_are_told_on(port: int, bus: MqttBus, reading: Reading) -> None:
    def told(state: IntersectionState) -> Callable[[], bool]:
        def is_told() -> bool:
            bus.publish(batch(state))
            return any(one.state.revision == state.revision for one in reading.updates())

        return is_told

    first = state_of("a", 1)
    until(told(first), "the first is read")
    amber = replace(first.groups[1], aspect=Aspect.PROTECTED_AMBER)
    until(told(replace(first, revision=2, groups=(first.groups[0], amber, first.groups[2]))), "the second is read")
    changed = next(one for one in reading.updates() if one.state.revision == 2)
    assert changed.change.groups == (2,)
