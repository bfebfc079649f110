"""One order version to the records that are published of it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from trafficfeed.closures.orders import OrderState
from trafficfeed.closures.publication import road_events
from trafficfeed.closures.road_events import RoadEvent, Validation
from trafficfeed.closures.schedules import Occurrence, Occurrences
from trafficfeed.findings import Finding, errors_in
from trafficfeed.pipeline.assessment import Assessment
from trafficfeed.pipeline.impact_summary import summary_of
from trafficfeed.pipeline.open_ends import OLDEST, next_prolongation, prolonged
from trafficfeed.pipeline.served import Served
from trafficfeed.pipeline.workspace import Ground
from trafficfeed.settings import Settings
from trafficfeed.simulation.certificate import Certificate, Verdict

_JUST_AFTER: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecords:
    """The records of one order version, and what the rules say of them; warnings name formats that leave one out."""

    order_id: str
    version: int
    certificate_id: str | None
    events: tuple[RoadEvent, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def publishable(self) -> bool:
        """Whether no rule is broken; a wrong record is worse than none."""
        return not errors_in(self.findings)


def validation_of(certificate: Certificate | None) -> Validation:
    """Return how a record is marked: an officer may publish against a hold, but the record says so."""
    if certificate is None:
        return Validation.PENDING
    return Validation.PASSED if certificate.verdict is Verdict.PUBLISH else Validation.OVERRIDDEN


def events_of(
    located: Assessment, *, ground: Ground, settings: Settings, certificate: Certificate | None,
    version: int, created: datetime, updated: datetime, cancelled: bool = False, checked: Iterable[Finding] = (),
) -> tuple[RoadEvent, ...]:  # fmt: skip
    """Return the road events of one order version, by id.

    `checked` is what the instant checks found before, where `located` was not checked itself.
    """
    found = (*located.findings, *checked)
    return road_events(
        located.order,
        version,
        located.resolved,
        located.occurrences,
        graph=ground.graph,
        certificate=summary_of(certificate, findings=found, public_url=settings.public_url) if certificate else None,
        validation=validation_of(certificate),
        created=created,
        updated=updated,
        cancelled=cancelled,
    )


def events_served(one: Served, located: Assessment, *, ground: Ground, settings: Settings) -> tuple[RoadEvent, ...]:
    """Return the road events of an order to serve, whose windows `within_horizon` are those of `located`."""
    events = events_of(
        located,
        ground=ground,
        settings=settings,
        certificate=one.proof.certificate if one.proof else None,
        version=one.stored.version,
        created=one.stored.created,
        updated=one.finished or one.stored.version_at,
        cancelled=one.cancelled,
        checked=one.proof.checked if one.proof else (),
    )
    if one.stored.state is OrderState.ENDED and one.finished:
        return ended_early(events, one.finished)
    return events


def ended_early(events: Sequence[RoadEvent], finished: datetime) -> tuple[RoadEvent, ...]:
    """Return the records of an order that was ended at `finished`: an open window ends then, later ones fall away."""
    return tuple(
        replace(event, window=replace(event.window, end=min(event.window.end, finished)), end_is_estimate=False)
        for event in events
        if event.window.start < finished
    )


def within_horizon(located: Assessment, *, as_of: datetime, settings: Settings, running: bool = False) -> Assessment:
    """Return the order with the windows that are published.

    All listed ones, and recurrences up to the horizon; ended ones for a while. Those of a `running` order are
    `prolonged` where their end was only estimated.
    """
    since = as_of - timedelta(seconds=settings.keep_ended_s)
    until = as_of + timedelta(days=settings.horizon_days)
    occurrences: dict[str, Occurrences] = {}
    for measure_id, found in located.occurrences.items():
        occurrences[measure_id] = tuple(
            o
            for o in (prolonged(found, as_of) if running else found)
            if o.window.end > since and (o.listed or o.window.start < until)
        )
    return replace(located, occurrences=occurrences)


def next_change(found: Iterable[Occurrence], *, as_of: datetime, settings: Settings, running: bool) -> datetime | None:
    """Return the first instant after `as_of` at which `within_horizon` gives other windows of one measure, or None.

    It may be an instant too many, never one too few.
    """
    known = tuple(found)
    following = [one.window.start for one in known[1:]] + [None]
    instants = (
        instant
        for one, after in zip(known, following, strict=True)
        for instant in _changes(one, after, as_of, settings, running)
        if instant > as_of
    )
    return min(instants, default=None)


def _changes(
    one: Occurrence, following: datetime | None, as_of: datetime, settings: Settings, running: bool
) -> Iterator[datetime]:
    ahead = timedelta(days=settings.planning_days if one.listed else settings.horizon_days)
    yield one.window.start - ahead + _JUST_AFTER
    end = one.window.end
    if running and one.end_is_estimate:
        yield one.window.end + OLDEST
        moved = prolonged((one,), as_of)[0].window.end
        end = min(moved, following or moved)
        if following is None or moved < following:
            yield next_prolongation(one, as_of)
    yield end + timedelta(seconds=settings.keep_ended_s)
