"""One CAP 1.2 alert: the message of one measure in one period, for a whole area."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from lxml import etree

from trafficfeed.closures.orders import Reason, Water, WaterBasis
from trafficfeed.closures.road_events import CertificateSummary, RoadEvent, Validation
from trafficfeed.formats.cap_words import instruction_of, keeps_out, kind_of, pending_in
from trafficfeed.formats.feed_info import FeedInfo
from trafficfeed.formats.impact_text import impact_text
from trafficfeed.formats.rule_text import rule_text
from trafficfeed.formats.texts import in_language, plain

CAP = "urn:oasis:names:tc:emergency:cap:1.2"

_MOST_HEADLINE = 160
_EVEN = 0.5
_SOON = timedelta(hours=1)
_FORBIDDEN = frozenset(" ,<&")
_CATEGORIES = {
    Reason.EMERGENCY: ("Safety",),
    Reason.ACCIDENT: ("Safety",),
    Reason.SECURITY: ("Security",),
    Reason.FLOODING: ("Met", "Safety"),
    Reason.ROADWORKS: ("Infra",),
}
_SAME_EVERYWHERE = frozenset({"closure", "vehicles", "speed_limit", "metering", "hazard"})
_WATER_SEVERITY = ((0.50, "Extreme"), (0.30, "Severe"), (0.15, "Moderate"))  # nobody passes; cars float; small cars do
_SEVERE = frozenset({Reason.EMERGENCY, Reason.FLOODING})
_MODERATE = frozenset({Reason.ACCIDENT, Reason.SECURITY})


def incident_of(order_id: str, event_id: str) -> str:
    """Return the id of what the alert is about: order, measure and period of an event; the same in every version."""
    measure, *_, period = event_id.removeprefix(f"{order_id}.").split(".")  # measures have no dots in their ids
    return f"{order_id}.{measure}.{period}"


def identifier_of(event: RoadEvent) -> str:
    """Return the id of this message.

    A message never changes, so whatever may change within a version is part of its id: when it was sent, that the
    simulation has not spoken, an end that is only estimated. No spaces or commas: `references` are split at them.
    """
    parts = [incident_of(event.order_id, event.id), f"v{event.order_version}", _stamp(event.updated)]
    if event.end_is_estimate:
        parts.append(f"until-{_stamp(event.window.end)}")
    if event.validation is Validation.PENDING and not event.cancelled:
        parts.append("pending")
    return ".".join(parts)


def alert_of(event: RoadEvent, feed: FeedInfo) -> etree._Element:
    """Return the alert of the measure and period that `event` is of.

    It says nothing that differs between the roads of a measure, so each of a measure's events gives the same alert.

    Source: OASIS CAP 1.2, 3.2 (elements and their order), 3.3.2 (times).
    """
    alert = etree.Element(etree.QName(CAP, "alert"), nsmap=cast(dict[str, str], {None: CAP}))
    _add(alert, "identifier", identifier_of(event))
    _add(alert, "sender", sender_of(feed))
    _add(alert, "sent", time_text(event.updated, event.timezone))
    _add(alert, "status", "Actual")
    _add(alert, "msgType", _message_type(event))
    _add(alert, "scope", "Public")
    if _message_type(event) != "Alert":
        _add(alert, "references", _references(event, feed))
    _add(alert, "incidents", incident_of(event.order_id, event.id))
    for language in languages_of(event, feed):
        alert.append(_info(event, feed, language))
    return alert


def languages_of(event: RoadEvent, feed: FeedInfo) -> list[str]:
    """Return the languages that the event speaks, the feed's own first."""
    spoken = sorted({*event.title, *event.description})
    return sorted(spoken, key=lambda language: language != feed.language)


def sender_of(feed: FeedInfo) -> str:
    """Return who sends: the feed's address for mail, else the host that serves it; unique in the world."""
    if feed.contact_email and not _FORBIDDEN & set(feed.contact_email):
        return feed.contact_email
    return urlsplit(feed.public_url).hostname or "localhost"


def time_text(instant: datetime, zone: str) -> str:
    """Return a time to the second with a numeric offset; a zero offset is ``-00:00``, never ``Z``.

    Source: CAP 1.2, 3.3.2: alphabetic zone designators must not be used, UTC is -00:00.
    """
    text = instant.astimezone(ZoneInfo(zone)).replace(microsecond=0).isoformat()
    return text.removesuffix("+00:00") + "-00:00" if text.endswith("+00:00") else text


def _references(event: RoadEvent, feed: FeedInfo) -> str:
    """Return sender, identifier and time of the message that this one follows: the first of the incident.

    It is the one whose time a record knows; those between were replaced in the same feed.
    """
    first = replace(event, order_version=1, updated=event.created, validation=Validation.PASSED, end_is_estimate=False)
    return f"{sender_of(feed)},{identifier_of(first)},{time_text(event.created, event.timezone)}"


def _message_type(event: RoadEvent) -> str:
    if event.cancelled:
        return "Cancel"
    return "Alert" if event.order_version == 1 and event.updated == event.created else "Update"


