"""From the store to the served feed: the orders to serve, their records, both formats, checked, released."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from trafficfeed.closures.orders import OrderState
from trafficfeed.closures.publication import road_events
from trafficfeed.closures.road_events import RoadEvent, Validation
from trafficfeed.closures.schedules import Occurrences
from trafficfeed.errors import FeedNonConformant
from trafficfeed.findings import Finding, errors_in
from trafficfeed.formats import native, semantics, wzdx
from trafficfeed.formats.feed_info import FeedInfo
from trafficfeed.formats.rules.geometry import bounds_of
from trafficfeed.pipeline.assessment import Assessment, locate
from trafficfeed.pipeline.impact_summary import summary_of
from trafficfeed.pipeline.open_ends import OLDEST, prolonged
from trafficfeed.pipeline.orders import MACHINE, mark_published
from trafficfeed.pipeline.workspace import Ground, find_city, ground_of
from trafficfeed.publishing.documents import Document, Release
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.settings import Settings
from trafficfeed.simulation.certificate import Certificate, Verdict
from trafficfeed.store.audit import AuditLog
from trafficfeed.store.certificates import Certificates
from trafficfeed.store.database import Database
from trafficfeed.store.objects import ObjectStore
from trafficfeed.store.orders import Orders, StoredOrder

FEED: Final = "closures"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecords:
    """The records of one order version, and what the semantic rules say of them."""

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


def feed_info(ground: Ground, settings: Settings) -> FeedInfo:
    """Return what the feeds say of themselves."""
    city = ground.city
    return FeedInfo(
        publisher=settings.publisher or city.file.title,
        contact_name=settings.publisher or city.file.title,
        contact_email=settings.contact_email,
        licence=city.file.licence,
        attribution=city.file.attribution,
        language=city.file.language,
        timezone=city.file.timezone,
        public_url=settings.public_url,
        left_hand=city.file.network.left_hand,
        bounds=bounds_of(ground.graph),
    )


def encode(
    events: Iterable[RoadEvent], *, ground: Ground, settings: Settings, publication_time: datetime
) -> dict[str, Any]:
    """Return the feed's documents by file name; pure but for the settings."""
    facts, info = tuple(events), feed_info(ground, settings)
    native_bytes = native.encode(facts, publication_time=publication_time, feed=info)
    wzdx_bytes = wzdx.encode(facts, publication_time=publication_time, feed=info)
    return {
        native.FILE_NAME: Document(data=native_bytes, media_type=native.STANDARD.media_type),
        wzdx.FILE_NAME: Document(data=wzdx_bytes, media_type=wzdx.STANDARD.media_type),
    }


def check_documents(documents: Mapping[str, Document], *, ground: Ground) -> tuple[Finding, ...]:
    """Return what the semantic rules say of encoded documents."""
    return (
        *semantics.check_native(documents[native.FILE_NAME].data, graph=ground.graph),
        *semantics.check_wzdx(documents[wzdx.FILE_NAME].data, graph=ground.graph),
    )


