"""The steps of an order's life: check, submit, approve, cancel, end; each may name the revision it is meant for."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Depends, Response

from api.deps import Actor, Now, Services, ServicesDep, actor
from api.publication import ask_for_runs, publish
from api.routes.order_answers import refuse_other_city, shown, unchanged_since
from api.routes.order_bodies import IfMatch, SentOrder, order_body, revision_in
from api.routes.orders import CONFLICTS, INVALID, REFUSALS, OrderId
from api.schemas import Approval, CheckOut, Ending, OrderOut
from trafficfeed.closures.orders import OrderState
from trafficfeed.pipeline import orders as steps
from trafficfeed.pipeline.checking import check_order_body, check_stored_order
from trafficfeed.store.orders import StoredOrder

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


class Request:
    """An officer's request for a step of one order, and what it takes to answer it."""

    def __init__(
        self,
        order_id: OrderId,
        services: ServicesDep,
        officer: Actor,
        now: Now,
        response: Response,
        after: BackgroundTasks,
        if_match: IfMatch = None,
    ) -> None:
        self._order_id = order_id
        self._services = services
        self._asked = steps.Asked(actor=officer, as_of=now, expected_revision=revision_in(if_match, order_id))
        self._response = response
        self._after = after

    def take(self, step: Callable[..., StoredOrder], **details: Any) -> StoredOrder:
        """Take the step, at the revision that the officer read."""
        with unchanged_since(self._asked.get("expected_revision"), self._order_id, self._services):
            return step(self._services.database, self._order_id, **self._asked, **details)

    def then(self, follow: Callable[[Services, datetime], None]) -> None:
        """Do this after the answer."""
        self._after.add_task(follow, self._services, self._asked["as_of"])

    def answer(self, stored: StoredOrder) -> OrderOut:
        """Show what the order has become."""
        return shown(stored, self._services, self._response)


Requested = Annotated[Request, Depends()]


@router.post("/orders/{order_id}/submit", summary="Ask for the simulation", status_code=202, responses={**CONFLICTS})
def submit(request: Requested) -> OrderOut:
    """Submit a checked order: its simulation is asked for, and asked again until Airflow has it."""
    stored = request.take(steps.submit_order)
    request.then(ask_for_runs)
    return request.answer(stored)


@router.post("/orders/{order_id}/approve", summary="Approve an order", responses={**CONFLICTS})
def approve(request: Requested, approval: Approval | None = None) -> OrderOut:
    """Approve what the simulation passed, or promise to.

    A checked order is approved as soon as its simulation passes. With `override_reason` it is published at once, an
    emergency, marked "validation pending"; and so is one that the simulation holds, marked "overridden".
    """
    stored = request.take(steps.approve_order, override_reason=approval.override_reason if approval else None)
    if stored.state is OrderState.APPROVED:
        request.then(publish)
    request.then(ask_for_runs)
    return request.answer(stored)


@router.post("/orders/{order_id}/cancel", summary="Cancel an order", responses={**CONFLICTS})
def cancel(request: Requested, ending: Ending) -> OrderOut:
    """Cancel an order for good; a published one is withdrawn from the feeds at once."""
    stored = request.take(steps.cancel_order, reason=ending.reason)
    request.then(publish)
    return request.answer(stored)


@router.post("/orders/{order_id}/end", summary="End an order before its time", responses={**CONFLICTS})
def end(request: Requested, ending: Ending) -> OrderOut:
    """End a published or active order, for instance because the crowd has left; the feeds say so at once."""
    stored = request.take(steps.end_order, reason=ending.reason)
    request.then(publish)
    return request.answer(stored)
