"""CAP back to the facts that the semantic rules look at: one alert, or a feed of them."""

from collections.abc import Iterator

from lxml import etree

from trafficfeed.formats.cap_alert import CAP
from trafficfeed.formats.records import Clock, Feed, Line, Record, Shape, Stated, latitude_first, refuse
from trafficfeed.formats.xml_reading import path_of, read_xml, text_at

ATOM = "http://www.w3.org/2005/Atom"
CAP_MEDIA_TYPE = "application/cap+xml"

_NS = {"cap": CAP, "atom": ATOM}
_INFO_TIMES = ("effective", "onset", "expires")


def read_cap(data: bytes) -> Feed:
    """Read one CAP 1.2 alert, or a feed (Atom, RSS, EDXL-DE) that carries alerts whole.

    Raises
    ------
    FeedNonConformant
        If it is not XML, or holds no alert and is no Atom feed either.
    """
    root = read_xml(data)
    is_feed = root.tag == f"{{{ATOM}}}feed"
    alerts = list(alerts_in(root))
    if not alerts and not is_feed:
        refuse(f"the document has no CAP 1.2 alert: its root is {root.tag}", mend=f"use the namespace {CAP}")
    updated: Stated = ("updated", text_at(root, "atom:updated", _NS))
    return Feed(
        standard="cap",
        published=updated if is_feed else (f"{alerts[0][0]}sent", text_at(alerts[0][1], "cap:sent", _NS)),
        records=tuple(_record(path, alert) for path, alert in alerts),
        clock=Clock.NUMERIC,
        language=root.get("{http://www.w3.org/XML/1998/namespace}lang", ""),
    )


def alerts_in(root: etree._Element) -> Iterator[tuple[str, etree._Element]]:
    """Yield the alerts of a document, itself or inside a feed, each with what paths into it begin with."""
    tag = f"{{{CAP}}}alert"
    if root.tag == tag:
        yield "", root
        return
    for number, entry in enumerate(root.iterfind("atom:entry", _NS), start=1):
        for alert in entry.iter(tag):
            yield f"entry[{number}]/content/alert/", alert
    if root.tag != f"{{{ATOM}}}feed":
        for alert in root.iter(tag):
            yield f"{path_of(alert)}/", alert


def _record(path: str, alert: etree._Element) -> Record:
    infos = [(f"{path}info[{n}]/", info) for n, info in enumerate(alert.findall("cap:info", _NS), start=1)]
    sent = _stated(path, alert, "sent")
    given = {name: _stated(*infos[0], name) for name in _INFO_TIMES} if infos else {}
    start = next((given[name] for name in ("onset", "effective") if name in given and given[name][1]), sent)
    end = given.get("expires", (f"{path}info/expires", None))
    others = (_stated(*info, name) for info in infos for name in _INFO_TIMES)
    references = _stated(path, alert, "references")
    kind = text_at(alert, "cap:msgType", _NS) or ""
    return Record(
        path=path.rstrip("/") or "alert",
        id=text_at(alert, "cap:identifier", _NS) or "",
        start=start,
        end=end,
        times=(sent, *(time for time in others if time[1] is not None and time not in (start, end))),
        updated=sent[1],
        lines=tuple(_rings(*infos[0])) if infos else (),  # other languages repeat them
        kind=kind,
        needs_end=False,
        description=text_at(infos[0][1], "cap:description", _NS) if infos else None,
        group=text_at(alert, "cap:incidents", _NS) or "",
        references=references if references[1] is not None else None,
        status=text_at(alert, "cap:status", _NS) or "",
        cancelled=kind == "Cancel",
        languages=tuple(text_at(info, "cap:language", _NS) or "en-US" for _, info in infos),
    )


def _rings(path: str, info: etree._Element) -> Iterator[Line]:
    for number, area in enumerate(info.findall("cap:area", _NS), start=1):
        for ring, polygon in enumerate(area.findall("cap:polygon", _NS), start=1):
            yield Line(
                path=f"{path}area[{number}]/polygon[{ring}]",
                coordinates=latitude_first(polygon.text or ""),
                shape=Shape.AREA,
                latitude_first=True,
            )


def _stated(path: str, parent: etree._Element, name: str) -> Stated:
    return f"{path}{name}", text_at(parent, f"cap:{name}", _NS)