def records_of(
    located: Assessment, *, ground: Ground, settings: Settings, certificate: Certificate | None,
    version: int, created: datetime, updated: datetime, cancelled: bool = False, checked: Iterable[Finding] = (),
) -> OrderRecords:  # fmt: skip
    """Return the records of one order version, checked by themselves so that one bad order harms no other.

    `checked` is what the instant checks found before, where `located` was not checked itself.
    """
    found = (*located.findings, *checked)
    events = road_events(
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
    documents = encode(events, ground=ground, settings=settings, publication_time=updated)
    findings = (
        *errors_in(located.findings),
        *check_documents(documents, ground=ground),
    )
    return OrderRecords(
        order_id=located.order.id,
        version=version,
        certificate_id=certificate.id if certificate else None,
        events=events,
        findings=findings,
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


def release(settings: Settings, *, database: Database, as_of: datetime) -> tuple[Release, tuple[OrderRecords, ...]]:
    """Release the closures feed as of `as_of`; return the release and the orders that were withheld.

    The same facts give the same release: `update_date` and the like are those of the last change, so a map app's
    conditional request is answered with 304 until something changes.

    Raises
    ------
    FeedNonConformant
        If the documents as a whole break a rule; the last good release is still served.
    PublishFailed, SourceUnavailable
        If the release could not be written, or the city or the database cannot be read.
    """
    ground = ground_of(find_city(settings.city, settings.cities_dir))
    store = ReleaseStore(ObjectStore(settings.objects_url), FEED)
    gathered: list[OrderRecords] = []

    def gather() -> tuple[dict[str, Document], dict[str, Any]]:
        gathered[:] = _gather(settings, database, ground, as_of)
        good = [records for records in gathered if records.publishable]
        return _documents(good, ground, settings, store, as_of), {"orders": _facts(good)}

    published = store.publish_gathered(gather, as_of=as_of)
    _note_publication(database, gathered, published, as_of)
    store.heartbeat(as_of)
    return published, tuple(records for records in gathered if not records.publishable)


def _gather(settings: Settings, database: Database, ground: Ground, as_of: datetime) -> list[OrderRecords]:
    """Return the records of every order to serve; of one whose new version is withheld also those of the published."""
    ended_since = as_of - timedelta(seconds=settings.keep_ended_s)
    with database.reading() as connection:
        orders, certificates = Orders(connection), Certificates(connection)
        stored = orders.to_serve(city=ground.city.name, ended_since=ended_since)
        served = {
            one.order.id: orders.get(one.order.id, version=one.published_version)
            for one in stored
            if one.published_version not in {None, one.version}
        }
        known = {
            (one.order.id, one.version): found.certificate
            for one in (*stored, *served.values())
            if (found := certificates.certificate_for(one.order.id, one.version))
        }
        checks = {key: check.findings for key in known if (check := certificates.check_for(*key))}

    def records(one: StoredOrder) -> OrderRecords:
        key = (one.order.id, one.version)
        return _records(one, known.get(key), checks.get(key, ()), ground, settings, as_of)

    gathered = []
    for one in stored:
        gathered.append(records(one))
        if not gathered[-1].publishable and one.order.id in served:
            gathered.append(records(served[one.order.id]))
    return gathered


def _records(
    stored: StoredOrder,
    certificate: Certificate | None,
    checked: Sequence[Finding],
    ground: Ground,
    settings: Settings,
    as_of: datetime,
) -> OrderRecords:
    until = as_of + timedelta(days=settings.planning_days)
    located = locate(stored.order, ground, since=as_of - OLDEST, until=until)
    running = stored.state is not OrderState.CANCELLED  # one that has ended is cut at its end below
    records = records_of(
        within_horizon(located, as_of=as_of, settings=settings, running=running),
        ground=ground,
        settings=settings,
        certificate=certificate,
        version=stored.version,
        created=stored.created,
        updated=stored.finished_at or stored.version_at,
        cancelled=stored.state is OrderState.CANCELLED,
        checked=checked,
    )
    if stored.state is OrderState.ENDED and stored.finished_at:
        return replace(records, events=ended_early(records.events, stored.finished_at))
    return records


def ended_early(events: Sequence[RoadEvent], finished: datetime) -> tuple[RoadEvent, ...]:
    """Return the records of an order that was ended at `finished`: an open window ends then, later ones fall away."""
    return tuple(
        replace(event, window=replace(event.window, end=min(event.window.end, finished)), end_is_estimate=False)
        for event in events
        if event.window.start < finished
    )


def _documents(
    good: Sequence[OrderRecords], ground: Ground, settings: Settings, store: ReleaseStore, as_of: datetime
) -> dict[str, Document]:
    events = [event for records in good for event in records.events]
    current = store.current()
    if current is not None:
        same = encode(events, ground=ground, settings=settings, publication_time=current.manifest.published_at)
        if {name: d.sha256 for name, d in same.items()} == {n: d.sha256 for n, d in current.documents.items()}:
            return same
    documents = encode(events, ground=ground, settings=settings, publication_time=as_of)
    errors = errors_in(check_documents(documents, ground=ground))
    if errors:
        raise FeedNonConformant(f"the draft breaks a rule and is not released: {errors[0]}", errors)
    return documents


def _facts(good: Sequence[OrderRecords]) -> dict[str, Any]:
    return {
        records.order_id: {
            "version": records.version,
            "certificate": records.certificate_id,
            "records": len(records.events),
        }
        for records in good
    }


def _note_publication(
    database: Database, gathered: Sequence[OrderRecords], published: Release, as_of: datetime
) -> None:
    for records in gathered:
        if records.publishable:
            mark_published(database, records.order_id, records.version, release=published.version, as_of=as_of)
        else:
            _note_withheld(database, records, as_of)


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
