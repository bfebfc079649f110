"""Live signals on a real server and real sockets: posted in, streamed out, dropped where nobody reads."""

import contextlib
import json
import socket
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from fastapi.testclient import TestClient
from served_releases import Served, served

from trafficfeed.formats.spatem_reading import read_spatem
from trafficfeed.settings import REPOSITORY
from trafficfeed.signals.topology import Intersection, Manoeuvre, SignalGroup, Topology
from trafficfeed.signals.topology_document import content_hash, to_json

STREAM = "/v1/stream/signals"
RED, GREEN, AMBER = "stop-And-Remain", "protected-Movement-Allowed", "protected-clearance"


def made_topology(count: int, groups: int = 4) -> Topology:
    made = {
        f"j{n}": Intersection(
            id=f"j{n}", number=n + 1, region=7, name=f"Junction {n}", lonlat=(10.0 + n, 50.0), lanes=(),
            connections=(), conflicts=(),
            groups=tuple(
                SignalGroup(
                    id=g, name=f"K{g}", street="Street", compass="north", manoeuvres=(Manoeuvre.STRAIGHT,),
                    stop_line=(10.0 + n, 50.0),
                )
                for g in range(1, groups + 1)
            ),
        )
        for n in range(count)
    }  # fmt: skip
    return Topology(
        city="made", version=content_hash(made.values()), source="a test", made_at=datetime.now(UTC), intersections=made
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    if not (REPOSITORY / "sumo_scenarios/helsinki/graph/manifest.json").is_file():
        pytest.skip("the demo city is not built: run `make run`, or `trafficfeed city build helsinki`")
    folder = tmp_path_factory.mktemp("signals")
    (folder / "topology.json").write_bytes(to_json(made_topology(150, 12)))
    more = "import api.routes.signal_stream; api.routes.signal_stream.SEND_TIMEOUT_S = 2.0"
    with contextlib.ExitStack() as running:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("TRAFFICFEED_SIGNALS", "http")
            environment.setenv("TRAFFICFEED_SIGNALS_TOPOLOGY", str(folder / "topology.json"))
            environment.setenv("TRAFFICFEED_API_TOKENS", json.dumps({"gateway": "secret"}))
            found = running.enter_context(served(folder, more))
        yield found


def post(server: Served, *states: tuple[str, int, str], token: str = "secret") -> requests.Response:
    body = {"states": [{"intersection": i, "group": g, "aspect": a} for i, g, a in states], "every_s": 600}
    return requests.post(
        f"{server.url}/v1/signals/states", json=body, headers={"Authorization": f"Bearer {token}"}, timeout=20
    )


class Client:
    """Reads events as a browser does."""

    def __init__(self, server: Served, query: str = "", last: str | None = None) -> None:
        headers = {} if last is None else {"Last-Event-ID": last}
        self._answer = urllib.request.urlopen(
            urllib.request.Request(f"{server.url}{STREAM}{query}", headers=headers), timeout=20
        )
        self.last = last

    def next(self, *names: str) -> tuple[str, dict[str, Any]]:
        """Return the next event of these names (default: any but heartbeats), and its data."""
        fields: dict[str, str] = {}
        for line in self._answer:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                fields[name] = value
                continue
            self.last = fields.get("id", self.last)
            if fields.get("event") in names or (not names and fields.get("event") != "heartbeat"):
                return fields["event"], json.loads(fields["data"])
            fields = {}
        raise AssertionError("the stream ended")

    def until(self, intersection: str, group: int, aspect: str) -> dict[str, Any]:
        """Return the first delta that tells of a lamp."""
        while True:
            _, told = self.next("delta")
            for one in told["intersections"]:
                if one["id"] == intersection and (group, aspect) in [(g["group"], g["aspect"]) for g in one["groups"]]:
                    return told

    def close(self) -> None:
        self._answer.close()


@contextlib.contextmanager
def connected(*args: Any, **more: Any) -> Iterator[Client]:
    client = Client(*args, **more)
    try:
        yield client
    finally:
        client.close()


def test_a_client_is_sent_a_snapshot_and_then_what_changes(server: Served) -> None:
    answer = post(server, ("j1", 1, RED), ("j1", 2, RED), ("j2", 1, RED))
    assert answer.json()["handed_on"] == 3, answer.text
    time.sleep(0.3)
    with connected(server, "?ids=j1,j2") as client:
        name, told = client.next()
        assert (name, told["resumed"], told["intersections"]) == ("hello", False, 2)
        name, told = client.next()
        assert name == "snapshot"
        assert {one["id"]: len(one["groups"]) for one in told["intersections"]} == {"j1": 2, "j2": 1}
        post(server, ("j1", 2, GREEN), ("j3", 1, RED))
        told = client.until("j1", 2, GREEN)
        assert [(one["id"], [g["group"] for g in one["groups"]]) for one in told["intersections"]] == [("j1", [2])]
        assert "since" in told["intersections"][0]["groups"][0]


def test_who_reconnects_is_sent_what_he_missed(server: Served) -> None:
    post(server, ("j10", 1, RED))
    time.sleep(0.3)
    with connected(server, "?ids=j10") as client:
        client.next("snapshot")
        last = client.last
    post(server, ("j10", 1, GREEN))
    time.sleep(0.3)
    with connected(server, "?ids=j10", last=last) as client:
        assert client.next()[1]["resumed"] is True
        name, told = client.next()
        assert name == "delta"
        assert told["intersections"][0]["groups"][0]["aspect"] == GREEN
    with connected(server, "?ids=j10", last="another-7") as client:
        assert client.next()[1]["resumed"] is False
        assert client.next()[0] == "snapshot"


def test_a_box_chooses_intersections(server: Served) -> None:
    post(server, ("j20", 1, RED), ("j21", 1, RED))
    time.sleep(0.3)
    with connected(server, "?bbox=29.5,49,30.5,51") as client:
        assert [one["id"] for one in client.next("snapshot")[1]["intersections"]] == ["j20"]
    for query in ("?bbox=1,2,3", "?bbox=5,5,4,4", "?ids=nowhere", "?ids=j1&bbox=1,1,2,2"):
        assert requests.get(f"{server.url}{STREAM}{query}", timeout=20).status_code == 422, query


def test_the_same_is_told_over_http_in_every_format(server: Served) -> None:
    post(server, ("j30", 1, RED), ("j30", 2, GREEN))
    before = datetime.now(UTC) + timedelta(seconds=0.3)
    time.sleep(0.4)
    post(server, ("j30", 2, AMBER))
    time.sleep(0.3)
    address = f"{server.url}/v1/signals"
    shown = {g["group"]: g["aspect"] for g in requests.get(f"{address}/j30", timeout=20).json()["groups"]}
    assert shown == {1: RED, 2: AMBER}
    features = requests.get(address, params={"ids": "j30"}, timeout=20).json()["features"]
    assert {one["properties"]["group"]: one["properties"]["aspect"] for one in features} == shown
    [facts] = read_spatem(requests.get(f"{address}/j30.spatem", timeout=20).content, near=datetime.now(UTC))
    assert {g.group: g.aspect.value for g in facts.groups} == shown
    assert requests.get(f"{address}/j30.china.json", timeout=20).json()["intersections"]
    past = requests.get(f"{address}/j30", params={"as_of": before.isoformat()}, timeout=20).json()
    assert {g["group"]: g["aspect"] for g in past["groups"]} == {1: RED, 2: GREEN}
    assert requests.get(f"{address}/nowhere", timeout=20).status_code == 404


def test_only_who_has_a_token_sends_states_in(server: Served) -> None:
    assert post(server, ("j40", 1, RED), token="wrong").status_code == 401
    answer = post(server, ("nowhere", 1, RED), ("j40", 1, RED))
    assert (answer.status_code, answer.json()["handed_on"], answer.json()["refused"]) == (202, 1, 1)


def test_a_client_that_never_reads_is_dropped_and_delays_nobody(server: Served) -> None:
    every = [(f"j{n}", g) for n in range(150) for g in range(1, 13)]
    with socket.socket() as deaf, connected(server, "?ids=j149") as client:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", server.port))
        deaf.sendall(f"GET {STREAM} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        deadline = time.monotonic() + 120
        turn = 0
        while "was dropped" not in server.log.read_text("utf-8"):
            assert time.monotonic() < deadline
            aspect = (RED, GREEN, AMBER)[turn % 3]
            assert post(server, *((i, g, aspect) for i, g in every)).status_code == 202
            client.until("j149", 12, aspect)
            turn += 1
        local = deaf.getsockname()[1]
        ours = f"0100007F:{server.port:04X} 0100007F:{local:04X} 01"
        while ours in Path("/proc/net/tcp").read_text("ascii"):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert "Traceback" not in server.log.read_text("utf-8")


def test_a_server_without_live_signals_says_so(client: TestClient) -> None:
    for path in ("/v1/signals", "/v1/signals/a", STREAM):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:trafficfeed:problem:no-live-signals")
