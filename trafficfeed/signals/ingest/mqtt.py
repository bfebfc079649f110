"""Lamp states from an MQTT broker: each topic is a source; JSON bodies, or messages with a reader of their own."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from trafficfeed.errors import SourceMalformed
from trafficfeed.signals.ingest.http_json import read_states, take_states
from trafficfeed.signals.ingest.intake import Intake, Taken
from trafficfeed.signals.ingest.spatem_udp import Now, Take

_LONGEST_WAIT_S: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where the broker is, and what is asked of it; `user` None for one that asks for none."""

    host: str
    port: int = 1883
    topics: Sequence[str] = ("signals/states/#",)
    user: str | None = None
    password: str | None = None
    tls: bool = False


class MqttSource:
    """A subscription that comes back by itself.

    The broker's thread only hands messages over: all else happens on the event loop that `start` was called on.
    """

    def __init__(self, broker: Broker, take: Take, now: Now) -> None:
        self._broker = broker
        self._take = take
        self._now = now
        self._loop: asyncio.AbstractEventLoop | None = None
        self.subscribed = asyncio.Event()
        self._client = self._made()

    def start(self) -> None:
        """Connect, and keep on trying to; call it on the event loop that the door is used on."""
        self._loop = asyncio.get_running_loop()
        self._client.connect_async(self._broker.host, self._broker.port)
        self._client.loop_start()

    def stop(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()
        self._loop = None

    def _made(self) -> Client:
        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv311)
        if self._broker.user is not None:
            client.username_pw_set(self._broker.user, self._broker.password)
        if self._broker.tls:
            client.tls_set()
        client.reconnect_delay_set(min_delay=1, max_delay=_LONGEST_WAIT_S)
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_message = self._came
        return client

    def _connected(
        self, client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if not reason.is_failure:
            client.subscribe([(topic, 1) for topic in self._broker.topics])

    def _subscribed(
        self, _client: Client, _data: object, _id: int, _codes: list[ReasonCode], _properties: Properties | None
    ) -> None:
        self._on_loop(self.subscribed.set)

    def _came(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        received_at = self._now()
        source = f"mqtt://{self._broker.host}:{self._broker.port}/{message.topic}"
        # A retained message is as old as its sender left it: it says what was shown, and proves nobody alive.
        if not message.retain:
            self._on_loop(lambda: self._take(bytes(message.payload), received_at, source))

    def _on_loop(self, what: Callable[[], object]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what)


def json_taker(intake: Intake) -> Take:
    """Return what takes JSON bodies; those that cannot be read are counted."""

    def take(data: bytes, received_at: datetime, source: str) -> Taken | None:
        try:
            body = read_states(data)
        except SourceMalformed as broken:
            intake.malformed(source, received_at, str(broken))
            return None
        return take_states(intake, body, received_at, source)

    return take
