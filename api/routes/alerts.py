"""CAP alerts one by one, as the entries of the Atom feed link to them."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.deps import ServicesDep
from api.problems import Problem
from api.schemas import ProblemOut, Responses
from trafficfeed.formats.cap import FILE_NAME, alert_alone
from trafficfeed.formats.cap_reading import CAP_MEDIA_TYPE

router = APIRouter(prefix="/v1/alerts", tags=["feeds"])

AlertId = Annotated[str, Path(min_length=1, max_length=200, examples=["festival.square.p1"])]
_UNKNOWN: Responses = {404: {"model": ProblemOut, "description": "No such alert in the current release"}}
_EXAMPLE = (
    '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>festival.square.p1.v1.20261120T080000Z'
    "</identifier><sender>traffic@example.org</sender><sent>2026-11-20T09:00:00+01:00</sent><status>Actual</status>…</alert>"
)


@router.get(
    "/{alert_id}.cap",
    summary="A CAP 1.2 alert",
    response_class=Response,
    responses={200: {"description": "The alert", "content": {CAP_MEDIA_TYPE: {"example": _EXAMPLE}}}, **_UNKNOWN},
)
def alert(alert_id: AlertId, services: ServicesDep) -> Response:
    """Return the message that stands now for an area: of one measure in one period."""
    release = services.feeds.board.release
    document = release.documents.get(FILE_NAME) if release else None
    found = alert_alone(document.data, alert_id) if document else None
    if found is None:
        raise Problem(404, "unknown-alert", f"There is no alert {alert_id} in the current release.")
    headers = {"Cache-Control": "public, max-age=15", "Access-Control-Allow-Origin": "*"}
    return Response(found, media_type=CAP_MEDIA_TYPE, headers=headers)
