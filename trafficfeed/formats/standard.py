"""What every format is: records made one by one, and put together into one document."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.formats.feed_info import FeedInfo
from trafficfeed.formats.records import Feed


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """One record as its document has it, ready to be put among the others.

    `id` sorts the document. `event_id` is the road event it was made of, `order_id` its order, for formats that
    keep an order together. `authority` and `updated` are the event's, for formats whose head names its sources.
    """

    id: str
    event_id: str
    data: bytes
    authority: str
    updated: datetime
    order_id: str = ""

    @classmethod
    def of(cls, event: RoadEvent, data: bytes, *, id: str | None = None) -> "Fragment":
        """Make a fragment of `event`, by default with its id."""
        return cls(
            id=event.id if id is None else id,
            event_id=event.id,
            data=data,
            authority=event.authority,
            updated=event.updated,
            order_id=event.order_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """One published format.

    Attributes
    ----------
    name
        As URLs, settings and ``trafficfeed validate`` have it: ``wzdx``, ``cifs-json``.
    title
        One line for people.
    file_name, media_type
        Of the document.
    datums
        Datums that the standard lets a document be in.
    fragments
        The records that one event gives, none where the standard has no place for it. Pure: the same event and feed
        give the same bytes, so that a release after one change makes only that event anew. Raises `FeedNonConformant`
        where the event has a place but cannot be said.
    assemble
        The document of fragments, which come sorted by id, and a publication time (aware).
    read
        A document back to the facts that the semantic rules look at; None: there is nothing to check.
    """

    name: str
    title: str
    file_name: str
    media_type: str
    fragments: Callable[[RoadEvent, FeedInfo], Sequence[Fragment]]
    assemble: Callable[[Sequence[Fragment], datetime, FeedInfo], bytes]
    read: Callable[[bytes], Feed] | None = None
    datums: Sequence[str] = ("wgs84",)

    def encode(self, events: Iterable[RoadEvent], *, publication_time: datetime, feed: FeedInfo) -> bytes:
        """Return the document of `events`, which may come in any order; the same facts give the same bytes.

        Raises
        ------
        FeedNonConformant
            If an event cannot be said in this standard.
        """
        fragments = (fragment for event in events for fragment in self.fragments(event, feed))
        return self.assemble(sorted(fragments, key=lambda fragment: fragment.id), publication_time, feed)
