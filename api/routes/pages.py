"""The pages for people: the front page, one closure, a certificate's report."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.deps import Now, ServicesDep
from api.pages import STYLE, Pages
from api.problems import Problem
from api.release_pages import diff_page, list_page
from api.routes.certificates import CertificateId
from api.routes.orders import OrderId
from api.routes.releases import Version, found

router = APIRouter(tags=["pages"], default_response_class=HTMLResponse)
_SHORTLY = {"Cache-Control": "public, max-age=30"}


def pages(request: Request) -> Pages:
    """Return this process's pages."""
    found: Pages = request.app.state.pages
    return found


PagesDep = Annotated[Pages, Depends(pages)]


@router.head("/", include_in_schema=False)
@router.get("/", summary="What is closed now and next")
def index(pages: PagesDep, now: Now) -> HTMLResponse:
    """Show what is closed now and next on a schematic map, with verdicts, and the feeds with their age."""
    return HTMLResponse(pages.index(now), headers=_SHORTLY)


@router.get("/closures/{order_id}", summary="One closure")
def closure(order_id: OrderId, pages: PagesDep, now: Now) -> HTMLResponse:
    """Show one released order: its streets and times, and what the simulation says of it."""
    page = pages.closure(order_id, now)
    if page is None:
        raise Problem(404, "unknown-closure", f"No closure called {order_id} is in force or planned.")
    return HTMLResponse(page, headers=_SHORTLY)


@router.get("/releases", summary="The releases")
def releases(
    pages: PagesDep, services: ServicesDep, now: Now, before: Annotated[int | None, Query(ge=1)] = None
) -> HTMLResponse:
    """List what was published when, newest first."""
    return HTMLResponse(list_page(pages, services, before=before, now=now), headers=_SHORTLY)


@router.get("/releases/{before}/{after}", summary="What differs between two releases")
def release_diff(before: Version, after: Version, pages: PagesDep, services: ServicesDep, now: Now) -> HTMLResponse:
    """Show the records added, removed and changed, field by field."""
    page = diff_page(pages, services, found(services, before), found(services, after), now=now)
    return HTMLResponse(page, headers=_SHORTLY)


@router.get("/certificates/{certificate_id}", summary="A certificate's report", response_class=RedirectResponse)
def certificate(certificate_id: CertificateId) -> RedirectResponse:
    """Lead to the report."""
    return RedirectResponse(f"/v1/certificates/{certificate_id}/report")


@router.get("/web/style.css", include_in_schema=False)
def style() -> Response:
    """Return the style sheet; its address changes with its content."""
    return Response(STYLE, media_type="text/css", headers={"Cache-Control": "public, max-age=31536000, immutable"})
