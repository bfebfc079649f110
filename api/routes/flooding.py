"""The flood map feed: per road segment and per site, conditional, compressed, replayable."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response

from api.deps import Now, ServicesDep
from api.feed_answers import NOTHING_YET, AsOf, instant_in, nothing_yet
from api.feeds import answer
from api.problems import Problem
from api.schemas import ProblemOut
from trafficfeed.formats.cap import alert_alone
from trafficfeed.formats.cap_reading import CAP_MEDIA_TYPE
from trafficfeed.formats.flood_map import FORMAT

router = APIRouter(prefix="/v1/flooding", tags=["flooding"])

_EXAMPLE = {
    "type": "FeatureCollection",
    "feed": {"format": FORMAT, "issued_at": "2026-12-05T18:00:00Z", "horizons_s": [0, 300], "stale": False},
    "features": [
        {
            "type": "Feature",
            "id": "market-square.n1-n2",
            "geometry": {"type": "LineString", "coordinates": [[24.9521, 60.1672], [24.9531, 60.1674]]},
            "properties": {
                "site": "market-square",
                "observed": {"depth_m": 0.33, "at": "2026-12-05T18:04:00Z", "sensor": "ms-1", "quality": "good"},
                "decision": {"level": "closed", "basis": "observed", "since": "2026-12-05T18:04:00Z"},
                "order": "market-square-20261205t1750",
                "validation": "pending",
                "forecast": {"p50_m": [0.31, 0.34], "p90_m": [0.36, 0.45], "chance_30cm": [0.55, 0.72]},
            },
        }
    ],
}
Document = Annotated[
    Literal["segments", "sites", "alerts"], Path(description="which document of the flood map", examples=["segments"])
]


@router.head("/{document}", include_in_schema=False)
@router.get(
    "/{document}",
    summary="The flood map: road segments, sites, or alerts of places without roads",
    response_class=Response,
    responses={
        200: {
            "description": "The document; `feed.stale`: its newest input is too old to go by",
            "content": {"application/geo+json": {"example": _EXAMPLE}},
        },
        304: {"description": "You have it: `If-None-Match` or `If-Modified-Since` matched"},
        404: {"model": ProblemOut, "description": "No such document, or not served at `as_of`"},
        **NOTHING_YET,
    },
)
def flood_map(document: Document, request: Request, services: ServicesDep, now: Now, as_of: AsOf = None) -> Response:
    """Return the newest release of a document; poll with `If-None-Match`. With `as_of` what was served at that time."""
    headers = dict(request.headers.raw)
    if as_of is not None:
        found = services.flooding.as_of(document, instant_in(as_of, now), now=now)
        if found is None:
            raise Problem(404, "not-served-then", f"There was no {document} of the flood map at {as_of}.")
        told = answer(found, headers)
    else:
        found = services.flooding.current(document, headers.get(b"accept-encoding", b""))
        if found is None:
            raise nothing_yet(services.flooding.trouble())
        told = answer(found, headers, services.flooding.freshness(now))
    response = Response(b"" if request.method == "HEAD" else told.body, told.status)
    response.raw_headers = list(told.headers)
    return response


@router.get(
    "/alerts/{alert_id}.cap",
    summary="A CAP 1.2 alert of a flooded place without roads",
    response_class=Response,
    responses={
        200: {"description": "The alert", "content": {CAP_MEDIA_TYPE: {"example": "<alert>…</alert>"}}},
        404: {"model": ProblemOut, "description": "No such alert in the current release"},
    },
)
def flood_alert(
    alert_id: Annotated[str, Path(min_length=1, max_length=200, examples=["quay-20261205t1750.water.p1"])],
    services: ServicesDep,
) -> Response:
    """Return the message that stands now for a place."""
    held = services.flooding.current("alerts", b"")
    found = alert_alone(held.data, alert_id) if held is not None else None
    if found is None:
        raise Problem(404, "unknown-alert", f"There is no alert {alert_id} in the current release.")
    headers = {"Cache-Control": "public, max-age=15", "Access-Control-Allow-Origin": "*"}
    return Response(found, media_type=CAP_MEDIA_TYPE, headers=headers)
