"""Orders made for the tests of the store: sound by themselves, on no network."""

import json
from dataclasses import replace
from typing import Any

from trafficfeed.closures.document import parse_order
from trafficfeed.closures.orders import Order

DOCUMENT: dict[str, Any] = {
    "id": "water-main",
    "city": "anywhere",
    "authority": {"name": "The City"},
    "legal_basis": "Road Traffic Act, section 71",
    "reason": "roadworks",
    "contact": {"name": "Traffic desk", "email": "traffic@example.org"},
    "title": {"en": "Water main renewal", "fi": "Vesijohdon uusiminen"},
    "timezone": "Europe/Helsinki",
    "measures": [
        {
            "id": "closure",
            "rule": {"kind": "closure"},
            "where": [{"kind": "line", "coordinates": [[24.95, 60.17], [24.951234567890123, 60.1702]]}],
            "when": {"periods": [{"start": "2026-12-05T07:00", "end": "2026-12-05T18:00"}]},
        }
    ],
}


def made_order(order_id: str = "water-main", **changes: Any) -> Order:
    """Return an order, with fields of its document changed."""
    return parse_order(json.dumps({**DOCUMENT, "id": order_id, **changes}), name="test")


def with_periods(*periods: dict[str, Any], **changes: Any) -> Order:
    """Return an order whose measure holds in these periods."""
    return with_schedule({"periods": list(periods)}, **changes)


def with_schedule(schedule: dict[str, Any], **changes: Any) -> Order:
    """Return an order whose measure has this schedule."""
    return made_order(measures=[{**DOCUMENT["measures"][0], "when": schedule}], **changes)


def titled(order: Order, title: str) -> Order:
    """Return the order with another English title."""
    return replace(order, title={"en": title})
