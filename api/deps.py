"""What routes are given: the services of this process, the clock, and who is asking."""

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.feeds import FEED, Feeds
from api.flooding_feed import FloodFeed
from api.history import History
from api.problems import Problem
from api.stream import ChangeStream
from api.tokens import Tokens, load_tokens
from trafficfeed.errors import TrafficFeedError
from trafficfeed.network.city import City
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.pipeline.bend_desk import BendDesk
from trafficfeed.pipeline.virtual_signals_desk import VirtualSignalsDesk
from trafficfeed.pipeline.workspace import find_city, ground_of
from trafficfeed.publishing.partners import FILE_NAME, Partner, load_partners
from trafficfeed.publishing.reader import ReleaseReader
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.settings import Settings
from trafficfeed.store.database import Database, open_database
from trafficfeed.store.objects import ObjectStore

if TYPE_CHECKING:
    from api.live import Live
    from trafficfeed.pipeline.flood_intake import Then

Clock = Callable[[], datetime]
_log = logging.getLogger(__name__)


def wall_clock() -> datetime:
    """Return the time, aware and in UTC: the one place where the API reads the clock."""
    return datetime.now(UTC)


class Services:
    """What one API process works with; what cannot be opened yet is tried again when it is asked for."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.objects = ObjectStore(settings.objects_url)
        self.releases = ReleaseStore(self.objects, FEED)
        self.feeds = Feeds(ReleaseReader(self.releases, poll_s=0.0), clock, self._open_partners)
        self.history = History(self.releases)
        self.stream = ChangeStream(self.feeds, self.history)
        self.flooding = FloodFeed(self.objects)
        self.live: Live | None = None  # once it has started, where it is not off
        self.wake: Callable[[], None] = lambda: None  # of whoever lets time pass in this process
        self.after_water: Then | None = None  # what is done with new water data, once it is stored
        self._lock = threading.Lock()
        self._database: Database | None = None
        self._partners: tuple[int, Mapping[str, Partner]] = (0, {})

    @property
    def database(self) -> Database:
        """The store, opened and upgraded at the first use.

        Raises
        ------
        SourceUnavailable
            If it cannot be reached.
        """
        with self._lock:
            if self._database is None:
                self._database = open_database(self.settings.database_url)
            return self._database

    @property
    def city(self) -> City:
        """The city that is served; raises as `find_city`."""
        return find_city(self.settings.city, self.settings.cities_dir)

    @property
    def zone(self) -> ZoneInfo:
        """The city's time zone."""
        return ZoneInfo(self.city.file.timezone)

    @property
    def graph(self) -> RoadGraph:
        """The city's road graph, kept in memory until the city is built anew; raises as `load_graph`."""
        return ground_of(self.city).graph

    @property
    def partners(self) -> Mapping[str, Partner]:
        """The city's partners by id, read anew when their file changes; raises as `load_partners`."""
        path = self.city.folder / FILE_NAME
        stamp = path.stat().st_mtime_ns if path.is_file() else 0
        if stamp != self._partners[0]:
            self._partners = (stamp, {partner.id: partner for partner in load_partners(self.city)})
        return self._partners[1]

    def _open_partners(self) -> tuple[str, ...]:
        """Return who needs no token; nobody where that cannot be read."""
        try:
            return tuple(partner.id for partner in self.partners.values() if partner.token_sha256 is None)
        except TrafficFeedError as error:
            _log.error("partners: %s", error)
            return ()

    @cached_property
    def virtual_signals(self) -> VirtualSignalsDesk:
        """Where officers enter what they direct."""
        return VirtualSignalsDesk(lambda: self.database, self.settings.city)

    @cached_property
    def bends(self) -> BendDesk:
        """Bends with poor sight, and who is behind them."""
        return BendDesk(self.settings)

    @cached_property
    def detectors(self) -> Tokens:
        """Detectors that may report, and nothing else."""
        return Tokens({name: token.get_secret_value() for name, token in self.settings.detector_tokens.items()})

    @cached_property
    def tokens(self) -> Tokens:
        """Who may write; raises as `load_tokens`."""
        return load_tokens(self.settings)

    def warm_up(self) -> None:
        """Open everything once, so that the first visitor does not wait; what fails is told by ``/readyz``."""
        for name in ("database", "city", "graph", "tokens"):
            try:
                getattr(self, name)
            except TrafficFeedError as error:
                _log.warning("%s: %s", name, error)
        self.feeds.refresh()
        self.feeds.complete()

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None


def services(request: Request) -> Services:
    """Return this process's services."""
    found: Services = request.app.state.services
    return found


ServicesDep = Annotated[Services, Depends(services)]


def now(services: ServicesDep) -> datetime:
    """Return the time of this request."""
    return services.clock()


Now = Annotated[datetime, Depends(now)]

_bearer = HTTPBearer(
    auto_error=False, description="An officer's token: TRAFFICFEED_API_TOKENS or state_dir/tokens.json"
)


def actor(services: ServicesDep, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> str:
    """Return the name of the officer whose token came with the request.

    Raises
    ------
    Problem
        401 where there is no token, or nobody has it.
    """
    name = None if given is None else services.tokens.owner(given.credentials)
    if name is None:
        detail = "Orders need an officer's token: send `Authorization: Bearer TOKEN`."
        challenge = (
            'Bearer realm="trafficfeed"' if given is None else 'Bearer realm="trafficfeed", error="invalid_token"'
        )
        raise Problem(401, "unauthorized", detail, headers={"WWW-Authenticate": challenge})
    return name


Actor = Annotated[str, Depends(actor)]
