"""Releases of a feed: draft → atomic release; each immutable, named by its content, and checked whenever it is read.

In the object store, under ``feeds/<feed>/``::

    documents/ab/abcdef…     bytes, named by their sha256; written first; nobody looks here before a manifest names it,
                             and a document that many releases share is written once
    releases/00000012.json   the manifest. CREATING IT IS THE PUBLICATION, and the only one of its number
    newest                   a hint where to look for the newest number; may lag behind, is never trusted
    versions/<version>       the number of a version; may be missing for a while, is never trusted
    heartbeat.json           when the feed was last checked; apart, so that content keeps its ETag

The newest manifest is the release. Nothing is ever changed, so a crash at any point leaves the old or the new, and
of two publishers at once the store lets one create the number (compare-and-swap without a lock that a dead process
could hold); the other sees that it was outrun.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from trafficfeed.errors import PublishFailed
from trafficfeed.findings import Finding
from trafficfeed.publishing.documents import Document, Manifest, Release
from trafficfeed.publishing.heartbeat import Heartbeat
from trafficfeed.publishing.shelf import Shelf
from trafficfeed.store.objects import ObjectStore

Gathered = tuple[Mapping[str, Document], Mapping[str, Any]]
_ATTEMPTS: Final = 10
_BEFORE_ALL: Final = datetime.min.replace(tzinfo=UTC)


def _no_step(_name: str) -> None:
    """Do nothing: tests stop a publisher at these points."""


class ReleaseStore:
    """The releases of one feed.

    Parameters
    ----------
    objects
        Where they are kept.
    feed
        The feed's name, a path part: ``closures``.
    on_step
        Called before each step of a publication with the step's name; for tests that kill the process there.
    """

    def __init__(self, objects: ObjectStore, feed: str, *, on_step: Callable[[str], None] = _no_step) -> None:
        self.feed = feed
        self._shelf = Shelf(objects, feed)
        self._on_step = on_step
        self._heartbeat = Heartbeat(objects, f"{self._shelf.root}/heartbeat.json")

    def newest(self) -> int:
        """Return the number of the newest release, 0 before the first: one small read and one look."""
        return self._shelf.newest()

    def has(self, number: int) -> bool:
        """Tell whether a release of this number was published."""
        return self._shelf.has(number)

    def current(self) -> Release | None:
        """Return the newest release that is intact, or None before the first.

        A damaged one is passed over and named in the `faults` of what is returned.

        Raises
        ------
        PublishFailed
            If there are releases, but none is intact.
        SourceUnavailable
            If the object store cannot be read.
        """
        newest = self.newest()
        return self.load(newest) if newest else None

    def load(self, newest: int, *, known: Mapping[str, Document] | None = None) -> Release:
        """Return the release of this number, or the last intact one before it, whose `faults` then say why.

        `known` are documents, by their sha256, that need not be read again.

        Raises
        ------
        PublishFailed, SourceUnavailable
            As for `current`.
        """
        faults: list[Finding] = []
        for number in range(newest, 0, -1):
            found = self._shelf.release(number, known or {})
            if isinstance(found, Release):
                return found.with_faults(faults)
            faults.append(found)
        raise PublishFailed(
            f"feed {self.feed}: none of {newest} releases is intact in {self._shelf.address()}: "
            f"{faults[0].message if faults else ''}; publish anew"
        )

    def manifest_as_of(self, instant: datetime) -> Manifest | None:
        """Return the manifest of what was served at `instant` (aware), or None before the first release.

        Reads a few manifests, however many releases there are.

        Raises
        ------
        SourceUnavailable
            If the object store cannot be read.
        """
        number = bisect_right(range(1, self.newest() + 1), instant, key=self._published_by)
        return next(self._shelf.newest_first(number), None)

    def document(self, manifest: Manifest, name: str) -> Document:
        """Return one document of a release, verified.

        Raises
        ------
        PublishFailed
            If it is damaged.
        SourceUnavailable
            If the object store cannot be read.
        """
        entry = manifest.documents[name]
        found = self._shelf.document(entry.sha256, entry.media_type)
        if found is None:
            raise PublishFailed(self._shelf.damaged(manifest.number, f"{name} is not what was published").message)
        return found

    def bytes_of(self, sha256: str) -> bytes | None:
        """Return the bytes of a document of any release by their sha256, or None where there is none such."""
        found = self._shelf.document(sha256, "")
        return None if found is None else found.data

    def find(self, version: str) -> Manifest | None:
        """Return the newest release of this content, or None: one small read, however many releases there are.

        `version` may also be a release's number.
        """
        number = int(version) if version.isdecimal() and len(version) <= 8 else self._shelf.numbered(version)
        manifest = self._shelf.manifest(number) if number else None
        if not isinstance(manifest, Manifest):
            return None
        return manifest if version in (manifest.version, str(manifest.number)) else None

    def manifests(self, *, before: int | None = None, limit: int = 100) -> tuple[Manifest, ...]:
        """Return the readable manifests, newest first, of numbers below `before`."""
        return tuple(islice(self._shelf.newest_first(None if before is None else before - 1), limit))

    def history(self) -> tuple[Manifest, ...]:
        """Return the manifests of all releases, oldest first; unreadable ones are left out."""
        return tuple(self._shelf.newest_first())[::-1]

    def publish(
        self,
        documents: Mapping[str, Document],
        *,
        as_of: datetime,
        facts: Mapping[str, Any],
        after: int | None = None,
    ) -> Release:
        """Publish `documents` as one release, or return the current one where it has the same content.

        Parameters
        ----------
        documents
            By name ("closures.geojson"); at least one.
        as_of
            Aware: when the facts were gathered; it becomes `published_at`.
        facts
            What the manifest says besides: order versions and certificates (JSON-able). No part of the version.
        after
            The number of the newest release when gathering began (`newest`). Give it, or use `publish_gathered`,
            so that facts gathered earlier never replace facts gathered later.

        Raises
        ------
        PublishFailed
            If there is nothing to publish, or another publisher was first; the last release is still served.
        SourceUnavailable
            If the object store fails; the last release is still served.
        """
        if not documents:
            raise PublishFailed(f"feed {self.feed}: nothing to publish; the last release is still served")
        newest = self.newest()
        if after is not None and newest != after:
            raise self._outrun(newest, after)
        manifest = Manifest.of(documents, number=newest + 1, as_of=as_of, facts=facts)
        held = next(self._shelf.newest_first(newest), None)
        if held is not None:
            self._note(held)
            if held.number == newest and held.version == manifest.version and held.rolled_back == manifest.rolled_back:
                self._write_documents(documents, held=None)  # mends what was damaged
                return Release(manifest=held, documents=dict(documents))
            manifest = manifest.following(held)
        self._write_documents(documents, held)
        self._on_step("manifest")
        if not self._shelf.create(manifest):
            raise self._outrun(manifest.number, newest)
        self._on_step("hint")
        self._shelf.hint(manifest.number)
        self._on_step("note")
        self._shelf.note(manifest)
        self._on_step("end")
        return Release(manifest=manifest, documents=dict(documents))

    def publish_gathered(self, gather: Callable[[], Gathered], *, as_of: datetime) -> Release:
        """Gather facts and publish them, anew as often as another publisher is first.

        While the feed is rolled back (`rollback`) nothing is gathered, and what it was rolled back to is returned: its
        `manifest.rolled_back` says so.

        Raises
        ------
        PublishFailed
            If others were first ten times in a row, or there is nothing to publish; the last release is still served.
        SourceUnavailable
            If the object store fails; the last release is still served.
        """
        for _ in range(_ATTEMPTS):
            after = self.newest()
            held = next(self._shelf.newest_first(after), None)
            if held is not None and held.rolled_back is not None:
                return self.load(held.number)
            documents, facts = gather()
            try:
                return self.publish(documents, as_of=as_of, facts=facts, after=after)
            except PublishFailed:
                if self.newest() == after:
                    raise
        raise PublishFailed(f"feed {self.feed}: outrun by other publishers {_ATTEMPTS} times; the last one is served")

    def heartbeat(self, as_of: datetime) -> None:
        """Note that the feed was checked at `as_of` and holds, whether or not anything changed."""
        self._heartbeat.beat(as_of)

    def checked_at(self) -> datetime | None:
        """Return when the feed was last checked, or None if never."""
        return self._heartbeat.last()

    def _write_documents(self, documents: Mapping[str, Document], held: Manifest | None) -> None:
        """Keep the documents; those that the release `held` has already are only looked for, not into."""
        shared = {entry.sha256 for entry in held.documents.values()} if held is not None else set()
        distinct = {document.sha256: (name, document) for name, document in sorted(documents.items(), reverse=True)}
        for sha256, (name, document) in sorted(distinct.items(), key=lambda item: item[1][0]):
            if not self._shelf.holds(document, looking_into_it=sha256 not in shared):
                self._on_step(f"document {name}")
                self._shelf.put(document)

    def _note(self, manifest: Manifest) -> None:
        """Note a version's number where the publisher was stopped before it did."""
        if not self._shelf.is_noted(manifest):
            self._shelf.note(manifest)

    def _published_by(self, number: int) -> datetime:
        """Return when release `number`, or the last readable one before it, was published."""
        found = next(self._shelf.newest_first(number), None)
        return _BEFORE_ALL if found is None else found.published_at

    def _outrun(self, newest: int, after: int) -> PublishFailed:
        return PublishFailed(
            f"feed {self.feed}: another publisher was first (release {newest} came after {after}); "
            "its release is served; gather the facts again and repeat"
        )
