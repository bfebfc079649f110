"""Releases of a feed: draft → atomic release; each immutable, named by its content, and checked whenever it is read.

In the object store, under ``feeds/<feed>/``::

    documents/<version>/closures.geojson   written first; nobody looks here before a manifest names it
    releases/00000012.json                 the manifest. CREATING IT IS THE PUBLICATION, and the only one of its number
    newest                                 a hint where to look for the newest number; may lag behind, is never trusted
    heartbeat.json                         when the feed was last checked; apart, so that content keeps its ETag

The newest manifest is the release. Nothing is ever changed, so a crash at any point leaves the old or the new, and
of two publishers at once the store lets one create the number (compare-and-swap without a lock that a dead process
could hold); the other sees that it was outrun.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from trafficfeed.errors import PublishFailed
from trafficfeed.findings import Finding, Severity
from trafficfeed.publishing.documents import Document, Manifest, Release, read_manifest, version_of, write_manifest
from trafficfeed.publishing.heartbeat import Heartbeat
from trafficfeed.store.objects import ObjectStore

Gathered = tuple[Mapping[str, Document], Mapping[str, Any]]
_ATTEMPTS: Final = 10


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
        self._objects = objects
        self._root = f"feeds/{feed}"
        self._on_step = on_step
        self._heartbeat = Heartbeat(objects, f"{self._root}/heartbeat.json")

    def newest(self) -> int:
        """Return the number of the newest release, 0 before the first: one small read and one look."""
        hint = self._objects.read(f"{self._root}/newest") or b""
        number = int(hint) if hint.isdigit() and self.has(int(hint)) else self._newest_listed()
        while self.has(number + 1):
            number += 1
        return number

    def has(self, number: int) -> bool:
        """Tell whether a release of this number was published."""
        return number > 0 and self._objects.exists(self._manifest_path(number))

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

    def load(self, newest: int) -> Release:
        """Return the release of this number, or the last intact one before it, whose `faults` then say why.

        Raises
        ------
        PublishFailed, SourceUnavailable
            As for `current`.
        """
        faults: list[Finding] = []
        for number in range(newest, 0, -1):
            found = self._load(number)
            if isinstance(found, Release):
                return found.with_faults(faults)
            faults.append(found)
        raise PublishFailed(
            f"feed {self.feed}: none of {newest} releases is intact in {self._objects.address(self._root)}: "
            f"{faults[0].message if faults else ''}; publish anew"
        )

    def release_as_of(self, instant: datetime) -> Release | None:
        """Return what was served at `instant` (aware), or None before the first release.

        Raises
        ------
        PublishFailed, SourceUnavailable
            As for `current`.
        """
        for manifest in self._newest_first():
            if manifest.published_at <= instant:
                return self.load(manifest.number)
        return None

    def history(self) -> tuple[Manifest, ...]:
        """Return the manifests of all releases, oldest first; unreadable ones are left out."""
        return tuple(self._newest_first())[::-1]

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
        held = next(self._newest_first(), None)
        if held is not None:
            if held.number == newest and held.version == manifest.version:
                self._write_documents(documents, held)  # mends what was damaged
                return Release(manifest=held, documents=dict(documents))
            manifest = manifest.following(held.version)
        self._write_documents(documents, manifest)
        self._on_step("manifest")
        if not self._objects.create(self._manifest_path(manifest.number), write_manifest(manifest)):
            raise self._outrun(manifest.number, newest)
        self._on_step("hint")
        self._objects.write(f"{self._root}/newest", str(manifest.number).encode())
        self._on_step("end")
        return Release(manifest=manifest, documents=dict(documents))

    def publish_gathered(self, gather: Callable[[], Gathered], *, as_of: datetime) -> Release:
        """Gather facts and publish them, anew as often as another publisher is first.

        Raises
        ------
        PublishFailed
            If others were first ten times in a row, or there is nothing to publish; the last release is still served.
        SourceUnavailable
            If the object store fails; the last release is still served.
        """
        for _ in range(_ATTEMPTS):
            after = self.newest()
            documents, facts = gather()
            try:
                return self.publish(documents, as_of=as_of, facts=facts, after=after)
            except PublishFailed:
                if self.newest() == after:
                    raise
        raise PublishFailed(f"feed {self.feed}: outrun by other publishers {_ATTEMPTS} times; the last one is served")

    def roll_back(self, version: str, *, as_of: datetime, reason: str) -> Release:
        """Serve an older release's content again, as a new release that says so in its facts.

        It holds until the next publication: put right what was wrong, or stop the publishers, before that.

        Raises
        ------
        PublishFailed
            If no intact release has this version; the present one is still served.
        """
        for manifest in self._newest_first():
            if manifest.version == version and isinstance(release := self._load(manifest.number), Release):
                facts = {**manifest.facts, "rolled_back": {"to": manifest.number, "reason": reason}}
                return self.publish(release.documents, as_of=as_of, facts=facts)
        raise PublishFailed(
            f"feed {self.feed}: there is no intact release {version} to go back to: the manifests are in "
            f"{self._objects.address(self._root)}/releases"
        )

    def heartbeat(self, as_of: datetime) -> None:
        """Note that the feed was checked at `as_of` and holds, whether or not anything changed."""
        self._heartbeat.beat(as_of)

    def checked_at(self) -> datetime | None:
        """Return when the feed was last checked, or None if never."""
        return self._heartbeat.last()

    def _write_documents(self, documents: Mapping[str, Document], manifest: Manifest) -> None:
        for name, document in sorted(documents.items()):
            path = self._document_path(manifest.version, name)
            if self._objects.read(path) != document.data:
                self._on_step(f"document {name}")
                self._objects.write(path, document.data)

    def _load(self, number: int) -> Release | Finding:
        manifest = self._manifest(number)
        if isinstance(manifest, Finding):
            return manifest
        documents: dict[str, Document] = {}
        for name, entry in manifest.documents.items():
            data = self._objects.read(self._document_path(manifest.version, name))
            if data is None:
                return self._damaged(number, f"{name} is missing")
            documents[name] = Document(data=data, media_type=entry.media_type)
            if documents[name].sha256 != entry.sha256:
                return self._damaged(number, f"{name} is not what was published: its sha256 differs")
        return Release(manifest=manifest, documents=documents)

    def _newest_first(self) -> Iterator[Manifest]:
        """Give the readable manifests, newest first, reading each only when it is asked for."""
        read = (self._manifest(number) for number in range(self.newest(), 0, -1))
        return (manifest for manifest in read if isinstance(manifest, Manifest))

    def _manifest(self, number: int) -> Manifest | Finding:
        data = self._objects.read(self._manifest_path(number))
        if data is None:
            return self._damaged(number, "its manifest is missing")
        try:
            manifest = read_manifest(data)
        except ValueError as error:
            return self._damaged(number, f"its manifest cannot be read: {error}")
        if manifest.number != number or version_of(manifest.documents) != manifest.version:
            return self._damaged(number, "its manifest contradicts itself")
        return manifest

    def _damaged(self, number: int, message: str) -> Finding:
        return Finding(
            rule="release.damaged",
            severity=Severity.ERROR,
            message=f"release {number} of feed {self.feed} is damaged: {message}",
            where=self._objects.address(self._manifest_path(number)),
            mend="the last good release is served instead; publish anew, and check the disk",
            detail={"number": number},
        )

    def _newest_listed(self) -> int:
        names = (path.rpartition("/")[2] for path in self._objects.list(f"{self._root}/releases"))
        numbers = (name.removesuffix(".json") for name in names)
        return max((int(number) for number in numbers if number.isdigit()), default=0)

    def _outrun(self, newest: int, after: int) -> PublishFailed:
        return PublishFailed(
            f"feed {self.feed}: another publisher was first (release {newest} came after {after}); "
            "its release is served; gather the facts again and repeat"
        )

    def _manifest_path(self, number: int) -> str:
        return f"{self._root}/releases/{number:08d}.json"

    def _document_path(self, version: str, name: str) -> str:
        return f"{self._root}/documents/{version}/{name}"
