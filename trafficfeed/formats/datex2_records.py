"""A road event to its DATEX II situation records: the measure, its detour, and what it is for."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from trafficfeed.closures.orders import LanesClosed, SpeedLimit, TurnBan
from trafficfeed.closures.road_events import RoadEvent, Validation
from trafficfeed.formats.datex2_causes import add_cause, add_cause_type, add_reference, cause_class, cause_id
from trafficfeed.formats.datex2_location import add_line, add_location
from trafficfeed.formats.datex2_measures import (
    add_management,
    add_vehicles,
    is_shut,
    lanes_restricted,
    management_class,
)
from trafficfeed.formats.datex2_times import add_instant, add_validity
from trafficfeed.formats.datex2_xml import Element, add, add_texts, add_typed, parts_of
from trafficfeed.formats.feed_info import FeedInfo
from trafficfeed.formats.impact_text import impact_text
from trafficfeed.formats.rule_text import cancelled_text, rule_text

_STATES = 3  # of one version of an order: published, validated, cancelled


def version_of(event: RoadEvent) -> str:
    """Return the record's version, a whole number that grows with each change.

    The order's version, and within it the record's state: first published, with its certificate, cancelled.
    """
    state = 2 if event.cancelled else int(event.validation is not Validation.PENDING)
    return str(_STATES * (event.order_version - 1) + state + 1)


def add_measure(parent: Element, event: RoadEvent, feed: FeedInfo, country: str) -> None:
    """Append the record of what `event` restricts."""
    record = add_record(parent, event, management_class(event), event.id, country)
    _add_impact(record, event)
    add_cause(record, event, version_of(event))
    add_words(record, event, feed)
    add_location(record, event)
    _add_action(record, event)
    add(record, "sit:complianceOption", "mandatory")
    if not isinstance(event.rule, TurnBan):  # a turn has two
        add(record, "sit:applicableForTrafficDirection", event.compass.replace("bound", "Bound"))
    add_vehicles(record, event)
    add_management(record, event)


def add_detour(parent: Element, event: RoadEvent, country: str) -> None:
    """Append the rerouting around `event`, caused by it; nothing where there is no detour."""
    if not event.detour:
        return
    record = add_record(parent, event, "sit:ReroutingManagement", f"{event.id}.detour", country, severity="")
    add_reference(add(record, "sit:cause"), "sit:managedCause", event.id, version_of(event))
    add_location(record, event)
    _add_action(record, event)
    add(record, "sit:complianceOption", "advisory")
    add(record, "sit:reroutingManagementType", "followLocalDiversion")
    if event.detour_streets:
        add_texts(record, "sit:reroutingItineraryDescription", {"": " → ".join(event.detour_streets)})
    itinerary = add_typed(record, "sit:alternativeRoute", "loc:ItineraryByIndexedLocations")
    held = add(itinerary, "loc:locationContainedInItinerary", index="0")
    add_line(add_typed(held, "loc:location", "loc:LinearLocation"), event.detour)


def add_cause_record(parent: Element, event: RoadEvent, country: str) -> bool:
    """Append the record of the works or public event, as far as `event` knows its place and time; False: none."""
    class_name = cause_class(event.reason)
    if class_name is None:
        return False
    record = add_record(parent, event, class_name, cause_id(event), country, severity="")
    for texts in parts_of(event.title):
        _add_comment(record, texts, "description")
    place = add_typed(record, "sit:locationReference", "loc:LinearLocation")
    add_line(place, event.coordinates)
    if class_name == "sit:MaintenanceWorks":
        _add_action(record, event)
    add_cause_type(record, event)
    return True


def add_record(
    parent: Element, event: RoadEvent, class_name: str, record_id: str, country: str,
    *, severity: str | None = None, probability: str = "certain",
) -> Element:  # fmt: skip
    """Append a record of a class with its head; `severity` None: that of the event's rule, "": none is stated."""
    record = add_typed(parent, "sit:situationRecord", class_name, id=record_id, version=version_of(event))
    add_instant(record, "sit:situationRecordCreationTime", event.created)
    add_instant(record, "sit:situationRecordVersionTime", event.updated)
    add(record, "sit:probabilityOfOccurrence", probability)
    if severity != "" and not event.cancelled:
        add(record, "sit:severity", severity or _severity(event))
    source = add(record, "sit:source")
    add(source, "com:sourceCountry", country)
    add_texts(source, "com:sourceName", {"": event.authority})
    add(source, "com:sourceType", "roadAuthorities")
    add_validity(record, event.window, suspended=event.cancelled)
    return record


