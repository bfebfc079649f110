"""An order's way from draft to its end: one function a step, each one transaction, each in the audit log.

The officer's steps are create, amend, submit, approve, cancel and end; the machine's are check, certificate, published
and the clock. The machine's steps may be repeated: a task that is run again after a crash changes nothing more.

What several steps may raise, beside what each one names: `OrderNotFound`, and `SourceUnavailable` where the database
cannot be used. A step that raises has changed nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NotRequired, TypedDict, Unpack

from sqlalchemy import Connection

from trafficfeed.closures.orders import Order, OrderState
from trafficfeed.errors import OrderConflict, OrderInvalid
from trafficfeed.findings import Finding, errors_in
from trafficfeed.simulation.certificate import Certificate, Verdict
from trafficfeed.store import lifecycle, outbox
from trafficfeed.store.audit import AuditLog
from trafficfeed.store.bodies import storable
from trafficfeed.store.certificates import Certificates, CheckResult, StoredCertificate
from trafficfeed.store.database import Database
from trafficfeed.store.orders import Orders, Step, StoredOrder

VALIDATE_DAG: Final = "closures_validate"
_AT_ONCE: Final = 100
MACHINE: Final = "trafficfeed"
"""Who the audit log names for the machine's steps."""

_S = OrderState


def validation_run_id(order_id: str, version: int) -> str:
    """Return the one run id of an order version, so that asking twice starts one run."""
    return f"{order_id}-{version}"


def create_order(database: Database, order: Order, *, actor: str, as_of: datetime) -> StoredOrder:
    """Store a new order as version 1, a draft.

    Raises
    ------
    OrderInvalid
        If it is not a sound order by itself; nothing is stored.
    OrderConflict
        If an order of this id exists.
    """
    sound = storable(order)
    with database.transaction() as connection:
        return Orders(connection).add(sound, actor=actor, as_of=as_of)


def amend_order(
    database: Database, order: Order, *, expected_revision: int, actor: str, as_of: datetime
) -> StoredOrder:
    """Store a new version of an order, which goes back to draft; approvals fall away.

    A published version goes on being served until the new one is published. The same content makes no new version.

    Raises
    ------
    OrderInvalid
        If it is not a sound order by itself, or moves to another city; nothing is stored.
    OrderConflict
        If the order is not at `expected_revision` any more, or has ended or was cancelled.
    """
    sound = storable(order)
    with database.transaction() as connection:
        orders = Orders(connection)
        stored = orders.lock(order.id, expected_revision=expected_revision)
        lifecycle.require(order.id, stored.state, to=_S.DRAFT)
        if stored.order.city != sound.city:
            raise OrderInvalid(
                f"order {order.id} is of city {stored.order.city!r} and cannot move to {sound.city!r}: make a new one"
            )
        if stored.order == sound:
            return stored
        return orders.amend(stored, sound, actor=actor, as_of=as_of)


def record_check(
    database: Database, order_id: str, version: int, findings: Iterable[Finding], *, as_of: datetime
) -> tuple[StoredOrder, CheckResult]:
    """Keep what the checks found: a draft without errors becomes checked, a checked one with errors a draft again.

    Findings on a version that is not the latest, or that is past checking, are kept and change no state.
    """
    with database.transaction() as connection:
        orders = Orders(connection)
        stored = orders.lock(order_id)
        orders.get(order_id, version=version)
        result = Certificates(connection).add_check(findings, order_id=order_id, version=version, as_of=as_of)
        if version == stored.latest_version and stored.state in {_S.DRAFT, _S.CHECKED}:
            stored = _take_check(orders, stored, result, as_of)
        return stored, result


def _take_check(orders: Orders, stored: StoredOrder, result: CheckResult, as_of: datetime) -> StoredOrder:
    state = _S.CHECKED if result.passed else _S.DRAFT
    if state is stored.state is _S.CHECKED:
        return stored
    withdrawn: dict[str, Any] = {} if result.passed else {"submitted_at": None, "pre_approved_by": None}
    counts = {"errors": sum(f.severity == "error" for f in result.findings), "findings": len(result.findings)}
    return orders.advance(
        stored, Step(action="check", to=state, actor=MACHINE, as_of=as_of, detail=counts, changes=withdrawn)
    )


