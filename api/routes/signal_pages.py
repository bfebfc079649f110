"""The pages of the signals, their script and style, and the clock that the script sets itself by."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import HTMLResponse

from api.deps import Now
from api.problems import Problem
from api.signal_pages import POLICY, SCRIPT, STYLE, SignalPages
from trafficfeed.formats.signals_json import utc_millis

router = APIRouter(tags=["pages"], default_response_class=HTMLResponse)
_LIVE = {"Cache-Control": "no-store", "Content-Security-Policy": POLICY}
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}


def signal_pages(request: Request) -> SignalPages:
    """Return this process's pages of signals."""
    found: SignalPages = request.app.state.signal_pages
    return found


PagesDep = Annotated[SignalPages, Depends(signal_pages)]
IntersectionId = Annotated[str, Path(max_length=200, examples=["osm-1371624190"], description="Its public id")]


@router.get("/signals", summary="All lamps of the city, live on a map")
def signals(pages: PagesDep, now: Now) -> HTMLResponse:
    """Show the lamps at each junction as they are, and how well their changes have been foretold."""
    page = pages.city(now)
    if page is None:
        raise Problem(404, "no-live-signals", "This server has no live signals: start it with TRAFFICFEED_SIGNALS.")
    return HTMLResponse(page, headers=_LIVE)


@router.get("/signals/{intersection}", summary="One junction, live")
def signal(intersection: IntersectionId, pages: PagesDep, now: Now) -> HTMLResponse:
    """Show a junction's lamps with countdown and interval, and its scorecard."""
    page = pages.junction(intersection, now)
    if page is None:
        raise Problem(404, "unknown-intersection", f"There is no signalised junction called {intersection!r}.")
    return HTMLResponse(page, headers=_LIVE)


@router.get("/web/clock", include_in_schema=False)
async def clock(now: Now) -> Response:
    """Return the server's time to the millisecond: a Date header has whole seconds, too coarse for a countdown."""
    return Response(f'{{"now":"{utc_millis(now)}"}}', media_type="application/json", headers=_LIVE)


@router.get("/web/signals.js", include_in_schema=False)
def script() -> Response:
    """Return the script; its address changes with its content."""
    return Response(SCRIPT, media_type="text/javascript", headers=_FOR_EVER)


@router.get("/web/signals.css", include_in_schema=False)
def style() -> Response:
    """Return the style sheet; its address changes with its content."""
    return Response(STYLE, media_type="text/css", headers=_FOR_EVER)
