from datetime import UTC, datetime, timedelta

import pytest
from made_orders import made_order
from sqlalchemy.exc import DBAPIError

from trafficfeed.errors import SourceUnavailable
from trafficfeed.findings import Finding, Severity
from trafficfeed.simulation.certificate import Certificate, Estimate, Verdict, to_json
from trafficfeed.store.certificates import Certificates
from trafficfeed.store.database import Database
from trafficfeed.store.orders import Orders

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


def _certificate(certificate_id: str, verdict: Verdict = Verdict.PUBLISH) -> Certificate:
    return Certificate(
        id=certificate_id,
        verdict=verdict,
        reasons=(),
        inputs={"seeds": [1, 2], "network": "abc"},
        metrics={"delay_per_vehicle_s": Estimate(mean=1.5, low=-0.25, high=float("inf"), pairs=5)},
        accounting={"base": {"arrived": 10}, "plan": {"arrived": 10}},
        streets=({"street": "Kirkkokatu", "change": 0.1},),
        issued="2026-12-01T12:00:00Z",
    )


@pytest.fixture
def stored(database: Database) -> Database:
    with database.transaction() as connection:
        Orders(connection).add(made_order(), actor="ann", as_of=NOW)
    return database


def _add(database: Database, certificate: Certificate, *, after_h: int = 0) -> bool:
    with database.transaction() as connection:
        return Certificates(connection).add(
            certificate,
            order_id="water-main",
            version=1,
            report=f"reports/{certificate.id}",
            as_of=NOW + timedelta(hours=after_h),
        )


def test_a_certificate_comes_back_as_the_same_document(stored: Database) -> None:
    certificate = _certificate("c1", Verdict.HOLD)
    assert _add(stored, certificate)
    with stored.reading() as connection:
        found = Certificates(connection).get("c1")
    assert found is not None
    assert to_json(found.certificate) == to_json(certificate)
    assert (found.order_id, found.version, found.report, found.verdict) == (
        "water-main", 1, "reports/c1", Verdict.HOLD
    )  # fmt: skip


def test_the_same_certificate_again_leaves_the_first(stored: Database) -> None:
    assert _add(stored, _certificate("c1"))
    assert not _add(stored, _certificate("c1"), after_h=1)
    with stored.reading() as connection:
        found = Certificates(connection).get("c1")
    assert found is not None
    assert found.at == NOW


def test_the_newest_certificate_speaks_for_a_version(stored: Database) -> None:
    _add(stored, _certificate("c1", Verdict.INCONCLUSIVE))
    _add(stored, _certificate("c2", Verdict.PUBLISH), after_h=1)
    with stored.reading() as connection:
        found = Certificates(connection).certificate_for("water-main", 1)
        assert Certificates(connection).certificate_for("water-main", 2) is None
        assert Certificates(connection).get("c3") is None
    assert found is not None
    assert found.certificate.id == "c2"


def test_a_certificate_of_a_version_that_does_not_exist_is_refused_by_the_database(stored: Database) -> None:
    with pytest.raises((DBAPIError, SourceUnavailable)), stored.transaction() as connection:
        Certificates(connection).add(_certificate("c1"), order_id="water-main", version=2, report="", as_of=NOW)


def test_findings_come_back_as_they_were_and_errors_do_not_pass(stored: Database) -> None:
    warning = Finding(rule="notice", severity=Severity.WARNING, message="short", detail={"hours": 3, "ways": [1, 2]})
    error = Finding(rule="isolation", severity=Severity.ERROR, message="cut off", where="Kirkkokatu 12", mend="open it")
    with stored.transaction() as connection:
        kept = Certificates(connection)
        assert kept.check_for("water-main", 1) is None
        kept.add_check([warning], order_id="water-main", version=1, as_of=NOW)
        passed = kept.check_for("water-main", 1)
        kept.add_check([warning, error], order_id="water-main", version=1, as_of=NOW)
        failed = kept.check_for("water-main", 1)
    assert passed is not None and failed is not None
    assert (passed.passed, passed.findings) == (True, (warning,))
    assert (failed.passed, failed.findings) == (False, (warning, error))
