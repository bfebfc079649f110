"""An officer's word that an older release is served again, and that nothing new is published until it is taken back."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final

from trafficfeed.errors import PublishFailed
from trafficfeed.publishing.documents import Manifest, Release, RolledBack
from trafficfeed.publishing.releases import ReleaseStore

_ATTEMPTS: Final = 10


def roll_back(store: ReleaseStore, version: str, *, by: str, reason: str, as_of: datetime) -> Release:
    """Serve an older release's content again, as a new release whose facts say why; it holds until `resume`.

    Parameters
    ----------
    store
        The feed's releases.
    version
        A release's version, or its number.
    by, reason
        Who decides it, and why; kept for ever in the manifest.
    as_of
        Aware: now.

    Raises
    ------
    PublishFailed
        If no intact release has this version, or no reason is given.
    SourceUnavailable
        If the object store fails; in every case the present release is still served.
    """
    if not reason.strip():
        raise PublishFailed(f"feed {store.feed}: a rollback needs a reason: whoever reads the feed will ask")
    manifest = store.find(version) or _read_through(store, version)
    if manifest is None:
        raise PublishFailed(
            f"feed {store.feed}: there is no intact release {version} to go back to; "
            "`trafficfeed releases list` names those there are"
        )
    documents = {name: store.document(manifest, name) for name in manifest.documents}
    said = RolledBack(to=manifest.number, version=manifest.version, reason=reason.strip(), by=by, at=_utc(as_of))
    facts = {**_own(manifest), "rolled_back": {**asdict(said), "at": said.at.isoformat()}}
    return _insist(lambda: store.publish(documents, as_of=as_of, facts=facts), store)


def resume(store: ReleaseStore, *, by: str, reason: str = "", as_of: datetime) -> Release:
    """Take a rollback back: the same content as a release that does not hold the feed; whatever publishes next, may.

    Raises
    ------
    PublishFailed
        If the feed is not rolled back, or another publisher was first.
    SourceUnavailable
        If the object store fails.
    """
    newest = store.newest()
    held = next(iter(store.manifests(before=newest + 1, limit=1)), None)
    if held is None or held.rolled_back is None:
        raise PublishFailed(f"feed {store.feed} is not rolled back: there is nothing to take back")
    release = store.load(held.number)
    facts = {**_own(held), "resumed": {"by": by, "reason": reason.strip(), "at": _utc(as_of).isoformat()}}
    return store.publish(release.documents, as_of=as_of, facts=facts, after=newest)


def _insist(publish: Callable[[], Release], store: ReleaseStore) -> Release:
    """Publish whoever else does: what a person decided does not lose against a minute's routine."""
    for _ in range(_ATTEMPTS):
        before = store.newest()
        try:
            return publish()
        except PublishFailed:
            if store.newest() == before:
                raise
    return publish()


def _read_through(store: ReleaseStore, version: str) -> Manifest | None:
    """Find a version by reading the manifests: its number may not have been noted."""
    return next((manifest for manifest in store.manifests(limit=store.newest()) if manifest.version == version), None)


def _own(manifest: Manifest) -> dict[str, object]:
    return {name: fact for name, fact in manifest.facts.items() if name not in ("rolled_back", "resumed")}


def _utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(microsecond=0)
