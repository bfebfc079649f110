"""The released feeds, for map apps: conditional, compressed, and plain about their age."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.deps import Now, ServicesDep
from api.feed_answers import NOTHING_YET, AsOf, Since, nothing_yet, served
from api.problems import Problem
from api.schemas import FeedList, FeedOut, ProblemOut, RolledBackOut
from trafficfeed.formats.standards import STANDARDS

router = APIRouter(prefix="/v1/feeds", tags=["feeds"])

_EXAMPLE = {"type": "FeatureCollection", "features": []}


@router.get("", summary="The feeds, their versions and ages", responses=NOTHING_YET)
def feeds(services: ServicesDep, now: Now, response: Response) -> FeedList:
    """List the formats of the current release with licence, datum, age and links."""
    board, city = services.feeds.board, services.city.file
    if board.release is None:
        raise nothing_yet(board.trouble)
    response.headers["Cache-Control"] = "public, max-age=15"
    response.headers["Access-Control-Allow-Origin"] = "*"
    base = services.settings.public_url.rstrip("/")
    return FeedList(
        city=city.name,
        title=city.title,
        release=board.release.manifest.number,
        version=board.release.version,
        published_at=board.release.published_at,
        checked_at=board.checked_at,
        age_s=round((now - board.release.published_at).total_seconds(), 1),
        stale=board.is_stale(now),
        rolled_back=board.rolled_back and RolledBackOut.of(board.rolled_back),
        datum=city.map_datum,
        licence=city.licence,
        attribution=city.attribution,
        feeds=[
            FeedOut(
                format=document.format,
                title=document.title,
                href=f"{base}/v1/feeds/closures/{document.format}",
                media_type=document.media_type,
                etag=document.etag.decode(),
                size_bytes=len(document.data),
                gzip_bytes=len(document.variants[b"gzip"].body),
            )
            for document in board.documents.values()
        ],
    )


@router.head("/closures/{format}", include_in_schema=False)
@router.get(
    "/closures/{format}",
    summary="The closures feed in one format",
    response_class=Response,
    responses={
        200: {
            "description": "The document, or with `since` what changed; `X-Feed-Stale: true` where nobody has checked "
            "it for five minutes, `X-Feed-Rolled-Back` where an older release is served",
            "content": {"application/geo+json": {"example": _EXAMPLE}},
        },
        304: {"description": "You have it: `If-None-Match` or `If-Modified-Since` matched"},
        404: {
            "model": ProblemOut,
            "description": "No such format (`formats` lists those there are), or not served at `as_of`",
        },
        **NOTHING_YET,
    },
)
def closures(
    format: Annotated[str, Path(examples=["native", "wzdx"])],
    request: Request,
    services: ServicesDep,
    now: Now,
    as_of: AsOf = None,
    since: Since = None,
) -> Response:
    """Return the current release in `format`; poll with `If-None-Match`, once a minute is plenty.

    With `since` only what has changed since then; with `as_of` what was served at that time, byte for byte.
    """
    standard = STANDARDS.get(format)
    if standard is None:
        known = sorted(STANDARDS)
        raise Problem(404, "unknown-format", f"There is no format {format!r}: use {' or '.join(known)}.", formats=known)
    document = services.feeds.board.documents.get(format)
    return served(request, services, document, name=standard.file_name, now=now, as_of=as_of, since=since)


@router.options("/closures/{format}", include_in_schema=False)
def preflight(format: str) -> Response:
    """Let pages of other origins ask conditionally."""
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "GET, HEAD",
        "Access-Control-Allow-Headers": "If-None-Match, If-Modified-Since",
        "Access-Control-Max-Age": "86400",
    }
    return Response(status_code=204, headers=headers)
