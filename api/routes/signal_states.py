"""The way in for lamp states: a controller's or a gateway's events, as JSON, from who has a token."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.deps import Actor, Now
from api.live import LiveDep
from api.schemas import ProblemOut, Responses
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import AnnouncedEnd, GroupKey, LampEvent

router = APIRouter(prefix="/v1/signals", tags=["signals"])

_REFUSALS: Responses = {
    401: {"model": ProblemOut, "description": "No token, or one that nobody has"},
    404: {"model": ProblemOut, "description": "This server has no live signals"},
}


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AnnouncedIn(_In):
    """What the controller itself says of the end."""

    min_end: AwareDatetime | None = None
    likely_end: AwareDatetime | None = None
    max_end: AwareDatetime | None = None


class LampIn(_In):
    """A group shows an aspect since an instant of the controller's clock."""

    intersection: Annotated[str, Field(max_length=200)]
    group: Annotated[int, Field(ge=1, le=255)]
    aspect: Aspect
    observed_at: AwareDatetime
    sequence: int | None = None
    announced: AnnouncedIn | None = None


class StatesIn(_In):
    """Events in any order; none of them: the sender is alive, and nothing has changed."""

    events: Annotated[list[LampIn], Field(max_length=5000)]

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "events": [
                        {
                            "intersection": "osm-25291564",
                            "group": 3,
                            "aspect": "protected-Movement-Allowed",
                            "observed_at": "2026-12-05T21:04:07.300+02:00",
                        }
                    ]
                }
            ]
        },
    )


class TakenOut(BaseModel):
    """What became of a delivery: events handed on, those that said nothing new, and those that were refused."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"handed_on": 1, "repeats": 0, "duplicates": 0, "refused": 0}]}
    )

    handed_on: int
    repeats: int
    duplicates: int
    refused: int


@router.post("/states", summary="Send lamp states in", status_code=202, responses=_REFUSALS)
async def take(live: LiveDep, now: Now, actor: Actor, body: StatesIn) -> TakenOut:
    """Take events through the door that every source comes by; what is refused there is told at /v1/signals/findings.

    Send at least once a second, if only an empty list: after 1.5 s of silence the lamps are marked stale.
    """
    source = f"http:{actor}"
    live.city.intake.heartbeat(source, now)
    taken = live.city.take(_events(body.events, source, now))
    return TakenOut(
        handed_on=len(taken.handed_on), repeats=taken.repeats, duplicates=taken.duplicates, refused=taken.refused
    )


def _events(lamps: Sequence[LampIn], source: str, now: datetime) -> list[LampEvent]:
    return [
        LampEvent(
            key=GroupKey(lamp.intersection, lamp.group),
            aspect=lamp.aspect,
            observed_at=lamp.observed_at,
            raw_observed_at=lamp.observed_at,
            received_at=now,
            source=source,
            sequence=lamp.sequence,
            announced=_announced(lamp.announced),
        )
        for lamp in lamps
    ]


def _announced(said: AnnouncedIn | None) -> AnnouncedEnd | None:
    ends: dict[str, Any] = {} if said is None else said.model_dump()
    return AnnouncedEnd(**ends) if said is not None else None
