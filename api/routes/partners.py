"""Partners' own feeds: their formats, in their datum, for their eyes where they have a token."""

import hashlib
import hmac
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.deps import Now, ServicesDep
from api.feed_answers import NOTHING_YET, AsOf, Since, served
from api.feeds import PARTNERS
from api.problems import Problem
from api.schemas import ProblemOut, Responses
from trafficfeed.formats.standards import STANDARDS
from trafficfeed.publishing.partners import Partner

router = APIRouter(prefix="/v1/partners", tags=["feeds"])

_token = HTTPBearer(auto_error=False, scheme_name="PartnerToken", description="A partner's token, where it has one")
_REFUSALS: Responses = {
    401: {"model": ProblemOut, "description": "This partner's feeds need its token"},
    404: {"model": ProblemOut, "description": "No such partner, or not this format, or not served at `as_of`"},
}


def partner_of(
    partner: Annotated[str, Path(max_length=40, examples=["amap"])],
    services: ServicesDep,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(_token)],
) -> Partner:
    """Return the partner whose feeds are asked for.

    Raises
    ------
    Problem
        404 where there is none such; 401 where it has a token and the request has not.
    """
    found = services.partners.get(partner)
    if found is None:
        raise Problem(404, "unknown-partner", f"There is no partner {partner!r}.")
    if found.token_sha256 is not None:
        digest = hashlib.sha256((given.credentials if given else "").encode()).hexdigest()
        if given is None or not hmac.compare_digest(digest, found.token_sha256):
            detail = "These feeds need the partner's token: send `Authorization: Bearer TOKEN`."
            raise Problem(401, "unauthorized", detail, headers={"WWW-Authenticate": 'Bearer realm="trafficfeed"'})
    return found


@router.head("/{partner}/closures/{format}", include_in_schema=False)
@router.get(
    "/{partner}/closures/{format}",
    summary="A partner's feed in one format",
    response_class=Response,
    responses={200: {"description": "As for the public feed"}, **_REFUSALS, **NOTHING_YET},
)
def closures(
    partner: Annotated[Partner, Depends(partner_of)],
    format: Annotated[str, Path(examples=["native"])],
    request: Request,
    services: ServicesDep,
    now: Now,
    as_of: AsOf = None,
    since: Since = None,
) -> Response:
    """Return the current release for a partner, in its datum; `since` and `as_of` as for the public feed."""
    if format not in partner.formats and as_of is None:  # it may have had another format then
        detail = f"{partner.id} does not take {format!r}: its formats are {', '.join(partner.formats)}."
        raise Problem(404, "unknown-format", detail, formats=list(partner.formats))
    standard = STANDARDS.get(format)
    if standard is None:
        raise Problem(404, "unknown-format", f"There is no format {format!r}.", formats=sorted(STANDARDS))
    document = services.feeds.board.partners.get(partner.id, {}).get(format)
    name = f"{PARTNERS}{partner.id}/{standard.file_name}"
    response = served(request, services, document, name=name, now=now, as_of=as_of, since=since)
    if partner.token_sha256 is not None:
        cache = response.headers.get("Cache-Control", "")
        response.headers["Cache-Control"] = cache.replace("public", "private")
        response.headers["Vary"] = "Accept-Encoding, Authorization"
    return response
