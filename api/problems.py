"""Errors as people and programs read them: RFC 9457 problem+json, and a plain page for browsers."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from trafficfeed.errors import OrderConflict, OrderInvalid, OrderNotFound, TrafficFeedError
from trafficfeed.findings import Finding

MEDIA_TYPE = "application/problem+json"

_log = logging.getLogger(__name__)


class Problem(HTTPException):
    """An answer other than 2xx, with what a client needs to go on.

    `slug` names the kind (``order-conflict``) in the problem's `type`; `extra` members are added to the document.
    """

    def __init__(
        self, status: int, slug: str, detail: str, *, headers: Mapping[str, str] | None = None, **extra: Any
    ) -> None:
        super().__init__(status, detail, headers=dict(headers or {}))
        self.slug = slug
        self.extra = extra


def problem_response(
    *, status: int, slug: str, detail: str, instance: str, headers: Mapping[str, str] | None = None, **extra: Any
) -> Response:
    """Return the RFC 9457 document as a response; never cached."""
    document = {
        "type": f"urn:trafficfeed:problem:{slug}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": instance,
        **extra,
    }
    content = json.dumps(document, ensure_ascii=False, default=str).encode()
    return Response(content, status, {"Cache-Control": "no-store", **(headers or {})}, media_type=MEDIA_TYPE)


def findings_as_json(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return findings as the API shows them."""
    return [{**asdict(finding), "detail": dict(finding.detail)} for finding in findings]


def install(app: FastAPI, page: Callable[[Request, int, str], Response]) -> None:
    """Have `app` answer every error as a problem, or by `page` where a browser asked for a page."""

    def answer(request: Request, status: int, slug: str, detail: str, **more: Any) -> Response:
        if _wants_page(request):
            return page(request, status, detail)
        return problem_response(status=status, slug=slug, detail=detail, instance=request.url.path, **more)

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        slug = error.slug if isinstance(error, Problem) else HTTPStatus(error.status_code).name.lower()
        extra = error.extra if isinstance(error, Problem) else {}
        return answer(
            request, error.status_code, slug.replace("_", "-"), str(error.detail), headers=error.headers, **extra
        )

    async def on_validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        errors = [{"where": ".".join(map(str, e["loc"])), "message": e["msg"]} for e in error.errors()]
        detail = "; ".join(f"{e['where']}: {e['message']}" for e in errors[:3])
        return answer(request, 422, "request-invalid", detail, errors=errors)

    async def on_ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, TrafficFeedError)
        status, slug = _status_of(error)
        if status >= 500:
            _log.error("%s %s: %s", request.method, request.url.path, error)
        found = getattr(error, "findings", ())
        extra = {"findings": findings_as_json(found)} if isinstance(error, OrderInvalid) else {}
        return answer(request, status, slug, str(error), **extra)

    async def on_anything(request: Request, error: Exception) -> Response:
        detail = "The server failed on this request; it has been logged."
        return answer(request, 500, "internal", detail)

    handlers: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
        HTTPException: on_http,
        RequestValidationError: on_validation,
        TrafficFeedError: on_ours,
        Exception: on_anything,  # Starlette logs the trace itself and raises it to the server after this answer
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


def _status_of(error: TrafficFeedError) -> tuple[int, str]:
    if isinstance(error, OrderInvalid):
        return 422, "order-invalid"
    if isinstance(error, OrderNotFound):
        return 404, "unknown-order"
    if isinstance(error, OrderConflict):
        return 409, "order-conflict"
    return 503, "unavailable"


def _wants_page(request: Request) -> bool:
    path = request.url.path
    return "text/html" in request.headers.get("accept", "") and not path.startswith(("/v1", "/healthz", "/readyz"))
