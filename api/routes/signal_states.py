"""The way in for lamp states: a controller's or a gateway's, as JSON, from who has a token."""

from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict

from api.deps import Actor, Now
from api.live import LiveDep
from api.problems import Problem
from api.schemas import ProblemOut, Responses
from trafficfeed.signals.ingest.hires_feed import RowsBody
from trafficfeed.signals.ingest.http_json import StatesBody, take_states
from trafficfeed.signals.ingest.intake import Taken

router = APIRouter(prefix="/v1/signals", tags=["signals"])

_REFUSALS: Responses = {
    401: {"model": ProblemOut, "description": "No token, or one that nobody has"},
    404: {"model": ProblemOut, "description": "This server has no live signals"},
}
_EXAMPLE = {
    "states": [
        {
            "intersection": "osm-25291564",
            "group": 3,
            "aspect": "protected-Movement-Allowed",
            "observed_at": "2026-12-05T21:04:07.300+02:00",
        }
    ]
}
_ROWS = {"rows": [{"device": "227", "at": "2026-12-05T21:04:07.3+02:00", "code": 4, "parameter": 2}]}

Delivery = Annotated[StatesBody, Body(examples=[_EXAMPLE])]


class TakenOut(BaseModel):
    """What became of a delivery: states handed on, those that said nothing new, and those that were refused."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"handed_on": 1, "repeats": 0, "duplicates": 0, "refused": 0}]}
    )

    handed_on: int
    repeats: int
    duplicates: int
    refused: int


@router.post("/states", summary="Send lamp states in", status_code=202, responses=_REFUSALS)
async def take(
    live: LiveDep, now: Now, actor: Actor, body: Annotated[StatesBody, Body(examples=[_EXAMPLE])]
) -> TakenOut:
    """Take lamp states by the door that every source comes by, which refuses what cannot be.

    Send at least once a second, if only an empty list, or say in `every_s` how often: half a second after that your
    lamps are marked stale, and nothing is foreseen of them.
    """
    if live.reads_only:
        detail = "This process only shows what a broker has: send lamp states to the one that publishes there."
        raise Problem(404, "no-way-in", detail)
    taken = take_states(live.city.intake, body, now, f"http:{actor}")
    return _out(taken)


@router.post("/controller-events", summary="Send rows of controllers' logs in", status_code=202, responses=_REFUSALS)
async def take_controller_events(
    live: LiveDep, now: Now, actor: Actor, body: Annotated[RowsBody, Body(examples=[_ROWS])]
) -> TakenOut:
    """Take rows of the high-resolution log (Indiana enumeration): lamps, and what tells when an actuated green ends.

    Send what a controller logs within a second or two; a device is stale half a second after `every_s` without rows,
    unless it is named in `alive`.
    """
    return _out(live.hires.take_rows(body, now, f"http:{actor}"))


def _out(taken: Taken) -> TakenOut:
    return TakenOut(
        handed_on=len(taken.handed_on), repeats=taken.repeats, duplicates=taken.duplicates, refused=taken.refused
    )
