"""A UDP port on which roadside units send their messages; each sender is a source of its own."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from trafficfeed.signals.ingest.intake import Taken

Now = Callable[[], datetime]


class MessageSource(Protocol):
    """What takes a message: `SpatemSource`, `J2735Source`."""

    def take(self, data: bytes, received_at: datetime, source: str) -> Taken | None:
        """Take one message of a sender."""


class UdpIntake(asyncio.DatagramProtocol):
    """Stamps each datagram with its arrival and hands it on."""

    def __init__(self, messages: MessageSource, now: Now, name: str = "spatem") -> None:
        self._messages = messages
        self._now = now
        self._name = name

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """Take one datagram. The sender's port is left out: it is another after each restart."""
        host = f"[{addr[0]}]" if ":" in str(addr[0]) else addr[0]
        self._messages.take(data, self._now(), f"{self._name}:udp://{host}")


async def listen(
    messages: MessageSource, now: Now, *, host: str = "127.0.0.1", port: int = 0, name: str = "spatem"
) -> tuple[asyncio.DatagramTransport, int]:
    """Open the port (0: a free one); return the transport, to close it by, and the port."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: UdpIntake(messages, now, name), local_addr=(host, port)
    )
    return transport, int(transport.get_extra_info("sockname")[1])
