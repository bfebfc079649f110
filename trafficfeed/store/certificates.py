"""Certificates and check results of order versions, kept for good."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select

from trafficfeed.findings import Finding, Severity, errors_in
from trafficfeed.simulation.certificate import Certificate, Verdict, as_document, from_document, plain
from trafficfeed.store.tables import certificates, checks, orders


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCertificate:
    """A certificate with the order version that it speaks of; `report` is a folder or page in the object store."""

    certificate: Certificate
    order_id: str
    version: int
    report: str
    at: datetime

    @property
    def verdict(self) -> Verdict:
        """The certificate's verdict."""
        return self.certificate.verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What the instant checks found in one version; `passed` where nothing found is an error."""

    order_id: str
    version: int
    passed: bool
    findings: tuple[Finding, ...]
    at: datetime


class Certificates:
    """Certificates and check results, on one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, certificate: Certificate, *, order_id: str, version: int, report: str, as_of: datetime) -> bool:
        """Keep a certificate of an order version; return False where it is known: the first one stands."""
        known = (
            select(certificates.c.id)
            .where(certificates.c.id == certificate.id)
            .where(certificates.c.order_id == order_id, certificates.c.version == version)
        )
        if self._connection.execute(known).first() is not None:
            return False
        self._connection.execute(
            insert(certificates).values(
                id=certificate.id,
                order_id=order_id,
                version=version,
                verdict=certificate.verdict,
                body=as_document(certificate),
                report=report,
                at=as_of,
            )
        )
        return True

    def get(self, certificate_id: str) -> StoredCertificate | None:
        """Return a certificate by its id (the first order version that it was issued for), or None."""
        query = select(certificates).where(certificates.c.id == certificate_id)
        row = self._connection.execute(query.order_by(certificates.c.at).limit(1)).first()
        return None if row is None else _certificate(row)

    def certificate_for(self, order_id: str, version: int) -> StoredCertificate | None:
        """Return the newest certificate of an order version, or None."""
        query = select(certificates).where(certificates.c.order_id == order_id, certificates.c.version == version)
        row = self._connection.execute(query.order_by(certificates.c.at.desc(), certificates.c.id).limit(1)).first()
        return None if row is None else _certificate(row)

    def newest_ids(self, *, city: str, ended_since: datetime) -> dict[tuple[str, int], str]:
        """Return the id of each order version's newest certificate, for the orders that `Orders.to_serve` may give."""
        current = or_(orders.c.finished_at.is_(None), orders.c.finished_at >= ended_since)
        query = select(certificates.c.order_id, certificates.c.version, certificates.c.id)
        query = query.join(orders, orders.c.id == certificates.c.order_id).where(orders.c.city == city, current)
        rows = self._connection.execute(query.order_by(certificates.c.at, certificates.c.id.desc()))
        return {(row.order_id, row.version): row.id for row in rows}

    def add_check(self, findings: Iterable[Finding], *, order_id: str, version: int, as_of: datetime) -> CheckResult:
        """Keep what the checks found, and return it."""
        found = tuple(findings)
        passed = not errors_in(found)
        self._connection.execute(
            insert(checks).values(
                order_id=order_id,
                version=version,
                passed=passed,
                findings=[plain(asdict(finding)) for finding in found],
                at=as_of,
            )
        )
        return CheckResult(order_id=order_id, version=version, passed=passed, findings=found, at=as_of)

    def check_for(self, order_id: str, version: int, *, until: datetime | None = None) -> CheckResult | None:
        """Return the newest check result of an order version (no later than `until`), or None."""
        query = select(checks).where(checks.c.order_id == order_id, checks.c.version == version)
        if until is not None:
            query = query.where(checks.c.at <= until)
        row = self._connection.execute(query.order_by(checks.c.id.desc()).limit(1)).first()
        return None if row is None else _check(row)


def _certificate(row: Row[Any]) -> StoredCertificate:
    return StoredCertificate(
        certificate=from_document(row.body),
        order_id=row.order_id,
        version=row.version,
        report=row.report,
        at=row.at,
    )


def _check(row: Row[Any]) -> CheckResult:
    return CheckResult(
        order_id=row.order_id,
        version=row.version,
        passed=row.passed,
        findings=tuple(_finding(found) for found in row.findings),
        at=row.at,
    )


def _finding(found: Mapping[str, Any]) -> Finding:
    return Finding(**{**found, "severity": Severity(found["severity"])})
