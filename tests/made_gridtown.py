"""Gridtown: a small city built by the project itself from a grid of SUMO's and an hour of traffic; and orders in it."""

import json
import subprocess
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from trafficfeed.network.city import City
from trafficfeed.network.graph_cache import load_graph
from trafficfeed.network.sumo_binary import binary, sumo_home
from trafficfeed.pipeline.cities import BuildOptions, build_city
from trafficfeed.settings import SimulationSettings

SHORT = SimulationSettings(
    warm_up_s=120, cool_down_s=900, longest_s=600, emergency_probes=10, confirm_always_h=0, confirm_most_h=0
)
"""Simulations that take a second."""


def build_gridtown(folder: Path) -> Path:
    """Build the city "gridtown" in `folder`: 6 × 6 junctions, 120 edges, no names, its centre in the Atlantic."""
    net = folder / "grid.net.xml"
    subprocess.run(
        [
            binary("netgenerate"),
            *("--grid", "--grid.number", "6", "--grid.length", "150", "--default.lanenumber", "1"),
            *("--no-turnarounds", "--seed", "1", "-o", net),
        ],
        env={"SUMO_HOME": str(sumo_home())},
        check=True,
        capture_output=True,
        timeout=60,
    )
    options = BuildOptions(
        title="Gridtown",
        timezone="Europe/Paris",
        origin=(-20.0, 40.0),
        licence="CC0-1.0",
        routes=(_trips(folder / "trips.rou.xml"),),
        fit=False,
    )
    build_city("gridtown", net=net, cities_dir=folder, options=options)
    return folder


def _trips(path: Path) -> Path:
    """Write an hour of vehicles, one in six seconds, each straight through the town, north, south, east or west."""
    lines = [[f"{column}{row}" for row in range(6)] for column in "ABCDEF"]
    lines += [list(line) for line in zip(*lines, strict=True)]
    lines += [line[::-1] for line in lines]
    routes = [" ".join(a + b for a, b in pairwise(line)) for line in lines]
    vehicles = [
        f'<vehicle id="v{number}" depart="{6 * number}"><route edges="{routes[number % len(routes)]}"/></vehicle>'
        for number in range(600)
    ]
    path.write_text(f"<routes>{''.join(vehicles)}</routes>", "utf-8")
    return path


def closed_street(cities: Path, order_id: str, *, edge: str = "C2C3", night: date | None = None) -> dict[str, Any]:
    """Return the document of an order that closes one street one way, for some minutes of a night: next week's."""
    day = night or datetime.now(UTC).date() + timedelta(days=7)
    graph = load_graph(City.load(cities / "gridtown").graph_folder)
    line = [list(point) for point in graph.geometry[graph.index[edge]].coords]
    measure = {
        "id": "closure",
        "rule": {"kind": "closure"},
        "where": [{"kind": "line", "coordinates": line, "direction": "forward"}],
        "when": {"periods": [{"start": f"{day}T03:02", "end": f"{day}T03:10"}]},
    }
    return {
        "id": order_id,
        "city": "gridtown",
        "authority": {"name": "Gridtown police"},
        "legal_basis": "Road Traffic Act, section 71",
        "reason": "roadworks",
        "contact": {"name": "Desk", "email": "desk@example.org"},
        "title": {"en": "Works", "fr": "Travaux"},
        "timezone": "Europe/Paris",
        "measures": [measure],
    }


def write_order(document: dict[str, Any], cities: Path) -> None:
    """Put an order among gridtown's own."""
    folder = cities / "gridtown" / "orders"
    folder.mkdir(exist_ok=True)
    (folder / f"{document['id']}.json").write_text(json.dumps(document), "utf-8")
