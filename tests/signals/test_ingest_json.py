"""Lamp states as JSON, and from a real MQTT broker."""

import asyncio
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from trafficfeed.errors import SourceMalformed
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import GroupKey, LampEvent
from trafficfeed.signals.ingest.http_json import read_states, take_states
from trafficfeed.signals.ingest.intake import Intake
from trafficfeed.signals.ingest.mqtt import Broker, MqttSource, json_taker
from trafficfeed.signals.ingest.refusals import Rule

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
STATE = {"intersection": "north", "group": 1, "aspect": "stop-And-Remain", "observed_at": "2026-05-04T14:00:00+02:00"}
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


def body(**changes: Any) -> bytes:
    return json.dumps({"states": [STATE | changes]}).encode()


def test_a_body_is_taken_under_the_name_of_who_sent_it() -> None:
    door = Intake()

    taken = take_states(door, read_states(body(likely_end="2026-05-04T12:00:09Z")), NOW, "http:partner")

    (event,) = taken.handed_on
    assert (event.key, event.aspect, event.source) == (GroupKey("north", 1), Aspect.STOP_AND_REMAIN, "http:partner")
    assert (event.observed_at, event.raw_observed_at) == (NOW, NOW)
    assert event.announced is not None
    assert event.announced.likely_end == NOW + timedelta(seconds=9)


def test_a_state_without_a_time_has_that_of_arrival() -> None:
    (event,) = read_states(body(observed_at=None)).events(NOW, "x")

    assert (event.observed_at, event.raw_observed_at) == (NOW, None)


def test_a_body_without_states_is_a_heartbeat_and_says_how_often_to_expect_one() -> None:
    door = Intake()
    take_states(door, read_states(body()), NOW, "x")
    take_states(door, read_states(b'{"every_s": 30}'), NOW + timedelta(seconds=1), "x")

    assert door.look(NOW + timedelta(seconds=30)) == ()
    assert door.look(NOW + timedelta(seconds=33)) == ("north",)


@pytest.mark.parametrize(
    ("broken", "where"),
    [
        (b"", "the body"),
        (b"[1]", "the body"),
        (body(group=0), "states.0.group"),
        (body(group=256), "states.0.group"),
        (body(aspect="green"), "states.0.aspect"),
        (body(observed_at="2026-05-04T12:00:00"), "states.0.observed_at"),
        (body(command="all green"), "states.0.command"),
        (body(intersection=""), "states.0.intersection"),
    ],
)
def test_a_body_of_another_shape_is_refused_with_the_place(broken: bytes, where: str) -> None:
    with pytest.raises(SourceMalformed, match=where):
        read_states(broken)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[int]:
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    settings = tmp_path / "mosquitto.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
    process = subprocess.Popen([MOSQUITTO, "-c", str(settings)], stderr=subprocess.DEVNULL)
    for _ in range(200):
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.02)
    yield port
    process.terminate()
    process.wait()


def test_states_come_in_by_a_broker_each_topic_a_source_and_what_was_retained_proves_nobody_alive(broker: int) -> None:
    door = Intake()
    heard: list[LampEvent] = []
    door.subscribe(heard.extend)
    sender = Client(CallbackAPIVersion.VERSION2)
    sender.connect("127.0.0.1", broker)
    sender.loop_start()
    sender.publish("signals/states/old", body(intersection="old"), qos=1, retain=True).wait_for_publish(10)

    async def scene() -> None:
        source = MqttSource(Broker(host="127.0.0.1", port=broker), json_taker(door), lambda: NOW)
        source.start()
        await asyncio.wait_for(source.subscribed.wait(), 20)
        sender.publish("signals/states/broken", b"\xff\x00", qos=1)
        sender.publish("signals/states/north", body(), qos=1)
        for _ in range(500):
            if heard:
                break
            await asyncio.sleep(0.02)
        source.stop()

    asyncio.run(scene())
    sender.disconnect()
    sender.loop_stop()

    assert [(event.key.intersection, event.source) for event in heard] == [
        ("north", f"mqtt://127.0.0.1:{broker}/signals/states/north")
    ]
    assert door.refusals.count(Rule.MALFORMED) == 1
