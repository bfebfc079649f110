"""A GA/T 1049.2 client that reads lamp states and nothing else: it logs in, asks for reports, and listens."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from itertools import count
from typing import Final

from lxml import etree

from trafficfeed.errors import SourceMalformed, SourceUnavailable
from trafficfeed.signals.ingest.gat1049 import Gat1049Lamps
from trafficfeed.signals.ingest.gat1049_wire import (
    Framing,
    Message,
    ReadOnlyWriter,
    element,
    read_message,
    text_of,
    write_message,
)
from trafficfeed.signals.ingest.intake import Intake
from trafficfeed.signals.ingest.spatem_udp import Now

REPORTS: Final = {
    "1.0": ("CrossPhaseLampStatus", "CrossControlMode", "CrossState"),
    "2.0": ("CrossSignalGroupStatus", "CrossCtrlInfo", "CrossState"),
}
_STATES: Final = frozenset({"CrossState", "CrossControlMode", "CrossCtrlInfo"})  # subscribed to, not reported on demand
_CHUNK: Final = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class Gat1049Server:
    """Where a signal system (UTCS) is, and as whom it is read. Times in seconds; `edition` "1.0" or "2.0"."""

    host: str
    port: int
    user: str
    password: str
    crossings: Sequence[str]
    edition: str = "2.0"
    own_system: str = "TICP"
    heartbeat_s: float = 5.0
    silence_s: float = 30.0
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0

    @property
    def source(self) -> str:
        """The name that its events go by."""
        return f"gat1049:tcp://{self.host}:{self.port}"


class Gat1049Client:
    """One connection that comes back by itself, with waits that double up to a minute."""

    def __init__(self, server: Gat1049Server, lamps: Gat1049Lamps, intake: Intake, now: Now, zone: tzinfo) -> None:
        self._server = server
        self._lamps = lamps
        self._intake = intake
        self._now = now
        self._zone = zone
        self._numbers = count(1)
        self._token = ""

    async def run(self) -> None:
        """Read until cancelled."""
        wait_s = self._server.first_wait_s
        self._intake.staleness.expect(self._server.source, self._server.heartbeat_s)
        while True:
            try:
                await self._session()
                wait_s = self._server.first_wait_s
            except (OSError, TimeoutError, SourceMalformed, SourceUnavailable) as broken:
                self._intake.malformed(self._server.source, self._now(), f"the connection ended: {broken!r}")
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, self._server.longest_wait_s)

    async def _session(self) -> None:
        """Connect, log in, ask for reports, and take what is pushed until the line ends."""
        reader, stream = await asyncio.wait_for(
            asyncio.open_connection(self._server.host, self._server.port), self._server.silence_s
        )
        writer, framing = ReadOnlyWriter(stream), Framing()
        self._token = ""
        beats = asyncio.create_task(self._beat(writer))
        try:
            user = element("SDO_User", UserName=self._server.user, Pwd=self._server.password)
            self._send(writer, "REQUEST", "Login", user)
            while data := await asyncio.wait_for(reader.read(_CHUNK), self._server.silence_s):
                for one in framing.feed(data):
                    self._take(one, writer)
        finally:
            beats.cancel()
            stream.close()

    def _take(self, data: bytes, writer: ReadOnlyWriter) -> None:
        received_at, source = self._now(), self._server.source
        try:
            message = read_message(data)
        except SourceMalformed as broken:
            self._intake.malformed(source, received_at, str(broken))
            return
        if message.type == "ERROR":
            raise SourceUnavailable(f"{source} refuses: {_error_in(message)}; check its user and what it may read")
        self._intake.heartbeat(source, received_at)
        if message.type == "RESPONSE" and any(name == "Login" for name, _ in message.operations):
            self._token = message.token
            self._ask(writer)
        self._intake.take(self._lamps.events(message, received_at, source))

    def _ask(self, writer: ReadOnlyWriter) -> None:
        """Ask for what is to be pushed: states by subscription, lamps by `CrossReportCtrl`."""
        for report in REPORTS[self._server.edition]:
            if report in _STATES:
                entity = element("SDO_MsgEntity", MsgType="PUSH", OperName="Notify", ObjName=report)
                self._send(writer, "REQUEST", "Subscribe", entity)
            else:
                crossings = [("CrossID", cross) for cross in self._server.crossings]
                control = element("CrossReportCtrl", Cmd="Start", Type=report, CrossIDList=crossings)
                self._send(writer, "REQUEST", "Set", control)

    async def _beat(self, writer: ReadOnlyWriter) -> None:
        while True:
            await asyncio.sleep(self._server.heartbeat_s)
            self._send(writer, "PUSH", "Notify", element("SDO_HeartBeat"))

    def _send(self, writer: ReadOnlyWriter, kind: str, operation: str, holds: etree._Element) -> None:
        seq = f"{self._now().astimezone(self._zone):%Y%m%d%H%M%S}{next(self._numbers) % 1_000_000:06d}"
        addresses = {"From": self._server.own_system, "To": "UTCS"}
        version, token = self._server.edition, self._token
        writer.send(write_message(kind, operation, holds, seq=seq, token=token, version=version, addresses=addresses))


def _error_in(message: Message) -> str:
    for _, objects in message.operations:
        for told in objects:
            if described := " ".join(filter(None, (text_of(told, tag) for tag in ("ErrType", "ErrDesc")))):
                return described
    return "it does not say why"
