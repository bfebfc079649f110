"""What arrived: of each message, which lamps it tells of; of each client, which it was told of, and how late."""

import json
import time
from array import array
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import numpy as np

Lamp = tuple[int, int, int]
"""A change of the street: unix ms, number of the intersection, group."""


class Arrivals:
    """Counts for all clients of a process; a message that many are sent is read once."""

    def __init__(self, clients: int) -> None:
        self.bytes = 0
        self.messages = 0
        self._lags_ms = [array("f") for _ in range(clients)]  # by lamp; 0: not told
        self._lamps: dict[Lamp, int] = {}
        self._read: dict[bytes, list[tuple[int, int]]] = {}

    def take(self, client: int, data: bytes) -> None:
        """Take a message's JSON that has just arrived."""
        now_ms = time.time() * 1000.0
        self.bytes += len(data)
        self.messages += 1
        lamps = self._read.get(data)
        if lamps is None:
            if len(self._read) > 1000:
                self._read.clear()
            lamps = self._read[data] = [
                (self._lamps.setdefault(lamp, len(self._lamps)), lamp[0]) for lamp in lamps_in(json.loads(data))
            ]
        lags_ms = self._lags_ms[client]
        if len(lags_ms) < len(self._lamps):
            lags_ms.frombytes(bytes(4 * (len(self._lamps) + 1000 - len(lags_ms))))
        for index, at_ms in lamps:
            if not lags_ms[index]:
                lags_ms[index] = max(now_ms - at_ms, 0.01)

    def figures(self, sent: Iterable[Lamp], expects: Callable[[int, Lamp], bool]) -> dict[str, Any]:
        """Hold what arrived against what was sent; `expects` tells whether a client should have been told of a lamp."""
        lags: list[np.ndarray[Any, np.dtype[np.float32]]] = []
        expected = 0
        wanted = list(sent)
        for client, told in enumerate(self._lags_ms):
            own = [self._lamps.get(lamp, -1) for lamp in wanted if expects(client, lamp)]
            expected += len(own)
            known = np.frombuffer(told, dtype=np.float32) if len(told) else np.zeros(1, np.float32)
            indices = np.array([index for index in own if 0 <= index < len(known)], dtype=np.intp)
            lags.append(known[indices][known[indices] > 0])
        every = np.concatenate(lags) if lags else np.zeros(0, np.float32)
        shares = np.percentile(every, [50, 90, 99, 99.9, 100]).round(1).tolist() if len(every) else [None] * 5
        return {
            "changes": len(wanted),
            "expected": expected,
            "delivered": len(every),
            "delivered_share": round(len(every) / max(expected, 1), 6),
            **dict(zip(("p50_ms", "p90_ms", "p99_ms", "p999_ms", "worst_ms"), shares, strict=True)),
            "received_mb": round(self.bytes / 1e6, 1),
            "messages": self.messages,
        }


def lamps_in(document: dict[str, Any]) -> list[Lamp]:
    """Return the lamps whose beginning a message tells."""
    return [
        (round(datetime.fromisoformat(group["since"]).timestamp() * 1000), one["number"], group["group"])
        for one in document.get("intersections", ())
        for group in one["groups"]
        if "since" in group
    ]
