"""A fault found in data, as data: what, where, how bad, and what would mend it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"  # must not go on
    WARNING = "warning"  # a person should look
    INFO = "info"  # worth knowing


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fault in an order, a network or a document.

    `rule` is the stable name of the check that found it (``isolation``, ``window.order``); `where` is a path into the
    document (``measures[0].when``) or a place a person knows ("Aleksanterinkatu, Unioninkatu to Fabianinkatu");
    `mend` says what would put it right; `detail` holds the figures behind the message (JSON-able).
    """

    rule: str
    severity: Severity
    message: str
    where: str = ""
    mend: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        place = f" at {self.where}" if self.where else ""
        mend = f" → {self.mend}" if self.mend else ""
        return f"{self.severity}: [{self.rule}]{place}: {self.message}{mend}"


def errors_in(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return those of `findings` with which nothing may go on; empty where all is sound."""
    return tuple(finding for finding in findings if finding.severity is Severity.ERROR)
