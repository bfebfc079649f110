"""Orders: written, read, amended under a lock that nobody has to hold, with all versions and the audit log."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response

from api import examples
from api.deps import Actor, Now, ServicesDep, actor
from api.problems import Problem
from api.routes.order_answers import refuse_other_city, shown, unchanged_since
from api.routes.order_bodies import IfMatch, SentOrder, order_body, revision_in
from api.schemas import AuditOut, AuditTrail, OrderList, OrderOut, OrderSummary, ProblemOut, Responses, VersionList
from trafficfeed.closures.document import order_schema
from trafficfeed.closures.orders import OrderState
from trafficfeed.errors import OrderInvalid, OrderNotFound
from trafficfeed.pipeline import orders as steps
from trafficfeed.store.audit import AuditLog
from trafficfeed.store.orders import Orders

REFUSALS: Responses = {
    401: {"model": ProblemOut, "description": "No token, or nobody has it"},
    404: {"model": ProblemOut, "description": "No such order"},
}
CONFLICTS: Responses = {
    409: {"model": ProblemOut, "description": "The order's state does not allow the step"},
    412: {"model": ProblemOut, "description": "Somebody changed the order since you read it"},
}
INVALID: Responses = {
    413: {"model": ProblemOut, "description": "More than a megabyte"},
    415: {"model": ProblemOut, "description": "Neither JSON nor YAML"},
    422: {"model": ProblemOut, "description": "Not a sound order; `findings` says where, why and what would mend it"},
}

router = APIRouter(prefix="/v1/orders", tags=["orders"])
private = APIRouter(prefix="/v1/orders", tags=["orders"], dependencies=[Depends(actor)], responses=REFUSALS)

OrderId = Annotated[str, Path(min_length=1, max_length=64, examples=["2026-0412-water-main"])]


@router.get(
    "/schema",
    summary="The JSON Schema of an order",
    responses={200: {"content": {"application/json": {"example": examples.SCHEMA}}}},
)
def schema(response: Response) -> dict[str, Any]:
    """Return the schema that files, request bodies and store rows share (JSON Schema 2020-12)."""
    response.headers["Cache-Control"] = "public, max-age=300"
    return order_schema()


@private.post(
    "",
    status_code=201,
    summary="Create an order",
    openapi_extra=order_body(),
    responses={**INVALID, 409: {"model": ProblemOut, "description": "An order of this id exists"}},
)
def create(order: SentOrder, services: ServicesDep, officer: Actor, now: Now, response: Response) -> OrderOut:
    """Store a new order, JSON or YAML, as a draft; check it next."""
    refuse_other_city(order, services)
    stored = steps.create_order(services.database, order, actor=officer, as_of=now)
    response.headers["Location"] = f"/v1/orders/{stored.order.id}"
    return shown(stored, services, response)


@private.get("", summary="List orders")
def list_orders(
    services: ServicesDep,
    state: Annotated[list[OrderState] | None, Query(description="only these states; repeatable")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> OrderList:
    """List the city's orders by id, each at its latest version."""
    with services.database.reading() as connection:
        found = Orders(connection).list(city=services.city.name, states=state or None, limit=limit + 1, offset=offset)
    following = None
    if len(found) > limit:
        states = "".join(f"&state={name}" for name in state or ())
        following = f"/v1/orders?limit={limit}&offset={offset + limit}{states}"
    return OrderList(orders=[OrderSummary.of(stored) for stored in found[:limit]], next=following)


@private.get("/{order_id}", summary="Read an order")
def read(
    order_id: OrderId,
    services: ServicesDep,
    response: Response,
    version: Annotated[int | None, Query(ge=1, le=1_000_000, description="default: the latest")] = None,
) -> OrderOut:
    """Return an order with its last check and certificate; amend it with the ETag that comes with it."""
    with services.database.reading() as connection:
        stored = Orders(connection).get(order_id, version=version)
    return shown(stored, services, response)


@private.put(
    "/{order_id}",
    summary="Amend an order",
    openapi_extra=order_body(),
    responses={**INVALID, **CONFLICTS, 428: {"model": ProblemOut, "description": "If-Match is missing"}},
)
def amend(
    order_id: OrderId,
    order: SentOrder,
    services: ServicesDep,
    officer: Actor,
    now: Now,
    response: Response,
    if_match: IfMatch = None,
) -> OrderOut:
    """Store a new version, which goes back to draft; a published version goes on being served until the new one is."""
    revision = revision_in(if_match, order_id)
    if revision is None:
        detail = "Send If-Match with the ETag of the order as you read it, so that nobody's change is overwritten."
        raise Problem(428, "precondition-required", detail)
    if order.id != order_id:
        raise OrderInvalid(f"the body is order {order.id!r}, but the address says {order_id!r}: an id never changes")
    refuse_other_city(order, services)
    with unchanged_since(revision, order_id, services):
        stored = steps.amend_order(services.database, order, expected_revision=revision, actor=officer, as_of=now)
    return shown(stored, services, response)


@private.get("/{order_id}/versions", summary="All versions of an order")
def versions(order_id: OrderId, services: ServicesDep) -> VersionList:
    """Return every version with its body, oldest first."""
    with services.database.reading() as connection:
        found = Orders(connection).versions(order_id)
    if not found:
        raise OrderNotFound(f"there is no order {order_id} in the store")
    return VersionList(versions=[OrderOut.whole(stored) for stored in found])


@private.get("/{order_id}/audit", summary="Who did what to an order")
def audit(order_id: OrderId, services: ServicesDep) -> AuditTrail:
    """Return the order's lines of the append-only audit log, oldest first."""
    with services.database.reading() as connection:
        Orders(connection).get(order_id)
        entries = AuditLog(connection).of_order(order_id)
    return AuditTrail(entries=[AuditOut.of(entry) for entry in entries])
