"""Subscribers of a broker, all in one process: as much of MQTT 3.1.1 as it takes to be sent QoS 0 messages."""

import asyncio
import json
import sys
import time
from collections import Counter

from benchmarks.load_trial.arrivals import Arrivals, Lamp
from trafficfeed.publishing.mqtt_bus import shard_of


async def main() -> None:
    """Read until told, as JSON on stdin, what was sent; print what of it arrived.

    Arguments: port, subscribers (each has one shard), city.
    """
    port, count, city = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    arrivals, met = Arrivals(count), Counter[str]()
    clients = [
        asyncio.create_task(_subscriber(port, n, f"signals/{city}/shard/{n}", arrivals, met)) for n in range(count)
    ]
    while met["connected"] < count:
        await asyncio.sleep(0.05)
    print("connected", flush=True)
    told = json.loads(await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read))
    shards: dict[int, int] = {}

    def expects(client: int, lamp: Lamp) -> bool:
        if lamp[1] not in shards:
            shards[lamp[1]] = shard_of(f"made-{lamp[1]:05}", count)
        return shards[lamp[1]] == client

    found = arrivals.figures(map(tuple, told["sent"]), expects)
    print(json.dumps(found | {"clients": count, "clients_lost": met["ended"], "cpu_s": time.process_time()}))
    for task in clients:
        task.cancel()


async def _subscriber(port: int, n: int, topic: str, arrivals: Arrivals, met: "Counter[str]") -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
    writer.write(_packet(0x10, b"\x00\x04MQTT\x04\x02\x00\x00" + _text(f"client-{n}")))
    await _read(reader)
    writer.write(_packet(0x82, b"\x00\x01" + _text(topic) + b"\x00"))
    await _read(reader)
    met["connected"] += 1
    try:
        while True:
            kind, body = await _read(reader)
            if kind >> 4 == 3:
                arrivals.take(n, body[2 + int.from_bytes(body[:2], "big") :])
    except (asyncio.IncompleteReadError, ConnectionError):
        met["ended"] += 1


def _text(text: str) -> bytes:
    return len(text.encode()).to_bytes(2, "big") + text.encode()


def _packet(kind: int, body: bytes) -> bytes:
    length, left = b"", len(body)
    while True:
        left, seven = divmod(left, 128)
        length += bytes([seven | (128 if left else 0)])
        if not left:
            return bytes([kind]) + length + body


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    kind = (await reader.readexactly(1))[0]
    length, shift = 0, 0
    while True:
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return kind, await reader.readexactly(length)


if __name__ == "__main__":
    asyncio.run(main())
