"""The change stream of closures, as server-sent events."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from sse_starlette import ServerSentEvent

from api.deps import ServicesDep
from api.event_source import EventSource
from api.feed_answers import Since
from api.history import has_increments
from api.problems import Problem
from api.schemas import ProblemOut, Responses
from api.stream import MOST_CLIENTS
from trafficfeed.publishing.increments import RECORDS

router = APIRouter(prefix="/v1/stream", tags=["feeds"])

HEARTBEAT_S = 15.0
SEND_TIMEOUT_S = 10.0
_REFUSALS: Responses = {
    422: {"model": ProblemOut, "description": "This format has no increments; `formats` lists those that have"},
    503: {"model": ProblemOut, "description": "As many clients as can be served are connected"},
}


@router.get(
    "/closures",
    summary="The change stream of closures (server-sent events)",
    response_class=Response,
    responses={
        200: {
            "description": "`hello` with the current version, then `increment` with each release; ids are versions",
            "content": {"text/event-stream": {}},
        },
        **_REFUSALS,
    },
)
async def closures(
    services: ServicesDep,
    format: Annotated[str, Query(examples=["native"], description="native, wzdx or cifs-json")] = "native",
    since: Since = None,
    last_event_id: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """Send every release's changes as they come.

    With `since`, or `Last-Event-ID` as browsers send it when they reconnect, first what has changed since that version.
    """
    if not has_increments(format):
        detail = f"There is no stream of {format!r}: {', '.join(sorted(RECORDS))} have one."
        raise Problem(422, "no-increments", detail, formats=sorted(RECORDS))
    if services.stream.clients >= MOST_CLIENTS:
        detail = f"{MOST_CLIENTS} clients are connected: poll with `since` instead, or come back."
        raise Problem(503, "too-many-clients", detail, headers={"Retry-After": "30"})
    return EventSource(
        services.stream.events(format, last_event_id or since),
        heartbeat_s=HEARTBEAT_S,
        heartbeat=lambda: ServerSentEvent(comment="still here", sep="\n"),
        send_timeout_s=SEND_TIMEOUT_S,
    )
