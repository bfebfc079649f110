"""What changed between two documents of a format: records to put in, records to take out, and the new head."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from trafficfeed.errors import FeedNonConformant
from trafficfeed.formats.feed_info import Tombstone, utc_text
from trafficfeed.formats.json_documents import as_json
from trafficfeed.publishing.tombstones import CANCELLED, ENDED, WITHDRAWN, tombstones_in

RECORDS: Final = MappingProxyType({"native": "features", "wzdx": "features", "cifs-json": "incidents"})
"""Formats with increments, and the member of their documents that lists the records."""

_DECODER: Final = json.JSONDecoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A document taken apart: its head (all but the list of records), and its records as written, by id."""

    head: Mapping[str, Any]
    records: Mapping[str, str]
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Increment:
    """What makes a new document of an old one, or of nothing where `reset`.

    `head` is the new document without its list of records, `records_key` that list's name, `upserts` the records that
    are new or changed as they are written, `tombstones` those that are gone. The new document is the head with the
    records, sorted by id.
    """

    head: Mapping[str, Any]
    records_key: str
    upserts: tuple[str, ...]
    tombstones: tuple[Tombstone, ...]
    reset: bool = False

    def as_json(self, *, since: str | None, version: str, published_at: datetime) -> bytes:
        """Return what a client gets that has release `since` and will have `version`."""
        told = {
            "from": since,
            "to": version,
            "published_at": published_at.isoformat(),
            "reset": self.reset,
            "head": dict(self.head),
            "records": self.records_key,
            "tombstones": [{"id": gone.id, "reason": gone.reason, "at": utc_text(gone.at)} for gone in self.tombstones],
        }
        return as_json(told)[:-1] + b',"upserts":[' + ",".join(self.upserts).encode() + b"]}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gone:
    """What is known of records that are gone: what the native feed says, and since when to say it of the others."""

    at: datetime
    stones: Mapping[str, Tombstone] = field(default_factory=dict)

    def tombstone(self, record_id: str, record: str) -> Tombstone:
        """Return why a record is gone: as the native feed says of its road event, else by its own facts."""
        event_id = record_id
        while event_id and event_id not in self.stones:
            event_id = event_id.rpartition(".")[0]  # a detour, a segment, a period has its event's id and more
        if event_id:
            return Tombstone(id=record_id, reason=self.stones[event_id].reason, at=self.stones[event_id].at)
        return Tombstone(id=record_id, reason=_own_reason(json.loads(record), self.at), at=self.at)


def increment(old: bytes | None, new: bytes, format: str, *, at: datetime, native: bytes | None = None) -> Increment:
    """Return what changed from one document to another.

    Parameters
    ----------
    old, new
        Documents of `format`; `old` None: everything, with `reset`.
    format
        A key of `RECORDS`.
    at
        Aware: when `new` was published; the time of tombstones of which nothing else is known.
    native
        The native document of the same release as `new`, whose tombstones say why records are gone.

    Raises
    ------
    FeedNonConformant
        If a document is not one of `format`.
    """
    after = taken_apart(new, format)
    before = None if old is None else taken_apart(old, format)
    stones = after.head if format == "native" else head_of(native, "native") if native is not None else {}
    return between(before, after, format, at=at, stones=stones)


def between(before: Parts | None, after: Parts, format: str, *, at: datetime, stones: Mapping[str, Any]) -> Increment:
    """Return what changed between documents taken apart; `stones` is the head of the native document of `after`."""
    gone = _Gone(at=at, stones={stone.id: stone for stone in tombstones_in(stones)})
    known = {} if before is None else before.records
    return Increment(
        head=after.head,
        records_key=RECORDS[format],
        upserts=tuple(text for name, text in after.records.items() if known.get(name) != text),
        tombstones=tuple(
            gone.tombstone(name, text) for name, text in sorted(known.items()) if name not in after.records
        ),
        reset=before is None,
    )


def taken_apart(data: bytes, format: str) -> Parts:
    """Take a document apart, one record at a time, so that other threads get their turn in a large one.

    Raises
    ------
    FeedNonConformant
        If it is not one of `format` as `trafficfeed.formats` writes it.
    """
    try:
        text = data.decode()
        head, start = _head(text, format)
        records: dict[str, str] = {}
        for record, written in _records(text, start):
            records[str(_facts(record)["id"])] = written
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise FeedNonConformant(f"this is no {format} document that increments can be made of: {error!r}") from error
    return Parts(head=head, records=records, size=len(data))


def head_of(data: bytes, format: str) -> Mapping[str, Any]:
    """Return a document without its list of records; raises as `taken_apart`."""
    try:
        return _head(data.decode(), format)[0]
    except ValueError as error:
        raise FeedNonConformant(f"this is no {format} document that increments can be made of: {error!r}") from error


def _head(text: str, format: str) -> tuple[dict[str, Any], int]:
    """Return the head and where the first record begins: the list is the document's last member."""
    opening = f'"{RECORDS[format]}":['
    position = text.index(opening)
    head = json.loads(text[:position].rstrip(",") + "}")
    return head, position + len(opening)


def _records(text: str, start: int) -> Iterator[tuple[dict[str, Any], str]]:
    position = start
    while text[position] != "]":
        position += text[position] == ","
        record, end = _DECODER.raw_decode(text, position)
        yield record, text[position:end]
        position = end
    if text[position:].rstrip() != "]}":
        raise ValueError("its records are not its last member")


def _facts(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the object that bears the record's id: Waze wraps each incident in another object."""
    wrapped: Mapping[str, Any] = record.get("incident", record)
    return wrapped


def _own_reason(record: Mapping[str, Any], at: datetime) -> str:
    facts = _facts(record).get("properties", _facts(record))
    if facts.get("cancelled"):
        return CANCELLED
    for name in ("end", "end_date", "endtime"):
        try:
            if datetime.fromisoformat(facts[name]) <= at:
                return ENDED
        except (KeyError, ValueError, TypeError):
            continue
    return WITHDRAWN
