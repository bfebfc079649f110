"""Where a live city's lamp states come from, as one setting says: streets, brokers, signal systems, virtual city."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from trafficfeed.errors import ScenarioInvalid
from trafficfeed.network.city import City
from trafficfeed.pipeline.source_addresses import SourceAddress
from trafficfeed.signals.ingest.controllers import Controllers
from trafficfeed.signals.ingest.hires_feed import HiresSource
from trafficfeed.signals.ingest.intake import Intake, Taken
from trafficfeed.signals.signal_index import SignalIndex
from trafficfeed.signals.topology import Topology

Clock = Callable[[], datetime]
Source = Coroutine[Any, Any, None]
Take = Callable[[bytes, datetime, str], Taken | None]

_AGAIN_S: Final = 5.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What sources work with.

    `index` leads from the topology to the network that the virtual city drives, None where it cannot; `hires` takes
    rows of controllers' logs; `work` is for the virtual city's files.
    """

    city: City
    topology: Topology | None
    index: SignalIndex | None
    intake: Intake
    hires: HiresSource
    controllers: Controllers
    clock: Clock
    work: Path


def sources(addresses: Sequence[SourceAddress], around: Surroundings) -> list[Source]:
    """Return what has to run, each until cancelled, so that the sources are heard; what is posted is always taken.

    Raises
    ------
    ScenarioInvalid
        If one cannot be: there is nothing to drive the virtual city by, or no crossing to ask a signal system for.
    """
    for address in addresses:
        if address.carrier == "virtual" and around.index is None:
            raise ScenarioInvalid("the virtual city drives the city's own network: unset TRAFFICFEED_SIGNALS_TOPOLOGY")
        if address.carrier == "gat1049" and not _crossings(around):
            raise ScenarioInvalid(
                f"{address.shown}: there is no crossing to ask for; name them in TRAFFICFEED_SIGNALS_CONTROLLERS"
            )
    return [_source(address, around) for address in addresses if address.carrier != "http"]


def _source(address: SourceAddress, around: Surroundings) -> Source:
    if address.carrier == "virtual":
        from trafficfeed.pipeline.virtual_signals import run_virtual_city

        assert around.index is not None
        return run_virtual_city(around.city, around.index, around.intake, clock=around.clock, work=around.work)
    if address.carrier == "gat1049":
        return _signal_system(address, around)
    take = _taker(address.messages, around)
    return _port(address, take, around) if address.carrier == "udp" else _broker(address, take, around)


def _taker(messages: str, around: Surroundings) -> Take:
    """Return what takes a message of a kind; the heavy readers are loaded only where they are asked for."""
    if messages == "hires":
        return around.hires.take
    if messages == "json":
        from trafficfeed.signals.ingest.mqtt import json_taker

        return json_taker(around.intake)
    known = around.topology.intersections.values() if around.topology else ()
    ids = {(one.region, one.number): one.id for one in known}
    if messages == "spatem":
        from trafficfeed.formats.spatem_reading import read_spatem
        from trafficfeed.signals.ingest.spatem import SpatemSource

        return SpatemSource(around.intake, read_spatem, ids).take
    from trafficfeed.formats.j2735_reading import read_spat_frame
    from trafficfeed.signals.ingest.j2735 import J2735Source

    return J2735Source(around.intake, read_spat_frame, ids).take


async def _port(address: SourceAddress, take: Take, around: Surroundings) -> None:
    from trafficfeed.signals.ingest.spatem_udp import listen

    while True:
        try:
            listening, port = await listen(
                take, around.clock, host=address.host, port=address.port, name=address.messages
            )
        except OSError as error:
            _log.error("%s cannot be listened at: %s; tried again in %g s", address.shown, error, _AGAIN_S)
            await asyncio.sleep(_AGAIN_S)
            continue
        _log.info("%s: listening at port %d", address.shown, port)
        try:
            await asyncio.Event().wait()
        finally:
            listening.close()


async def _broker(address: SourceAddress, take: Take, around: Surroundings) -> None:
    from trafficfeed.signals.ingest.mqtt import Broker, MqttSource

    broker = Broker(
        host=address.host,
        port=address.port,
        topics=(address.path,),
        user=address.user,
        password=address.password,
        tls=address.carrier == "mqtts",
    )
    source = MqttSource(broker, take, around.clock)
    source.start()
    try:
        await asyncio.Event().wait()
    finally:
        source.stop()


def _signal_system(address: SourceAddress, around: Surroundings) -> Source:
    from trafficfeed.signals.ingest.gat1049 import CERTAIN_CODES, GREEN_IS_22, GREEN_IS_23, Gat1049Lamps
    from trafficfeed.signals.ingest.gat1049_client import Gat1049Client, Gat1049Server

    zone = ZoneInfo(address.options.get("zone", around.city.file.timezone))
    lamps = Gat1049Lamps(
        zone=zone,
        crossings={name: one.intersection for name, one in around.controllers.items()},
        groups={name: one.groups for name, one in around.controllers.items()},
        codes={"22": GREEN_IS_22, "23": GREEN_IS_23}.get(address.options.get("green", ""), CERTAIN_CODES),
    )
    server = Gat1049Server(
        host=address.host,
        port=address.port,
        user=address.user or "",
        password=address.password or "",
        crossings=_crossings(around),
        edition=address.options.get("edition", "2.0"),
    )
    return Gat1049Client(server, lamps, around.intake, around.clock, zone).run()


def _crossings(around: Surroundings) -> tuple[str, ...]:
    """Return the CrossIDs to ask for: those of the controllers' file, else the topology's own ids."""
    return tuple(around.controllers or (around.topology.intersections if around.topology else ()))
