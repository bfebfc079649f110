"""The live part of the API process: the city's lamps come in, are foreseen and go out, while the process runs."""

import asyncio
import gc
import logging
from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import Depends

from api.advisories import Advisories
from api.deps import Services, ServicesDep
from api.problems import Problem
from api.signal_stream import SignalStream
from trafficfeed.errors import SourceUnavailable, TrafficFeedError
from trafficfeed.pipeline.live_city import LiveCity
from trafficfeed.pipeline.live_sources import sources
from trafficfeed.publishing.advisory_overlay import AdvisoryOverlay
from trafficfeed.publishing.bus import LocalBus
from trafficfeed.publishing.mqtt_bus import MqttBus
from trafficfeed.publishing.signal_board import SignalBoard
from trafficfeed.signals.signal_index import SignalIndex
from trafficfeed.signals.topology import Intersection, Topology
from trafficfeed.signals.topology_building import build_topology
from trafficfeed.signals.topology_document import from_json

OFF: Final = "off"
_RARELY: Final = (700, 10, 1000)
"""Full collections a hundred times as rare as by default: each looks at what is remembered of all groups, and nothing
is sent meanwhile, a third of a second in a city of 1,000 intersections."""

_log = logging.getLogger(__name__)


class Live:
    """The lamps of the served city, their board and their stream; on the event loop."""

    def __init__(self, services: Services, topology: Topology, index: SignalIndex | None) -> None:
        settings = services.settings
        self.topology = topology
        self.bus = LocalBus()
        self.board = SignalBoard()
        self.bus.subscribe(self.board.take)
        self.broker = None
        if settings.signals_bus:
            self.broker = MqttBus(settings.signals_bus, settings.city, shards=settings.signals_shards)
            self.bus.subscribe(self.broker.publish)
        self.stream = SignalStream(self.board, services.clock())
        self.advisories = Advisories(services, AdvisoryOverlay(self.bus), self.board)
        self.city = LiveCity(
            self.advisories.overlay,
            services.clock,
            zone=services.zone,
            topology=topology,
            log_folder=settings.state_dir / "signals" / settings.city,
            pace_s=settings.signals_pace_s,
        )
        loop = asyncio.get_running_loop()
        fed_by = sources(settings, services.city, index, self.city.intake, services.clock)
        self._tasks = [loop.create_task(one) for one in (self.city.hub.run(), self.advisories.run(), *fed_by)]
        for task in self._tasks:
            task.add_done_callback(_tell_failure)

    @property
    def intersections(self) -> Mapping[str, Intersection]:
        """All that may be asked for by id: those of the city, and those that people direct."""
        return self.advisories.among(self.topology.intersections)

    async def stop(self) -> None:
        """Stop publishing and close the log."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        self.city.close()
        if self.broker is not None:
            self.broker.close()


def _tell_failure(task: "asyncio.Task[None]") -> None:
    """Say that a part of it has ended by a fault, as nobody waits for it."""
    if not task.cancelled() and (failure := task.exception()) is not None:
        _log.critical("live signals: %s has ended", task.get_coro(), exc_info=failure)


async def start_live(services: Services) -> Live | None:
    """Start the live part, unless it is off or the city cannot have one; what fails is logged, and the feeds served."""
    if services.settings.signals == OFF:
        return None
    gc.set_threshold(*_RARELY)
    try:
        return Live(services, *await asyncio.to_thread(_signals_of, services))
    except TrafficFeedError as error:
        _log.error("no live signals: %s", error)
        return None


def topology_of(services: Services) -> Topology:
    """Return the signals of the city that is served: those of the settings' file, or of its network.

    Raises
    ------
    TrafficFeedError
        As `from_json` and `build_topology`.
    """
    return _signals_of(services)[0]


def _signals_of(services: Services) -> tuple[Topology, SignalIndex | None]:
    given = services.settings.signals_topology
    if given is not None:
        try:
            return from_json(given.read_bytes()), None
        except OSError as error:
            raise SourceUnavailable(f"{given} cannot be read: {error}; set TRAFFICFEED_SIGNALS_TOPOLOGY") from error
    city = services.city
    return build_topology(services.graph, city.net_path, additional_paths=city.additional_paths, city=city.name)


def live(services: ServicesDep) -> Live:
    """Return the live part.

    Raises
    ------
    Problem
        404 where there is none.
    """
    if services.live is None:
        detail = "This server has no live signals: start it with TRAFFICFEED_SIGNALS=virtual, or a source's address."
        raise Problem(404, "no-live-signals", detail)
    return services.live


LiveDep = Annotated[Live, Depends(live)]
