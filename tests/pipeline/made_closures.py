"""Orders on gridtown for the pipeline's tests, in the night of 1 December 2026."""

import json
from datetime import date
from pathlib import Path
from typing import Any

from made_gridtown import closed_street

from trafficfeed.closures.document import parse_order
from trafficfeed.closures.orders import Order

NIGHT = {"start": "2026-12-01T03:02", "end": "2026-12-01T03:10"}


def closure(cities: Path, order_id: str = "grid-works", **changes: Any) -> dict[str, Any]:
    """Return the document of an order that closes one street of gridtown, one way, for some minutes of the night."""
    return closed_street(cities, order_id, night=date(2026, 12, 1)) | changes


def order_of(document: dict[str, Any]) -> Order:
    """Return the order that a document holds."""
    return parse_order(json.dumps(document), name="test")


def written(document: dict[str, Any], folder: Path) -> Path:
    """Write a document to a file named after its order."""
    path = folder / f"{document['id']}.json"
    path.write_text(json.dumps(document), "utf-8")
    return path
