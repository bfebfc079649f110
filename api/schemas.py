"""What the API answers, as OpenAPI shows it; orders themselves have the schema of `closures.document`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api import examples
from trafficfeed.closures.document import dump_order
from trafficfeed.closures.orders import OrderState
from trafficfeed.findings import Finding, Severity, errors_in
from trafficfeed.publishing.documents import RolledBack
from trafficfeed.simulation.certificate import Verdict
from trafficfeed.store.audit import AuditEntry
from trafficfeed.store.certificates import CheckResult, StoredCertificate
from trafficfeed.store.orders import StoredOrder

Responses = dict[int | str, dict[str, Any]]
"""What a route may answer, as FastAPI documents it."""


def _shown_as(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(frozen=True, json_schema_extra={"examples": [example]})


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class FindingOut(_Out):
    """One fault: which rule found it, where, and what would mend it."""

    model_config = _shown_as(examples.FINDING)

    rule: str
    severity: Severity
    message: str
    where: str = ""
    mend: str = ""
    detail: dict[str, Any] = {}

    @classmethod
    def of(cls, finding: Finding) -> "FindingOut":
        """Return `finding` as the API shows it."""
        return cls(
            rule=finding.rule,
            severity=finding.severity,
            message=finding.message,
            where=finding.where,
            mend=finding.mend,
            detail=dict(finding.detail),
        )


class ProblemOut(_Out):
    """An error, RFC 9457; `findings` where an order is at fault."""

    model_config = _shown_as(examples.PROBLEM)

    type: str
    title: str
    status: int
    detail: str
    instance: str
    findings: list[FindingOut] | None = None
    errors: list[dict[str, str]] | None = Field(None, description="where a parameter or a small body does not fit")


class CheckOut(_Out):
    """What the instant checks on the road graph found; `passed` where nothing found is an error."""

    model_config = _shown_as(examples.CHECK)

    passed: bool
    findings: list[FindingOut]
    checked_at: datetime

    @classmethod
    def of(cls, result: CheckResult) -> "CheckOut":
        """Return a stored check."""
        return cls.made(result.findings, result.at)

    @classmethod
    def made(cls, findings: Sequence[Finding], at: datetime) -> "CheckOut":
        """Return a check of `findings` made at `at`."""
        passed = not errors_in(findings)
        return cls(passed=passed, findings=[FindingOut.of(finding) for finding in findings], checked_at=at)


class CertificateLink(_Out):
    """A certificate by its id, with where the whole and its report are."""

    model_config = _shown_as(examples.CERTIFICATE_LINK)

    id: str
    verdict: Verdict
    issued: str
    href: str
    report: str

    @classmethod
    def of(cls, stored: StoredCertificate) -> "CertificateLink":
        """Return a link to a stored certificate."""
        href = f"/v1/certificates/{stored.certificate.id}"
        return cls(
            id=stored.certificate.id,
            verdict=stored.verdict,
            issued=stored.certificate.issued,
            href=href,
            report=f"{href}/report",
        )


class OrderSummary(_Out):
    """Where an order stands; `revision` grows with every change and is its ETag."""

    model_config = _shown_as(examples.ORDER_SUMMARY)

    id: str
    state: OrderState
    version: int = Field(description="the version shown")
    latest_version: int
    published_version: int | None = Field(description="the version that map apps get")
    revision: int
    title: dict[str, str]
    author: str = Field(description="who wrote this version")
    created: datetime
    updated: datetime
    submitted_at: datetime | None
    pre_approved_by: str | None
    approved_by: str | None
    finished_at: datetime | None
    href: str

    @classmethod
    def of(cls, stored: StoredOrder) -> "OrderSummary":
        """Return a stored order without its body."""
        return cls(**_standing(stored))


class OrderOut(OrderSummary):
    """An order with its body, and what checks and simulation said of this version."""

    model_config = _shown_as(examples.ORDER)

    order: dict[str, Any]
    check: CheckOut | None = None
    certificate: CertificateLink | None = None

    @classmethod
    def whole(
        cls, stored: StoredOrder, check: CheckResult | None = None, certificate: StoredCertificate | None = None
    ) -> "OrderOut":
        """Return a stored order with what was said of it."""
        return cls(
            **_standing(stored),
            order=dump_order(stored.order),
            check=check and CheckOut.of(check),
            certificate=certificate and CertificateLink.of(certificate),
        )


def _standing(stored: StoredOrder) -> dict[str, Any]:
    return {
        "id": stored.order.id,
        "state": stored.state,
        "version": stored.version,
        "latest_version": stored.latest_version,
        "published_version": stored.published_version,
        "revision": stored.revision,
        "title": dict(stored.order.title),
        "author": stored.author,
        "created": stored.created,
        "updated": stored.updated,
        "submitted_at": stored.submitted_at,
        "pre_approved_by": stored.pre_approved_by,
        "approved_by": stored.approved_by,
        "finished_at": stored.finished_at,
        "href": f"/v1/orders/{stored.order.id}",
    }


class OrderList(_Out):
    """Orders by id; `next` is the address of the next page."""

    model_config = _shown_as(examples.ORDER_LIST)

    orders: list[OrderSummary]
    next: str | None = None


class VersionList(_Out):
    """All versions of an order, oldest first; none of them ever changes."""

    model_config = _shown_as(examples.VERSION_LIST)

    versions: list[OrderOut]


class AuditOut(_Out):
    """One line of the audit log."""

    model_config = _shown_as(examples.AUDIT_TRAIL["entries"][0])

    id: int
    at: datetime
    actor: str
    action: str
    version: int
    from_state: OrderState | None
    to_state: OrderState
    detail: dict[str, Any]

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditOut":
        """Return a line as the API shows it."""
        return cls(
            id=entry.id,
            at=entry.at,
            actor=entry.actor,
            action=entry.action,
            version=entry.version,
            from_state=entry.from_state,
            to_state=entry.to_state,
            detail=dict(entry.detail),
        )


class AuditTrail(_Out):
    """Everything that happened to an order, oldest first."""

    model_config = _shown_as(examples.AUDIT_TRAIL)

    entries: list[AuditOut]


class Approval(BaseModel):
    """Approve what the simulation passed, or override it with a reason."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"override_reason": None}]})
    override_reason: str | None = Field(
        None,
        max_length=2000,
        description="publish without a passing verdict, and why; it goes into the audit log",
        examples=["Burst water main, road is under water; fire service asks for it"],
    )


