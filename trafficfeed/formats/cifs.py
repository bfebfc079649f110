"""Waze CIFS as XML: closures and incidents, one for each segment and period."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from lxml import etree

from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.formats.cifs_incident import incidents_of, local_text
from trafficfeed.formats.cifs_reading import read_cifs
from trafficfeed.formats.feed_info import FeedInfo
from trafficfeed.formats.standard import Fragment, Standard

FILE_NAME = "cifs.xml"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_SCHEMA = "http://www.gstatic.com/road-incidents/cifsv2.xsd"


def fragments(event: RoadEvent, feed: FeedInfo) -> tuple[Fragment, ...]:
    """Return the incidents of `event`, none for a turn ban; parameters and errors as for `incidents_of`."""
    return tuple(
        Fragment.of(event, etree.tostring(_element("incident", incident), encoding="utf-8"), id=incident["id"])
        for incident in incidents_of(event, feed)
    )


def assemble(fragments: Sequence[Fragment], publication_time: datetime, feed: FeedInfo) -> bytes:
    """Return the document of `fragments`; `publication_time` becomes its ``timestamp``."""
    root = etree.Element("incidents", nsmap={"xsi": _XSI})
    root.set(f"{{{_XSI}}}noNamespaceSchemaLocation", _SCHEMA)
    root.set("timestamp", local_text(publication_time, feed.timezone))
    root.text = "\n"
    head, tail = etree.tostring(root, encoding="utf-8", xml_declaration=True).rsplit(b"</", 1)
    return head + b"".join(fragment.data + b"\n" for fragment in fragments) + b"</" + tail + b"\n"


STANDARD = Standard(
    name="cifs",
    title="Waze CIFS: closures from junction to junction (XML)",
    file_name=FILE_NAME,
    media_type="application/xml",
    fragments=fragments,
    assemble=assemble,
    read=read_cifs,
)
encode = STANDARD.encode


def _element(name: str, content: Mapping[str, Any]) -> etree._Element:
    element = etree.Element(name)
    for key, value in content.items():
        if key == "id":
            element.set(key, value)
        elif isinstance(value, Mapping):
            element.append(_element(key, value))
        else:
            etree.SubElement(element, key).text = str(value)
    return element
