"""The street: posts what the made city's lamps show, when they show it, to the API; run as a process of its own."""

import asyncio
import json
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from benchmarks.load_trial.made_city import GROUPS, Lit, street
from trafficfeed.publishing.mqtt_bus import shard_of

EVERY_S: Final = 0.01
_KEEP_ALIVE_S: Final = 0.5
_MOST: Final = 2000
_PER_S: Final = 800  # intersections


async def main() -> None:
    """Post until stdin is closed; then print, as JSON, what was sent: [unix ms, intersection number, group] each."""
    ports, token, intersections, begin_s = sys.argv[1].split(","), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    posts = [await Post.open(int(port), token) for port in ports]
    lits = street(intersections, begin_s + introduced_s(intersections))
    first = list(islice(lits, intersections * GROUPS))  # the first of each group: all red
    await asyncio.sleep(max(begin_s - time.time(), 0.0))
    for start in range(0, len(first), _MOST):
        now = time.time()
        await _send(posts, [replace(lit, at_s=now) for lit in first[start : start + _MOST]])
        await asyncio.sleep(max(now + _MOST / GROUPS / _PER_S - time.time(), 0.0))
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    sent: list[tuple[int, int, int]] = []
    late_ms: list[int] = []
    upcoming, spoke = next(lits), 0.0
    while not stop.is_set():
        now, batch = time.time(), []
        while upcoming.at_s <= now:
            batch.append(upcoming)
            upcoming = next(lits)
        if batch or now - spoke > _KEEP_ALIVE_S:
            late_ms.extend(int((now - lit.at_s) * 1000) for lit in batch)
            await _send(posts, batch)
            sent.extend((_ms(lit), int(lit.intersection[5:]), lit.group) for lit in batch)
            spoke = now
        await asyncio.sleep(max(EVERY_S - (time.time() - now), 0.0))
    json.dump({"sent": sent, "late_ms": late_ms, "cpu_s": time.process_time()}, sys.stdout)


def introduced_s(intersections: int) -> float:
    """Return how long it takes to tell once what all groups show, before the street begins; s."""
    return intersections / _PER_S + 2.0


async def _send(posts: "Sequence[Post]", lits: Sequence[Lit]) -> None:
    """Post to each process what its part of the city shows, to all at once; nothing says that the street is there."""
    parts: list[list[Lit]] = [[] for _ in posts]
    for lit in lits:
        parts[shard_of(lit.intersection, len(posts))].append(lit)
    await asyncio.gather(*(post.send_all(part) for post, part in zip(posts, parts, strict=True)))


class Post:
    """One kept-alive connection; the next delivery goes when the last was answered, as a gateway's would."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str) -> None:
        self._reader, self._writer = reader, writer
        self._head = (
            f"POST /v1/signals/states HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()

    @classmethod
    async def open(cls, port: int, token: str) -> "Post":
        """Connect."""
        return cls(*await asyncio.open_connection("127.0.0.1", port), token)

    async def send_all(self, lits: list[Lit]) -> None:
        """Post deliveries of a size that a gateway's would have, one after the other; an empty one for nothing."""
        for start in range(0, max(len(lits), 1), _MOST):
            await self.send(lits[start : start + _MOST])

    async def send(self, lits: list[Lit]) -> None:
        """Post a delivery, and read the answer."""
        states = [
            {"intersection": lit.intersection, "group": lit.group, "aspect": lit.aspect.value, "observed_at": _iso(lit)}
            for lit in lits
        ]
        body = json.dumps({"states": states}).encode()
        self._writer.write(self._head + str(len(body)).encode() + b"\r\n\r\n" + body)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(
            next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")).split()[1]
        )
        answer = await self._reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 202"):
            raise RuntimeError(f"{head.decode()}{answer.decode()}")


def _ms(lit: Lit) -> int:
    return int(lit.at_s * 1000)


def _iso(lit: Lit) -> str:
    return datetime.fromtimestamp(_ms(lit) / 1000, UTC).isoformat(timespec="milliseconds")


if __name__ == "__main__":
    asyncio.run(main())
