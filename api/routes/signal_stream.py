"""The stream of live signals, as server-sent events."""

from typing import Annotated

from fastapi import APIRouter, Header, Response
from sse_starlette import ServerSentEvent

from api.deps import ServicesDep
from api.event_source import EventSource
from api.live import LiveDep
from api.problems import Problem
from api.schemas import ProblemOut, Responses
from api.signal_queries import BoundingBox, Ids, wanted_of
from api.signal_stream import MOST_CLIENTS
from trafficfeed.formats.signals_json import utc_millis

router = APIRouter(prefix="/v1/stream", tags=["signals"])

HEARTBEAT_S = 2.0
SEND_TIMEOUT_S = 10.0
_REFUSALS: Responses = {
    404: {"model": ProblemOut, "description": "This server has no live signals"},
    422: {"model": ProblemOut, "description": "The box is none, or an id is not of this city"},
    503: {"model": ProblemOut, "description": "As many clients as can be served are connected"},
}


@router.get(
    "/signals",
    summary="Lamps as they change, and when they will (server-sent events)",
    response_class=Response,
    responses={
        200: {
            "description": "`hello`, `snapshot` of all groups, `delta` of those that changed, `heartbeat` every 2 s",
            "content": {"text/event-stream": {}},
        },
        **_REFUSALS,
    },
)
async def signals(
    services: ServicesDep,
    live: LiveDep,
    bbox: BoundingBox = None,
    ids: Ids = None,
    last_event_id: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """Send what is known of the intersections wanted, then each change; times are absolute, nothing counts down.

    With `Last-Event-ID`, as browsers send it when they reconnect, the changes since are sent instead of a snapshot.
    """
    wanted = wanted_of(live.intersections, bbox, ids)
    if live.stream.clients >= MOST_CLIENTS:
        detail = f"{MOST_CLIENTS} clients are connected: poll /v1/signals instead, or come back."
        raise Problem(503, "too-many-clients", detail, headers={"Retry-After": "30"})

    def heartbeat() -> ServerSentEvent:
        return ServerSentEvent(event="heartbeat", data=f'{{"at":"{utc_millis(services.clock())}"}}', sep="\n")

    return EventSource(
        live.stream.events(wanted, last_event_id),
        heartbeat_s=HEARTBEAT_S,
        heartbeat=heartbeat,
        send_timeout_s=SEND_TIMEOUT_S,
    )