class Ending(BaseModel):
    """Why an order is cancelled, or ends before its time."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=1, max_length=2000, pattern=r"\S", examples=["The organiser withdrew the event"])


class FeedOut(_Out):
    """One format of the closures feed."""

    model_config = _shown_as(examples.FEED)

    format: str
    title: str
    href: str
    media_type: str
    etag: str
    size_bytes: int
    gzip_bytes: int


class RolledBackOut(_Out):
    """Why an older release is served, and nothing new until that is taken back."""

    to: int = Field(description="the number of the release that is served again")
    version: str
    reason: str
    by: str
    at: datetime

    @classmethod
    def of(cls, held: RolledBack) -> "RolledBackOut":
        """Return a rollback as the API shows it."""
        return cls(to=held.to, version=held.version, reason=held.reason, by=held.by, at=held.at)


class FeedList(_Out):
    """The feeds of the current release, and how fresh they are."""

    model_config = _shown_as(examples.FEED_LIST)

    city: str
    title: str
    release: int = Field(description="counts the releases")
    version: str = Field(description="sha256 of the content")
    published_at: datetime
    checked_at: datetime | None = Field(description="when the content was last found to hold")
    age_s: float = Field(description="since the release was published")
    stale: bool
    rolled_back: RolledBackOut | None = Field(None, description="an officer holds the feed at an older release")
    datum: str = Field(description="of the coordinates, lon lat")
    licence: str
    attribution: str
    feeds: list[FeedOut]


class Liveness(_Out):
    """The process lives."""

    status: Literal["ok"] = "ok"


class Readiness(_Out):
    """Whether requests can be served, and if not, what is missing."""

    model_config = _shown_as(examples.READINESS)

    status: Literal["ready", "not ready"]
    missing: list[str] = Field(description="what to mend; empty when ready")
    warnings: list[str] = Field(description="served, but not as it should be")
    release: int | None = None
    version: str | None = None
    published_at: datetime | None = None
    release_age_s: float | None = None
    checked_at: datetime | None = None
    check_age_s: float | None = None
