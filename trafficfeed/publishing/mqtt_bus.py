"""Live signals by an MQTT broker: what each intersection shows, retained, and batches of what changed by shard."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote
from zlib import crc32

from trafficfeed.formats.json_documents import as_json
from trafficfeed.formats.signals_json import utc_millis
from trafficfeed.publishing.bus import Batch
from trafficfeed.publishing.mqtt_sender import MqttSender, broker_address, publish_packet

_NOT_IN_TOPICS: Final = re.compile("[%+#/\x00-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]|^\\$")


def shard_of(intersection: str, shards: int) -> int:
    """Return the shard, 0 to `shards` - 1, that an intersection is in: CRC-32 of its id in UTF-8, modulo `shards`."""
    return crc32(intersection.encode(errors="surrogatepass")) % shards


def topic_level(name: str) -> str:
    """Return a name as one level of a topic: what has a meaning in topics, or may not be in them, percent-encoded.

    These are ``+``, ``#``, ``/``, a ``$`` that it begins with, control characters, noncharacters, and ``%`` itself; so
    different names have different levels, and ``urllib.parse.unquote`` gives the name back.
    """
    return _NOT_IN_TOPICS.sub(lambda found: quote(found[0], safe="", errors="surrogatepass"), name)


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
        self.shards = shards
        self.lost = 0  # updates that the broker could not take
        self._prefix = f"signals/{topic_level(city)}/"
        self._places: dict[str, tuple[int, bytes]] = {}  # shard and topic by intersection
        self._sender = MqttSender(broker_address(address))

    @property
    def is_connected(self) -> bool:
        """Whether the broker is there."""
        return self._sender.is_connected

    def publish(self, batch: Batch) -> None:
        """Send a batch; returns before it is sent."""
        if self.is_connected and not self._sender.send(b"".join(self._packets(batch))):
            self.lost += len(batch.updates)

    def close(self) -> None:
        """Disconnect."""
        self._sender.close()

    def _packets(self, batch: Batch) -> Iterator[bytes]:
        """Yield the batches of the shards, for whom every millisecond counts, and then what is retained."""
        by_shard: defaultdict[int, list[bytes]] = defaultdict(list)
        retained = []
        for update in batch.updates:
            shard, topic = self._places.get(update.id) or self._place(update.id)
            by_shard[shard].append(update.delta)
            retained.append(publish_packet(topic, update.whole_once(), retain=True))
        head = as_json({"at": utc_millis(batch.made_at)})[:-1] + b',"intersections":['
        for shard, deltas in by_shard.items():
            yield publish_packet(f"{self._prefix}shard/{shard}".encode(), head + b",".join(deltas) + b"]}")
        yield from retained

    def _place(self, intersection: str) -> tuple[int, bytes]:
        topic = (self._prefix + topic_level(intersection)).encode()
        place = self._places[intersection] = (shard_of(intersection, self.shards), topic)
        return place
