"""The API alone, on a socket whose connections notice a client that never reads."""

import socket
from typing import Any, Final

import uvicorn

from trafficfeed.settings import Settings
from trafficfeed.settings import settings as from_environment

_UNREAD_MS: Final = 20_000


def serve(settings: Settings) -> None:
    """Serve the API on the settings' host and port until it is stopped."""
    listening = listen(settings.api_host, settings.api_port)
    with listening:
        uvicorn.Server(uvicorn.Config("api.main:create_app", factory=True, **server_options())).run([listening])


def server_options() -> dict[str, Any]:
    """Return how uvicorn serves the API: no line in the log for each request, no header that tells nothing."""
    return {"access_log": False, "server_header": False, "http": _protocol()}


def _protocol() -> Any:
    try:
        from trafficfeed.running.repeated_requests import repeating_protocol
    except ImportError:  # without httptools: uvicorn's other protocol does it all, a little slower
        return "auto"
    return repeating_protocol()


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; the connections that it accepts have its options.

    The kernel gives a connection up that takes nothing for 20 s, whatever is still buffered for it. Send buffers are
    left to the kernel, which makes them as large as a document needs; a stream has its own made small
    (`repeated_requests`).
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_MS)
    listening.bind((host, port))
    listening.listen(2048)
    listening.set_inheritable(True)
    return listening


if __name__ == "__main__":
    serve(from_environment())
