"""Bends with poor sight: where they are, who is behind one now, and the way in for detectors."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.deps import Now, ServicesDep
from api.problems import Problem
from api.schemas import ProblemOut, Responses
from trafficfeed.formats import bends_json

router = APIRouter(prefix="/v1/bends", tags=["signals"])

BendId = Annotated[str, Path(max_length=80, examples=["quarry-bend"])]
_token = HTTPBearer(auto_error=False, scheme_name="DetectorToken", description="A detector's token, or an officer's")
_REPORTS: Responses = {
    401: {"model": ProblemOut, "description": "A detector's token is needed"},
    404: {"model": ProblemOut, "description": "No such bend"},
    422: {"model": ProblemOut, "description": "No such approach, or seen in the future"},
}
_OPEN = {"Access-Control-Allow-Origin": "*"}


def detector(services: ServicesDep, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_token)]) -> str:
    """Return who reports.

    Raises
    ------
    Problem
        401 where the token is neither a detector's nor an officer's.
    """
    token = given.credentials if given else ""
    name = services.detectors.owner(token) or services.tokens.owner(token)
    if name is None:
        detail = "Presence needs a detector's token: send `Authorization: Bearer TOKEN`."
        raise Problem(401, "unauthorized", detail, headers={"WWW-Authenticate": 'Bearer realm="trafficfeed"'})
    return name


class Report(BaseModel):
    """What a detector sees. Send it again each second while it lasts."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [{"approach": 1}]})

    approach: int | None = Field(None, description="by which it comes; the others are warned. Without: all are")
    kind: str = Field("vehicle", pattern=r"^[a-z][a-z-]{0,31}$", examples=["bicycle"])
    observed_at: AwareDatetime | None = Field(None, description="by the detector's clock; default: now")
    lasts_s: float = Field(2.0, ge=1, le=2, description="how long it is believed")


@router.get("", summary="Bends with poor sight", response_class=Response)
def bends(services: ServicesDep, now: Now) -> Response:
    """Return each bend with its approaches: geofence, headings, sight, and the way that a car needs to stop."""
    data = bends_json.encode_bends(services.bends.bends(), publication_time=now)
    return Response(data, media_type=bends_json.JSON, headers=_OPEN | {"Cache-Control": "public, max-age=60"})


@router.get(".geojson", summary="Their geofences, as GeoJSON", response_class=Response)
def geofences(services: ServicesDep, now: Now) -> Response:
    """Return a polygon for each approach."""
    data = bends_json.encode_bends_geojson(services.bends.bends(), publication_time=now)
    return Response(data, media_type=bends_json.GEOJSON, headers=_OPEN | {"Cache-Control": "public, max-age=60"})


@router.get("/warnings", summary="Bends with somebody behind them, now", response_class=Response)
def warnings(services: ServicesDep, now: Now) -> Response:
    """Return the warnings that hold; each is over at its `expires_at` unless it is told anew."""
    data = bends_json.encode_warnings(services.bends.warnings(now), publication_time=now)
    return Response(data, media_type=bends_json.JSON, headers=_OPEN | {"Cache-Control": "no-store"})


@router.get("/warnings.geojson", summary="The same, as GeoJSON", response_class=Response)
def warned_geofences(services: ServicesDep, now: Now) -> Response:
    """Return a polygon for each approach that is to be told."""
    data = bends_json.encode_warnings_geojson(services.bends.warnings(now), publication_time=now)
    return Response(data, media_type=bends_json.GEOJSON, headers=_OPEN | {"Cache-Control": "no-store"})


@router.post("/{bend}/presence", summary="Somebody is behind the bend", response_class=Response, responses=_REPORTS)
def report(
    bend: BendId, body: Report, services: ServicesDep, now: Now, who: Annotated[str, Depends(detector)]
) -> Response:
    """Warn of a bend for 1 to 2 s; what comes late, or twice, does no harm."""
    held = services.bends.report(
        bend,
        who,
        as_of=now,
        observed_at=body.observed_at,
        approach=body.approach,
        kind=body.kind,
        lasts=timedelta(seconds=body.lasts_s),
    )
    data = bends_json.encode_warnings([held] if held else [], publication_time=now)
    return Response(data, media_type=bends_json.JSON, headers={"Cache-Control": "no-store"})


@router.delete("/{bend}/presence", status_code=204, summary="Nobody is, any more", responses=_REPORTS)
def withdraw(bend: BendId, services: ServicesDep, who: Annotated[str, Depends(detector)]) -> None:
    """Take back what this detector reported, before it is over by itself."""
    services.bends.withdraw(bend, who)
