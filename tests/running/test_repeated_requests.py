"""Answers repeated by the connection itself, on real sockets: the same as the application's, and no others."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from trafficfeed.running.repeated_requests import (
    CALL,
    REMEMBER,
    SEND_BUFFER_BYTES,
    SMALL_BUFFER,
    repeating_protocol,
)
from trafficfeed.running.serving import listen

POLL = b"GET /feed HTTP/1.1\r\nHost: x\r\n\r\n"


class _App:
    """Counts what it is asked; its answer to GET /feed holds until `text` changes."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.text = b"one"
        self.small = False
        self.sent = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        self.asked.append(f"{scope['method']} {scope['path']}")
        if scope["method"] == "POST":
            await send({"type": "http.response.start", "status": 401, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
            return
        if scope["path"] == "/stream":
            await self._stream(scope, send)
            return
        text = self.text
        headers = [(b"content-length", str(len(text)).encode()), (b"x-text", text[:9])]
        scope["extensions"][REMEMBER][CALL](200, headers, text, lambda: self.text is text)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": text})

    async def _stream(self, scope: Any, send: Any) -> None:
        """Send until nobody takes it any more."""
        if self.small:
            scope["extensions"][SMALL_BUFFER][CALL]()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(1000):
            await send({"type": "http.response.body", "body": bytes(10_000), "more_body": True})
            self.sent += 10_000


@pytest.fixture
def app() -> _App:
    return _App()


@pytest.fixture
def port(app: _App) -> Iterator[int]:
    listening = listen("127.0.0.1", 0)
    config = uvicorn.Config(
        app, http=repeating_protocol(), lifespan="off", access_log=False, log_level="error", timeout_keep_alive=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join()
    listening.close()


@contextlib.contextmanager
def _connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as found:
        yield found


def _answer(connection: socket.socket) -> tuple[bytes, bytes]:
    """Read one answer: its head and its body."""
    read = b""
    while b"\r\n\r\n" not in read:
        got = connection.recv(65536)
        assert got, "the server shut the connection"
        read += got
    head, _, body = read.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    return head, body


def test_a_repeated_request_is_answered_alike_without_the_application(app: _App, port: int) -> None:
    answers = []
    for _ in range(2):
        with _connected(port) as connection:
            for _ in range(5):
                connection.sendall(POLL)
                answers.append(_answer(connection))
    assert len({body for _, body in answers}) == 1
    assert len({head.replace(b"\r\n", b"\n").split(b"date")[0] for head, _ in answers}) == 1
    assert all(b"\r\ndate: " in head for head, _ in answers)
    assert app.asked == ["GET /feed"]


def test_an_answer_that_does_not_hold_any_more_is_asked_for_again(app: _App, port: int) -> None:
    with _connected(port) as connection:
        for text in (b"one", b"two", b"three"):
            app.text = text
            for _ in range(3):
                connection.sendall(POLL)
                assert _answer(connection)[1] == text
    assert len(app.asked) == 3


def test_requests_in_one_piece_or_in_many_are_all_answered_in_order(app: _App, port: int) -> None:
    with _connected(port) as connection:
        connection.sendall(POLL)
        _answer(connection)
        connection.sendall(POLL * 3)
        read = b""
        while read.count(b"one") < 6:  # in each a header and the body
            read += connection.recv(65536)
        for byte in POLL:
            connection.sendall(bytes([byte]))
        assert _answer(connection)[1] == b"one"


def test_a_body_that_looks_like_a_known_request_is_a_body(app: _App, port: int) -> None:
    with _connected(port) as connection:
        connection.sendall(POLL)
        _answer(connection)
        connection.sendall(b"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(POLL))
        assert _answer(connection)[0].startswith(b"HTTP/1.1 401")  # before the body was read
        connection.sendall(POLL)
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(10)
        connection.sendall(POLL)
        assert _answer(connection)[1] == b"one"


def test_a_client_that_asks_and_never_reads_is_not_answered_for_ever(app: _App, port: int) -> None:
    app.text = b"x" * 100_000
    with _connected(port) as connection:
        connection.sendall(POLL)
        _answer(connection)
        connection.settimeout(0.5)
        sent = 0
        with pytest.raises((TimeoutError, ConnectionError)):  # it stops reading, and hangs up after a while
            while sent < 100_000_000:
                sent += connection.send(POLL)
    with _connected(port) as other:
        other.sendall(POLL)
        assert _answer(other)[1] == app.text


def test_an_idle_connection_is_shut_though_its_answers_were_repeated(app: _App, port: int) -> None:
    with _connected(port) as connection:
        for _ in range(3):
            connection.sendall(POLL)
            _answer(connection)
        assert connection.recv(1) == b""


@pytest.mark.parametrize("small", [True, False])
def test_a_stream_can_have_little_buffered_for_it(app: _App, port: int, small: bool) -> None:
    app.small = small
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", port))
        deaf.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        sent = -1
        while sent != app.sent or not sent:
            sent = app.sent
            time.sleep(0.3)
        assert (sent <= 4 * SEND_BUFFER_BYTES) is small
