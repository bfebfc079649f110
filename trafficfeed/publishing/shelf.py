"""How releases lie in the object store: where each thing is, and whether it is what was put there."""

from collections.abc import Iterator, Mapping
from typing import Final

from trafficfeed.findings import Finding, Severity
from trafficfeed.publishing.documents import (
    Document,
    DocumentEntry,
    Manifest,
    Release,
    read_manifest,
    version_of,
    write_manifest,
)
from trafficfeed.store.objects import ObjectStore

_VERSION_LENGTH: Final = 64


class Shelf:
    """The manifests and documents of one feed; everything is verified when it is read, nothing is ever changed.

    Parameters
    ----------
    objects
        Where they are kept.
    feed
        The feed's name, a path part: ``closures``.
    """

    def __init__(self, objects: ObjectStore, feed: str) -> None:
        self.feed = feed
        self.root = f"feeds/{feed}"
        self._objects = objects

    def newest(self) -> int:
        """Return the number of the newest release, 0 before the first: one small read and one look."""
        hint = self._objects.read(f"{self.root}/newest") or b""
        number = int(hint) if hint.isdigit() and self.has(int(hint)) else self._newest_listed()
        while self.has(number + 1):
            number += 1
        return number

    def has(self, number: int) -> bool:
        """Tell whether a release of this number was published."""
        return number > 0 and self._objects.exists(self._manifest_path(number))

    def manifest(self, number: int) -> Manifest | Finding:
        """Return the manifest of this number, or what is wrong with it."""
        data = self._objects.read(self._manifest_path(number))
        if data is None:
            return self.damaged(number, "its manifest is missing")
        try:
            manifest = read_manifest(data)
        except ValueError as error:
            return self.damaged(number, f"its manifest cannot be read: {error}")
        if manifest.number != number or version_of(manifest.documents) != manifest.version:
            return self.damaged(number, "its manifest contradicts itself")
        return manifest

    def newest_first(self, newest: int | None = None) -> Iterator[Manifest]:
        """Give the readable manifests from `newest` down, reading each only when it is asked for."""
        read = (self.manifest(number) for number in range(self.newest() if newest is None else newest, 0, -1))
        return (manifest for manifest in read if isinstance(manifest, Manifest))

    def numbered(self, version: str) -> int | None:
        """Return the number of the newest release of this content, or None where none is noted."""
        if len(version) != _VERSION_LENGTH or not version.isalnum():
            return None
        found = self._objects.read(self._pointer_path(version)) or b""
        return int(found) if found.isdigit() else None

    def document(self, sha256: str, media_type: str) -> Document | None:
        """Return the document of these bytes, or None where it is missing or its bytes are others."""
        if len(sha256) != _VERSION_LENGTH or not sha256.isalnum():
            return None
        data = self._objects.read(self._document_path(sha256))
        found = Document(data=data or b"", media_type=media_type)
        return found if data is not None and found.sha256 == sha256 else None

    def release(self, number: int, known: Mapping[str, Document]) -> Release | Finding:
        """Return the release of this number, or what is wrong with it; documents `known` by sha256 are not read."""
        manifest = self.manifest(number)
        if isinstance(manifest, Finding):
            return manifest
        read = dict(known)
        documents: dict[str, Document] = {}
        for name, entry in manifest.documents.items():
            found = _same(read.get(entry.sha256), entry) or self.document(entry.sha256, entry.media_type)
            if found is None:
                return self.damaged(number, f"{name} is missing, or not what was published: its sha256 differs")
            documents[name] = read[entry.sha256] = found
        return Release(manifest=manifest, documents=documents)

    def put(self, document: Document) -> None:
        """Keep a document's bytes."""
        self._objects.write(self._document_path(document.sha256), document.data)

    def holds(self, document: Document, *, looking_into_it: bool) -> bool:
        """Tell whether a document is kept; with `looking_into_it` also whether its bytes are still the same."""
        path = self._document_path(document.sha256)
        return self._objects.read(path) == document.data if looking_into_it else self._objects.exists(path)

    def create(self, manifest: Manifest) -> bool:
        """Keep a manifest unless there is one of its number: of several at a time exactly one gets True."""
        return self._objects.create(self._manifest_path(manifest.number), write_manifest(manifest))

    def hint(self, number: int) -> None:
        """Note which release was the newest just now."""
        self._objects.write(f"{self.root}/newest", str(number).encode())

    def note(self, manifest: Manifest) -> None:
        """Note which number a version has."""
        self._objects.write(self._pointer_path(manifest.version), str(manifest.number).encode())

    def is_noted(self, manifest: Manifest) -> bool:
        """Tell whether a version's number was noted."""
        return self._objects.exists(self._pointer_path(manifest.version))

    def address(self) -> str:
        """Return where the feed's releases are, for messages."""
        return self._objects.address(self.root)

    def damaged(self, number: int, message: str) -> Finding:
        """Return the finding that a release is damaged."""
        return Finding(
            rule="release.damaged",
            severity=Severity.ERROR,
            message=f"release {number} of feed {self.feed} is damaged: {message}",
            where=self._objects.address(self._manifest_path(number)),
            mend="the last good release is served instead; publish anew, and check the disk",
            detail={"number": number},
        )

    def _newest_listed(self) -> int:
        names = (path.rpartition("/")[2] for path in self._objects.list(f"{self.root}/releases"))
        numbers = (name.removesuffix(".json") for name in names)
        return max((int(number) for number in numbers if number.isdigit()), default=0)

    def _manifest_path(self, number: int) -> str:
        return f"{self.root}/releases/{number:08d}.json"

    def _document_path(self, sha256: str) -> str:
        return f"{self.root}/documents/{sha256[:2]}/{sha256}"

    def _pointer_path(self, version: str) -> str:
        return f"{self.root}/versions/{version}"


def _same(known: Document | None, entry: DocumentEntry) -> Document | None:
    return known if known is not None and known.media_type == entry.media_type else None
