"""The scorecard of the signals, as it was released."""

from typing import Annotated

from fastapi import APIRouter, Header, Response

from api.deps import ServicesDep
from api.problems import Problem
from api.schemas import ProblemOut
from trafficfeed.formats.signal_scorecard import FILE_NAME, FORMAT, MEDIA_TYPE
from trafficfeed.pipeline.signal_scorecards import FEED
from trafficfeed.publishing.releases import ReleaseStore

router = APIRouter(prefix="/v1/accuracy", tags=["signals"])

_EXAMPLE = {
    "format": FORMAT,
    "days": ["2026-12-05"],
    "groups": [{"id": "osm-1371624190/1", "published_share": 0.62, "within_1s": 0.989, "coverage_p10_p90": 0.81}],
}


@router.get(
    "/signals",
    summary="How good the countdowns of each signal group were",
    response_class=Response,
    responses={
        200: {
            "description": "The scorecard, by group, day and horizon",
            "content": {MEDIA_TYPE: {"example": _EXAMPLE}},
        },
        304: {"description": "It is the one that you have"},
        404: {"model": ProblemOut, "description": "Nothing has been scored here"},
    },
)
def scorecard(
    services: ServicesDep, if_none_match: Annotated[str | None, Header(max_length=200, examples=['W/"4f1c"'])] = None
) -> Response:
    """Return the newest scorecard; it changes once an hour at most."""
    release = ReleaseStore(services.objects, FEED).current()
    if release is None:
        raise Problem(
            404, "no-scorecard", "No scorecard has been released yet: forecasts are scored when lamps change."
        )
    tag = f'W/"{release.version[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "public, max-age=60", "Access-Control-Allow-Origin": "*"}
    if if_none_match == tag:
        return Response(status_code=304, headers=headers)
    return Response(release.documents[FILE_NAME].data, media_type=MEDIA_TYPE, headers=headers)
