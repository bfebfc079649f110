"""An officer rolls the feed back, and takes it back: what the command line and the API share."""

from datetime import datetime

from trafficfeed.pipeline.releasing import FEED, Released, release
from trafficfeed.publishing import rollback
from trafficfeed.publishing.documents import Release
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.settings import Settings
from trafficfeed.store.database import Database
from trafficfeed.store.objects import ObjectStore


def releases_of(settings: Settings) -> ReleaseStore:
    """Return the releases of this installation's closures feed."""
    return ReleaseStore(ObjectStore(settings.objects_url), FEED)


def roll_back(settings: Settings, version: str, *, actor: str, reason: str, as_of: datetime) -> Release:
    """Serve an older release again until `resume`; the parameters and errors of `publishing.rollback.roll_back`."""
    store = releases_of(settings)
    held = rollback.roll_back(store, version, by=actor, reason=reason, as_of=as_of)
    store.heartbeat(as_of)
    return held


def resume(settings: Settings, *, database: Database, actor: str, reason: str, as_of: datetime) -> Released:
    """Take a rollback back and release what the orders say now.

    Raises
    ------
    PublishFailed
        If the feed is not rolled back.
    FeedNonConformant, SourceUnavailable
        As `release`; the rollback is taken back all the same, and the next release is made as ever.
    """
    rollback.resume(releases_of(settings), by=actor, reason=reason, as_of=as_of)
    return release(settings, database=database, as_of=as_of)
