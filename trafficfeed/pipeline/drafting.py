"""A city's records kept ready in the process: each order is drafted again only when its own facts change.

What is kept is keyed by facts, never by age: places by an order's content and the graph, road events by the version,
its certificate, its state and the windows that are published at the time, fragments by the event and the document.
So a process that has just started makes the same bytes, only more slowly.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from trafficfeed.closures.orders import OrderState
from trafficfeed.closures.schedules import Occurrences
from trafficfeed.findings import Finding, Severity, errors_in
from trafficfeed.formats import native
from trafficfeed.formats.standard import Fragment
from trafficfeed.pipeline.draft_checks import Inspection, against
from trafficfeed.pipeline.event_drafts import EventDraft, event_drafts
from trafficfeed.pipeline.open_ends import OLDEST
from trafficfeed.pipeline.placing import locate_stored
from trafficfeed.pipeline.records import OrderRecords, events_served, next_change, within_horizon
from trafficfeed.pipeline.served import Key, Served
from trafficfeed.pipeline.transit import Transit
from trafficfeed.pipeline.variants import Variant
from trafficfeed.pipeline.workspace import Ground
from trafficfeed.settings import Settings

_JUST_AFTER: Final = timedelta(microseconds=1)
_Facts = tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDraft:
    """One order version, drafted; it holds from `made` until `until` while its `facts` stay.

    `windows` are those that are published at the time. `errors` is why it must not be published at all: places that
    cannot be found, or rules that its records break in our own format; None before that was asked. `left_out` holds
    what the rules say of other documents by their variant's name: the order is not in those.
    """

    served: Served
    facts: _Facts
    windows: Mapping[str, Occurrences]
    made: datetime
    until: datetime
    events: tuple[EventDraft, ...]
    faults: tuple[Finding, ...] = ()
    errors: tuple[Finding, ...] | None = None
    left_out: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)

    @property
    def records(self) -> OrderRecords:
        """The order's records, with everything found."""
        return OrderRecords(
            order_id=self.served.stored.order.id,
            version=self.served.stored.version,
            certificate_id=self.served.certificate_id,
            events=tuple(draft.event for draft in self.events),
            findings=(*self.faults, *(self.errors or ()), *self.warnings),
        )

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What is left out of which document, and why."""
        refusals = (finding for draft in self.events for finding in draft.refusals)
        order_id = self.served.stored.order.id
        faults = (
            replace(
                finding,
                severity=Severity.WARNING,
                message=f"{order_id} is left out of {name}: {finding.message}",
            )
            for name, findings in self.left_out.items()
            for finding in findings
        )
        return (*refusals, *faults)

    def fragments(self, variant: Variant) -> list[Fragment]:
        """Return what it adds to a document."""
        if variant.name in self.left_out:
            return []
        return [fragment for event in self.events for fragment in event.fragments[variant.name]]

    @property
    def publishable(self) -> bool:
        """Whether no rule is broken."""
        return not self.faults and not self.errors

    def holds(self, facts: _Facts, as_of: datetime) -> bool:
        """Tell whether it is what would be drafted of `facts` at `as_of`."""
        return self.facts == facts and self.made <= as_of < self.until


Drafts = tuple[OrderDraft, ...]
Published = Callable[[Variant], bytes | None]


def _nothing(_variant: Variant) -> None:
    """Nothing is published yet."""


class Drafting:
    """The drafts of one city's orders for some variants of documents."""

    def __init__(self, ground: Ground, settings: Settings, variants: Sequence[Variant]) -> None:
        self.variants = tuple(variants)
        self._ground = ground
        self._settings = settings
        self._drafts: dict[Key, OrderDraft] = {}
        self._published: dict[str, OrderDraft] | None = None
        self._transit = Transit(ground)

    def of(self, served: Iterable[Served], as_of: datetime, *, published: Published = _nothing) -> Drafts:
        """Return the drafts of the orders to serve, each checked by itself so that one bad order harms no other.

        Of an order whose new version must be withheld, the version that map apps have comes after it.

        Parameters
        ----------
        published
            Returns the document of a variant that is served now, None where there is none; asked only by a process that
            has not published itself.
        """
        self._transit.refresh()
        orders = tuple(served)
        before = [order.before for order in orders if order.before is not None]
        drafts: dict[Key, OrderDraft] = {}
        for versions in (orders, before):  # apart: two versions of an order have the same ids
            drafts |= self._checked({one.key: self._drafted(one, as_of) for one in versions}, as_of, published)
        self._drafts = drafts
        return tuple(_chosen(orders, drafts))

    def try_out(self, one: Served, as_of: datetime) -> OrderDraft:
        """Return the draft of an order that is not served yet, checked; nothing of it is kept."""
        return self._checked({one.key: self._drafted(one, as_of)}, as_of, _nothing)[one.key]

    def note_published(self, drafts: Iterable[OrderDraft]) -> None:
        """Remember what is published, which binds what may be published next."""
        self._published = {draft.served.stored.order.id: draft for draft in drafts}

    def next_change(self) -> datetime | None:
        """Return when time alone may change the drafts next; None where there are none."""
        return min((draft.until for draft in self._drafts.values()), default=None)

    def _drafted(self, one: Served, as_of: datetime) -> OrderDraft:
        known = self._drafts.get(one.key)
        facts = (one.certificate_id, one.stored.sha256, one.cancelled, one.finished, self._transit.edition)
        if known is not None and known.holds(facts, as_of):
            return known if known.served is one else replace(known, served=one)
        located = locate_stored(
            one.stored,
            self._ground,
            since=as_of - OLDEST,
            until=as_of + timedelta(days=self._settings.planning_days),
        )
        # the windows of one that has ended go on as while it ran, and are cut at its end
        shown = within_horizon(located, as_of=as_of, settings=self._settings, running=not one.cancelled)
        until = self._until(one, as_of)
        if known is not None and known.facts == facts and known.windows == shown.occurrences:
            return replace(known, served=one, made=as_of, until=until)
        events = event_drafts(
            self._transit.on(events_served(one, shown, ground=self._ground, settings=self._settings)),
            self.variants,
            known={draft.event.id: draft for draft in known.events} if known else {},
        )
        return OrderDraft(
            served=one,
            facts=facts,
            windows=shown.occurrences,
            made=as_of,
            until=until,
            events=events,
            faults=tuple(errors_in(located.findings)),
            errors=known.errors if known is not None and events == known.events else None,
        )

    def _until(self, one: Served, as_of: datetime) -> datetime:
        """Return when the windows that are published change next by time alone, or are to be looked at again."""
        order, settings = one.stored, self._settings
        ahead = as_of + timedelta(days=settings.planning_days)
        found = locate_stored(order, self._ground, since=as_of - OLDEST, until=ahead + _LOOK_AHEAD).occurrences
        instants = [
            next_change(windows, as_of=as_of, settings=settings, running=not one.cancelled)
            for windows in found.values()
        ]
        if order.state in {OrderState.ENDED, OrderState.CANCELLED} and one.finished:
            instants.append(one.finished + timedelta(seconds=settings.keep_ended_s) + _JUST_AFTER)
        instants.append(as_of + _LOOK_AHEAD)
        return min(instant for instant in instants if instant is not None)

    def _checked(
        self, drafts: Mapping[Key, OrderDraft], as_of: datetime, published: Published
    ) -> dict[Key, OrderDraft]:
        """Return the drafts with what the rules say of those that nobody has checked yet."""
        new = {f"{order_id}.{version}": d for (order_id, version), d in drafts.items() if d.errors is None}
        errors: dict[str, tuple[Finding, ...]] = {}
        left_out: dict[str, dict[str, tuple[Finding, ...]]] = {key: {} for key in new}
        for variant in self.variants if new else ():
            inspection = self._inspection(variant, new.values(), as_of, published)
            for key, found in inspection.errors_by_order({k: d.fragments(variant) for k, d in new.items()}).items():
                if variant.standard.name == native.STANDARD.name:
                    errors[key] = (*errors.get(key, ()), *found)
                else:
                    left_out[key][variant.name] = found
        checked = {
            draft.served.key: replace(draft, errors=errors.get(key, ()), left_out=left_out[key])
            for key, draft in new.items()
        }
        return {**drafts, **checked}

    def _inspection(
        self, variant: Variant, drafts: Iterable[OrderDraft], as_of: datetime, published: Published
    ) -> Inspection:
        if self._published is None:
            return against(variant, self._ground.graph, as_of, document=published(variant))
        before = (self._published.get(draft.served.stored.order.id) for draft in drafts)
        fragments = {f.id: f for draft in before if draft is not None for f in draft.fragments(variant)}
        return against(variant, self._ground.graph, as_of, before=fragments.values())


_LOOK_AHEAD: Final = timedelta(days=1)
"""Windows that come into sight later than this are looked for then."""


def _chosen(orders: Iterable[Served], drafts: dict[Key, OrderDraft]) -> Iterator[OrderDraft]:
    for order in orders:
        draft = drafts[order.key]
        yield draft
        if not draft.publishable and order.before is not None:
            yield drafts[order.before.key]
