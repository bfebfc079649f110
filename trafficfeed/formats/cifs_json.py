"""Waze CIFS as JSON: the same incidents as in the XML, in the shape of the specification's sample."""

from collections.abc import Sequence
from datetime import datetime

from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.formats.cifs_incident import incidents_of
from trafficfeed.formats.cifs_reading import read_cifs_json
from trafficfeed.formats.feed_info import FeedInfo
from trafficfeed.formats.json_documents import as_json
from trafficfeed.formats.standard import Fragment, Standard

FILE_NAME = "cifs.json"


def fragments(event: RoadEvent, feed: FeedInfo) -> tuple[Fragment, ...]:
    """Return the incidents of `event`, none for a turn ban; parameters and errors as for `incidents_of`."""
    return tuple(
        Fragment.of(event, as_json({"incident": incident}), id=incident["id"]) for incident in incidents_of(event, feed)
    )


def assemble(fragments: Sequence[Fragment], publication_time: datetime, feed: FeedInfo) -> bytes:
    """Return the document of `fragments`; it has no place for a publication time, nor for anything else of the feed."""
    return b'{"incidents":[' + b",".join(fragment.data for fragment in fragments) + b"]}\n"


STANDARD = Standard(
    name="cifs-json",
    title="Waze CIFS: closures from junction to junction (JSON)",
    file_name=FILE_NAME,
    media_type="application/json",
    fragments=fragments,
    assemble=assemble,
    read=read_cifs_json,
)
encode = STANDARD.encode
