"""A town of four streets and four avenues, its real road graph and stores, and the API on top."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from made_requests import TOKEN, Clock
from pydantic import SecretStr

from api.deps import Services
from api.main import create_app, furnish
from trafficfeed.network.graph_cache import save_graph, save_places
from trafficfeed.network.places_import import no_places
from trafficfeed.network.sumo_binary import binary
from trafficfeed.network.sumo_net import read_net
from trafficfeed.settings import Settings
from trafficfeed.store.database import upgrade

STREETS = ("First Street", "Second Street", "Third Street", "Fourth Street")
AVENUES = ("Ash Avenue", "Birch Avenue", "Cedar Avenue", "Oak Avenue")
BLOCK_M = 150

CITY_TOML = """
name = "gridtown"
title = "Gridtown <&>"
timezone = "Europe/Helsinki"
language = "fi"
licence = "CC0-1.0"
attribution = "made by a test"
[network]
net_file = "network/gridtown.net.xml"
source = "net"
crs = "EPSG:32635"
[demand]
route_files = []
kind = "hour"
begin_s = 0
end_s = 3600
method = "none"
"""


@pytest.fixture(scope="session")
def cities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of cities with one built city in it."""
    folder = tmp_path_factory.mktemp("cities")
    city = folder / "gridtown"
    (city / "network").mkdir(parents=True)
    net = city / "network" / "gridtown.net.xml"
    _netconvert(net, tmp_path_factory.mktemp("plain"))
    graph = read_net(net, origin=(24.95, 60.17), crs="EPSG:32635")
    save_graph(graph, city / "graph", net_path=net)
    save_places(no_places(), city / "graph")
    (city / "city.toml").write_text(CITY_TOML, "utf-8")
    return folder


def _netconvert(net: Path, plain: Path) -> None:
    nodes = [f'<node id="{x}{y}" x="{x * BLOCK_M}" y="{y * BLOCK_M}"/>' for x in range(4) for y in range(4)]
    edges = []
    for a in range(4):
        for b in range(3):
            for name, one, other in (
                (STREETS[a], f"{b}{a}", f"{b + 1}{a}"),
                (AVENUES[a], f"{a}{b}", f"{a}{b + 1}"),
            ):
                for start, end in ((one, other), (other, one)):
                    edges.append(
                        f'<edge id="{start}to{end}" from="{start}" to="{end}" numLanes="2" speed="13.9" name="{name}"/>'
                    )
    (plain / "n.nod.xml").write_text(f"<nodes>{''.join(nodes)}</nodes>", "utf-8")
    (plain / "e.edg.xml").write_text(f"<edges>{''.join(edges)}</edges>", "utf-8")
    command = [
        binary("netconvert"), "-n", plain / "n.nod.xml", "-e", plain / "e.edg.xml", "-o", net,
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An upgraded, empty SQLite file, made once."""
    path = tmp_path_factory.mktemp("store") / "trafficfeed.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def settings(cities: Path, empty_store: Path, tmp_path: Path) -> Settings:
    """Settings of a fresh installation; Airflow is not there."""
    (tmp_path / "state").mkdir()
    shutil.copy(empty_store, tmp_path / "state" / "trafficfeed.db")
    return Settings(
        state_dir=tmp_path / "state",
        cities_dir=cities,
        city="gridtown",
        api_tokens={"ann": SecretStr(TOKEN), "bob": SecretStr("another-token")},
        airflow_port=9,
        airflow_timeout_s=0.5,
    )


@pytest.fixture(scope="session")
def app() -> FastAPI:
    """The API, made once: its routes cost a quarter of a second."""
    return create_app(Settings())


@pytest.fixture
def client(app: FastAPI, settings: Settings, clock: Clock) -> Iterator[TestClient]:
    """The API, started on a fresh installation, without a token."""
    furnish(app, Services(settings, clock))
    with TestClient(app, raise_server_exceptions=False) as started:
        yield started


@pytest.fixture
def officer(client: TestClient) -> TestClient:
    """The same API as Ann sees it."""
    client.headers["Authorization"] = f"Bearer {TOKEN}"
    return client


@pytest.fixture
def publish_now(officer: TestClient) -> Callable[..., dict[str, Any]]:
    """Take an order from nothing into the feeds, as in an emergency."""

    def publish(document: dict[str, Any]) -> dict[str, Any]:
        created = officer.post("/v1/orders", json=document)
        assert created.status_code == 201, created.text
        address = created.headers["Location"]
        checked = officer.post(f"{address}/check")
        assert checked.json()["state"] == "checked", checked.text
        approved = officer.post(f"{address}/approve", json={"override_reason": "burst water main"})
        assert approved.status_code == 200, approved.text
        found: dict[str, Any] = officer.get(address).json()
        return found

    return publish
