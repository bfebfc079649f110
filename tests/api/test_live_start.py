"""The live part as the settings start it: sources, the topology that is served, the past, and a setting that is bad."""

import json
import logging
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from made_requests import TOKEN

from api.deps import Services
from api.main import furnish
from trafficfeed.formats import spatem
from trafficfeed.pipeline.released_topology import FEED, FILE_NAME
from trafficfeed.publishing.documents import Document
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.settings import Settings
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import GroupKey, LampEvent
from trafficfeed.signals.ingest.event_log import EventLog
from trafficfeed.signals.states import GroupState, IntersectionState
from trafficfeed.signals.topology import Intersection, Manoeuvre, SignalGroup, Topology
from trafficfeed.signals.topology_document import content_hash, to_json
from trafficfeed.store.objects import ObjectStore

GREEN, AMBER, RED = Aspect.PROTECTED_GREEN, Aspect.PROTECTED_AMBER, Aspect.STOP_AND_REMAIN


def made_topology(count: int = 1) -> Topology:
    made = {
        f"j{n}": Intersection(
            id=f"j{n}", number=n + 1, region=7, name=f"Junction {n}", lonlat=(10.0 + n, 50.0), lanes=(),
            connections=(), conflicts=(),
            groups=(
                SignalGroup(
                    id=2, name="K2", street="", compass="", manoeuvres=(Manoeuvre.STRAIGHT,), stop_line=(10.0, 50.0)
                ),
            ),
        )
        for n in range(count)
    }  # fmt: skip
    return Topology(
        city="gridtown", version=content_hash(made.values()), source="a test", made_at=datetime.now(UTC),
        intersections=made,
    )  # fmt: skip


def release(settings: Settings, topology: Topology) -> None:
    document = Document(data=to_json(topology), media_type="application/json")
    facts = {"city": topology.city, "topology": topology.version}
    store = ReleaseStore(ObjectStore(settings.objects_url), FEED)
    store.publish_gathered(lambda: ({FILE_NAME: document}, facts), as_of=datetime.now(UTC))


def started(app: FastAPI, settings: Settings, **changes: Any) -> TestClient:
    """The API on the wall clock, but for its other loops; the topology of twelve junctions is released."""
    release(settings, made_topology(12))
    furnish(app, Services(settings.model_copy(update=changes), lambda: datetime.now(UTC)))
    return TestClient(app, headers={"Authorization": f"Bearer {TOKEN}"})


def until(ask: Callable[[], Any], holds: Callable[[Any], bool], act: Callable[[], Any] = lambda: None) -> Any:
    """Ask until it holds, for ten seconds; `act` before each time."""
    for _ in range(100):
        act()
        if holds(answer := ask()):
            return answer
        time.sleep(0.1)
    raise AssertionError(f"it never came: {answer}")


