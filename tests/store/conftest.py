from datetime import UTC, datetime

import pytest
from made_orders import made_order
from made_virtual_signals import made_virtual_signal
from made_water import made_decision, made_reading, made_report

from trafficfeed.findings import Finding, Severity
from trafficfeed.simulation.certificate import Certificate, Estimate, Verdict
from trafficfeed.store.certificates import Certificates
from trafficfeed.store.database import Database
from trafficfeed.store.flood_decisions import FloodDecisions
from trafficfeed.store.orders import Orders
from trafficfeed.store.virtual_signals import MAKE, VirtualSignals
from trafficfeed.store.water import Water

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


def made_certificate(certificate_id: str = "c1", verdict: Verdict = Verdict.PUBLISH) -> Certificate:
    return Certificate(
        id=certificate_id,
        verdict=verdict,
        reasons=(),
        inputs={"seeds": [1, 2]},
        metrics={"delay_per_vehicle_s": Estimate(mean=1.5, low=-0.25, high=3.25, pairs=5)},
        accounting={"base": {"arrived": 10}, "plan": {"arrived": 10}},
        streets=(),
        issued="2026-12-01T12:00:00Z",
    )


@pytest.fixture
def history(database: Database) -> Database:
    """A database with a row in each table that only grows."""
    with database.transaction() as connection:
        Orders(connection).add(made_order(), actor="ann", as_of=NOW)
        kept = Certificates(connection)
        kept.add(made_certificate(), order_id="water-main", version=1, report="reports/c1", as_of=NOW)
        finding = Finding(rule="window.notice", severity=Severity.WARNING, message="short notice", detail={"hours": 3})
        kept.add_check([finding], order_id="water-main", version=1, as_of=NOW)
        VirtualSignals(connection, "town").add(made_virtual_signal(as_of=NOW), action=MAKE, actor="ann", as_of=NOW)
        Water(connection, "town").add([made_reading()])
        Water(connection, "town").add_reports([made_report()])
        FloodDecisions(connection, "town").add([made_decision()])
    return database
