"""Road events as every document has them: encoded once for each variant, and not again while they stay the same."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.errors import FeedNonConformant
from trafficfeed.findings import Finding, Severity
from trafficfeed.formats.in_datum import in_datum
from trafficfeed.formats.standard import Fragment
from trafficfeed.pipeline.variants import Variant


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDraft:
    """A road event with its fragments by variant name; `refusals` name the formats that cannot say it, and why."""

    event: RoadEvent
    fragments: Mapping[str, Sequence[Fragment]]
    refusals: tuple[Finding, ...] = ()


def event_drafts(
    events: Iterable[RoadEvent], variants: Sequence[Variant], *, known: Mapping[str, EventDraft]
) -> tuple[EventDraft, ...]:
    """Return the drafts of `events`; those `known` by id whose event is the same are taken as they are."""
    return tuple(
        known[event.id] if event.id in known and known[event.id].event == event else _drafted(event, variants)
        for event in events
    )


def _drafted(event: RoadEvent, variants: Sequence[Variant]) -> EventDraft:
    frames = {variant.info.frame for variant in variants}
    placed = {(datum, decimals): in_datum(event, datum, decimals=decimals) for datum, decimals in frames}
    fragments: dict[str, Sequence[Fragment]] = {}
    refusals: list[Finding] = []
    for variant in variants:
        try:
            made = variant.standard.fragments(placed[variant.info.frame], variant.info)
        except FeedNonConformant as refusal:
            refusals += _left_out(event, variant, refusal)
            made = ()
        fragments[variant.name] = tuple(made)
    return EventDraft(event=event, fragments=fragments, refusals=tuple(refusals))


def _left_out(event: RoadEvent, variant: Variant, refusal: FeedNonConformant) -> list[Finding]:
    reasons = refusal.findings or (Finding(rule="feed.refused", severity=Severity.ERROR, message=str(refusal)),)
    return [
        replace(
            reason,
            severity=Severity.WARNING,
            message=f"{event.id} is left out of {variant.name}: {reason.message}",
            where=event.id,
        )
        for reason in reasons
    ]