def submit_order(
    database: Database, order_id: str, *, actor: str, as_of: datetime, expected_revision: int | None = None
) -> StoredOrder:
    """Ask for the simulation of a checked order: its run is in the outbox when this returns.

    Submitting again what was submitted changes nothing.

    Raises
    ------
    OrderConflict
        If the order is not checked, or not at `expected_revision` any more.
    """
    with database.transaction() as connection:
        orders = Orders(connection)
        stored = orders.lock(order_id, expected_revision=expected_revision)
        if stored.state is not _S.CHECKED:
            raise OrderConflict(f"order {order_id} is {stored.state}: only a checked order can be submitted")
        if stored.submitted_at is not None:
            return stored
        step = Step(action="submit", to=_S.CHECKED, actor=actor, as_of=as_of, changes={"submitted_at": as_of})
        submitted = orders.advance(stored, step)
        _ask_for_validation(connection, submitted, as_of)
        return submitted


def record_certificate(
    database: Database, order_id: str, version: int, certificate: Certificate, *, report: str, as_of: datetime
) -> StoredOrder:
    """Keep a certificate: a checked order becomes simulated, and approved if that was promised and the verdict passes.

    Of a version that is not the latest, or is approved already (an emergency), it is kept and noted in the audit log,
    and changes no state. The same certificate again changes nothing.

    Raises
    ------
    OrderConflict
        If the version is still a draft: it must be checked first.
    """
    with database.transaction() as connection:
        orders = Orders(connection)
        stored = orders.lock(order_id)
        orders.get(order_id, version=version)
        latest = version == stored.latest_version
        if latest and stored.state is _S.DRAFT:
            raise OrderConflict(f"order {order_id} version {version} is a draft: check it before it is simulated")
        new = Certificates(connection).add(certificate, order_id=order_id, version=version, report=report, as_of=as_of)
        moves = latest and stored.state in {_S.CHECKED, _S.SIMULATED}
        if not new and not (moves and stored.state is _S.CHECKED):
            return stored
        detail = {"certificate": certificate.id, "verdict": certificate.verdict.value}
        to = _S.SIMULATED if moves else stored.state
        step = Step(action="simulate", to=to, actor=MACHINE, as_of=as_of, detail=detail)
        simulated = orders.advance(stored, step, version=version)
        if not moves or certificate.verdict is not Verdict.PUBLISH:
            return simulated
        return _keep_promise(orders, simulated, detail, as_of)


def _keep_promise(orders: Orders, simulated: StoredOrder, detail: dict[str, Any], as_of: datetime) -> StoredOrder:
    promised = simulated.pre_approved_by
    if promised is None:
        return simulated
    step = Step(
        action="approve",
        to=_S.APPROVED,
        actor=promised,
        as_of=as_of,
        detail=detail | {"promised": True},
        changes={"approved_by": promised},
    )
    return orders.advance(simulated, step)


def approve_order(
    database: Database,
    order_id: str,
    *,
    actor: str,
    as_of: datetime,
    expected_revision: int | None = None,
    override_reason: str | None = None,
) -> StoredOrder:
    """Approve an order; what that does depends on how far it is.

    Simulated with the verdict *publish*: approved. Checked: approved as soon as the simulation passes, and who
    promised it is kept. With `override_reason` a held or inconclusive order is approved all the same, and a checked
    one (an emergency) at once, its simulation being asked for meanwhile; the reason goes into the audit log.

    Raises
    ------
    OrderConflict
        If the verdict is not *publish* and no reason is given, if the order is neither checked nor simulated, or not
        at `expected_revision` any more.
    """
    reason = (override_reason or "").strip()
    with database.transaction() as connection:
        orders = Orders(connection)
        stored = orders.lock(order_id, expected_revision=expected_revision)
        if stored.state is _S.CHECKED and not reason:
            return _promise(orders, stored, actor, as_of)
        lifecycle.require(order_id, stored.state, to=_S.APPROVED)
        certified = Certificates(connection).certificate_for(order_id, stored.latest_version)
        detail = _grounds(stored, certified, reason)
        step = Step(
            action="approve", to=_S.APPROVED, actor=actor, as_of=as_of, detail=detail, changes={"approved_by": actor}
        )
        approved = orders.advance(stored, step)
        if certified is None:
            _ask_for_validation(connection, approved, as_of)
        return approved


