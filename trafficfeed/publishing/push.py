"""What partners are told between two releases: a message for each record that is new, changed or gone; and its seal."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from trafficfeed.formats.feed_info import utc_text
from trafficfeed.formats.json_documents import as_json
from trafficfeed.publishing.increments import Parts, between
from trafficfeed.publishing.tombstones import CANCELLED
from trafficfeed.store.push_outbox import NewPush

_PREFIX: Final = "whsec_"
_VALIDITY: Final = (("start", "end"), ("start_date", "end_date"), ("starttime", "endtime"))


class Kind(StrEnum):
    """What has become of a record."""

    NEW = "new"
    UPDATE = "update"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class PushMessage:
    """One record that has changed.

    `id` is the record's in the feed that `href` leads to. `version` is the number of the release that it changed in: of
    two messages of one id the greater is the newer. `valid_from` and `valid_to` are aware UTC, half-open, None where
    the record does not say. `reason` of a cancel: ``ended``, ``cancelled`` or ``withdrawn``.
    """

    id: str
    kind: Kind
    version: int
    valid_from: datetime | None
    valid_to: datetime | None
    href: str
    reason: str = ""

    def for_partner(self, partner: str) -> NewPush:
        """Return the message as it is kept: its body, and the key that every attempt has."""
        value = {
            "id": self.id,
            "kind": self.kind.value,
            "version": self.version,
            "valid_from": self.valid_from and utc_text(self.valid_from),
            "valid_to": self.valid_to and utc_text(self.valid_to),
            "href": self.href,
            **({"reason": self.reason} if self.reason else {}),
        }
        named = "\n".join((partner, self.id, str(self.version))).encode()
        return NewPush(
            partner=partner,
            record_id=self.id,
            version=self.version,
            kind=self.kind.value,
            key=f"msg_{hashlib.sha256(named).hexdigest()[:40]}",
            body=as_json(value).decode(),
        )


def messages_between(
    before: Parts | None,
    after: Parts,
    format: str,
    *,
    release: int,
    at: datetime,
    href: str,
    stones: Mapping[str, Any],
) -> tuple[PushMessage, ...]:
    """Return what leads a partner from one document to another, sorted by record.

    A record that is cancelled in the feed is a cancel, once: not again when its tombstone follows.

    Parameters
    ----------
    before, after
        The documents taken apart; `before` None: the partner was told of nothing yet.
    format
        A key of ``RECORDS``.
    release
        Number of the release of `after`.
    at
        Aware: when it was published.
    href
        Where the partner reads the records.
    stones
        Head of the native document of `after`, whose tombstones say why records are gone.
    """
    changes = between(before, after, format, at=at, stones=stones)
    known = {} if before is None else before.records
    found = [*_changed(known, after, changes.upserts), *_gone(known, changes.tombstones)]
    told = (
        PushMessage(
            id=id,
            kind=kind,
            version=release,
            valid_from=_instant(facts, 0),
            valid_to=_instant(facts, 1),
            href=href,
            reason=reason,
        )
        for id, kind, facts, reason in found
    )
    return tuple(sorted(told, key=lambda message: message.id))


def seal(body: str, *, key: str, secret: str, at: datetime) -> dict[str, str]:
    """Return the headers that prove a message's origin and time; `at` is aware.

    Source: Standard Webhooks 1.0, "Signature scheme": base64 of HMAC-SHA256 over ``id.timestamp.body``, marked ``v1,``.
    A secret ``whsec_…`` is the base64 of the key's bytes, any other is the key itself in UTF-8.
    """
    timestamp = str(int(at.timestamp()))
    digest = hmac.new(key_bytes(secret), f"{key}.{timestamp}.{body}".encode(), hashlib.sha256).digest()
    return {
        "Content-Type": "application/json",
        "Idempotency-Key": key,
        "webhook-id": key,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def key_bytes(secret: str) -> bytes:
    """Return the signing key of a secret.

    Raises
    ------
    ValueError
        If it begins with ``whsec_`` and the rest is not base64.
    """
    if secret.startswith(_PREFIX):
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    return secret.encode()


_Found = tuple[str, Kind, Mapping[str, Any], str]


def _changed(known: Mapping[str, str], after: Parts, upserts: tuple[str, ...]) -> Iterator[_Found]:
    texts = set(upserts)
    for id, text in after.records.items():
        if text not in texts:
            continue
        was, now = _facts(known.get(id)), _facts(text)
        if not now.get("cancelled"):
            yield id, Kind.UPDATE if id in known and not was.get("cancelled") else Kind.NEW, now, ""
        elif id in known and not was.get("cancelled"):
            yield id, Kind.CANCEL, now, CANCELLED


def _gone(known: Mapping[str, str], tombstones: Any) -> Iterator[_Found]:
    for stone in tombstones:
        facts = _facts(known[stone.id])
        if not facts.get("cancelled"):
            yield stone.id, Kind.CANCEL, facts, stone.reason


def _facts(text: str | None) -> Mapping[str, Any]:
    """Return the members of a record that say when it holds, whichever its format."""
    record = json.loads(text) if text else {}
    inner: Mapping[str, Any] = record.get("incident", record)
    facts: Mapping[str, Any] = inner.get("properties", inner)
    return facts


def _instant(facts: Mapping[str, Any], which: int) -> datetime | None:
    for names in _VALIDITY:
        try:
            found = datetime.fromisoformat(facts[names[which]])
        except (KeyError, TypeError, ValueError):
            continue
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    return None
