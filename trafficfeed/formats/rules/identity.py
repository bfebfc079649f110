"""Ids are there, unique, and links between records lead somewhere, back, and never round in a circle."""

from collections import Counter
from collections.abc import Iterator, Mapping

from trafficfeed.formats.records import Record
from trafficfeed.formats.rules.rule import Fault, Yardstick, rule

_BACK = {"related-detour": "related-work-zone"}
_ONWARD = frozenset({"parent", "next-in-sequence", "next-occurrence"})


@rule("id.missing", mend="give it an id that stays")
def has_an_id(yard: Yardstick) -> Iterator[Fault]:
    """Every record has an id.

    Source: WZDx 4.2, RoadEventFeature.id; CIFS specification, incident id; DATEX II 3.5, id; CAP 1.2, identifier.
    """
    for record in yard.feed.records:
        if not record.id.strip():
            yield Fault(record.path, "has no id")


@rule("id.unique", mend="make ids of order, measure, street and period")
def has_its_id_alone(yard: Yardstick) -> Iterator[Fault]:
    """No two records have the same id.

    Source: CIFS specification, incident id ("must be unique inside your feed"); no JSON schema compares two features.
    """
    counts = Counter(record.id for record in yard.feed.records)
    for record in yard.feed.records:
        if record.id and counts[record.id] > 1:
            yield Fault(f"{record.path}.id", f"the id {record.id!r} is used {counts[record.id]} times")


@rule("link.target", mend="publish both or drop the link")
def links_lead_somewhere(yard: Yardstick) -> Iterator[Fault]:
    """A link leads to another record of the feed: parent, detour, next in sequence, cause.

    Source: WZDx 4.2, RelatedRoadEvent.id; DATEX II 3.5, managedCause.
    """
    ids = {record.id for record in yard.feed.records} | yard.others
    for record in yard.feed.records:
        for kind, target in record.links:
            if target not in ids:
                yield Fault(record.path, f"{kind} points to {target!r}, which is not in the feed")


@rule("link.back", "wzdx", mend="add a related-work-zone link to the detour")
def links_lead_back(yard: Yardstick) -> Iterator[Fault]:
    """A work zone and its detour link to each other.

    Source: WZDx 4.2, RelatedRoadEventType (related-detour, related-work-zone).
    """
    records = {record.id: record for record in yard.feed.records}
    for record in yard.feed.records:
        for kind, target in record.links:
            back = _BACK.get(kind)
            if back and target in records and (back, record.id) not in records[target].links:
                yield Fault(record.path, f"{target!r} does not link back to {record.id!r}")


@rule("link.detour", "wzdx", mend="link it to its work zone")
def detours_belong_to_a_work_zone(yard: Yardstick) -> Iterator[Fault]:
    """A detour says what it is the way round.

    Source: WZDx 4.2, DetourRoadEvent and RelatedRoadEventType (related-work-zone).
    """
    for record in yard.feed.records:
        if record.kind == "detour" and not any(kind == "related-work-zone" for kind, _ in record.links):
            yield Fault(record.path, "is a detour of nothing")


@rule("link.circle", mend="let the chain end where it ends")
def links_run_in_no_circle(yard: Yardstick) -> Iterator[Fault]:
    """Following parents, or the next in a sequence, one never comes back to where one was.

    Source: WZDx 4.2, RelatedRoadEventType (next-in-sequence, next-occurrence); a reader that follows links would hang.
    """
    onward = {record.id: [target for kind, target in record.links if kind in _ONWARD] for record in yard.feed.records}
    for record in yard.feed.records:
        if onward[record.id] and record.id in _reached(record, onward):
            yield Fault(record.path, f"its links lead back to itself, {record.id!r}")


RULES = (
    has_an_id, has_its_id_alone, links_lead_somewhere, links_lead_back, detours_belong_to_a_work_zone,
    links_run_in_no_circle,
)  # fmt: skip


def _reached(record: Record, onward: Mapping[str, list[str]]) -> set[str]:
    reached: set[str] = set()
    ahead = list(onward[record.id])
    while ahead:
        at = ahead.pop()
        if at not in reached:
            reached.add(at)
            ahead += onward.get(at, ())
    return reached
