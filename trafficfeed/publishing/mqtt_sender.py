"""A connection to an MQTT broker that only sends, thousands of messages a second: MQTT 3.1.1, QoS 0."""

import logging
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Final
from urllib.parse import unquote, urlsplit

from trafficfeed.errors import ScenarioInvalid

MOST_WAITING: Final = 32_000_000  # bytes that the broker has not taken yet: then it cannot follow, and loses some
_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_KEEP_ALIVE_S: Final = 30
_TIMEOUT_S: Final = 10.0
_LOOK_S: Final = 1.0
_GOODBYE_S: Final = 2.0
_PING: Final = b"\xc0\x00"
_DISCONNECT: Final = b"\xe0\x00"
_CONNACK_BYTES: Final = 4

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAddress:
    """Where a broker is, and as whom to connect."""

    host: str
    port: int
    tls: bool = False
    user: str = ""
    password: str = ""


def broker_address(address: str) -> BrokerAddress:
    """Read ``mqtt://user:password@host:port``, or ``mqtts://`` for TLS; what is not given is the default.

    Raises
    ------
    ScenarioInvalid
        If it is the address of no broker.
    """
    parts = urlsplit(address)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in _PORTS or not parts.hostname or port == -1:
        place = address.rpartition("@")[2]
        raise ScenarioInvalid(f"{place!r} is no broker: set TRAFFICFEED_SIGNALS_BUS to mqtt://host:port")
    return BrokerAddress(
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        tls=parts.scheme == "mqtts",
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


def publish_packet(topic: bytes, payload: bytes, *, retain: bool = False) -> bytes:
    """Return a PUBLISH packet, QoS 0. Source: MQTT 3.1.1, 3.3."""
    name = len(topic).to_bytes(2, "big") + topic
    return b"".join((b"\x31" if retain else b"\x30", _length(len(name) + len(payload)), name, payload))


class MqttSender:
    """Sends packets on a thread of its own, which connects, and connects again whenever the broker comes back.

    A client library takes 46 µs for each message, and a third of a processor for a city of 20,000 intersections; many
    packets in one write take 6 µs each. Whatever else a client does is not needed: nothing is subscribed to here.
    """

    def __init__(self, broker: BrokerAddress) -> None:
        """Begin to connect; returns at once."""
        self._broker = broker
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._waiting = 0
        self._lock = threading.Lock()
        self._connected = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mqtt-sender", daemon=True)
        self._thread.start()

    @property
    def is_connected(self) -> bool:
        """Whether the broker is there."""
        return self._connected.is_set()

    def send(self, packets: bytes) -> bool:
        """Have packets sent, in order; False where they are dropped, as the broker is away or cannot follow."""
        with self._lock:
            if not self._connected.is_set() or self._waiting + len(packets) > MOST_WAITING:
                return False
            self._waiting += len(packets)
            self._queue.put(packets)
            return True

    def close(self) -> None:
        """Send what waits, for a few seconds at most, and disconnect."""
        self._closing.set()
        self._queue.put(None)
        self._thread.join(_GOODBYE_S)

    def _run(self) -> None:
        wait_s = 1.0
        while not self._closing.is_set():
            try:
                with self._open() as connection:
                    wait_s = 1.0
                    self._connected.set()
                    _log.info("the broker at %s answers", self._broker.host)
                    self._give(connection)
            except OSError as failure:
                _log.warning("no broker at %s: %s; the signals go on within this process", self._broker.host, failure)
            finally:
                self._forget()
            self._closing.wait(wait_s)
            wait_s = min(2.0 * wait_s, 10.0)

    def _open(self) -> socket.socket:
        broker = self._broker
        connection = socket.create_connection((broker.host, broker.port), _TIMEOUT_S)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if broker.tls:
                connection = ssl.create_default_context().wrap_socket(connection, server_hostname=broker.host)
            connection.sendall(_connect_packet(broker))
            answer = b""
            while len(answer) < _CONNACK_BYTES and (more := connection.recv(_CONNACK_BYTES - len(answer))):
                answer += more
            if len(answer) < _CONNACK_BYTES or answer[0] != 0x20 or answer[3]:
                raise ConnectionRefusedError(
                    f"it refuses us ({answer.hex() or 'no answer'}): see the user and password"
                )
        except BaseException:
            connection.close()
            raise
        return connection

    def _give(self, connection: socket.socket) -> None:
        """Send what comes until closed; raises OSError when the broker is gone."""
        silent_s = 0.0
        while True:
            try:
                packets = self._queue.get(timeout=_LOOK_S)
            except Empty:
                _hear(connection)
                silent_s += _LOOK_S
                if silent_s >= _KEEP_ALIVE_S / 2:
                    connection.sendall(_PING)
                    silent_s = 0.0
                continue
            if packets is None:
                connection.sendall(_DISCONNECT)
                return
            connection.sendall(packets)
            silent_s = 0.0
            with self._lock:
                self._waiting -= len(packets)

    def _forget(self) -> None:
        """Keep nothing for a broker that is away: when it is back, what was waiting is old."""
        with self._lock:
            self._connected.clear()
            self._waiting = 0
            with suppress(Empty):
                while True:
                    self._queue.get_nowait()


def _hear(connection: socket.socket) -> None:
    """Take the answers to our pings."""
    connection.settimeout(0.0)
    try:
        if not connection.recv(1024):
            raise ConnectionResetError("it has hung up")
    except (BlockingIOError, ssl.SSLWantReadError):
        pass
    finally:
        connection.settimeout(_TIMEOUT_S)


def _connect_packet(broker: BrokerAddress) -> bytes:
    """Return CONNECT with a clean session, and a name that the broker gives. Source: MQTT 3.1.1, 3.1."""
    flags = 0x02 | (0xC0 if broker.user else 0)
    who = _text(broker.user) + _text(broker.password) if broker.user else b""
    body = _text("MQTT") + bytes([4, flags]) + _KEEP_ALIVE_S.to_bytes(2, "big") + _text("") + who
    return b"\x10" + _length(len(body)) + body


def _text(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(2, "big") + data


def _length(left: int) -> bytes:
    """Return a remaining length: seven bits a byte, lowest first."""
    found = bytearray()
    while True:
        left, seven = divmod(left, 128)
        found.append(seven | (128 if left else 0))
        if not left:
            return bytes(found)