def _promise(orders: Orders, stored: StoredOrder, actor: str, as_of: datetime) -> StoredOrder:
    if stored.pre_approved_by is not None:
        return stored
    step = Step(action="pre-approve", to=_S.CHECKED, actor=actor, as_of=as_of, changes={"pre_approved_by": actor})
    return orders.advance(stored, step)


def _grounds(stored: StoredOrder, certified: StoredCertificate | None, reason: str) -> dict[str, Any]:
    """Return what the audit log says of an approval, or refuse it."""
    if certified is not None and certified.verdict is Verdict.PUBLISH:
        return {"certificate": certified.certificate.id, "verdict": certified.verdict.value}
    verdict = "none yet" if certified is None else certified.verdict.value
    if not reason:
        raise OrderConflict(
            f"order {stored.order.id} version {stored.latest_version} has the verdict {verdict!r}: amend it, or "
            "approve it with an explicit override and its reason"
        )
    certificate = None if certified is None else certified.certificate.id
    return {"certificate": certificate, "verdict": verdict, "override_reason": reason}


class Asked(TypedDict):
    """Who asks for a step, when (aware), and for which revision of the order it is meant."""

    actor: str
    as_of: datetime
    expected_revision: NotRequired[int | None]


def cancel_order(database: Database, order_id: str, *, reason: str, **asked: Unpack[Asked]) -> StoredOrder:
    """Cancel an order for good, whatever it was on its way to; the next release says so.

    Raises
    ------
    OrderConflict
        If it has ended or was cancelled, if no reason is given, or it is not at `expected_revision` any more.
    """
    return _finish(database, order_id, "cancel", to=_S.CANCELLED, reason=reason, **asked)


def end_order(database: Database, order_id: str, *, reason: str, **asked: Unpack[Asked]) -> StoredOrder:
    """End a published or active order before its time, or one whose condition has come true ("the crowd has left").

    Raises
    ------
    OrderConflict
        If it is not published or active, if no reason is given, or it is not at `expected_revision` any more.
    """
    return _finish(database, order_id, "end", to=_S.ENDED, reason=reason, **asked)


def _finish(
    database: Database,
    order_id: str,
    action: str,
    *,
    to: OrderState,
    reason: str,
    actor: str,
    as_of: datetime,
    expected_revision: int | None = None,
) -> StoredOrder:
    if not reason.strip():
        raise OrderConflict(f"to {action} order {order_id} give a reason: it goes into the audit log")
    with database.transaction() as connection:
        orders = Orders(connection)
        stored = orders.lock(order_id, expected_revision=expected_revision)
        step = Step(
            action=action,
            to=to,
            actor=actor,
            as_of=as_of,
            detail={"reason": reason.strip()},
            changes={"finished_at": as_of},
        )
        lifecycle.require(order_id, stored.state, to=to)
        return orders.advance(stored, step)


def mark_published(database: Database, order_id: str, version: int, *, release: str, as_of: datetime) -> StoredOrder:
    """Note that a release carries this version of the order.

    Where the order was amended or cancelled since, the version is kept as the published one and the state stays: so a
    cancelled order that map apps have seen is served as cancelled. A second note changes nothing.

    Raises
    ------
    OrderConflict
        If this version was never approved: it must not be in a release.
    """
    with database.transaction() as connection:
        return _mark_published(connection, order_id, version, release, as_of)


def mark_all_published(
    database: Database, versions: Sequence[tuple[str, int]], *, release: str, as_of: datetime
) -> None:
    """Note that a release carries these versions, ids first; many are noted in one transaction.

    Raises
    ------
    OrderConflict
        As `mark_published`.
    """
    for at in range(0, len(versions), _AT_ONCE):
        with database.transaction() as connection:
            for order_id, version in versions[at : at + _AT_ONCE]:
                _mark_published(connection, order_id, version, release, as_of)


