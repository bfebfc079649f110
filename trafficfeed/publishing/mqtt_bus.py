"""Live signals by an MQTT broker: what each intersection shows, retained, and batches of what changed by shard."""

import logging
import threading
from collections import defaultdict
from contextlib import suppress
from typing import Any, Final
from urllib.parse import unquote, urlsplit
from zlib import crc32

from trafficfeed.errors import ScenarioInvalid
from trafficfeed.formats.json_documents import as_json
from trafficfeed.formats.signals_json import utc_millis
from trafficfeed.publishing.bus import Batch

MOST_WAITING: Final = 50_000  # messages that the broker has not been given yet: then it cannot follow, and loses some
_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}

_log = logging.getLogger(__name__)


def shard_of(intersection: str, shards: int) -> int:
    """Return the shard, 0 to `shards` - 1, that an intersection is in: CRC-32 of its id in UTF-8, modulo `shards`."""
    return crc32(intersection.encode()) % shards


class MqttBus:
    """A bus by a broker, given as ``mqtt://user:password@host:port``, or ``mqtts://`` for TLS.

    Topics are ``signals/<city>/<intersection>``, retained, with the whole state, and ``signals/<city>/shard/<n>``, with
    ``at`` and the ``intersections`` that changed, of each the groups that changed; both as our own JSON, QoS 0. While
    the broker is away, nothing is kept for it: within a heartbeat of its return everything has been sent again.
    """

    def __init__(self, address: str, city: str, *, shards: int = 64) -> None:
        """Begin to connect; returns at once, and connects again whenever the broker comes back.

        Raises
        ------
        ScenarioInvalid
            If the address is none of a broker.
        """
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        parts = urlsplit(address)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ScenarioInvalid(f"{address!r} is no broker: set TRAFFICFEED_SIGNALS_BUS to mqtt://host:port")
        self.shards = shards
        self.lost = 0
        self._prefix = f"signals/{city}/"
        self._waiting = 0
        self._lock = threading.Lock()
        self._client = Client(CallbackAPIVersion.VERSION2)
        if parts.username:
            self._client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        if parts.scheme == "mqtts":
            self._client.tls_set()
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._disconnected
        self._client.on_publish = self._sent
        self._client.reconnect_delay_set(min_delay=1, max_delay=10)
        self._client.connect_async(parts.hostname, parts.port or _PORTS[parts.scheme])
        self._client.loop_start()

    @property
    def is_connected(self) -> bool:
        """Whether the broker is there."""
        return bool(self._client.is_connected())

    def publish(self, batch: Batch) -> None:
        """Send a batch; returns before it is sent."""
        if not self.is_connected:
            return
        if self._waiting > MOST_WAITING:
            self.lost += len(batch.updates)
            return
        by_shard: defaultdict[int, list[bytes]] = defaultdict(list)
        for update in batch.updates:
            by_shard[shard_of(update.id, self.shards)].append(update.delta)
        head = as_json({"at": utc_millis(batch.made_at)})[:-1] + b',"intersections":['
        for shard, deltas in by_shard.items():
            self._send(f"shard/{shard}", head + b",".join(deltas) + b"]}", retain=False)
        for update in batch.updates:
            self._send(update.id, update.whole, retain=True)

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        with suppress(RuntimeError):
            self._client.loop_stop()

    def _send(self, topic: str, payload: bytes, *, retain: bool) -> None:
        with self._lock:
            self._waiting += 1
        self._client.publish(self._prefix + topic, payload, qos=0, retain=retain)

    def _sent(self, *_: Any) -> None:
        with self._lock:
            self._waiting -= 1

    def _connected(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        with self._lock:
            self._waiting = 0
        _log.info("the broker answers: %s", reason)

    def _disconnected(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        _log.warning("the broker is gone: %s; the signals go on within this process", reason)
