"""From the store to the served feed: the orders to serve, drafted, put into every document, released."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from trafficfeed.findings import Finding, errors_in
from trafficfeed.pipeline.clock import next_move
from trafficfeed.pipeline.documents import DocumentMaker
from trafficfeed.pipeline.drafting import Drafting, OrderDraft
from trafficfeed.pipeline.orders import MACHINE, mark_all_published
from trafficfeed.pipeline.records import OrderRecords
from trafficfeed.pipeline.served import Key, Served, ServedOrders
from trafficfeed.pipeline.variants import variants_of
from trafficfeed.pipeline.workspace import Ground, find_city, ground_of
from trafficfeed.publishing.documents import Document, Manifest
from trafficfeed.publishing.partners import Partner, load_partners
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.settings import Settings
from trafficfeed.store.audit import AuditLog
from trafficfeed.store.database import Database
from trafficfeed.store.lifecycle import FINAL
from trafficfeed.store.objects import ObjectStore
from trafficfeed.store.orders import Orders

FEED: Final = "closures"


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What a release came to.

    `published` are the orders in it, `withheld` those that break a rule; `left_out` says which formats cannot say which
    records. `held_back` says why nothing new was published, "" where it was or need not be. `next_due` is when time
    alone changes the feed or the state of an order next, None where it does not. `stages_s` is how long each stage
    took, in seconds.
    """

    manifest: Manifest
    published: tuple[OrderDraft, ...] = ()
    withheld: tuple[OrderRecords, ...] = ()
    left_out: tuple[Finding, ...] = ()
    held_back: str = ""
    next_due: datetime | None = None
    stages_s: Mapping[str, float] = field(default_factory=dict)

    def record_ids(self, order_id: str) -> tuple[str, ...]:
        """Return the ids of an order's records in the release."""
        drafts = (draft for draft in self.published if draft.served.stored.order.id == order_id)
        return tuple(one.event.id for draft in drafts for one in draft.events)


class Releaser:
    """Releases one city's closures feed, as often as asked; what it knows of the last release makes the next cheap."""

    def __init__(self, ground: Ground, settings: Settings, partners: Sequence[Partner] = ()) -> None:
        variants = variants_of(ground, settings, partners)
        self.drafting = Drafting(ground, settings, variants)
        self._store = ReleaseStore(ObjectStore(settings.objects_url), FEED)
        self._maker = DocumentMaker(variants, self._store, settings)
        self._served = ServedOrders(city=ground.city.name, settings=settings)
        self._said: dict[Key, tuple[Finding, ...]] = {}
        self._stages_s: dict[str, float] = {}
        self._lock = threading.RLock()

    def release(self, database: Database, as_of: datetime) -> Released:
        """Release as of `as_of` (aware); see `release`."""
        with self._lock:
            self._stages_s.clear()
            drafts: list[OrderDraft] = []
            with self._stage("write"):
                published = self._store.publish_gathered(self._gathering(database, drafts, as_of), as_of=as_of)
            self._stages_s["write"] -= sum(self._stages_s.get(name, 0.0) for name in ("read", "draft", "document"))
            if drafts:
                self.drafting.note_published(draft for draft in drafts if draft.publishable)
            with self._stage("note"):
                self._note(database, drafts, published.manifest, as_of)
                self._store.heartbeat(as_of)
            rolled_back = published.manifest.rolled_back
            return Released(
                manifest=published.manifest,
                published=tuple(draft for draft in drafts if draft.publishable),
                withheld=tuple(draft.records for draft in drafts if not draft.publishable),
                left_out=tuple(finding for draft in drafts for finding in draft.warnings),
                held_back=f"rolled back by {rolled_back.by}: {rolled_back.reason}" if rolled_back else "",
                next_due=_earliest(self.drafting.next_change(), self._maker.next_change(), *_moves(drafts, as_of)),
                stages_s=dict(self._stages_s),
            )

    def try_out(self, one: Served, as_of: datetime) -> OrderRecords:
        """Return the records that an order would have, checked; nothing is released."""
        with self._lock:
            return self.drafting.try_out(one, as_of).records

    def _gathering(
        self, database: Database, drafts: list[OrderDraft], as_of: datetime
    ) -> Callable[[], tuple[dict[str, Document], dict[str, Any]]]:
        def gather() -> tuple[dict[str, Document], dict[str, Any]]:
            with self._stage("read"):
                previous = next(iter(self._store.manifests(limit=1)), None)
                served = self._served.as_of(as_of, database)
            with self._stage("draft"):
                drafts[:] = self.drafting.of(
                    served, as_of, published=lambda variant: self._maker.published(variant, previous)
                )
            good = [draft for draft in drafts if draft.publishable]
            with self._stage("document"):
                documents = self._maker.documents(good, previous=previous, as_of=as_of)
            return documents, {"orders": _facts(good)}

        return gather

    def _note(self, database: Database, drafts: Sequence[OrderDraft], manifest: Manifest, as_of: datetime) -> None:
        """Write into the store what is published and what is withheld, where it does not say so yet."""
        news = [draft.served.key for draft in drafts if draft.publishable and draft.served.is_news]
        mark_all_published(database, news, release=manifest.version, as_of=as_of)
        for draft in drafts:
            if draft.publishable:
                continue
            key, records = draft.served.key, draft.records
            if self._said.get(key) != records.findings:
                _note_withheld(database, records, as_of)
                self._said[key] = records.findings

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self._stages_s[name] = self._stages_s.get(name, 0.0) + time.perf_counter() - began


