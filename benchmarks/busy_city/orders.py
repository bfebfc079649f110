"""Orders on streets of any city, drawn at random with a fixed seed; each gives one record."""

import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import shapely

from trafficfeed.closures.document import parse_order
from trafficfeed.closures.orders import Order
from trafficfeed.closures.resolution import resolve
from trafficfeed.network.city import City
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.vehicle_classes import VehicleClass

REASONS = ("roadworks", "roadworks", "roadworks", "sport", "emergency")
RULES: tuple[dict[str, Any], ...] = (
    {"kind": "closure"},
    {"kind": "closure"},
    {"kind": "speed_limit", "limit_kmh": 30},
)


def orders_on(graph: RoadGraph, city: City, *, as_of: datetime, seed: int = 1) -> Iterator[Order]:
    """Give orders without end, each of one street from junction to junction in one direction, from now for days."""
    drawn = random.Random(seed)
    cars = [e for e in range(len(graph)) if graph.access[e] & VehicleClass.PASSENGER.bit and graph.length_m[e] > 30]
    number = 0
    while True:
        number += 1
        document = _document(f"busy-{seed}-{number:05d}", city, graph, drawn.choice(cars), as_of, drawn)
        order = parse_order(json.dumps(document), name=document["id"])
        resolved, findings = resolve(order, graph)
        if not any(finding.severity == "error" for finding in findings) and len(resolved[0].sections) == 1:
            yield order


def _document(
    order_id: str, city: City, graph: RoadGraph, edge: int, as_of: datetime, drawn: random.Random
) -> dict[str, Any]:
    start = as_of.astimezone(ZoneInfo(city.file.timezone)).replace(microsecond=0) - timedelta(hours=1)
    line = [[round(x, 7), round(y, 7)] for x, y in shapely.get_coordinates(graph.geometry[edge]).tolist()]
    end = start + timedelta(days=drawn.randint(1, 20))
    measure = {
        "id": "m",
        "rule": drawn.choice(RULES),
        "where": [{"kind": "line", "coordinates": line, "direction": "forward"}],
        "when": {"periods": [{"start": f"{start:%Y-%m-%dT%H:%M}", "end": f"{end:%Y-%m-%dT%H:%M}"}]},
    }
    return {
        "id": order_id,
        "city": city.name,
        "authority": {"name": f"Authority {drawn.randint(1, 5)}"},
        "legal_basis": "Road Traffic Act",
        "reason": drawn.choice(REASONS),
        "contact": {"name": "Traffic desk", "email": "traffic@example.org"},
        "title": {"en": f"Works {order_id}", city.file.language: f"Works {order_id}"},
        "description": {"en": "A pipe is renewed; the street is shut to all but residents and emergency vehicles."},
        "timezone": city.file.timezone,
        "measures": [measure],
    }
