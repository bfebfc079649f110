"""Server-sent events to many: one send timeout, one heartbeat, and a client that does not read is dropped."""

import logging
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import SendTimeoutError
from starlette.types import Receive, Scope, Send

SEND_TIMEOUT_S: Final = 10.0

_log = logging.getLogger(__name__)


class EventSource(EventSourceResponse):
    """Events until the client goes, or does not read for too long."""

    def __init__(
        self,
        events: AsyncIterator[bytes],
        *,
        heartbeat_s: float,
        heartbeat: Callable[[], ServerSentEvent],
        send_timeout_s: float = SEND_TIMEOUT_S,
    ) -> None:
        super().__init__(
            events,
            headers={"Access-Control-Allow-Origin": "*"},
            ping=heartbeat_s,
            sep="\n",
            ping_message_factory=heartbeat,
            send_timeout=send_timeout_s,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events; a client that does not read is not an error of ours."""
        extensions = scope.get("extensions", {})
        # what the kernel buffers for a client that does not read, it would not be missed for
        _call(extensions, "trafficfeed.small_buffer")
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            _call(extensions, "trafficfeed.hang_up")  # or the server would wait for it to take the rest
            _log.info("a client of %s did not read for %g s and was dropped", scope["path"], self.send_timeout)


def _call(extensions: dict[str, Any], name: str) -> None:
    """Ask the server for what only it can do to a connection; another server than ours does not know it."""
    if name in extensions:
        extensions[name]["call"]()
