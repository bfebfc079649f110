"""Polls are the same bytes again and again: a connection that has seen a request's answer repeats it by itself.

An application that says how long an answer holds (a `Remember`, in the scope's extensions under `REMEMBER`, `CALL`) has
it repeated, without being asked, to every request that is byte for byte the same: most of what a feed's server does.
"""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

REMEMBER: Final = "trafficfeed.remember"
SMALL_BUFFER: Final = "trafficfeed.small_buffer"
"""The extension by which an application has a connection's send buffer made small: a stream, that has to notice soon
when nobody reads."""
HANG_UP: Final = "trafficfeed.hang_up"
"""The extension by which it ends a connection at once, whatever its client has not taken yet."""
CALL: Final = "call"
SEND_BUFFER_BYTES: Final = 128 * 1024
Remember = Callable[[int, Sequence[tuple[bytes, bytes]], bytes, Callable[[], bool]], None]
"""Takes status, headers, body, and a function that tells whether this is still the answer."""

_MOST_REQUESTS: Final = 4096
_LONGEST_REQUEST: Final = 4096


@dataclass(frozen=True, slots=True)
class _Answer:
    status_line: bytes
    rest: bytes
    body: bytes
    holds: Callable[[], bool]


def repeating_protocol() -> type[HttpToolsProtocol]:
    """Return uvicorn's HTTP protocol, made to repeat answers; all connections of one server share what they know."""
    known: dict[bytes, _Answer] = {}

    class Repeating(HttpToolsProtocol):
        """Answers a repeated request at once, where it comes whole, alone and between two others."""

        _is_between = True
        _begun = 0
        _request: bytes | None = None
        _repeated_at: float | None = None

        def data_received(self, data: bytes) -> None:
            answer = known.get(data)
            if answer is not None and self._is_idle():
                if answer.holds():
                    self._repeat(answer)
                    return
                known.pop(data, None)
            was_between, self._begun, self._request = self._is_between, 0, None
            super().data_received(data)
            if was_between and self._is_between and self._begun == 1 and len(data) <= _LONGEST_REQUEST:
                self._request = bytes(data)  # the application is asked after this returns

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._is_between = False
            self._begun += 1
            self.scope["extensions"] = {
                REMEMBER: {CALL: self._remember},
                SMALL_BUFFER: {CALL: self._shrink},
                HANG_UP: {CALL: self.transport.abort},
            }

        def on_message_complete(self) -> None:
            super().on_message_complete()
            self._is_between = True

        def timeout_keep_alive_handler(self) -> None:
            idle_s = float(self.timeout_keep_alive)
            if self._repeated_at is not None:
                idle_s = self.loop.time() - self._repeated_at
            if idle_s >= self.timeout_keep_alive:
                super().timeout_keep_alive_handler()
            else:
                self._arm(self.timeout_keep_alive - idle_s)

        def _remember(
            self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes, holds: Callable[[], bool]
        ) -> None:
            request, cycle = self._request, self.cycle
            if request is None or self.config.access_log or not cycle.keep_alive or self.scope["method"] != "GET":
                return
            if len(known) >= _MOST_REQUESTS:
                known.clear()
            rest = b"".join(part for name, value in headers for part in (name, b": ", value, b"\r\n")) + b"\r\n"
            known[request] = _Answer(STATUS_LINE[status], rest, body, holds)

        def _shrink(self) -> None:
            connection = self.transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)

        def _is_idle(self) -> bool:
            """Tell whether nothing is being read, answered, waited for or shut."""
            cycle: Any = self.cycle
            return (
                self._is_between
                and (cycle is None or cycle.response_complete)
                and not self.pipeline
                and not self.flow.write_paused
                and not self.transport.is_closing()
            )

        def _repeat(self, answer: _Answer) -> None:
            dated = b"".join(b"%b: %b\r\n" % header for header in self.server_state.default_headers)
            head = b"".join((answer.status_line, dated, answer.rest))
            self.transport.writelines((head, answer.body))  # in one segment: one wake-up for the client
            self.server_state.total_requests += 1
            self._repeated_at = self.loop.time()
            if self.timeout_keep_alive_task is None:
                self._arm(self.timeout_keep_alive)

        def _arm(self, seconds: float) -> None:
            self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    return Repeating
