"""The live part of the API process: the city's lamps come in, are foreseen and go out, while the process runs."""

import asyncio
import gc
import logging
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

from fastapi import Depends

from api.advisories import Advisories
from api.deps import Services, ServicesDep
from api.problems import Problem
from api.signal_stream import SignalStream
from trafficfeed.errors import TrafficFeedError
from trafficfeed.pipeline.city_part import Part, read_part
from trafficfeed.pipeline.controllers_file import load_controllers
from trafficfeed.pipeline.live_city import LiveCity
from trafficfeed.pipeline.live_sources import Surroundings, sources
from trafficfeed.pipeline.live_upkeep import Upkeep, rule_or_shipped
from trafficfeed.pipeline.served_topology import ServedTopology, served_topology
from trafficfeed.pipeline.source_addresses import OFF, SourceAddress, read_addresses
from trafficfeed.publishing.advisory_overlay import AdvisoryOverlay
from trafficfeed.publishing.bus import LocalBus
from trafficfeed.publishing.mqtt_bus import MqttBus
from trafficfeed.publishing.mqtt_reader import MqttReader
from trafficfeed.publishing.signal_board import SignalBoard
from trafficfeed.signals.ingest.controllers import Controllers, groups_by_intersection
from trafficfeed.signals.ingest.hires_feed import HiresSource
from trafficfeed.signals.prediction.actuation import Actuation
from trafficfeed.signals.prediction.countdown_rule import CountdownRule
from trafficfeed.signals.topology import Intersection, Topology

_RARELY: Final = (700, 10, 100_000)
"""Full collections ten thousand times as rare as by default: each looks at what is remembered of all groups, and
nothing is sent meanwhile, a third of a second in a city of 1,000 intersections."""

_log = logging.getLogger(__name__)


class Live:
    """The lamps of the served city, their board and their stream; on the event loop."""

    def __init__(
        self,
        services: Services,
        addresses: Sequence[SourceAddress],
        served: ServedTopology,
        controllers: Controllers,
        rule: CountdownRule,
    ) -> None:
        settings = services.settings
        self.reads_only = settings.signals == OFF
        part = Part() if self.reads_only else read_part(settings.signals_part)
        self.topology = served.topology if part.many == 1 else part.of(served.topology)
        self.bus = LocalBus()
        self.board = SignalBoard()
        self.bus.subscribe(self.board.take)
        self.broker = None
        if settings.signals_bus and not self.reads_only:
            self.broker = MqttBus(settings.signals_bus, settings.city, shards=settings.signals_shards)
            self.bus.subscribe(self.broker.publish)
        self.stream = SignalStream(self.board, services.clock())
        self.advisories = Advisories(services, AdvisoryOverlay(self.bus), self.board, part.has)
        self.city = LiveCity(
            self.advisories.overlay,
            services.clock,
            zone=services.zone,
            topology=self.topology,
            log_folder=None if self.reads_only else settings.state_dir / "signals" / part.folder(settings.city),
            pace_s=settings.signals_pace_s,
            rule=rule,
            actuation=Actuation(groups=groups_by_intersection(controllers)),
        )
        self.looking_back = asyncio.Semaphore(1)  # forecasts of the past cost up to a second of a core
        self.hires = HiresSource(self.city.intake, self.city.hear, controllers)
        around = Surroundings(
            city=services.city,
            topology=self.topology,
            index=served.index,
            intake=self.city.intake,
            hires=self.hires,
            controllers=controllers,
            clock=services.clock,
            work=settings.state_dir / "signals" / "virtual",
        )
        parts = [self.advisories.run()]
        if self.reads_only:
            parts.append(self._reader(services).run())
        else:
            self.city.live.learning = False
            parts += [self.city.hub.run(), self._recall(Upkeep(self.city, services.objects))]
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(one) for one in (*parts, *sources(addresses, around))]
        for task in self._tasks:
            task.add_done_callback(_tell_failure)

    @property
    def intersections(self) -> Mapping[str, Intersection]:
        """All that may be asked for by id: those of the city, and those that people direct."""
        return self.advisories.among(self.topology.intersections)

    def _reader(self, services: Services) -> MqttReader:
        settings = services.settings
        return MqttReader(
            settings.signals_bus,
            settings.city,
            self.advisories.overlay,
            services.clock,
            pace_s=settings.signals_pace_s,
        )

    async def _recall(self, upkeep: Upkeep) -> None:
        """Read back what the last process knew, then look after what is live; lamps are told meanwhile."""
        try:
            recalled = await asyncio.to_thread(self.city.recall)
        except TrafficFeedError as error:
            _log.error("the history of the lamps could not be read back: %s", error)
        else:
            _log.info("%d lamp events since %s read back", recalled.events, recalled.since.isoformat())
        await upkeep.run()

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
    """Start the live part, unless it is off or the city cannot have one; what fails is logged, and the feeds served.

    A process that takes nothing in, but is told of a broker, shows what another one publishes there.
    """
    if services.settings.signals == OFF and not services.settings.signals_bus:
        return None
    gc.set_threshold(*_RARELY)
    try:
        addresses = read_addresses(services.settings.signals)
        served, controllers, rule = await asyncio.to_thread(_prepared, services, addresses)
        found = Live(services, addresses, served, controllers, rule)
        gc.freeze()  # the topology and all that was loaded: no collection needs to look at it
        return found
    except TrafficFeedError as error:
        _log.error("no live signals: %s", error)
        return None


def topology_of(services: Services) -> Topology:
    """Return the signals of the city that is served; raises as `served_topology`."""
    return _served(services, driven=False).topology


def _prepared(
    services: Services, addresses: Sequence[SourceAddress]
) -> tuple[ServedTopology, Controllers, CountdownRule]:
    served = _served(services, driven=any(one.carrier == "virtual" for one in addresses))
    controllers = load_controllers(services.settings.signals_controllers, served.topology)
    return served, controllers, rule_or_shipped(services.objects)


def _served(services: Services, *, driven: bool) -> ServedTopology:
    return served_topology(
        services.city,
        services.objects,
        given=services.settings.signals_topology,
        graph=lambda: services.graph,
        driven=driven,
    )


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
