"""How feeds answer, public and partners' alike: what is served now, what was served then, what has changed since."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query, Request, Response

from api.deps import Services
from api.encodings import IDENTITY
from api.feeds import FOR_NOW, Answer, FeedDocument, answer
from api.history import has_increments
from api.problems import Problem
from api.schemas import ProblemOut, Responses
from trafficfeed.publishing.increments import RECORDS

AsOf = Annotated[
    str | None,
    Query(description="RFC 3339 time: what was served then, byte for byte", examples=["2026-12-05T21:04:00+02:00"]),
]
Since = Annotated[
    str | None,
    Query(
        description="The version or ETag that you have: only what has changed since (native, wzdx, cifs-json)",
        max_length=200,
        examples=["06ad7ef7bed6b00a4ad044d14a3c3d0ff5ec690ac28ae42b4fbe75d34d6f6187"],
    ),
]
NOTHING_YET: Responses = {503: {"model": ProblemOut, "description": "Nothing has been released yet"}}


def served(
    request: Request, services: Services, document: FeedDocument | None, *, name: str, now: datetime, as_of: str | None,
    since: str | None,
) -> Response:  # fmt: skip
    """Answer a request for the document called `name` in releases; `document` is the one that is served now."""
    if as_of is not None and since is not None:
        raise Problem(422, "request-invalid", "Ask for `as_of` or for `since`, not for both: they are different times.")
    if as_of is not None:
        return _replayed(request, services, name, instant_in(as_of, now), now)
    if document is None:
        raise nothing_yet(services.feeds.board.trouble)
    if since is not None:
        return _increment(request, services, name, document.format, since)
    return _response(request, answer(document, _headers(request), services.feeds.board.freshness(now)))


def nothing_yet(trouble: str | None) -> Problem:
    """Return the problem that there is no release to serve."""
    detail = "Nothing has been released yet: ask again in a minute." if trouble is None else f"No release: {trouble}"
    return Problem(503, "nothing-released", detail, headers={"Retry-After": "30"})


def instant_in(text: str, now: datetime) -> datetime:
    """Return the time that a request names.

    Raises
    ------
    Problem
        422 where it is no time, has no offset, or is still to come.
    """
    try:
        instant = datetime.fromisoformat(text.strip().replace(" ", "+"))  # a "+" that was not escaped comes as a space
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        detail = f"{text!r} is no time with an offset, such as 2026-12-05T19:04:00Z."
        raise Problem(422, "request-invalid", detail)
    if instant > now:
        raise Problem(422, "request-invalid", f"{text!r} is still to come: nothing has been served then.")
    return instant.astimezone(UTC)


def _replayed(request: Request, services: Services, name: str, instant: datetime, now: datetime) -> Response:
    manifest, document = services.history.replay(name, instant, now=now)
    if document is None:
        when = instant.isoformat()
        before = f"Nothing had been released by {when}." if manifest is None else f"There was no {name} at {when}."
        raise Problem(404, "not-served-then", before)
    headers = _headers(request)
    return _response(
        request, answer(services.history.compressed(document, headers.get(b"accept-encoding", b"")), headers)
    )


def _increment(request: Request, services: Services, name: str, format: str, since: str) -> Response:
    if not has_increments(format):
        detail = f"There are no increments of {format}: {', '.join(sorted(RECORDS))} have some."
        raise Problem(422, "no-increments", detail, formats=sorted(RECORDS))
    release = services.feeds.board.release
    if release is None or name not in release.documents:
        raise nothing_yet(services.feeds.board.trouble)
    found = services.history.increment(release, name, format, since)
    body, coding = services.history.packed(found, _headers(request).get(b"accept-encoding", b""))
    headers = {
        "Cache-Control": FOR_NOW.decode(),
        "Vary": "Accept-Encoding",
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "X-Feed-Version",
        "X-Feed-Version": found.version,
        **({} if coding == IDENTITY else {"Content-Encoding": coding.decode()}),
    }
    return Response(body, headers=headers, media_type="application/json")


def _response(request: Request, found: Answer) -> Response:
    response = Response(b"" if request.method == "HEAD" else found.body, found.status)
    response.raw_headers = list(found.headers)
    return response


def _headers(request: Request) -> dict[bytes, bytes]:
    return dict(request.headers.raw)
