"""Water data over HTTP: readings from sensors, reports from officers and citizens, and what sensors told."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Final

from fastapi import APIRouter, BackgroundTasks, Depends, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import AwareDatetime, BaseModel, ConfigDict

from api.deps import Now, Services, ServicesDep
from api.problems import Problem, findings_as_json
from api.rate_limit import RateLimit
from api.schemas import ProblemOut, Responses
from api.tokens import Tokens
from api.water_intake import after
from trafficfeed.errors import SourceMalformed
from trafficfeed.flooding.observations import Quality
from trafficfeed.pipeline.flood_intake import Intake, take
from trafficfeed.pipeline.flood_sources import CITIZENS, OFFICERS, POSTED, waterworks_of
from trafficfeed.store.water import Water

router = APIRouter(prefix="/v1/water", tags=["flooding"])

_MOST_READINGS: Final = 5000
_MOST_BYTES: Final = 4_000  # of what needs no token
_token = HTTPBearer(auto_error=False, scheme_name="SensorToken", description="A sensor's token, or an officer's")
_REFUSALS: Responses = {
    401: {"model": ProblemOut, "description": "A token is needed"},
    404: {"model": ProblemOut, "description": "The city declares no such source"},
    422: {"model": ProblemOut, "description": "The payload cannot be read at all as what the source declares"},
}
_LIMITED: Responses = _REFUSALS | {429: {"model": ProblemOut, "description": "Too many reports; wait Retry-After s"}}
_READINGS: Final = {
    "readings": [{"sensor": "underpass-1", "time": "2026-07-14T16:05:00Z", "value": 31.5, "unit": "cm"}]
}
_REPORTS: Final = {
    "reports": [
        {
            "id": "r-17", "lon": 24.9532, "lat": 60.1675, "observed_at": "2026-07-14T16:05:00+03:00", "depth": "knee",
            "text": "two cars stand in it",
        }
    ]
}  # fmt: skip
_READING: Final[dict[str, Any]] = {
    "id": "underpass-1@20260714T160500Z", "sensor": "underpass-1", "observed_at": "2026-07-14T16:05:00Z",
    "received_at": "2026-07-14T16:05:04Z", "depth_m": 0.315, "quality": "good", "why": "", "revision": 0,
}  # fmt: skip
_TAKEN: Final[dict[str, Any]] = {
    "source": "posted", "readings": 1, "good": 1, "rain": 0, "reports": 0, "forecasts": 0, "duplicates": 0,
    "raw": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "findings": [],
}  # fmt: skip
Given = Annotated[HTTPAuthorizationCredentials | None, Depends(_token)]


class WaterTakenOut(BaseModel):
    """What became of a delivery. `raw` names the kept bytes; `findings` say what was left out or doubted, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TAKEN]})

    source: str
    readings: int
    good: int
    rain: int
    reports: int
    forecasts: int
    duplicates: int
    raw: str
    findings: list[dict[str, Any]]


class ReadingOut(BaseModel):
    """What a sensor told, and what the checks say of it; only a good one closes or clears a road."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_READING]})

    id: str
    sensor: str
    observed_at: datetime
    received_at: datetime
    depth_m: float
    quality: Quality
    why: str
    revision: int


class ReadingsOut(BaseModel):
    """Readings by sensor, oldest first; `more` where there are more after the last."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"readings": [_READING], "more": False}]})

    readings: list[ReadingOut]
    more: bool


async def raw_body(request: Request) -> bytes:
    """Return the request's body as it came."""
    return await request.body()


RawBody = Annotated[bytes, Depends(raw_body)]


def _documented(example: Mapping[str, Any], *more: str) -> dict[str, Any]:
    content: dict[str, Any] = {"application/json": {"schema": {"type": "object"}, "example": dict(example)}}
    return {"requestBody": {"required": True, "content": content | {one: {"schema": {}} for one in more}}}


