"""Orders on gridtown, drawn along its own streets."""

import json
from pathlib import Path
from typing import Any

from trafficfeed.closures.document import parse_order
from trafficfeed.closures.orders import Order
from trafficfeed.network.city import City
from trafficfeed.network.graph_cache import load_graph

NIGHT = {"start": "2026-12-01T03:02", "end": "2026-12-01T03:10"}


def closure(cities: Path, order_id: str = "grid-works", *, edge: str = "C2C3", **changes: Any) -> dict[str, Any]:
    """Return the document of an order that closes one street of gridtown, in one direction, for some night minutes."""
    graph = load_graph(City.load(cities / "gridtown").graph_folder)
    line = [list(point) for point in graph.geometry[graph.index[edge]].coords]
    document = {
        "id": order_id,
        "city": "gridtown",
        "authority": {"name": "Gridtown police"},
        "legal_basis": "Road Traffic Act, section 71",
        "reason": "roadworks",
        "contact": {"name": "Desk", "email": "desk@example.org"},
        "title": {"en": "Works", "fr": "Travaux"},
        "timezone": "Europe/Paris",
        "measures": [
            {
                "id": "closure",
                "rule": {"kind": "closure"},
                "where": [{"kind": "line", "coordinates": line, "direction": "forward"}],
                "when": {"periods": [NIGHT]},
            }
        ],
    }
    return document | changes


def order_of(document: dict[str, Any]) -> Order:
    """Return the order that a document holds."""
    return parse_order(json.dumps(document), name="test")


def written(document: dict[str, Any], folder: Path) -> Path:
    """Write a document to a file named after its order."""
    path = folder / f"{document['id']}.json"
    path.write_text(json.dumps(document), "utf-8")
    return path
