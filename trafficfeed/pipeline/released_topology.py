"""The signal topology that is released: what the live part serves, and what the next one is built upon."""

from typing import Final

from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.signals.topology import Topology
from trafficfeed.signals.topology_document import from_json
from trafficfeed.store.objects import ObjectStore

FEED: Final = "signals-topology"
FILE_NAME: Final = "topology.json"


def released_topology(objects: ObjectStore) -> Topology | None:
    """Return the topology that is released, None before the first.

    Raises
    ------
    PublishFailed, SourceUnavailable, SourceMalformed
        If what is released cannot be read.
    """
    release = ReleaseStore(objects, FEED).current()
    return from_json(release.documents[FILE_NAME].data) if release else None
