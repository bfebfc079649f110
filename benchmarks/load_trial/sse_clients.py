"""Clients of the stream, all in one process: each a socket that is read event by event."""

import asyncio
import json
import socket
import sys
import time
from collections import Counter
from pathlib import Path

from benchmarks.load_trial.arrivals import Arrivals

_DELTA = b"event: delta\ndata: "
_REQUEST = b"GET /v1/stream/signals HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"


async def main() -> None:
    """Read until told, as JSON on stdin, what was sent; print what of it arrived.

    Arguments: port, clients, and how many more never read.
    """
    port, count, deaf = (int(part) for part in sys.argv[1:4])
    arrivals, met = Arrivals(count), Counter[str]()
    clients = [asyncio.create_task(_client(port, n, arrivals, met)) for n in range(count)]
    while met["connected"] < count:
        await asyncio.sleep(0.05)
    print("connected", flush=True)
    while not arrivals.messages:
        await asyncio.sleep(0.05)
    deaf_ones = [asyncio.create_task(_deaf(port)) for _ in range(deaf)]
    told = json.loads(await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read))
    found = arrivals.figures(map(tuple, told["sent"]), lambda _client, _lamp: True)
    gone = [round(task.result(), 1) if task.done() else None for task in deaf_ones]
    more = {"clients": count, "clients_lost": met["ended"], "deaf_gone_after_s": gone, "cpu_s": time.process_time()}
    print(json.dumps(found | more))
    for task in (*clients, *deaf_ones):
        task.cancel()


async def _client(port: int, n: int, arrivals: Arrivals, met: "Counter[str]") -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
    writer.write(_REQUEST)
    await reader.readuntil(b"\r\n\r\n")
    met["connected"] += 1
    try:
        while True:
            event = await reader.readuntil(b"\n\n")
            if (mark := event.find(_DELTA)) >= 0:
                arrivals.take(n, event[mark + len(_DELTA) : event.rfind(b"}") + 1])
    except (asyncio.IncompleteReadError, ConnectionError):
        met["ended"] += 1


async def _deaf(port: int) -> float:
    """Connect and read nothing; return how long it was until the server hung up, s."""
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", port))
        deaf.sendall(_REQUEST)
        began = time.monotonic()
        await asyncio.sleep(1.0)
        while _is_open(port, deaf.getsockname()[1]):
            await asyncio.sleep(0.2)
        return time.monotonic() - began


def _is_open(port: int, client: int) -> bool:
    """Tell whether the server's end of a connection is still established."""
    wanted = f"0100007F:{port:04X} 0100007F:{client:04X} 01"
    return wanted in Path("/proc/net/tcp").read_text("ascii")


if __name__ == "__main__":
    asyncio.run(main())
