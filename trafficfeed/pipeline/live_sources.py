"""Where a live city's lamp states come from, as one setting says: the virtual city, a broker, or what is posted."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from trafficfeed.errors import ScenarioInvalid
from trafficfeed.network.city import City
from trafficfeed.settings import Settings
from trafficfeed.signals.ingest.intake import Intake
from trafficfeed.signals.signal_index import SignalIndex

Clock = Callable[[], datetime]
Source = Coroutine[Any, Any, None]


def sources(
    settings: Settings, city: City, index: SignalIndex | None, intake: Intake, clock: Clock
) -> Sequence[Source]:
    """Return what has to run, each until cancelled, so that the sources of the settings are heard.

    Parameters
    ----------
    settings
        ``signals``: ``http`` (what is posted to the API, which is always taken), ``virtual``,
        ``mqtt://user:password@host:port/topic``, ``mqtts://…``, or several by commas.
    city
        Whose network the virtual city drives.
    index
        Of the topology; None where it is not of this city's network, which then cannot be driven.
    intake
        The door.
    clock
        Returns the time, aware UTC.

    Raises
    ------
    ScenarioInvalid
        If a source is not known, or there is nothing to drive the virtual city by.
    """
    return [
        made
        for name in settings.signals.split(",")
        if (made := _source(name.strip(), settings, city, index, intake, clock)) is not None
    ]


def _source(
    name: str, settings: Settings, city: City, index: SignalIndex | None, intake: Intake, clock: Clock
) -> Source | None:
    if name == "http":
        return None
    if name == "virtual":
        if index is None:
            raise ScenarioInvalid("the virtual city drives the city's own network: unset TRAFFICFEED_SIGNALS_TOPOLOGY")
        from trafficfeed.pipeline.virtual_signals import run_virtual_city

        return run_virtual_city(city, index, intake, clock=clock, work=settings.state_dir / "signals" / "virtual")
    parts = urlsplit(name)
    if parts.scheme in ("mqtt", "mqtts") and parts.hostname:
        return _broker(name, intake, clock)
    raise ScenarioInvalid(
        f"TRAFFICFEED_SIGNALS={name!r} is no source: set off, http, virtual or mqtt://host:port/topic"
    )


async def _broker(address: str, intake: Intake, clock: Clock) -> None:
    from trafficfeed.signals.ingest.mqtt import Broker, MqttSource, json_taker

    parts = urlsplit(address)
    tls = parts.scheme == "mqtts"
    broker = Broker(
        host=parts.hostname or "",
        port=parts.port or (8883 if tls else 1883),
        topics=(unquote(parts.path.lstrip("/")) or "signals/states/#",),
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=tls,
    )
    source = MqttSource(broker, json_taker(intake), clock)
    source.start()
    try:
        await asyncio.Event().wait()
    finally:
        source.stop()