_latest: list[tuple[tuple[object, ...], Releaser]] = []
_making = threading.Lock()


def releaser_of(settings: Settings) -> Releaser:
    """Return this process's releaser of the city, made anew where the city, its partners or the settings changed."""
    ground = ground_of(find_city(settings.city, settings.cities_dir))
    partners = load_partners(ground.city)
    basis = (ground, settings, partners)
    with _making:
        if not _latest or _latest[0][0] != basis:
            _latest[:] = [(basis, Releaser(ground, settings, partners))]  # one city a process: another takes its place
        return _latest[0][1]


def release(settings: Settings, *, database: Database, as_of: datetime) -> Released:
    """Release the closures feed as of `as_of`.

    The same facts give the same documents: times of publication are those of the last change of each, so a map app's
    conditional request is answered with 304 until something changes.

    Raises
    ------
    FeedNonConformant
        If the documents as a whole break a rule; the last good release is still served.
    PublishFailed, SourceUnavailable
        If the release could not be written, or the city or the database cannot be read.
    """
    return releaser_of(settings).release(database, as_of)


def _moves(drafts: Sequence[OrderDraft], as_of: datetime) -> Iterator[datetime | None]:
    for stored in (draft.served.stored for draft in drafts):
        if stored.state not in FINAL:
            yield next_move(stored.order, stored.sha256, after=as_of)


def _facts(good: Sequence[OrderDraft]) -> dict[str, Any]:
    return {
        draft.served.stored.order.id: {
            "version": draft.served.stored.version,
            "certificate": draft.served.certificate_id,
            "records": len(draft.events),
        }
        for draft in good
    }


def _note_withheld(database: Database, records: OrderRecords, as_of: datetime) -> None:
    errors = [str(f) for f in errors_in(records.findings)]
    with database.transaction() as connection:
        log, stored = AuditLog(connection), Orders(connection).get(records.order_id)
        entry: dict[str, Any] = {"version": records.version, "errors": errors[:20]}
        said = [e for e in log.of_order(records.order_id) if e.action == "withheld"]
        if not said or said[-1].detail != entry:
            log.append(
                at=as_of, actor=MACHINE, action="withheld", order_id=records.order_id, version=records.version,
                from_state=stored.state, to_state=stored.state, detail=entry,
            )  # fmt: skip


def _earliest(*instants: datetime | None) -> datetime | None:
    return min((instant for instant in instants if instant is not None), default=None)
