"""What the API answers about releases."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.schemas import RolledBackOut
from trafficfeed.publishing.differences import Differences, RecordChange
from trafficfeed.publishing.documents import Manifest

_VERSION = "06ad7ef7bed6b00a4ad044d14a3c3d0ff5ec690ac28ae42b4fbe75d34d6f6187"
_RELEASE: dict[str, Any] = {
    "release": 412,
    "version": _VERSION,
    "previous": None,
    "published_at": "2026-12-05T19:04:00Z",
    "orders": 1,
    "records": 2,
    "rolled_back": None,
    "href": "/v1/releases/412",
}
_WHOLE: dict[str, Any] = {
    **_RELEASE,
    "documents": {
        "closures.geojson": {
            "sha256": _VERSION,
            "size_bytes": 4096,
            "media_type": "application/geo+json",
            "modified": "2026-12-05T19:04:00Z",
        }
    },
    "facts": {"orders": {"2026-0412-water-main": {"version": 2, "certificate": "0f3a9c21d4e85b7706aa", "records": 2}}},
}
_CHANGE: dict[str, Any] = {
    "id": "2026-0412-water-main.closure.first-street-eastbound.p1",
    "order": "2026-0412-water-main",
    "title": {"en": "Water main renewal"},
    "street": "First Street",
    "start": "2026-12-05T11:00:00Z",
    "end": "2026-12-05T16:00:00Z",
    "reason": "",
    "fields": [{"field": "end", "before": "2026-12-05T15:00:00Z", "after": "2026-12-05T16:00:00Z"}],
}
_DIFF: dict[str, Any] = {
    "before": {**_RELEASE, "release": 411, "href": "/v1/releases/411"},
    "after": _RELEASE,
    "added": [],
    "removed": [],
    "changed": [_CHANGE],
    "same": 1,
}


def _shown_as(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(frozen=True, json_schema_extra={"examples": [example]})


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class DocumentOut(_Out):
    """One document of a release."""

    sha256: str
    size_bytes: int
    media_type: str
    modified: datetime = Field(description="when it became the document of its name")


class ReleaseOut(_Out):
    """One release; none of them ever changes."""

    model_config = _shown_as(_RELEASE)

    release: int = Field(description="counts the releases", examples=[412])
    version: str = Field(description="sha256 of the content")
    previous: str | None = Field(description="the version before")
    published_at: datetime
    orders: int = Field(description="how many orders it has records of")
    records: int
    rolled_back: RolledBackOut | None = None
    href: str

    @classmethod
    def of(cls, manifest: Manifest) -> "ReleaseOut":
        """Return a release as lists show it."""
        return cls(**_told(manifest))


class ReleaseWhole(ReleaseOut):
    """A release with its public documents and its orders."""

    model_config = _shown_as(_WHOLE)

    documents: dict[str, DocumentOut]
    facts: dict[str, Any]

    @classmethod
    def of(cls, manifest: Manifest) -> "ReleaseWhole":
        """Return a release with its documents; those of partners are not told to everybody."""
        return cls(
            **_told(manifest),
            documents={
                name: DocumentOut(
                    sha256=entry.sha256, size_bytes=entry.size, media_type=entry.media_type, modified=entry.modified
                )
                for name, entry in manifest.documents.items()
                if "/" not in name
            },
            facts=dict(manifest.facts),
        )


class ReleaseList(_Out):
    """Releases, newest first; `next` is the address of the next page."""

    model_config = _shown_as({"releases": [_RELEASE], "next": "/v1/releases?limit=1&before=412"})

    releases: list[ReleaseOut]
    next: str | None = None


class FieldOut(_Out):
    """One field of a record that differs."""

    field: str
    before: Any = None
    after: Any = None


class RecordOut(_Out):
    """A record that was added, removed or changed."""

    id: str
    order: str
    title: dict[str, str]
    street: str
    start: str
    end: str
    reason: str = Field("", description="why it is gone: ended, cancelled or withdrawn")
    fields: list[FieldOut] = []

    @classmethod
    def of(cls, change: RecordChange) -> "RecordOut":
        """Return a change as the API shows it."""
        facts = change.facts
        return cls(
            id=change.id,
            order=str(facts.get("order", {}).get("id", "")),
            title=facts.get("title", {}),
            street=facts.get("street", ""),
            start=facts.get("start", ""),
            end=facts.get("end", ""),
            reason=change.reason,
            fields=[FieldOut(field=one.field, before=one.before, after=one.after) for one in change.fields],
        )


class DiffOut(_Out):
    """What differs between two releases."""

    model_config = _shown_as(_DIFF)

    before: ReleaseOut
    after: ReleaseOut
    added: list[RecordOut]
    removed: list[RecordOut]
    changed: list[RecordOut]
    same: int = Field(description="records that are in both and do not differ")

    @classmethod
    def of(cls, before: Manifest, after: Manifest, found: Differences) -> "DiffOut":
        """Return differences as the API shows them."""
        return cls(
            before=ReleaseOut.of(before),
            after=ReleaseOut.of(after),
            added=[RecordOut.of(one) for one in found.added],
            removed=[RecordOut.of(one) for one in found.removed],
            changed=[RecordOut.of(one) for one in found.changed],
            same=found.same,
        )


class Rollback(BaseModel):
    """Why an older release is to be served again."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "Release 412 is wrong"}]})
    reason: str = Field(
        min_length=1, max_length=2000, pattern=r"\S", examples=["Release 412 closes the wrong side of the bridge"]
    )


class Resumption(BaseModel):
    """Why the feed may go on."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "The order is corrected"}]})
    reason: str = Field("", max_length=2000, examples=["The order is corrected"])


def _told(manifest: Manifest) -> dict[str, Any]:
    orders = manifest.facts.get("orders", {})
    held = manifest.rolled_back
    return {
        "release": manifest.number,
        "version": manifest.version,
        "previous": manifest.previous,
        "published_at": manifest.published_at,
        "orders": len(orders),
        "records": sum(int(facts.get("records", 0)) for facts in orders.values()),
        "rolled_back": None if held is None else RolledBackOut.of(held),
        "href": f"/v1/releases/{manifest.number}",
    }
