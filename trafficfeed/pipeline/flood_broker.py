"""Water data from an MQTT broker: a message is acknowledged once it is stored, so that none is lost on the way."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from trafficfeed.errors import SourceMalformed, SourceUnavailable, TrafficFeedError
from trafficfeed.flooding.ingest.sources import WaterSource

_LONGEST_WAIT_S: Final = 60
_AGAIN_S: Final = 2.0
_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}

_log = logging.getLogger(__name__)


class BrokerFeeder:
    """A subscription that comes back by itself; the broker keeps what comes while nobody listens.

    Parameters
    ----------
    source
        With `broker` and `topic`.
    name
        Of the session at the broker: one for each source and city, whichever process holds it.
    take
        Takes a message and its topic.
    stopped
        Set when all is to end: a message that cannot be stored is then left with the broker.
    """

    def __init__(
        self, source: WaterSource, name: str, take: Callable[[bytes, str], None], stopped: threading.Event
    ) -> None:
        self._source = source
        self._take = take
        self._stopped = stopped
        self.subscribed = threading.Event()
        self._client = self._made(name)

    def start(self) -> None:
        """Connect, and keep on trying to.

        Raises
        ------
        SourceUnavailable
            If the password's file cannot be read.
        """
        parts = urlsplit(self._source.broker)
        if parts.username:
            self._client.username_pw_set(unquote(parts.username), self._password())
        self._client.connect_async(parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 1883))
        self._client.loop_start()

    def stop(self) -> None:
        """Leave the broker, which keeps the session."""
        self._client.disconnect()
        self._client.loop_stop()

    def _made(self, name: str) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=name,
            clean_session=False,
            protocol=MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )
        if urlsplit(self._source.broker).scheme == "mqtts":
            client.tls_set()
        client.enable_logger(_log)
        client.suppress_exceptions = True  # told in the log: its thread, and so the source, outlives a fault of ours
        client.reconnect_delay_set(min_delay=1, max_delay=_LONGEST_WAIT_S)
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_message = self._came
        return client

    def _password(self) -> str | None:
        if not self._source.password_file:
            return None
        try:
            return Path(self._source.password_file).read_text("utf-8").strip()
        except OSError as error:
            raise SourceUnavailable(f"the password of {self._source.id} cannot be read: {error}") from error

    def _connected(
        self, client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.is_failure:
            _log.error("water source %s: the broker refuses: %s", self._source.id, reason)
        else:
            client.subscribe(self._source.topic, qos=1)

    def _subscribed(
        self, _client: Client, _data: object, _id: int, _codes: list[ReasonCode], _properties: Properties | None
    ) -> None:
        self.subscribed.set()

    def _came(self, client: Client, _data: object, message: MQTTMessage) -> None:
        """Store a message, however often that takes; what cannot be read is not sent again."""
        while not self._stopped.is_set():
            try:
                self._take(bytes(message.payload), message.topic)
            except SourceUnavailable as error:
                _log.error("water source %s: %s", self._source.id, error)
                self._stopped.wait(_AGAIN_S)
                continue
            except SourceMalformed as error:
                _log.error("water source %s: %s", self._source.id, error)
            except TrafficFeedError as error:  # what is done with the news has failed; it is stored
                _log.error("water source %s: after the intake: %s", self._source.id, error)
            client.ack(message.mid, message.qos)
            return
