"""The dry run of an order: which partner would take which of its records, and why not."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from api.deps import Now, ServicesDep, actor
from api.problems import Problem
from api.routes.orders import REFUSALS, OrderId
from api.schemas import ProblemOut
from trafficfeed.errors import ScenarioInvalid
from trafficfeed.pipeline.dry_run import dry_run_stored

router = APIRouter(prefix="/v1/orders", tags=["orders"], dependencies=[Depends(actor)], responses=REFUSALS)

_EXAMPLE = {
    "order": "2026-0412-water-main",
    "sound": True,
    "partners": ["waze"],
    "findings": [],
    "records": [
        {
            "record": "2026-0412-water-main.closure.high-street-northbound.p1",
            "partner": "waze",
            "taken": True,
            "outcome": "caution",
            "formats": ["cifs"],
            "findings": [
                {
                    "rule": "waze.end",
                    "severity": "warning",
                    "message": "the end is an estimate: Waze opens the street at it, whatever happens there",
                    "where": "2026-0412-water-main.closure.high-street-northbound.p1",
                    "mend": "put the end off in the order before it comes",
                    "detail": {},
                }
            ],
        }
    ],
}


@router.get(
    "/{order_id}/dry-run",
    summary="Ask the partners' profiles about an order's records",
    responses={
        200: {"content": {"application/json": {"example": _EXAMPLE}}},
        422: {"model": ProblemOut, "description": "No such partner, or the city's partners.toml cannot be used"},
    },
)
def dry_run(
    order_id: OrderId,
    services: ServicesDep,
    now: Now,
    response: Response,
    partner: Annotated[str, Query(max_length=40, description="ask this one alone, by id")] = "",
) -> dict[str, Any]:
    """Say of each record and partner: `taken`, `caution`, `no effect` on routes, `not sent` or `refused`, and why."""
    try:
        found = dry_run_stored(services.database, order_id, partner=partner, settings=services.settings, as_of=now)
    except ScenarioInvalid as refusal:
        raise Problem(422, "partners", str(refusal)) from refusal
    response.headers["Cache-Control"] = "no-store"
    return found.as_document()
