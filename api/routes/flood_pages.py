"""The pages of floods, their script and style."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import HTMLResponse

from api.deps import Now
from api.flood_pages import SCRIPT, STYLE, FloodPages
from api.problems import Problem
from api.signal_pages import POLICY

router = APIRouter(tags=["pages"], default_response_class=HTMLResponse)
_PAGE = {"Cache-Control": "no-cache", "Content-Security-Policy": POLICY}
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}


def flood_pages(request: Request) -> FloodPages:
    """Return this process's pages of floods."""
    found: FloodPages = request.app.state.flood_pages
    return found


PagesDep = Annotated[FloodPages, Depends(flood_pages)]


@router.get("/flooding", summary="Water on the roads: now, and in the days to come")
def flooding(pages: PagesDep, now: Now) -> HTMLResponse:
    """Show the depth on each road on a map with a slider through the forecast, and the sites, the most urgent first."""
    page = pages.city(now)
    if page is None:
        raise Problem(404, "no-flood-sites", "This city has no flood sites: build them with `trafficfeed flooding`.")
    return HTMLResponse(page, headers=_PAGE)


@router.get("/flooding/{site_id}", summary="One flood site")
def flood_site(
    site_id: Annotated[str, Path(max_length=200, examples=["market-square-west"])], pages: PagesDep, now: Now
) -> HTMLResponse:
    """Show a site's hydrograph with the forecast's band, its decisions and what they rest on, and who passes."""
    page = pages.site(site_id, now)
    if page is None:
        raise Problem(404, "unknown-flood-site", f"This city has no flood site called {site_id!r}.")
    return HTMLResponse(page, headers=_PAGE)


@router.get("/web/flood.js", include_in_schema=False)
def script() -> Response:
    """Return the script; its address changes with its content."""
    return Response(SCRIPT, media_type="text/javascript", headers=_FOR_EVER)


@router.get("/web/flood.css", include_in_schema=False)
def style() -> Response:
    """Return the style sheet; its address changes with its content."""
    return Response(STYLE, media_type="text/css", headers=_FOR_EVER)
