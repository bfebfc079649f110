"""DATEX II 3.5 SituationPublication: one situation an order, one record a road event, its detour and its cause."""

from collections.abc import Sequence
from datetime import datetime

from lxml import etree

from trafficfeed.closures.orders import Hazard
from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.errors import FeedNonConformant
from trafficfeed.findings import Finding, Severity
from trafficfeed.formats.datex2_causes import cause_id, merged
from trafficfeed.formats.datex2_country import country_of
from trafficfeed.formats.datex2_obstructions import add_obstruction, is_obstructed
from trafficfeed.formats.datex2_reading import read_datex2
from trafficfeed.formats.datex2_records import add_cause_record, add_detour, add_measure
from trafficfeed.formats.datex2_times import add_instant
from trafficfeed.formats.datex2_xml import TYPE, add, add_texts, parent_of_pieces, pieces_in
from trafficfeed.formats.feed_info import FeedInfo
from trafficfeed.formats.standard import Fragment, Standard

FILE_NAME = "datex2.xml"
FEED_TYPE = "Road closures and restrictions"


def fragments(event: RoadEvent, feed: FeedInfo) -> tuple[Fragment, ...]:
    """Return the records of `event` and its detour, of what is on the road, and what it knows of its order's cause.

    Raises
    ------
    FeedNonConformant
        If the coordinates are not WGS-84, which is what ``EPSG:4326`` says.
    """
    if feed.datum != "wgs84":
        message = f"DATEX II takes WGS-84 coordinates, these are {feed.datum}"
        mend = "convert them before this step"
        finding = Finding(rule="datex2.datum", severity=Severity.ERROR, message=message, mend=mend)
        raise FeedNonConformant(f"{message}: {mend}", [finding])
    country = country_of(feed.timezone)
    records, cause = parent_of_pieces(), parent_of_pieces()
    if is_obstructed(event):
        add_obstruction(records, event, feed, country)
    if not isinstance(event.rule, Hazard):
        add_measure(records, event, feed, country)
        add_detour(records, event, country)
    made = [Fragment.of(event, pieces_in(records))]
    if add_cause_record(cause, event, country):
        made.append(Fragment.of(event, pieces_in(cause), id=f"{event.id}~{cause_id(event)}"))
    return tuple(made)


def assemble(fragments: Sequence[Fragment], publication_time: datetime, feed: FeedInfo) -> bytes:
    """Return the publication of `fragments`, one situation an order."""
    situations: dict[str, list[Fragment]] = {}
    for fragment in fragments:
        situations.setdefault(fragment.order_id, []).append(fragment)
    head, tail = _payload(publication_time, feed)
    body = b"".join(_situation(order, situations[order]) for order in sorted(situations))
    return b"<?xml version='1.0' encoding='UTF-8'?>\n" + head + b"\n" + body + tail + b"\n"


STANDARD = Standard(
    name="datex2",
    title="DATEX II 3.5: situations",
    file_name=FILE_NAME,
    media_type="application/xml",
    fragments=fragments,
    assemble=assemble,
    read=read_datex2,
)
encode = STANDARD.encode


def _payload(publication_time: datetime, feed: FeedInfo) -> tuple[bytes, bytes]:
    root = parent_of_pieces()
    root.set(TYPE, "sit:SituationPublication")
    root.set("lang", feed.language.split("-")[0])
    root.set("modelBaseVersion", "3")
    add_texts(root, "com:feedDescription", {"en": f"{FEED_TYPE}: {feed.public_url}"})
    add(root, "com:feedType", FEED_TYPE)
    add_instant(root, "com:publicationTime", publication_time)
    creator = add(root, "com:publicationCreator")
    add(creator, "com:country", country_of(feed.timezone))
    add(creator, "com:nationalIdentifier", feed.publisher)
    whole = etree.tostring(root, encoding="UTF-8")
    at = whole.rindex(b"<")
    return whole[:at], whole[at:]


def _situation(order_id: str, fragments: Sequence[Fragment]) -> bytes:
    causes = tuple(fragment.data for fragment in fragments if fragment.id != fragment.event_id)
    records = [fragment.data for fragment in fragments if fragment.id == fragment.event_id]
    parent = parent_of_pieces()
    situation = add(parent, "sit:situation", id=order_id)
    add_instant(situation, "sit:situationVersionTime", max(fragment.updated for fragment in fragments))
    header = add(situation, "sit:headerInformation")
    add(header, "com:confidentiality", "noRestriction")
    add(header, "com:informationStatus", "real")
    whole = pieces_in(parent)
    at = whole.rindex(b"<")
    parts = [*([merged(causes)] if causes else []), *records]
    return whole[:at] + b"\n" + b"\n".join(parts) + b"\n" + whole[at:] + b"\n"
