"""The change stream on a real server and real sockets."""

import contextlib
import json
import socket
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from fastapi.testclient import TestClient
from made_events import CLOSURE, EVENTS, SLOW
from made_releases import publish
from served_releases import Served, served

import api.routes.stream
from api.deps import Services

STREAM = "/v1/stream/closures"
NATIVE = "/v1/feeds/closures/native"
BEGIN = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("served"), "api.routes.stream.SEND_TIMEOUT_S = 2.0") as found:
        yield found


def _publish(server: Served, *events: Any, n: int = 0) -> str:
    number = server.store.newest()
    return publish(server.store, events, at=BEGIN + timedelta(minutes=number + n)).version


class _Client:
    """Reads events as a browser does."""

    def __init__(self, server: Served, last: str | None = None, query: str = "") -> None:
        headers = {} if last is None else {"Last-Event-ID": last}
        request = urllib.request.Request(f"{server.url}{STREAM}{query}", headers=headers)
        self._answer = urllib.request.urlopen(request, timeout=20)
        assert self._answer.headers["content-type"].startswith("text/event-stream")
        self.last: str | None = last

    def next(self) -> tuple[str, dict[str, Any]]:
        """Return the next event's name and data."""
        fields: dict[str, str] = {}
        for line in self._answer:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                fields[name] = value
            elif "event" in fields:
                self.last = fields.get("id", self.last)
                return fields["event"], json.loads(fields["data"])
        raise AssertionError("the stream ended")

    def close(self) -> None:
        self._answer.close()


@contextlib.contextmanager
def _connected(*args: Any, **more: Any) -> Iterator[_Client]:
    client = _Client(*args, **more)
    try:
        yield client
    finally:
        client.close()


def _feed(server: Served, version: str) -> Any:
    deadline = time.monotonic() + 10
    while (answer := requests.get(server.url + NATIVE)).headers.get("x-feed-version") != version:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return answer.json()


def _applied(copy: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    held = {} if told["reset"] else {record["id"]: record for record in copy[told["records"]]}
    for gone in told["tombstones"]:
        held.pop(gone["id"], None)
    held |= {record["id"]: record for record in told["upserts"]}
    return {**told["head"], told["records"]: [held[one] for one in sorted(held)]}


def test_a_client_is_greeted_and_then_sent_every_change(server: Served) -> None:
    first = _publish(server, CLOSURE)
    copy = _feed(server, first)
    with _connected(server) as client:
        name, hello = client.next()
        assert (name, hello["version"], client.last) == ("hello", first, first)
        for events in ([CLOSURE, SLOW], [SLOW], list(EVENTS)):
            version = _publish(server, *events)
            name, told = client.next()
            assert (name, told["to"], client.last) == ("increment", version, version)
            copy = _applied(copy, told)
            assert copy == _feed(server, version)


def test_who_reconnects_is_sent_what_he_missed_as_one_event(server: Served) -> None:
    first = _publish(server, CLOSURE)
    copy = _feed(server, first)
    with _connected(server) as client:
        client.next()
        last = client.last
    for n in range(5):
        version = _publish(server, replace(CLOSURE, street=f"Street {n}"), SLOW)
    whole = _feed(server, version)
    with _connected(server, last=last) as client:
        assert client.next()[0] == "hello"
        assert client.last == last, "the greeting alone is not what he missed"
        _, told = client.next()
        assert (told["from"], told["to"]) == (last, version)
        assert _applied(copy, told) == whole
        newer = _publish(server, CLOSURE)
        assert client.next()[1]["to"] == newer


def test_who_has_what_nobody_knows_is_sent_everything(server: Served) -> None:
    version = _publish(server, *EVENTS)
    whole = _feed(server, version)
    with _connected(server, query="?since=nonsense") as client:
        client.next()
        _, told = client.next()
        assert told["reset"] is True
        assert _applied({}, told) == whole


def test_the_stream_speaks_the_other_formats_with_increments_too(server: Served) -> None:
    first = _publish(server, CLOSURE)
    _feed(server, first)
    with _connected(server, query="?format=cifs-json") as client:
        client.next()
        _publish(server, CLOSURE, SLOW)
        _, told = client.next()
        assert told["records"] == "incidents"
        assert [record["incident"]["id"].startswith(SLOW.id) for record in told["upserts"]].count(True) > 0
    refused = requests.get(f"{server.url}{STREAM}?format=cifs")
    assert (refused.status_code, refused.json()["formats"]) == (422, ["cifs-json", "native", "wzdx"])


def test_a_client_that_never_reads_delays_nobody_and_is_dropped(server: Served) -> None:
    """Each event is a few hundred kB: the kernel's buffers are soon full, and the server stops waiting after 2 s."""
    many = [replace(CLOSURE, id=f"order-1.closure.street-{n:03}.p1") for n in range(250)]
    version = _publish(server, *many)
    _feed(server, version)
    with socket.socket() as deaf, _connected(server) as client:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", server.port))
        deaf.sendall(f"GET {STREAM} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        client.next()
        for n in range(6):
            version = _publish(server, *(replace(event, street=f"Street {n}") for event in many))
            assert client.next()[1]["to"] == version
        log = server.log
        deadline = time.monotonic() + 40
        while "did not read" not in log.read_text("utf-8") and time.monotonic() < deadline:
            time.sleep(0.2)
        assert "was dropped" in log.read_text("utf-8")
        assert "Traceback" not in log.read_text("utf-8")


def test_no_more_clients_are_taken_than_can_be_served(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.routes.stream, "MOST_CLIENTS", 1)
    services: Services = client.app.state.services  # type: ignore[attr-defined]
    services.stream.clients = 1
    answer = client.get(STREAM)
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:trafficfeed:problem:too-many-clients")
    assert answer.headers["retry-after"] == "30"


def test_a_quiet_stream_is_kept_open_by_comments(tmp_path: Path) -> None:
    with (
        served(tmp_path, "api.routes.stream.HEARTBEAT_S = 0.2") as quiet,
        urllib.request.urlopen(quiet.url + STREAM, timeout=10) as answer,
    ):
        assert next(line for line in answer if line.strip()) == b": still here\n"
