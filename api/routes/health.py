"""Whether the process lives, and whether it can serve."""

from fastapi import APIRouter, Response

from api.deps import Now, Services, ServicesDep
from api.feeds import Board
from api.schemas import Liveness, Readiness
from trafficfeed.errors import TrafficFeedError
from trafficfeed.store.orders import Orders

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="The process lives")
async def healthz(response: Response) -> Liveness:
    """Answer without touching anything: restart the process where this fails."""
    response.headers["Cache-Control"] = "no-store"
    return Liveness()


@router.get(
    "/readyz",
    summary="It can serve: database, city and a release",
    responses={503: {"model": Readiness, "description": "Something is missing; `missing` says what"}},
)
def readyz(services: ServicesDep, now: Now, response: Response) -> Readiness:
    """Look at everything that requests need."""
    board = services.feeds.refresh()
    missing = [fault for fault in (_database(services), _city(services)) if fault]
    if board.release is None:
        missing.append(board.trouble or "no release: nothing was published yet")
    response.headers["Cache-Control"] = "no-store"
    response.status_code = 503 if missing else 200
    release = board.release
    return Readiness(
        status="not ready" if missing else "ready",
        missing=missing,
        warnings=_warnings(board, board.is_stale(now)),
        release=release and release.manifest.number,
        version=release and release.version,
        published_at=release and release.published_at,
        release_age_s=release and round((now - release.published_at).total_seconds(), 1),
        checked_at=board.checked_at,
        check_age_s=board.checked_at and round((now - board.checked_at).total_seconds(), 1),
    )


def _database(services: Services) -> str | None:
    try:
        with services.database.reading() as connection:
            Orders(connection).list(limit=1)
    except TrafficFeedError as error:
        return f"database: {error}"
    return None


def _city(services: Services) -> str | None:
    try:
        _ = services.city, services.graph
    except TrafficFeedError as error:
        return f"city: {error}"
    return None


def _warnings(board: Board, is_stale: bool) -> list[str]:
    found = [] if board.trouble is None or board.release is None else [board.trouble]
    if board.release is not None and is_stale:
        found.append("the feed is stale: nobody has checked it for minutes; is Airflow running?")
    return found