def _info(event: RoadEvent, feed: FeedInfo, language: str) -> etree._Element:
    info = etree.Element(etree.QName(CAP, "info"))
    _add(info, "language", language)
    for category in ("Transport", *_CATEGORIES.get(event.reason, ())):
        _add(info, "category", category)
    _add(info, "event", kind_of(event, language))
    _add(info, "responseType", "AllClear" if event.cancelled else "Avoid" if keeps_out(event) else "Monitor")
    _add(info, "urgency", _urgency(event))
    _add(info, "severity", _severity(event))
    _add(info, "certainty", _certainty(event))
    _add(info, "effective", time_text(event.updated, event.timezone))
    _add(info, "onset", time_text(event.window.start, event.timezone))
    _add(info, "expires", time_text(event.window.end, event.timezone))
    _add(info, "senderName", plain(event.authority))
    title = plain(in_language(event.title, language))
    _add(info, "headline", title[:_MOST_HEADLINE])
    _add(info, "description", _description(event, language))
    _add(info, "instruction", instruction_of(event, language))
    _add(info, "web", web_of(feed, event))
    if event.contact_email or event.contact_name:
        _add(info, "contact", plain(", ".join(filter(None, (event.contact_name, event.contact_email)))))
    for name, value in _parameters(event).items():
        parameter = etree.SubElement(info, etree.QName(CAP, "parameter"))
        _add(parameter, "valueName", name)
        _add(parameter, "value", value)
    info.append(_area(event, title))
    return info


def web_of(feed: FeedInfo, event: RoadEvent) -> str:
    """Return the page of the order for people."""
    return f"{root_of(feed)}/closures/{event.order_id}"


def root_of(feed: FeedInfo) -> str:
    """Return the address of the whole service, without a slash at its end."""
    return feed.public_url.partition("/v1/")[0].rstrip("/")


def _urgency(event: RoadEvent) -> str:
    """Source: CAP 1.2, 3.2.2: Immediate, Expected (within the next hour), Future, Past; seen from when it was sent."""
    if event.cancelled or event.window.end <= event.updated:
        return "Past"
    ahead = event.window.start - event.updated
    return "Immediate" if ahead <= timedelta(0) else "Expected" if ahead <= _SOON else "Future"


def _severity(event: RoadEvent) -> str:
    """Works and events are little threat to life; where places are cut off help comes late.

    Water is as bad as it is deep, at the deepest that is expected: ARR, Book 6, table 6.7.4.
    """
    if event.water is not None:
        depths = [depth for depth in (event.water.depth_m, event.water.p90_m) if depth is not None]
        if depths:
            return next((word for limit, word in _WATER_SEVERITY if max(depths) >= limit), "Minor")
    if event.reason in _SEVERE:
        return "Severe"
    cuts_off = event.certificate is not None and bool(event.certificate.cut_off_places)
    return "Moderate" if event.reason in _MODERATE or cuts_off else "Minor"


def _certainty(event: RoadEvent) -> str:
    """Source: CAP 1.2, 3.2.2: Observed, Likely (p > ~50%), Possible (p <= ~50%)."""
    if event.water is not None and event.water.basis is WaterBasis.FORECAST:
        return "Possible" if event.water.chance is not None and event.water.chance <= _EVEN else "Likely"
    return "Observed" if event.window.start <= event.updated else "Likely"


def _description(event: RoadEvent, language: str) -> str:
    shared = replace(event, detour=None, detour_streets=())  # what holds for all roads of the measure
    said = [
        in_language(event.description, language),
        rule_text(event, language) if event.rule.kind in _SAME_EVERYWHERE and not event.cancelled else "",
        in_language(event.until, language) if event.until else "",
        impact_text(shared, language),
        pending_in(language) if event.certificate is None and not event.cancelled else "",
    ]
    return "\n".join(plain(text) for text in said if text)


def _parameters(event: RoadEvent) -> dict[str, str]:
    facts = {"order": event.order_id, "order-version": str(event.order_version), "validation": event.validation.value}
    water = _water(event.water) if event.water is not None else {}
    return facts | water | (_figures(event.certificate) if event.certificate else {})


def _water(water: Water) -> dict[str, str]:
    figures = {
        "site": water.site or None,
        "water-depth-m": water.depth_m,
        "water-depth-p10-m": water.p10_m,
        "water-depth-p90-m": water.p90_m,
        "water-basis": water.basis.value,
        "water-closed-to": ",".join(water.closed_to) or None,
        "source-note": water.note or None,
    }
    return {name: str(value) for name, value in figures.items() if value is not None}


def _figures(summary: CertificateSummary) -> dict[str, str]:
    figures = {
        "certificate": summary.certificate_id,
        "certificate-url": summary.href,
        "delay-per-vehicle-s": summary.delay_per_vehicle_s,
        "delay-low-s": summary.delay_low_s,
        "delay-high-s": summary.delay_high_s,
        "emergency-delay-s": summary.emergency_delay_s,
        "queue-risk": summary.queue_risk.value,
        "vehicles-cut-off": summary.cut_off,
    }
    return {name: str(value) for name, value in figures.items() if value is not None}


def _area(event: RoadEvent, description: str) -> etree._Element:
    area = etree.Element(etree.QName(CAP, "area"))
    _add(area, "areaDesc", description)
    for ring in event.areas:
        closed = ring if tuple(ring[0]) == tuple(ring[-1]) else (*ring, ring[0])
        _add(area, "polygon", " ".join(f"{lat:.7f},{lon:.7f}" for lon, lat in closed))
    return area


def _add(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, etree.QName(CAP, name)).text = text


def _stamp(instant: datetime) -> str:
    return instant.astimezone(ZoneInfo("UTC")).strftime("%Y%m%dT%H%M%SZ")