@router.post(
    "/readings", summary="Send readings in", status_code=202, responses=_REFUSALS,
    openapi_extra=_documented(_READINGS, "text/csv", "application/octet-stream"),
)  # fmt: skip
def post_readings(
    services: ServicesDep, now: Now, later: BackgroundTasks, body: RawBody, given: Given,
    source: Annotated[str, Query(description="which of the city's sources: says how the body is written")] = POSTED.id,
) -> WaterTakenOut:  # fmt: skip
    """Take what a source sends, as `flooding/sources.toml` declares it; without one, JSON as in the example.

    One bad row loses no good one: look at `findings`. Sending the same again does no harm.
    """
    token = given.credentials if given else ""
    who = _sensors(services).owner(token) or services.tokens.owner(token)
    if who is None:
        raise _unauthorized("Readings need a sensor's token")
    if waterworks_of(services.settings).source(source).kind == "reports":
        raise Problem(422, "wrong-source", "Reports go to /v1/water/reports.")
    return _taken(services, now, later, source, body, topic=who)


@router.post(
    "/reports", summary="Report water on a road", status_code=202, responses=_LIMITED,
    openapi_extra=_documented(_REPORTS),
)  # fmt: skip
def post_reports(
    services: ServicesDep, now: Now, later: BackgroundTasks, body: RawBody, given: Given, request: Request
) -> WaterTakenOut:
    """Take reports: an officer's, by token, count like a good reading; a citizen's ask for a look.

    `depth` is `wet`, `ankle` (about 10 cm), `half_wheel` (30), `knee` (45) or `deeper`.
    """
    if given is not None:
        if services.tokens.owner(given.credentials) is None:
            raise _unauthorized("The token is nobody's")
        return _taken(services, now, later, OFFICERS.id, body, by_police=True)
    limits = services.settings.flooding
    if limits.citizen_reports != "open":
        raise _unauthorized("Reports need an officer's token")
    if len(body) > _MOST_BYTES:
        raise Problem(413, "too-large", f"A report may have {_MOST_BYTES:,} bytes: tell what you see in a few words.")
    address = request.client.host if request.client else ""
    wait_s = _limit(services, limits.citizen_reports_per_minute).wait_s(address, now)
    if wait_s > 0:
        detail = "Too many reports came from your address: try again later."
        raise Problem(429, "too-many", detail, headers={"Retry-After": str(int(wait_s) + 1)})
    return _taken(services, now, later, CITIZENS.id, body)


@router.get("/readings", summary="What sensors told")
def get_readings(
    services: ServicesDep,
    now: Now,
    sensor: Annotated[list[str] | None, Query(max_length=100, description="their ids; default: all")] = None,
    since: Annotated[AwareDatetime | None, Query(description="default: a day ago")] = None,
    until: Annotated[AwareDatetime | None, Query(description="default: now")] = None,
) -> ReadingsOut:
    """Return readings observed in ``[since, until)``, each at its latest revision, by sensor and oldest first."""
    with services.database.reading() as connection:
        found = Water(connection, services.city.name).readings(
            sensor, since=since or now - timedelta(days=1), until=until
        )
    flat = [one for its in found.values() for one in its]
    return ReadingsOut(
        readings=[ReadingOut.model_validate(one) for one in flat[:_MOST_READINGS]], more=len(flat) > _MOST_READINGS
    )


def _taken(
    services: Services, now: datetime, later: BackgroundTasks, source: str, body: bytes, *, topic: str = "",
    by_police: bool = False,
) -> WaterTakenOut:  # fmt: skip
    try:
        intake = take(services.settings, services.database, source, body, now, topic=topic, by_police=by_police)
    except SourceMalformed as error:
        raise Problem(422, "payload-malformed", str(error)) from error
    later.add_task(after, services, intake)
    return _out(intake)


def _out(intake: Intake) -> WaterTakenOut:
    return WaterTakenOut(
        source=intake.source,
        readings=len(intake.readings),
        good=sum(one.quality is Quality.GOOD for one in intake.readings),
        rain=len(intake.rain),
        reports=len(intake.reports),
        forecasts=len(intake.forecasts),
        duplicates=intake.duplicates,
        raw=intake.raw,
        findings=findings_as_json(intake.findings),
    )


def _unauthorized(what: str) -> Problem:
    detail = f"{what}: send `Authorization: Bearer TOKEN`."
    return Problem(401, "unauthorized", detail, headers={"WWW-Authenticate": 'Bearer realm="trafficfeed"'})


def _sensors(services: Services) -> Tokens:
    return Tokens({name: one.get_secret_value() for name, one in services.settings.flooding.sensor_tokens.items()})


@lru_cache(maxsize=8)
def _limit(_services: Services, per_minute: float) -> RateLimit:
    return RateLimit(per_minute)
