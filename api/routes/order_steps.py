"""The steps of an order's life: check, submit, approve, cancel, end; each may name the revision it is meant for."""

from fastapi import APIRouter, BackgroundTasks, Depends, Response

from api.deps import Actor, Now, ServicesDep, actor
from api.publication import ask_for_runs, publish
from api.routes.order_answers import refuse_other_city, shown, unchanged_since
from api.routes.order_bodies import IfMatch, SentOrder, order_body, revision_in
from api.routes.orders import CONFLICTS, INVALID, REFUSALS, OrderId
from api.schemas import Approval, CheckOut, Ending, OrderOut
from trafficfeed.closures.orders import OrderState
from trafficfeed.pipeline import orders as steps
from trafficfeed.pipeline.checking import check_order_body, check_stored_order

router = APIRouter(prefix="/v1", tags=["orders"], dependencies=[Depends(actor)], responses=REFUSALS)


@router.post(
    "/order-checks", summary="Check an order without storing it", openapi_extra=order_body(), responses={**INVALID}
)
def check_body(order: SentOrder, services: ServicesDep, now: Now) -> CheckOut:
    """Match the order to the streets and run every instant check, against the orders in force too; nothing is kept."""
    refuse_other_city(order, services)
    found = check_order_body(order, settings=services.settings, database=services.database, as_of=now)
    return CheckOut.made(found.findings, now)


@router.post("/orders/{order_id}/check", summary="Check an order")
def check(order_id: OrderId, services: ServicesDep, now: Now, response: Response) -> OrderOut:
    """Run every instant check on the latest version and keep what is found: a draft without errors becomes checked."""
    stored, _ = check_stored_order(services.database, order_id, settings=services.settings, as_of=now)
    return shown(stored, services, response)


@router.post("/orders/{order_id}/submit", summary="Ask for the simulation", status_code=202, responses={**CONFLICTS})
def submit(
    order_id: OrderId,
    services: ServicesDep,
    officer: Actor,
    now: Now,
    response: Response,
    after: BackgroundTasks,
    if_match: IfMatch = None,
) -> OrderOut:
    """Submit a checked order: its simulation is asked for, and asked again until Airflow has it."""
    revision = revision_in(if_match, order_id)
    with unchanged_since(revision, order_id, services):
        stored = steps.submit_order(services.database, order_id, actor=officer, as_of=now, expected_revision=revision)
    after.add_task(ask_for_runs, services, now)
    return shown(stored, services, response)


@router.post("/orders/{order_id}/approve", summary="Approve an order", responses={**CONFLICTS})
def approve(
    order_id: OrderId,
    services: ServicesDep,
    officer: Actor,
    now: Now,
    response: Response,
    after: BackgroundTasks,
    approval: Approval | None = None,
    if_match: IfMatch = None,
) -> OrderOut:
    """Approve what the simulation passed, or promise to.

    A checked order is approved as soon as its simulation passes. With `override_reason` it is published at once, an
    emergency, marked "validation pending"; and so is one that the simulation holds, marked "overridden".
    """
    revision = revision_in(if_match, order_id)
    reason = approval.override_reason if approval else None
    with unchanged_since(revision, order_id, services):
        stored = steps.approve_order(
            services.database, order_id, actor=officer, as_of=now, expected_revision=revision, override_reason=reason
        )
    if stored.state is OrderState.APPROVED:
        after.add_task(publish, services, now)
    after.add_task(ask_for_runs, services, now)
    return shown(stored, services, response)


@router.post("/orders/{order_id}/cancel", summary="Cancel an order", responses={**CONFLICTS})
def cancel(
    order_id: OrderId,
    ending: Ending,
    services: ServicesDep,
    officer: Actor,
    now: Now,
    response: Response,
    after: BackgroundTasks,
    if_match: IfMatch = None,
) -> OrderOut:
    """Cancel an order for good; a published one is withdrawn from the feeds at once."""
    revision = revision_in(if_match, order_id)
    with unchanged_since(revision, order_id, services):
        stored = steps.cancel_order(
            services.database, order_id, actor=officer, as_of=now, reason=ending.reason, expected_revision=revision
        )
    after.add_task(publish, services, now)
    return shown(stored, services, response)


@router.post("/orders/{order_id}/end", summary="End an order before its time", responses={**CONFLICTS})
def end(
    order_id: OrderId,
    ending: Ending,
    services: ServicesDep,
    officer: Actor,
    now: Now,
    response: Response,
    after: BackgroundTasks,
    if_match: IfMatch = None,
) -> OrderOut:
    """End a published or active order, for instance because the crowd has left; the feeds say so at once."""
    revision = revision_in(if_match, order_id)
    with unchanged_since(revision, order_id, services):
        stored = steps.end_order(
            services.database, order_id, actor=officer, as_of=now, reason=ending.reason, expected_revision=revision
        )
    after.add_task(publish, services, now)
    return shown(stored, services, response)