def test_a_roadside_unit_is_heard_by_the_setting_alone_at_a_junction_of_the_released_topology(
    app: FastAPI, settings: Settings
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unit:
        unit.bind(("127.0.0.1", 0))
        port = unit.getsockname()[1]
    with (
        started(app, settings, signals=f"http,spatem+udp://127.0.0.1:{port}") as client,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unit,
    ):

        def send() -> None:
            state = IntersectionState(
                intersection="j3", number=4, region=7, revision=1, observed_at=datetime.now(UTC),
                groups=[GroupState(group=2, aspect=GREEN)],
            )  # fmt: skip
            unit.sendto(spatem.encode(state), ("127.0.0.1", port))

        answer = until(lambda: client.get("/v1/signals/j3"), lambda one: one.status_code == 200, send)
    (group,) = answer.json()["groups"]
    assert (group["aspect"], group["source"]) == (GREEN.value, "spatem:udp://127.0.0.1")


def test_a_controllers_rows_are_posted_in_under_its_own_name(app: FastAPI, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "controllers.json"
    path.write_text(json.dumps({"227": {"intersection": "j5", "groups": {"6": 2}}}), "utf-8")
    with started(app, settings, signals="http", signals_controllers=path) as client:
        row = {"device": "227", "at": datetime.now(UTC).isoformat(), "code": 1, "parameter": 6}
        taken = client.post("/v1/signals/controller-events", json={"rows": [row, {**row, "code": 82}]})
        assert (taken.status_code, taken.json()["handed_on"]) == (202, 1), taken.text
        answer = until(lambda: client.get("/v1/signals/j5"), lambda one: one.status_code == 200)
        bad = client.post("/v1/signals/controller-events", json={"rows": [{**row, "at": "2026-12-01T12:00:00"}]})
        assert bad.status_code == 422
        client.headers.pop("Authorization")
        assert client.post("/v1/signals/controller-events", json={"rows": [row]}).status_code == 401
    assert [(one["group"], one["aspect"], one["source"]) for one in answer.json()["groups"]] == [
        (2, GREEN.value, "http:ann/227")
    ]


@pytest.mark.parametrize("setting", ["virtuel", "gat1049://me:secret@utcs:8888?edition=9"])
def test_a_bad_setting_is_said_in_the_log_and_the_feeds_are_served_all_the_same(
    app: FastAPI, settings: Settings, setting: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), started(app, settings, signals=setting) as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/v1/signals").json()["type"] == "urn:trafficfeed:problem:no-live-signals"
    assert "no live signals: TRAFFICFEED_SIGNALS" in caplog.text
    assert "secret" not in caplog.text


def an_hour(begin: datetime, intersection: str) -> list[LampEvent]:
    found = []
    for n in range(60):
        for second, aspect in ((0, GREEN), (20, AMBER), (23, RED)):
            moment = begin + timedelta(seconds=60 * n + second)
            key = GroupKey(intersection, 2)
            found.append(LampEvent(key=key, aspect=aspect, observed_at=moment, received_at=moment, source="made"))
    return found


def test_a_document_of_the_past_says_what_its_forecasts_are(app: FastAPI, settings: Settings) -> None:
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1, minutes=5)
    log = EventLog(settings.state_dir / "signals" / "gridtown")
    for events in zip(an_hour(begin, "j1"), an_hour(begin, "j2"), strict=True):
        log.append(events)
    log.close()
    then = begin + timedelta(minutes=50, seconds=5)
    with started(app, settings, signals="http") as client:
        one = client.get("/v1/signals/j1", params={"as_of": then.isoformat()})
        few = client.get("/v1/signals", params={"as_of": then.isoformat(), "ids": "j1,j2"})
        every = client.get("/v1/signals", params={"as_of": then.isoformat()})
        message = client.get("/v1/signals/j1.spatem", params={"as_of": then.isoformat()})
        assert client.get("/v1/signals").json()["features"] == [], "what was read back is not shown as fresh"
        rows = {"states": [{"intersection": "j1", "group": 2, "aspect": RED.value}]}
        assert client.post("/v1/signals/states", json=rows).status_code == 202
        until(lambda: client.get("/v1/signals/j1"), lambda answer: answer.status_code == 200)
        just_now = client.get("/v1/signals/j1", params={"as_of": datetime.now(UTC).isoformat()})
        present = client.get("/v1/signals/j1")
    assert one.json()["forecasts"] == "worked out anew" == message.headers["X-Forecasts"]
    end = datetime.fromisoformat(one.json()["groups"][0]["forecast"]["likely_end"])
    assert abs((end - (then + timedelta(seconds=15))).total_seconds()) <= 1
    assert few.json()["forecasts"] == "worked out anew"
    assert all("forecast" in feature["properties"] for feature in few.json()["features"])
    assert (every.json()["forecasts"], every.headers["X-Forecasts"]) == ("not kept", "not kept")
    assert len(every.json()["features"]) == 2
    assert not any("forecast" in feature["properties"] for feature in every.json()["features"])
    assert just_now.json()["forecasts"] == "as published"
    assert "forecasts" not in present.json() and "X-Forecasts" not in present.headers
