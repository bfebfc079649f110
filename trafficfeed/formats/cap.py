"""CAP 1.2 in an Atom feed: an alert for each area, of one measure in one period."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import cast

from lxml import etree

from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.errors import FeedNonConformant
from trafficfeed.findings import Finding, Severity
from trafficfeed.formats.cap_alert import (
    CAP,
    alert_of,
    incident_of,
    languages_of,
    root_of,
    time_text,
)
from trafficfeed.formats.cap_reading import ATOM, CAP_MEDIA_TYPE, read_cap
from trafficfeed.formats.cap_words import instruction_of
from trafficfeed.formats.feed_info import FeedInfo
from trafficfeed.formats.standard import Fragment, Standard
from trafficfeed.formats.texts import in_language, plain
from trafficfeed.formats.xml_reading import read_xml

FILE_NAME = "alerts.atom"
_FLOODING = "/v1/flooding/"  # alerts of places without roads are a feed of their own
_DECLARATION = b"<?xml version='1.0' encoding='UTF-8'?>\n"


def fragments(event: RoadEvent, feed: FeedInfo) -> tuple[Fragment, ...]:
    """Return the Atom entry with the alert of `event`, nothing where the event is not of an area.

    The events of one measure and period give the same entry; `assemble` takes it once.

    Raises
    ------
    FeedNonConformant
        If the coordinates are not WGS-84, which CAP demands (CAP 1.2, 3.3.1).
    """
    if not event.areas:
        return ()
    if feed.datum != "wgs84":
        message, mend = f"CAP takes WGS-84 coordinates, these are {feed.datum}", "convert them before this step"
        finding = Finding(rule="cap.datum", severity=Severity.ERROR, message=message, mend=mend)
        raise FeedNonConformant(f"{message}: {mend}", [finding])
    return (Fragment.of(event, _bytes(_entry(event, feed))),)


def assemble(fragments: Sequence[Fragment], publication_time: datetime, feed: FeedInfo) -> bytes:
    """Return the Atom feed of `fragments`, each alert once: that of the least event id.

    Source: RFC 4287; OASIS Example Practices: CAP Feeds 1.0, 2 (an entry an alert, with a link to it).
    """
    ordered = sorted(fragments, key=lambda fragment: (_incident(fragment), fragment.id))
    each_once = [next(same) for _, same in groupby(ordered, key=_incident)]
    head = _bytes(_head(publication_time, feed))
    end = b"</feed>"
    return _DECLARATION + head.removesuffix(end) + b"".join(f.data for f in each_once) + end + b"\n"


def alert_alone(document: bytes, incident: str) -> bytes | None:
    """Return the alert of one incident out of a feed document, as a document of its own; None where it has none.

    Raises
    ------
    FeedNonConformant
        If `document` is not XML.
    """
    for alert in read_xml(document).iter(f"{{{CAP}}}alert"):
        if alert.findtext(f"{{{CAP}}}incidents") == incident:
            etree.cleanup_namespaces(alert)
            return _DECLARATION + etree.tostring(alert, encoding="utf-8", with_tail=False) + b"\n"
    return None


STANDARD = Standard(
    name="cap",
    title="CAP 1.2 alerts for areas, in an Atom feed",
    file_name=FILE_NAME,
    media_type="application/atom+xml",
    fragments=fragments,
    assemble=assemble,
    read=read_cap,
)
encode = STANDARD.encode


def _incident(fragment: Fragment) -> str:
    return incident_of(fragment.order_id, fragment.event_id)


def _head(publication_time: datetime, feed: FeedInfo) -> etree._Element:
    root = etree.Element(etree.QName(ATOM, "feed"), nsmap=cast(dict[str, str], {None: ATOM}))
    root.set("{http://www.w3.org/XML/1998/namespace}lang", feed.language)
    address = feed.public_url if _FLOODING in feed.public_url else f"{root_of(feed)}/v1/feeds/closures/cap"
    _add(root, "id", address)
    _add(root, "title", feed.publisher)
    _add(root, "updated", time_text(publication_time, feed.timezone))
    author = etree.SubElement(root, etree.QName(ATOM, "author"))
    _add(author, "name", feed.publisher)
    if feed.contact_email:
        _add(author, "email", feed.contact_email)
    _add(root, "rights", " ".join(filter(None, (feed.licence, feed.attribution))))
    etree.SubElement(root, etree.QName(ATOM, "link"), rel="self", type="application/atom+xml", href=address)
    return root


def _entry(event: RoadEvent, feed: FeedInfo) -> etree._Element:
    incident, language = incident_of(event.order_id, event.id), languages_of(event, feed)[0]
    address = f"{feed.public_url if _FLOODING in feed.public_url else root_of(feed) + '/v1/alerts'}/{incident}"
    entry = etree.Element(etree.QName(ATOM, "entry"), nsmap=cast(dict[str, str], {None: ATOM}))
    _add(entry, "id", address)
    _add(entry, "title", plain(in_language(event.title, language)))
    _add(entry, "updated", time_text(event.updated, event.timezone))
    _add(entry, "published", time_text(event.created, event.timezone))
    author = etree.SubElement(entry, etree.QName(ATOM, "author"))
    _add(author, "name", plain(event.authority))
    if feed.contact_email:
        _add(author, "email", feed.contact_email)
    etree.SubElement(entry, etree.QName(ATOM, "link"), rel="alternate", type=CAP_MEDIA_TYPE, href=f"{address}.cap")
    _add(entry, "summary", instruction_of(event, language))
    content = etree.SubElement(entry, etree.QName(ATOM, "content"), type=CAP_MEDIA_TYPE)
    content.append(alert_of(event, feed))
    return entry


def _add(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, etree.QName(ATOM, name)).text = text


def _bytes(element: etree._Element) -> bytes:
    return etree.tostring(element, encoding="utf-8")
