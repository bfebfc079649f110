"""Orders and certificates made for the tests of the API."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from trafficfeed.simulation.certificate import Certificate, Estimate, Reason, Verdict

NOW = datetime(2026, 12, 5, 12, 0, tzinfo=UTC)  # a Saturday, 14:00 in Helsinki
TOKEN = "correct-horse-battery-staple"


def order_document(order_id: str = "first-street", **changes: Any) -> dict[str, Any]:
    """Return an order that closes a block of First Street today from 13:00 to 18:00 in Helsinki."""
    measure = {
        "id": "closure",
        "rule": {"kind": "closure"},
        "where": [{"kind": "street", "street": "First Street", "between": ["Birch Avenue", "Cedar Avenue"]}],
        "when": {"periods": [{"start": "2026-12-05T13:00", "end": "2026-12-05T18:00"}]},
    }
    return {
        "id": order_id,
        "city": "gridtown",
        "authority": {"name": "The Town"},
        "legal_basis": "Road Traffic Act, section 71",
        "reason": "roadworks",
        "contact": {"name": "Traffic desk", "email": "traffic@example.org"},
        "title": {"en": "Water main renewal", "fi": "Vesijohdon uusiminen"},
        "timezone": "Europe/Helsinki",
        "measures": [measure],
        **changes,
    }


def with_period(start: str, end: str, **changes: Any) -> dict[str, Any]:
    """Return the order with another period, wall times."""
    document = order_document(**changes)
    document["measures"][0]["when"] = {"periods": [{"start": start, "end": end}]}
    return document


def made_certificate(certificate_id: str = "c0ffee", verdict: Verdict = Verdict.PUBLISH) -> Certificate:
    """Return a certificate as a simulation would."""
    return Certificate(
        id=certificate_id,
        verdict=verdict,
        reasons=(Reason(gate="delay", passed=True, decided=True, measured="+1.5 s", threshold="20 s"),),
        inputs={"network_hash": "abc"},
        metrics={"delay_s": Estimate(mean=1.5, low=-0.2, high=3.2, pairs=5)},
        accounting={"base": {"arrived": 10}, "plan": {"arrived": 10}},
        streets=(),
        issued="2026-12-05T11:00:00Z",
    )


def as_bytes(document: dict[str, Any]) -> bytes:
    """Return a document as a body."""
    return json.dumps(document).encode()


@dataclass
class Clock:
    """The API's clock, which tests set."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **delta: float) -> None:
        self.now += timedelta(**delta)
