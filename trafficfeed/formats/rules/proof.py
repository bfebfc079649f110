"""A native record carries its certificate, or says that it is pending; and says what it is in words."""

from collections.abc import Iterator, Mapping
from typing import Any

from trafficfeed.findings import Severity
from trafficfeed.formats.records import Record
from trafficfeed.formats.rules.rule import Fault, Yardstick, rule

_STATES = ("passed", "pending", "overridden")


@rule("cancelled", "native", mend="write true or false")
def says_whether_it_is_cancelled(yard: Yardstick) -> Iterator[Fault]:
    """A record says whether it is cancelled.

    Source: native, cancelled.
    """
    for record, properties in _native(yard):
        if not isinstance(properties.get("cancelled"), bool):
            yield Fault(f"{record.path}.properties.cancelled", "does not say whether it is cancelled")


@rule("validation", "native", mend=f"use {', '.join(_STATES)}")
def says_how_it_was_validated(yard: Yardstick) -> Iterator[Fault]:
    """A record says whether its simulation passed, is pending, or was overridden by an officer.

    Source: native, validation. A cancelled record is let off: it withdraws what was published.
    """
    for record, properties in _native(yard):
        state = properties.get("validation")
        if not record.cancelled and state not in _STATES:
            yield Fault(f"{record.path}.properties.validation", f"{str(state)[:60]!r} is no state")


@rule("certificate", "native", mend="attach it, or mark the record pending")
def carries_its_certificate(yard: Yardstick) -> Iterator[Fault]:
    """A record that is not pending carries its certificate.

    Source: native, certificate: nothing is published as simulated without the proof.
    """
    for record, properties in _native(yard):
        state = properties.get("validation")
        is_spoken = state in _STATES and state != "pending"
        if not record.cancelled and is_spoken and not isinstance(properties.get("certificate"), dict):
            yield Fault(f"{record.path}.properties", f"is {state} without a certificate")


@rule("certificate.link", "native", mend="give its address, http or https")
def certificate_can_be_fetched(yard: Yardstick) -> Iterator[Fault]:
    """A certificate's address can be fetched.

    Source: native, certificate.href.
    """
    for record, certificate in _certified(yard):
        if not str(certificate.get("href", "")).startswith(("http://", "https://")):
            yield Fault(f"{record.path}.properties.certificate.href", "the certificate cannot be fetched")


@rule("certificate.verdict", "native", mend="mark it overridden, or hold it")
def certificate_bears_it_out(yard: Yardstick) -> Iterator[Fault]:
    """What is said to have passed has a certificate that says publish.

    Source: native, certificate.verdict.
    """
    for record, certificate in _certified(yard):
        passed = (record.native or {}).get("validation") == "passed"
        if passed and certificate.get("verdict") != "publish":
            message = f"passed, though its certificate says {str(certificate.get('verdict'))[:60]!r}"
            yield Fault(f"{record.path}.properties.certificate", message)


@rule("title", "native", mend="take the order's")
def has_a_title(yard: Yardstick) -> Iterator[Fault]:
    """A record has a title.

    Source: native, title.
    """
    for record, properties in _native(yard):
        title = properties.get("title")
        if not isinstance(title, dict) or not any(str(text).strip() for text in title.values()):
            yield Fault(f"{record.path}.properties.title", "has no title")


@rule("title.language", "native", severity=Severity.INFO, mend="translate it")
def has_a_title_in_the_feeds_language(yard: Yardstick) -> Iterator[Fault]:
    """A record's title is there in the feed's language.

    Source: native, feed.language.
    """
    language = yard.feed.language
    for record, properties in _native(yard):
        title = properties.get("title")
        if language and isinstance(title, dict) and title and language not in title:
            yield Fault(f"{record.path}.properties.title", f"has no title in the feed's language, {language}")


RULES = (
    says_whether_it_is_cancelled, says_how_it_was_validated, carries_its_certificate, certificate_can_be_fetched,
    certificate_bears_it_out, has_a_title, has_a_title_in_the_feeds_language,
)  # fmt: skip


def _native(yard: Yardstick) -> Iterator[tuple[Record, Mapping[str, Any]]]:
    return ((record, record.native or {}) for record in yard.feed.records)


def _certified(yard: Yardstick) -> Iterator[tuple[Record, Mapping[str, Any]]]:
    for record, properties in _native(yard):
        certificate = properties.get("certificate")
        if not record.cancelled and properties.get("validation") in _STATES and isinstance(certificate, dict):
            yield record, certificate
