"""A record carries its certificate, or says that it is pending; and says what it is in words."""

from collections.abc import Iterator, Mapping
from typing import Any

from trafficfeed.findings import Finding, Severity
from trafficfeed.formats.records import Feed

_STATES = ("passed", "pending", "overridden")


def certificate_of_each(feed: Feed) -> Iterator[Finding]:
    """A record that passed has a certificate that says publish; one without a certificate is pending.

    A cancelled record is let off: it withdraws what was published and may never have been simulated.
    """
    for record in feed.records:
        properties = record.native or {}
        state, certificate = properties.get("validation"), properties.get("certificate")
        path = f"{record.path}.properties"
        if not isinstance(properties.get("cancelled"), bool):
            yield _error(
                "cancelled", f"{path}.cancelled", "does not say whether it is cancelled", "write true or false"
            )
        if properties.get("cancelled") is True:
            continue
        if state not in _STATES:
            yield _error("validation", f"{path}.validation", f"{state!r} is no state", f"use {', '.join(_STATES)}")
        elif state != "pending" and not isinstance(certificate, dict):
            yield _error("certificate", path, f"is {state} without a certificate", "attach it, or mark it pending")
        elif isinstance(certificate, dict):
            yield from _certificate(f"{path}.certificate", str(state), certificate)


def texts(feed: Feed) -> Iterator[Finding]:
    """A record has a title, in the feed's language where there is one."""
    for record in feed.records:
        title = (record.native or {}).get("title")
        path = f"{record.path}.properties.title"
        if not isinstance(title, dict) or not any(str(text).strip() for text in title.values()):
            yield _error("title", path, "has no title", "take the order's")
        elif feed.language and feed.language not in title:
            message = f"has no title in the feed's language, {feed.language}"
            yield Finding(
                rule="feed.title.language", severity=Severity.INFO, message=message, where=path, mend="translate it"
            )


def _certificate(path: str, state: str, certificate: Mapping[str, Any]) -> Iterator[Finding]:
    if not str(certificate.get("href", "")).startswith(("http://", "https://")):
        yield _error("certificate.link", f"{path}.href", "the certificate cannot be fetched", "give its address")
    if state == "passed" and certificate.get("verdict") != "publish":
        message = f"passed, though its certificate says {certificate.get('verdict')!r}"
        yield _error("certificate.verdict", path, message, "mark it overridden, or hold it")


def _error(rule: str, where: str, message: str, mend: str) -> Finding:
    return Finding(rule=f"feed.{rule}", severity=Severity.ERROR, message=message, where=where, mend=mend)
