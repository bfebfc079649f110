"""An emergency order from its document to the served feed in one step: checked, stored, released, simulated later.

Nothing is stored where the checks, or the rules of the feeds, find an error. What is stored is approved at once with
the officer's reason, its records say ``validation: pending``, and its simulation waits in the outbox.
"""

from dataclasses import dataclass
from datetime import datetime

from trafficfeed.closures.document import order_hash
from trafficfeed.closures.orders import Order, OrderState
from trafficfeed.errors import OrderInvalid, TrafficFeedError
from trafficfeed.findings import Finding, errors_in
from trafficfeed.pipeline.checking import check_order_body
from trafficfeed.pipeline.clock import apply_clock_to
from trafficfeed.pipeline.orders import store_emergency
from trafficfeed.pipeline.releasing import Released, release, releaser_of
from trafficfeed.pipeline.served import Served
from trafficfeed.settings import Settings
from trafficfeed.store.database import Database
from trafficfeed.store.orders import Orders, StoredOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergency:
    """What an emergency order came to.

    `record_ids` are those in the release. `released` is None where the order is stored but the release failed, which
    `trouble` explains: it is tried again every few seconds by whoever lets time pass.
    """

    stored: StoredOrder
    findings: tuple[Finding, ...]
    record_ids: tuple[str, ...] = ()
    released: Released | None = None
    trouble: str = ""


def publish_emergency(
    database: Database, order: Order, *, settings: Settings, actor: str, as_of: datetime, reason: str
) -> Emergency:
    """Check, store and release an order now; its simulation follows.

    Parameters
    ----------
    actor
        The officer, for the audit log.
    as_of
        Aware: now.
    reason
        Why it is published before its simulation; for the audit log.

    Raises
    ------
    OrderInvalid
        If a check, or a rule of the feeds, finds an error; the findings say why, and nothing is stored.
    OrderConflict
        If an order of this id exists, or the reason is empty; nothing is stored.
    SourceUnavailable, ScenarioInvalid
        If the city or the database cannot be used; nothing is stored.
    """
    found = check_order_body(order, settings=settings, database=database, as_of=as_of).findings
    errors = errors_in(found) or _faults_of_records(order, settings, as_of)
    if errors:
        raise OrderInvalid(f"order {order.id} is not published and not stored: {errors[0].message}", errors)
    stored = store_emergency(database, order, found, actor=actor, as_of=as_of, reason=reason)
    try:
        released = release(settings, database=database, as_of=as_of)
    except TrafficFeedError as trouble:
        return Emergency(stored=stored, findings=found, trouble=str(trouble))
    with database.reading() as connection:
        stored = Orders(connection).get(order.id)
    stored = apply_clock_to(database, stored, as_of=as_of)
    ids = released.record_ids(order.id)
    return Emergency(stored=stored, findings=found, record_ids=ids, released=released, trouble=released.held_back)


def _faults_of_records(order: Order, settings: Settings, as_of: datetime) -> tuple[Finding, ...]:
    """Return the errors that the order's records would have, so that it is refused before it is stored."""
    as_if = StoredOrder(
        order=order,
        version=1,
        sha256=order_hash(order),
        author="",
        version_at=as_of,
        state=OrderState.APPROVED,
        latest_version=1,
        revision=1,
        created=as_of,
        updated=as_of,
        published_version=None,
        submitted_at=None,
        pre_approved_by=None,
        approved_by=None,
        finished_at=None,
    )
    return errors_in(releaser_of(settings).try_out(Served(stored=as_if), as_of).findings)