def _severity(event: RoadEvent) -> str:
    if lanes_restricted(event) is not None and is_shut(event):
        return "high"
    return "low" if isinstance(event.rule, SpeedLimit) else "medium"


def add_words(record: Element, event: RoadEvent, feed: FeedInfo) -> None:
    """Append what is told to the public, and the address of the certificate."""
    for kind, texts in _comments(event, feed):
        _add_comment(record, texts, kind)
    _add_certificate(record, event)


def _add_impact(record: Element, event: RoadEvent) -> None:
    shut, summary = lanes_restricted(event), event.certificate
    delay_s = summary.delay_per_vehicle_s if summary else None
    if event.cancelled or (shut is None and delay_s is None):
        return
    impact = add(record, "sit:impact")
    if shut is not None and event.lanes_total > 0:
        left = max(event.lanes_total - shut, 0)
        if isinstance(event.rule, LanesClosed) or not left:
            add(impact, "sit:capacityRemaining", round(100 * left / event.lanes_total))
        add(impact, "sit:numberOfLanesRestricted", shut)
        add(impact, "sit:numberOfOperationalLanes", left)
    if delay_s is not None:
        add(add(impact, "sit:delays"), "sit:delayTimeValue", f"{max(delay_s, 0.0):.1f}")


def _comments(event: RoadEvent, feed: FeedInfo) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield the type and texts of each comment for the public."""
    for texts in (event.title, event.description) if event.title != event.description else (event.title,):
        yield "description", texts
    if event.until:
        yield "description", event.until
    languages = {*event.title, *event.description, feed.language}
    if event.cancelled:
        yield "warning", _spoken(lambda _, language: cancelled_text(language), event, languages)
        return
    for kind, said in (("warning", rule_text), ("other", impact_text)):
        if texts := _spoken(said, event, languages):
            yield kind, texts
    yield "dataProcessingNote", {"en": f"simulation: {event.validation.value}"}


def _spoken(said: Callable[[RoadEvent, str], str], event: RoadEvent, languages: Iterable[str]) -> dict[str, str]:
    """Return the texts of `languages` and English; one we have no phrases for, which comes in English, is left out."""
    english = said(event, "en")
    texts = {language: said(event, language) for language in languages}
    kept = {language: text for language, text in texts.items() if text != english or language.startswith("en")}
    return {"en": english, **kept} if english else {}


def _add_comment(record: Element, texts: Mapping[str, str], kind: str) -> None:
    for part in parts_of(texts):
        comment = add(record, "sit:generalPublicComment")
        add_texts(comment, "sit:comment", part)
        add(comment, "sit:commentType", kind)


def _add_certificate(record: Element, event: RoadEvent) -> None:
    if event.certificate is None:
        return
    link = add(record, "sit:urlLink")
    add(link, "com:urlLinkAddress", event.certificate.href)
    add_texts(link, "com:urlLinkDescription", {"en": f"simulation certificate {event.certificate.certificate_id}"})
    add(link, "com:urlLinkType", "other")


def _add_action(record: Element, event: RoadEvent) -> None:
    add(record, "sit:actionPlanIdentifier", event.order_id)
    add(record, "sit:operatorActionStatus", "beingTerminated" if event.cancelled else "approved")
