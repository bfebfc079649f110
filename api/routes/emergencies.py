"""Emergency orders: one request checks, stores and releases an order; its simulation follows."""

from typing import Annotated, Literal

from fastapi import APIRouter, BackgroundTasks, Depends, Query, Response
from pydantic import BaseModel, ConfigDict

from api.deps import Actor, Now, ServicesDep, actor
from api.publication import ask_for_runs
from api.routes.order_answers import refuse_other_city, shown
from api.routes.order_bodies import SentOrder, order_body
from api.routes.orders import INVALID, REFUSALS
from api.schemas import OrderOut, ProblemOut
from trafficfeed.closures.orders import OrderState
from trafficfeed.pipeline.emergency import Emergency, publish_emergency

router = APIRouter(prefix="/v1", tags=["orders"], dependencies=[Depends(actor)], responses=REFUSALS)


class EmergencyOut(BaseModel):
    """An emergency order as it is served now.

    `release` is the number of the release that its `records` are in, and `version` that release's content; both are
    null, and `trouble` says why, where it could not be released yet: that is tried again within seconds.
    """

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "2026-0412-water-main",
                    "state": "active",
                    "validation": "pending",
                    "release": 412,
                    "version": "9f2c1f",
                    "records": ["2026-0412-water-main.closure.first-street-eastbound.p1"],
                    "trouble": "",
                }
            ]
        },
    )

    id: str
    state: OrderState
    validation: Literal["pending"] = "pending"
    release: int | None
    version: str | None
    records: tuple[str, ...]
    trouble: str = ""
    order: OrderOut

    @classmethod
    def of(cls, done: Emergency, order: OrderOut) -> "EmergencyOut":
        """Return what was done as the API shows it."""
        manifest = done.released.manifest if done.released and done.record_ids else None
        return cls(
            id=order.id,
            state=order.state,
            release=manifest and manifest.number,
            version=manifest and manifest.version,
            records=done.record_ids,
            trouble=done.trouble,
            order=order,
        )


Reason = Annotated[
    str, Query(min_length=1, max_length=2000, description="why it is published before its simulation; it is logged")
]


@router.post(
    "/emergency-orders",
    status_code=201,
    summary="Publish an order now, in an emergency",
    openapi_extra=order_body(),
    responses={
        **INVALID,
        202: {"model": EmergencyOut, "description": "Stored and approved, but not released yet: `trouble` says why"},
        409: {"model": ProblemOut, "description": "An order of this id exists"},
    },
)
def publish_now(
    order: SentOrder,
    reason: Reason,
    services: ServicesDep,
    officer: Actor,
    now: Now,
    response: Response,
    after: BackgroundTasks,
) -> EmergencyOut:
    """Check an order, store it, and release it before the answer is sent; its records say `validation: pending`.

    Where the checks find an error the answer is 422 with the findings, and nothing is stored. The simulation is asked
    for meanwhile, and its verdict added to the records: `passed`, or `overridden` where it would have held them.
    """
    refuse_other_city(order, services)
    done = publish_emergency(
        services.database, order, settings=services.settings, actor=officer, as_of=now, reason=reason
    )
    services.feeds.refresh()
    after.add_task(services.wake)
    after.add_task(ask_for_runs, services, now)
    response.headers["Location"] = f"/v1/orders/{order.id}"
    response.status_code = 201 if done.record_ids else 202
    return EmergencyOut.of(done, shown(done.stored, services, response))
