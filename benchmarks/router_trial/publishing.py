"""An order to the served feed: its road events, encoded, released, and read back as the API reads them."""

from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.router_trial.officer import Written
from trafficfeed.closures.publication import road_events
from trafficfeed.closures.road_events import Validation
from trafficfeed.closures.schedules import windows_of
from trafficfeed.formats.feed_info import FeedInfo
from trafficfeed.formats.standards import STANDARDS
from trafficfeed.pipeline.workspace import Ground
from trafficfeed.publishing.documents import Document
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.store.objects import ObjectStore

PREFERRED = ("cifs", "native")


def standard_read() -> str:
    """Return the name of the standard that the partner reads: CIFS where it is published."""
    return next(name for name in PREFERRED if name in STANDARDS)


class Publisher:
    """Publishes one order at a time into a release store of its own.

    Parameters
    ----------
    ground
        The city.
    folder
        Where the releases are kept.
    standard
        The one to publish.
    """

    def __init__(self, ground: Ground, folder: Path, *, standard: str) -> None:
        self._ground = ground
        self._standard = STANDARDS[standard]
        file = ground.city.file
        self._info = FeedInfo(
            publisher="Trial authority",
            contact_name="Trial desk",
            licence=file.licence,
            attribution=file.attribution,
            language=file.language,
            timezone=file.timezone,
            public_url="http://127.0.0.1:8000",
            left_hand=file.network.left_hand,
        )
        self._store = ReleaseStore(ObjectStore(folder.absolute().as_uri()), "closures")

    def publish(self, written: Written, *, as_of: datetime) -> bytes:
        """Release the feed with this order alone, as of `as_of` (aware), and return the bytes that are served."""
        order = written.order
        since, until = as_of - timedelta(days=2), as_of + timedelta(days=2)
        events = road_events(
            order,
            1,
            written.resolved,
            {m.id: windows_of(m, order.timezone, since=since, until=until) for m in order.measures},
            graph=self._ground.graph,
            certificate=None,
            validation=Validation.PENDING,
            created=as_of,
            updated=as_of,
        )
        standard = self._standard
        data = standard.encode(events, publication_time=as_of, feed=self._info)
        documents = {standard.file_name: Document(data=data, media_type=standard.media_type)}
        self._store.publish(documents, as_of=as_of, facts={})
        served = self._store.current()
        assert served is not None  # it was published just now
        return served.documents[standard.file_name].data
