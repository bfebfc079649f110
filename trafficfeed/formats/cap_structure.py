"""What the schema of CAP 1.2 demands of an alert, and what its text adds: elements, order, values, patterns.

Source: OASIS Standard CAP-v1.2, 1 July 2010: 3.2 (data dictionary), 3.3 (implementation notes), 3.4 (XML schema).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from lxml import etree

from trafficfeed.findings import Finding, Severity
from trafficfeed.formats.cap_alert import CAP
from trafficfeed.formats.cap_reading import alerts_in
from trafficfeed.formats.xml_reading import local_name, read_xml

_SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
_MANY = 1_000_000


@dataclass(frozen=True, slots=True)
class _Child:
    """A child element: how often it may stand there, and the whole values or the pattern that its text must have."""

    least: int
    most: int
    values: frozenset[str] = frozenset()
    pattern: str = ""
    meaning: str = ""


def _of(words: str, least: int = 1, most: int = 1) -> _Child:
    return _Child(least, most, frozenset(words.split()), "", f"one of {', '.join(words.split())}")


def _like(pattern: str, meaning: str, least: int = 1, most: int = 1) -> _Child:
    return _Child(least, most, frozenset(), pattern, meaning)


_TEXT, _OPTIONAL, _ANY = _Child(1, 1), _Child(0, 1), _Child(0, _MANY)
_NO_BREAKS = r"[^\s,<&]+"
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d"
_TIME_MEANS = "a time to the second with a numeric offset, as 2026-12-05T08:00:00+02:00; -00:00 for UTC, never Z"
_PAIR = r"-?\d{1,2}(\.\d+)?,-?\d{1,3}(\.\d+)?"
_TRIPLE = r"[^\s,]+,[^\s,]+," + _TIME
_SENT = _like(_TIME, _TIME_MEANS)
_MAY_SAY_WHEN = _like(_TIME, _TIME_MEANS, least=0)

_ALERT: Mapping[str, _Child] = MappingProxyType(
    {
        "identifier": _like(_NO_BREAKS, "a text without spaces, commas, < and &"),
        "sender": _like(_NO_BREAKS, "a text without spaces, commas, < and &"),
        "sent": _SENT,
        "status": _of("Actual Exercise System Test Draft"),
        "msgType": _of("Alert Update Cancel Ack Error"),
        "source": _OPTIONAL,
        "scope": _of("Public Restricted Private"),
        "restriction": _OPTIONAL,
        "addresses": _OPTIONAL,
        "code": _ANY,
        "note": _OPTIONAL,
        "references": _like(rf"{_TRIPLE}(\s+{_TRIPLE})*", "sender,identifier,sent of each message, spaces between", 0),
        "incidents": _OPTIONAL,
        "info": _ANY,
    }
)
_INFO: Mapping[str, _Child] = MappingProxyType(
    {
        "language": _like(r"[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*", "a language tag", least=0),
        "category": _of("Geo Met Safety Security Rescue Fire Health Env Transport Infra CBRNE Other", most=_MANY),
        "event": _TEXT,
        "responseType": _of("Shelter Evacuate Prepare Execute Avoid Monitor Assess AllClear None", 0, _MANY),
        "urgency": _of("Immediate Expected Future Past Unknown"),
        "severity": _of("Extreme Severe Moderate Minor Unknown"),
        "certainty": _of("Observed Likely Possible Unlikely Unknown"),
        "audience": _OPTIONAL,
        "eventCode": _ANY,
        "effective": _MAY_SAY_WHEN,
        "onset": _MAY_SAY_WHEN,
        "expires": _MAY_SAY_WHEN,
        "senderName": _OPTIONAL,
        "headline": _OPTIONAL,
        "description": _OPTIONAL,
        "instruction": _OPTIONAL,
        "web": _like(r"[a-zA-Z][a-zA-Z0-9+.-]*:\S+", "a full address", least=0),
        "contact": _OPTIONAL,
        "parameter": _ANY,
        "resource": _ANY,
        "area": _ANY,
    }
)
_AREA: Mapping[str, _Child] = MappingProxyType(
    {
        "areaDesc": _TEXT,
        "polygon": _like(rf"{_PAIR}(\s+{_PAIR})*", "pairs of latitude,longitude with spaces between", 0, _MANY),
        "circle": _like(rf"{_PAIR} \d+(\.\d+)?", "latitude,longitude and a radius in km", 0, _MANY),
        "geocode": _ANY,
        "altitude": _OPTIONAL,
        "ceiling": _OPTIONAL,
    }
)
_NAMED: Mapping[str, _Child] = MappingProxyType({"valueName": _TEXT, "value": _TEXT})
_RESOURCE: Mapping[str, _Child] = MappingProxyType(
    {
        "resourceDesc": _TEXT, "mimeType": _TEXT, "size": _like(r"\d+", "a number of bytes", 0), "uri": _OPTIONAL,
        "derefUri": _OPTIONAL, "digest": _OPTIONAL,
    }
)  # fmt: skip
_INSIDE = MappingProxyType(
    {
        "alert": _ALERT, "info": _INFO, "area": _AREA, "parameter": _NAMED, "eventCode": _NAMED, "geocode": _NAMED,
        "resource": _RESOURCE,
    }
)  # fmt: skip


def check_structure(data: bytes) -> tuple[Finding, ...]:
    """Return where the alerts of a document, one alone or those of a feed, break the schema of CAP 1.2 or its text.

    Raises
    ------
    FeedNonConformant
        If it is not XML.
    """
    return tuple(
        finding for path, alert in alerts_in(read_xml(data)) for check in _CHECKS for finding in check(path, alert)
    )


def _elements(path: str, parent: etree._Element) -> Iterator[Finding]:
    """Compare the children of an element, and theirs, with the data dictionary."""
    allowed = _INSIDE[local_name(parent)]
    names = [local_name(child) if child.tag == f"{{{CAP}}}{local_name(child)}" else child.tag for child in parent]
    yield from _foreign(path, parent, names, allowed)
    for name, rule in allowed.items():
        count = names.count(name)
        if count < rule.least:
            yield _finding("required", f"{path}{name}", f"<{name}> is missing in <{local_name(parent)}>", "add it")
        elif count > rule.most:
            yield _finding("repeated", f"{path}{name}", f"<{name}> stands {count} times", f"at most {rule.most}")
    seen: dict[str, int] = {}
    for name, child in zip(names, parent, strict=True):
        if name in allowed:
            seen[name] = seen.get(name, 0) + 1
            number = f"[{seen[name]}]" if name in _INSIDE or names.count(name) > 1 else ""
            yield from _value(f"{path}{name}{number}", child, allowed[name])
            if name in _INSIDE:
                yield from _elements(f"{path}{name}{number}/", child)


def _foreign(path: str, parent: etree._Element, names: list[str], allowed: Mapping[str, _Child]) -> Iterator[Finding]:
    known, order = [name for name in names if name in allowed], list(allowed)
    for name in names:
        if name not in allowed and name != _SIGNATURE:
            yield _finding("unknown", f"{path}{name}", f"<{local_name(parent)}> has no <{name}>", "leave it out")
    if known != sorted(known, key=order.index):
        late = next(b for a, b in pairwise(known) if order.index(b) < order.index(a))
        message = f"<{late}> stands too late in <{local_name(parent)}>"
        yield _finding("order", f"{path}{late}", message, f"the order is {', '.join(order)}")


def _value(path: str, element: etree._Element, rule: _Child) -> Iterator[Finding]:
    text = (element.text or "").strip()
    name = local_name(element)
    if name not in _INSIDE and not text:
        yield _finding("empty", path, f"<{name}> is empty", "fill it, or leave it out")
    elif (rule.values and text not in rule.values) or (rule.pattern and not re.fullmatch(rule.pattern, text)):
        yield _finding("value", path, f"<{name}> is {text[:80]!r}", f"write {rule.meaning}")


def _conditions(path: str, alert: etree._Element) -> Iterator[Finding]:
    """What one element demands of another. Source: CAP 1.2, 3.2.1, notes at restriction, addresses, references."""
    kind, scope = _text(alert, "msgType"), _text(alert, "scope")
    demanded = {
        "references": kind if kind in ("Update", "Cancel", "Ack", "Error") else "",
        "restriction": scope if scope == "Restricted" else "",
        "addresses": scope if scope == "Private" else "",
        "info": kind if kind in ("Alert", "Update") else "",
    }
    for name, because in demanded.items():
        if because and alert.find(f"{{{CAP}}}{name}") is None:
            yield _finding("required", f"{path}{name}", f"a message that is {because} lacks <{name}>", "add it")


def _rings(path: str, alert: etree._Element) -> Iterator[Finding]:
    """Source: CAP 1.2, 3.2.4, polygon: at least four pairs, the first and the last the same."""
    for polygon in alert.iter(f"{{{CAP}}}polygon"):
        pairs = (polygon.text or "").split()
        where = f"{path}{alert.getroottree().getelementpath(polygon).rpartition('}')[2]}"
        if len(pairs) < 4:
            yield _finding("polygon", where, f"a polygon has {len(pairs)} points", "give four or more")
        elif pairs[0] != pairs[-1]:
            yield _finding("polygon", where, "a polygon does not end where it begins", "repeat its first point")


_CHECKS: tuple[Callable[[str, etree._Element], Iterator[Finding]], ...] = (_elements, _conditions, _rings)


def _text(alert: etree._Element, name: str) -> str:
    return (alert.findtext(f"{{{CAP}}}{name}") or "").strip()


def _finding(rule: str, where: str, message: str, mend: str) -> Finding:
    return Finding(rule=f"cap.{rule}", severity=Severity.ERROR, where=where, message=message, mend=mend)
