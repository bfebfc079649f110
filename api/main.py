"""The API: made by `create_app(settings)`; for uvicorn `api.main:app`, or `api.main:create_app` with ``--factory``."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import HTMLResponse

import trafficfeed
from api import openapi, problems
from api.deps import Clock, Services, wall_clock
from api.fast_path import FastPath
from api.flood_pages import FloodPages
from api.guards import BodyLimit, SecurityHeaders
from api.live import start_live
from api.pages import Pages
from api.publication import publish_water
from api.pusher import PushThread
from api.routes import (
    alerts,
    bends,
    certificates,
    dry_run,
    emergencies,
    feeds,
    flood_officers,
    flood_pages,
    flood_tiles,
    flooding,
    health,
    impacts,
    order_steps,
    orders,
    pages,
    partners,
    pushes,
    releases,
    signal_accuracy,
    signal_pages,
    signal_states,
    signal_stream,
    signals,
    stream,
    virtual_signals,
    water,
)
from api.score_keeping import ScoreKeeping
from api.signal_pages import SignalPages
from api.ticker import Ticker
from api.water_intake import start_water
from trafficfeed.errors import TrafficFeedError
from trafficfeed.settings import Settings
from trafficfeed.settings import settings as from_environment

POLL_S = 0.5

_log = logging.getLogger(__name__)


def create_app(settings: Settings | None = None, *, clock: Clock = wall_clock) -> FastAPI:
    """Make the API; nothing is opened before it starts.

    Parameters
    ----------
    settings
        Default: those of the environment.
    clock
        Returns the time, aware; tests fix it.
    """
    app = FastAPI(
        title="trafficfeed",
        version=trafficfeed.__version__,
        lifespan=_lifespan,
        docs_url=None,  # the interactive pages need scripts from elsewhere
        redoc_url=None,
    )
    problems.install(app, _problem_page)
    openapi.install(app)
    for router in (
        feeds.router, orders.router, orders.private, order_steps.router, certificates.router, health.router,
        impacts.router, alerts.router, emergencies.router, partners.router, releases.router, stream.router,
        dry_run.router, signal_states.router, signals.router, signal_stream.router, signal_pages.router,
        signal_accuracy.router, virtual_signals.router, bends.router, pushes.router, water.router,
        flood_pages.router, flood_officers.router, flood_tiles.router, flooding.router,
        pages.router,
    ):  # fmt: skip
        app.include_router(router)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)  # pages and lists; feeds come compressed
    app.add_middleware(BodyLimit)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(FastPath)  # added last: the first to see a request
    furnish(app, Services(settings or from_environment(), clock))
    return app


def furnish(app: FastAPI, services: Services) -> None:
    """Give `app`, before it starts, what its routes work with."""
    app.state.services = services
    app.state.pages = Pages(services)
    app.state.signal_pages = SignalPages(services, app.state.pages)
    app.state.flood_pages = FloodPages(services, app.state.pages)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    await asyncio.to_thread(services.warm_up)
    services.after_water = partial(publish_water, services)
    loops = [asyncio.create_task(loop(services)) for loop in (_poll, _compress)]
    ticker, pushes_sent = _ticker(services), _push_thread(services)
    services.live = await start_live(services)
    loops.append(asyncio.create_task(ScoreKeeping(services).run()))
    water_heard = await asyncio.to_thread(start_water, services)
    yield
    if water_heard is not None:
        await asyncio.to_thread(water_heard.stop)
    if services.live is not None:
        await services.live.stop()
    if ticker is not None:
        await asyncio.to_thread(ticker.stop)
    if pushes_sent is not None:
        await asyncio.to_thread(pushes_sent.stop)
    for loop in loops:
        loop.cancel()
        with suppress(asyncio.CancelledError):
            await loop
    services.close()


def _ticker(services: Services) -> Ticker | None:
    """Let time pass, where that is for this process to do; a clock that somebody sets is moved on by hand."""
    if services.clock is not wall_clock or not services.settings.api_tick_s:
        return None
    ticker = Ticker(services, services.settings.api_tick_s)
    services.wake = ticker.wake
    ticker.start()
    return ticker


def _push_thread(services: Services) -> PushThread | None:
    """Tell partners of what is released, where time passes in this process."""
    if services.clock is not wall_clock or not services.settings.api_tick_s:
        return None
    thread = PushThread(services)
    thread.start()
    return thread


async def _poll(services: Services) -> None:
    """Look for a new release twice a second, beside the requests; whatever fails, the last good one is served."""
    while True:
        await asyncio.sleep(POLL_S)
        try:
            await asyncio.to_thread(services.feeds.refresh)
        except TrafficFeedError as error:
            _log.error("the feeds could not be refreshed: %s", error)
        services.stream.announce()


async def _compress(services: Services) -> None:
    """Add to what is served the compressions that no release waits for."""
    while True:
        await asyncio.sleep(POLL_S)
        await asyncio.to_thread(services.feeds.complete)


def _problem_page(request: Request, status: int, detail: str) -> Response:
    found: Pages = request.app.state.pages
    return HTMLResponse(found.problem(status, detail), status, headers={"Cache-Control": "no-store"})


def __getattr__(name: str) -> Any:
    """Make `app` when uvicorn asks for it, so that importing this module opens and reads nothing."""
    if name == "app":
        return create_app()
    raise AttributeError(name)
