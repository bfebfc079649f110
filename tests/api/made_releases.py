"""Releases made of road events without a city or orders, for tests of how they are served."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from made_events import FEED

from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.formats.feed_info import Tombstone
from trafficfeed.formats.standards import STANDARDS
from trafficfeed.publishing.documents import Document, Release
from trafficfeed.publishing.releases import ReleaseStore

PUBLIC = ("native", "wzdx", "cifs-json", "cifs")


def documents(
    events: Sequence[RoadEvent],
    *,
    at: datetime,
    partners: Mapping[str, Sequence[str]] | None = None,
    tombstones: Sequence[Tombstone] = (),
) -> dict[str, Document]:
    """Return the documents of a release; `partners` have their formats by id."""
    feed = replace(FEED, tombstones=tuple(tombstones))
    made = {}
    for folder, formats in {
        "": PUBLIC,
        **{f"partners/{one}/": names for one, names in (partners or {}).items()},
    }.items():
        for name in formats:
            standard = STANDARDS[name]
            data = standard.encode(events, publication_time=at, feed=feed)
            made[f"{folder}{standard.file_name}"] = Document(data=data, media_type=standard.media_type)
    return made


def publish(
    store: ReleaseStore,
    events: Sequence[RoadEvent],
    *,
    at: datetime,
    partners: Mapping[str, Sequence[str]] | None = None,
    tombstones: Sequence[Tombstone] = (),
) -> Release:
    """Publish a release of `events`."""
    made = documents(events, at=at, partners=partners, tombstones=tombstones)
    facts = {"orders": {event.order_id: {"version": event.order_version, "records": 1} for event in events}}
    return store.publish(made, as_of=at, facts=facts)
