"""What was pushed to partners: receipts, what waits, and dead letters, for officers."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, Field

from api.deps import Now, ServicesDep, actor
from api.problems import Problem
from api.schemas import ProblemOut, Responses
from trafficfeed.store.push_outbox import PushOutbox, StoredPush

_REFUSALS: Responses = {401: {"model": ProblemOut, "description": "An officer's token is needed"}}
router = APIRouter(prefix="/v1/pushes", tags=["feeds"], dependencies=[Depends(actor)], responses=_REFUSALS)


class PushOut(BaseModel):
    """A message: its body is what the partner is sent; `error` is what went wrong the last of `attempts` times."""

    id: int
    partner: str
    record_id: str
    version: int
    kind: str
    key: str
    state: Literal["waiting", "delivered", "dead"]
    attempts: int
    status: int | None
    error: str | None
    created: datetime
    due: datetime
    done_at: datetime | None
    dead_at: datetime | None

    @classmethod
    def of(cls, one: StoredPush) -> "PushOut":
        """Return a message as the API shows it."""
        facts: dict[str, Any] = {name: getattr(one, name) for name in cls.model_fields if name != "state"}
        return cls(**facts, state="delivered" if one.done_at else "dead" if one.dead_at else "waiting")


class PushList(BaseModel):
    """Messages, newest first."""

    pushes: list[PushOut] = Field(
        examples=[
            [
                {
                    "id": 7, "partner": "waze", "record_id": "works.closure.first-street.p1", "version": 412,
                    "kind": "update", "key": "msg_5f1c", "state": "delivered", "attempts": 1, "status": 204,
                    "error": None, "created": "2026-12-05T12:00:00Z", "due": "2026-12-05T12:00:00Z",
                    "done_at": "2026-12-05T12:00:01Z", "dead_at": None,
                }
            ]
        ]
    )  # fmt: skip


@router.get("", summary="Pushes, newest first")
def pushes(
    services: ServicesDep,
    now: Now,
    response: Response,
    partner: Annotated[str | None, Query(max_length=40)] = None,
    state: Literal["waiting", "delivered", "dead"] | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> PushList:
    """Return what was told to partners, and what became of it."""
    response.headers["Cache-Control"] = "no-store"
    found = PushOutbox(services.database, as_of=now).list(partner=partner, state=state, limit=limit)
    return PushList(pushes=[PushOut.of(one) for one in found])


@router.post(
    "/{id}/retry",
    status_code=204,
    summary="Try a dead letter anew",
    responses={409: {"model": ProblemOut, "description": "It is no dead letter"}},
)
def retry(id: Annotated[int, Path(ge=1, le=2**63 - 1, examples=[7])], services: ServicesDep, now: Now) -> None:
    """Let a message that was given up be sent again, with its key."""
    if not PushOutbox(services.database, as_of=now).retry(id):
        raise Problem(409, "no-dead-letter", f"Push {id} was not given up: there is nothing to try anew.")