def _mark_published(connection: Connection, order_id: str, version: int, release: str, as_of: datetime) -> StoredOrder:
    orders = Orders(connection)
    stored = orders.lock(order_id)
    if not AuditLog(connection).was_approved(order_id, version):
        raise OrderConflict(f"order {order_id} version {version} is in release {release} but was never approved")
    if (stored.published_version or 0) >= version:
        return stored
    new = version == stored.latest_version and stored.state not in lifecycle.FINAL
    step = Step(
        action="publish",
        to=_S.PUBLISHED if new else stored.state,
        actor=MACHINE,
        as_of=as_of,
        detail={"release": release, "version": version},
        changes={"published_version": version},
    )
    return orders.advance(stored, step)


def store_emergency(
    database: Database, order: Order, findings: Iterable[Finding], *, actor: str, as_of: datetime, reason: str
) -> StoredOrder:
    """Store a new order that the checks have passed, approved with `reason` before its simulation: all in one.

    Its simulation is in the outbox when this returns.

    Raises
    ------
    OrderInvalid
        If it is not a sound order by itself, or one of the `findings` is an error; nothing is stored.
    OrderConflict
        If an order of this id exists, or no reason is given; nothing is stored.
    """
    sound, found = _publishable(order, findings, reason)
    with database.transaction() as connection:
        created = Orders(connection).add(sound, actor=actor, as_of=as_of)
        return _approve_now(connection, created, found, actor=actor, as_of=as_of, reason=reason)


def amend_emergency(
    database: Database,
    order: Order,
    findings: Iterable[Finding],
    *,
    actor: str,
    as_of: datetime,
    reason: str,
    expected_revision: int | None = None,
) -> StoredOrder:
    """Store a new version of an order that the checks have passed, approved with `reason` before its simulation.

    Its simulation is in the outbox when this returns. The same content as the latest version, where that is approved
    or published already, changes nothing.

    Raises
    ------
    OrderInvalid
        If it is not a sound order by itself, or one of the `findings` is an error; nothing is stored.
    OrderConflict
        If the order is over, is not at `expected_revision`, or no reason is given; nothing is stored.
    """
    sound, found = _publishable(order, findings, reason)
    with database.transaction() as connection:
        orders = Orders(connection)
        stored = orders.lock(order.id, expected_revision=expected_revision)
        lifecycle.require(order.id, stored.state, to=_S.DRAFT)
        if stored.order == sound and stored.state in {_S.APPROVED, _S.PUBLISHED, _S.ACTIVE}:
            return stored
        amended = orders.amend(stored, sound, actor=actor, as_of=as_of)
        return _approve_now(connection, amended, found, actor=actor, as_of=as_of, reason=reason)


def _publishable(order: Order, findings: Iterable[Finding], reason: str) -> tuple[Order, tuple[Finding, ...]]:
    sound, found = storable(order), tuple(findings)
    if errors_in(found):
        raise OrderInvalid(f"order {order.id} is not published: the checks found errors", errors_in(found))
    if not reason.strip():
        raise OrderConflict(f"order {order.id}: give a reason to publish before the simulation; it is logged")
    return sound, found


def _approve_now(
    connection: Connection,
    draft: StoredOrder,
    findings: Sequence[Finding],
    *,
    actor: str,
    as_of: datetime,
    reason: str,
) -> StoredOrder:
    orders, order_id = Orders(connection), draft.order.id
    result = Certificates(connection).add_check(findings, order_id=order_id, version=draft.latest_version, as_of=as_of)
    checked = _take_check(orders, draft, result, as_of)
    detail = _grounds(checked, None, reason.strip())
    step = Step(
        action="approve", to=_S.APPROVED, actor=actor, as_of=as_of, detail=detail, changes={"approved_by": actor}
    )
    approved = orders.advance(checked, step)
    _ask_for_validation(connection, approved, as_of)
    return approved


def _ask_for_validation(connection: Any, stored: StoredOrder, as_of: datetime) -> None:
    order_id, version = stored.order.id, stored.latest_version
    outbox.put(
        connection,
        dag_id=VALIDATE_DAG,
        run_id=validation_run_id(order_id, version),
        conf={"order_id": order_id, "version": version},
        as_of=as_of,
    )
