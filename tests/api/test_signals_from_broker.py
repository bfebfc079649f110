"""An API process that takes no lamp states in shows what another has published by the broker."""

import json
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from brokers import MISSING, MOSQUITTO, broker_on, free_port
from served_releases import Served, served
from test_signal_stream import made_topology

from trafficfeed.publishing.bus import Batch, Fragments, Update
from trafficfeed.publishing.mqtt_bus import MqttBus
from trafficfeed.settings import REPOSITORY
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.live import Change
from trafficfeed.signals.states import GroupState, IntersectionState
from trafficfeed.signals.topology_document import to_json


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[tuple[Served, str]]:
    if MOSQUITTO is None:
        pytest.skip(MISSING)
    if not (REPOSITORY / "sumo_scenarios/helsinki/graph/manifest.json").is_file():
        pytest.skip("the demo city is not built: run `make run`, or `trafficfeed city build helsinki`")
    (tmp_path / "topology.json").write_bytes(to_json(made_topology(3)))
    port = free_port()
    with broker_on(port, tmp_path), pytest.MonkeyPatch.context() as environment:
        environment.setenv("TRAFFICFEED_SIGNALS", "off")
        environment.setenv("TRAFFICFEED_SIGNALS_BUS", f"mqtt://127.0.0.1:{port}")
        environment.setenv("TRAFFICFEED_SIGNALS_TOPOLOGY", str(tmp_path / "topology.json"))
        environment.setenv("TRAFFICFEED_API_TOKENS", json.dumps({"gateway": "secret"}))
        with served(tmp_path) as found:
            yield found, f"mqtt://127.0.0.1:{port}"


def test_states_are_read_from_the_broker_and_none_are_taken_in(worker: tuple[Served, str]) -> None:
    server, broker = worker
    now = datetime.now(UTC)
    green = GroupState(group=1, aspect=Aspect.PROTECTED_GREEN, since=now, source="test")
    state = IntersectionState(
        intersection="j1", number=2, region=7, revision=3, observed_at=now, groups=(green,), name="Junction 1"
    )
    with closing(MqttBus(broker, "helsinki")) as bus:
        deadline, answer = time.monotonic() + 30, requests.Response()
        while answer.status_code != 200 and time.monotonic() < deadline:
            bus.publish(Batch(made_at=now, updates=[Update(Change(state=state, groups=(1,)), now, Fragments())]))
            answer = requests.get(f"{server.url}/v1/signals/j1", timeout=10)
            time.sleep(0.1)
    assert answer.json()["groups"][0]["aspect"] == "protected-Movement-Allowed"
    refused = requests.post(
        f"{server.url}/v1/signals/states", json={"states": []}, headers={"Authorization": "Bearer secret"}, timeout=10
    )
    assert refused.status_code == 404 and refused.json()["type"].endswith("no-way-in")
