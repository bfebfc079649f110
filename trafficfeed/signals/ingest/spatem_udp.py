"""A UDP port on which roadside units send their messages; each sender is a source of its own."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

from trafficfeed.signals.ingest.intake import Taken

Now = Callable[[], datetime]
Take = Callable[[bytes, datetime, str], Taken | None]
"""Takes a message of a sender: `SpatemSource.take`, `J2735Source.take`."""


class UdpIntake(asyncio.DatagramProtocol):
    """Stamps each datagram with its arrival and hands it on."""

    def __init__(self, take: Take, now: Now, name: str = "spatem") -> None:
        self._take = take
        self._now = now
        self._name = name

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """Take one datagram. The sender's port is left out: it is another after each restart."""
        host = f"[{addr[0]}]" if ":" in str(addr[0]) else addr[0]
        self._take(data, self._now(), f"{self._name}:udp://{host}")


async def listen(
    take: Take, now: Now, *, host: str = "127.0.0.1", port: int = 0, name: str = "spatem"
) -> tuple[asyncio.DatagramTransport, int]:
    """Open the port (0: a free one); return the transport, to close it by, and the port."""
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: UdpIntake(take, now, name), local_addr=(host, port)
    )
    return transport, int(transport.get_extra_info("sockname")[1])
