"""Map tiles of the water on the roads."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Final, Literal

import numpy as np
from fastapi import APIRouter, Path, Query, Request, Response

from api.deps import Now
from api.feed_answers import NOTHING_YET, nothing_yet
from api.flood_released import Floats, FloodPicture
from api.flood_tiles import ZOOMS, draw_tile
from api.kept import Kept
from api.problems import Problem
from api.routes.flood_pages import PagesDep
from api.schemas import ProblemOut

router = APIRouter(prefix="/v1/flooding/tiles", tags=["flooding"])

_BUDGET: Final = 32_000_000
_STEP: Final = timedelta(minutes=5)
_kept: Kept[bytes] = Kept(_BUDGET, len)
_At = Annotated[
    str,
    Query(
        max_length=40,
        description="RFC 3339 time, or minutes from now (`30`, `+30`); default: now. Taken to the full five minutes.",
        examples=["30", "2026-12-05T21:30:00Z"],
    ),
]


@router.get(
    "/{z}/{x}/{y}.png",
    summary="A transparent tile of the water on the roads, coloured by depth",
    response_class=Response,
    responses={
        200: {"description": "The tile, web Mercator, 256 pixels", "content": {"image/png": {}}},
        304: {"description": "You have it: `If-None-Match` matched"},
        404: {"model": ProblemOut, "description": "No such tile, or no forecast for that time"},
        **NOTHING_YET,
    },
)
def tile(
    z: Annotated[int, Path(ge=ZOOMS[0], le=ZOOMS[-1], examples=[16])],
    x: Annotated[int, Path(ge=0, examples=[37310])],
    y: Annotated[int, Path(ge=0, examples=[18970])],
    request: Request,
    pages: PagesDep,
    now: Now,
    at: _At = "",
    quantile: Annotated[Literal["p50", "p90"], Query(description="p90: the worst that is likely")] = "p50",
) -> Response:
    """Return a tile for any slippy map: light to dark blue from 10, 15, 30 and 45 cm on; grey where nothing is known.

    Now it shows what is measured, else what is forecast; later what is forecast.
    """
    if x >= 2**z or y >= 2**z:
        raise Problem(404, "no-such-tile", f"Zoom {z} has columns and rows from 0 to {2**z - 1}.")
    picture = pages.picture()
    if picture is None:
        raise nothing_yet(None)
    instant = _instant(at, now)
    if instant is not None and not _is_foretold(picture, instant):
        raise Problem(404, "not-forecast", f"Nothing is forecast for {instant.isoformat()}.")
    minute = now.replace(second=0, microsecond=0) if instant is None else instant
    key = (picture.version, z, x, y, instant is None, minute, quantile)
    data = _kept.get(key, lambda: draw_tile(picture, _depths(picture, instant, now, quantile == "p90"), z, x, y))
    etag = f'"{sha256(data).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "public, max-age=30", "Access-Control-Allow-Origin": "*"}
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if etag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type="image/png", headers=headers)


def _instant(text: str, now: datetime) -> datetime | None:
    """Return the time asked for, to the full five minutes; None for now.

    Raises
    ------
    Problem
        422 where it is none, or past.
    """
    text = text.strip().removeprefix("+")  # an unescaped plus arrives as a space
    if text in ("", "0"):
        return None
    try:
        asked = now + timedelta(minutes=int(text)) if text.isdecimal() else datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        asked = None
    if asked is None or asked.tzinfo is None:
        raise Problem(422, "not-a-time", "`at` is a time with its offset, or a number of minutes from now.")
    if asked < now - _STEP:
        raise Problem(422, "past", "Tiles show now and the hours ahead; what was is at /v1/flooding/segments?as_of=….")
    step = _STEP.total_seconds()
    return datetime.fromtimestamp(round(asked.timestamp() / step) * step, UTC)


def _is_foretold(picture: FloodPicture, instant: datetime) -> bool:
    if picture.issued_at is None or not len(picture.horizons_s):
        return False
    ahead = (instant - picture.issued_at).total_seconds()
    return bool(-_STEP.total_seconds() <= ahead <= picture.horizons_s[-1] + _STEP.total_seconds())


def _depths(picture: FloodPicture, instant: datetime | None, now: datetime, worst: bool) -> Floats:
    """Return the depth of each segment at an instant, m."""
    if instant is None or picture.issued_at is None:
        return np.array([picture.depth_now(one, now, worst=worst) for one in picture.segments])
    last = picture.issued_at + timedelta(seconds=float(picture.horizons_s[-1]))
    held = min(max(instant, picture.issued_at), last)
    return np.array([picture.depth_at(one, held, worst=worst) for one in picture.segments])
