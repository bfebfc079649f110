"""What a release is made of: documents, and the manifest that names them by their hashes."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from trafficfeed.findings import Finding


@dataclass(frozen=True, kw_only=True)
class Document:
    """The bytes of one file of a feed, and their media type ("application/geo+json")."""

    data: bytes
    media_type: str

    @cached_property
    def sha256(self) -> str:
        """The bytes' sha256, in hex."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentEntry:
    """A document as the manifest has it; `modified` is when it became the document of its name."""

    sha256: str
    size: int
    media_type: str
    modified: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack:
    """Why an older release is served and nothing new: which one, by whose decision, since when."""

    to: int
    version: str
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One release without its bytes.

    `version` is the content's (`version_of`); `number` counts the feed's releases from 1; `previous` is the version
    before, None for the first. `published_at` is never earlier than that of the release before. `facts` is what the
    publisher adds: order versions and certificates.
    """

    number: int
    version: str
    previous: str | None
    published_at: datetime
    documents: Mapping[str, DocumentEntry]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls, documents: Mapping[str, Document], *, number: int, as_of: datetime, facts: Mapping[str, Any]
    ) -> "Manifest":
        """Make the manifest of a feed's first release of `documents`.

        Raises
        ------
        ValueError
            If `as_of` is naive.
        """
        if as_of.tzinfo is None:
            raise ValueError(f"a release needs an aware time, got {as_of.isoformat()}")
        published_at = as_of.astimezone(UTC)
        entries = {
            name: DocumentEntry(
                sha256=document.sha256,
                size=len(document.data),
                media_type=document.media_type,
                modified=published_at,
            )
            for name, document in sorted(documents.items())
        }
        return cls(
            number=number,
            version=version_of(entries),
            previous=None,
            published_at=published_at,
            documents=entries,
            facts=dict(facts),
        )

    @property
    def rolled_back(self) -> RolledBack | None:
        """What holds the feed at an older release, or None."""
        said = self.facts.get("rolled_back")
        return None if said is None else RolledBack(**{**said, "at": datetime.fromisoformat(said["at"])})

    def following(self, held: "Manifest") -> "Manifest":
        """Return the same as the release after `held`.

        Facts gathered by a slower publisher may be a little older than those published meanwhile: their release comes
        later all the same, so that the times of releases never run back and a time finds its release by bisection.
        """
        published_at = max(self.published_at, held.published_at)
        entries = {
            name: replace(entry, modified=_modified(entry, held.documents.get(name), published_at))
            for name, entry in self.documents.items()
        }
        return replace(self, previous=held.version, published_at=published_at, documents=entries)


def _modified(entry: DocumentEntry, held: DocumentEntry | None, published_at: datetime) -> datetime:
    is_same = held is not None and (held.sha256, held.media_type) == (entry.sha256, entry.media_type)
    return held.modified if held is not None and is_same else published_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A release with its bytes, all verified against the manifest; several names may have the same document.

    `faults` names newer releases that were passed over because they are damaged; empty when all is well.
    """

    manifest: Manifest
    documents: Mapping[str, Document]
    faults: tuple[Finding, ...] = ()

    @property
    def version(self) -> str:
        """The content's version."""
        return self.manifest.version

    @property
    def published_at(self) -> datetime:
        """When it was published."""
        return self.manifest.published_at

    def with_faults(self, faults: Sequence[Finding]) -> "Release":
        """Return the same release, saying which newer ones are damaged."""
        return replace(self, faults=tuple(faults))


def version_of(entries: Mapping[str, DocumentEntry]) -> str:
    """Return the version of a content: sha256 (hex) over names, hashes and media types of its documents."""
    content = {name: [entry.sha256, entry.media_type] for name, entry in entries.items()}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def write_manifest(manifest: Manifest) -> bytes:
    """Return the manifest as JSON."""
    document = {
        "number": manifest.number,
        "version": manifest.version,
        "previous": manifest.previous,
        "published_at": manifest.published_at.isoformat(),
        "documents": {
            name: {
                "sha256": entry.sha256,
                "size": entry.size,
                "media_type": entry.media_type,
                "modified": entry.modified.isoformat(),
            }
            for name, entry in manifest.documents.items()
        },
        "facts": manifest.facts,
    }
    return (json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def read_manifest(data: bytes) -> Manifest:
    """Read a manifest written by `write_manifest`.

    Raises
    ------
    ValueError
        If it is not one.
    """
    try:
        document = json.loads(data)
        manifest = Manifest(
            number=int(document["number"]),
            version=str(document["version"]),
            previous=document["previous"],
            published_at=datetime.fromisoformat(document["published_at"]),
            documents={
                name: DocumentEntry(**{**entry, "modified": datetime.fromisoformat(entry["modified"])})
                for name, entry in document["documents"].items()
            },
            facts=document["facts"],
        )
        _ = manifest.rolled_back  # refused here rather than where it is asked for
        return manifest
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"it is not a manifest: {error!r}") from error
