"""The virtual city's lamps through the same door as a real controller's, labelled simulated; kept up for days.

The lamps are those of SUMO, which runs in a process of its own (`virtual_clock`) and is started anew when it ends.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from trafficfeed.errors import SimulationFailed
from trafficfeed.network.city import City
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import GroupKey, LampEvent
from trafficfeed.signals.signal_index import SignalIndex
from trafficfeed.simulation.sumo_process import die_with_parent, last_words

SOURCE: Final = "sumo:virtual"
_LONGEST_PAUSE_S: Final = 60.0
_SETTLED_S: Final = 120.0  # whoever ran for so long is started again at once
_LINE: Final = 1 << 24  # bytes: the first line of a lap names every traffic light


class Door(Protocol):
    """Where events go in: `Intake`, or what stands before it."""

    def take(self, events: Iterable[LampEvent]) -> object:
        """Take one delivery."""

    def heartbeat(self, source: str, received_at: datetime) -> None:
        """Take that a source is alive."""


class LampReader:
    """Turns SUMO's states into events of public groups; remembers what was shown, so that only changes are told."""

    def __init__(self, index: SignalIndex, source: str = SOURCE) -> None:
        """Take which link of which traffic light is which group."""
        self._signals = index.by_signal()
        self._source = source
        self._shown: dict[str, Mapping[int, Aspect]] = {}

    def events(self, lamps: Mapping[str, str], *, at: datetime, received_at: datetime) -> list[LampEvent]:
        """Return the events of one second; traffic lights that are not in the topology are passed over."""
        found: list[LampEvent] = []
        for name, state in lamps.items():
            behind = self._signals.get(name)
            if behind is None:
                continue
            before = self._shown.get(name, {})
            now = self._shown[name] = behind.aspects(state, before)
            found.extend(
                LampEvent(
                    key=GroupKey(behind.intersection, group),
                    aspect=aspect,
                    observed_at=at,
                    received_at=received_at,
                    source=self._source,
                    simulated=True,
                )
                for group, aspect in now.items()
                if before.get(group) is not aspect
            )
        return found


async def run_virtual_city(
    city: City,
    index: SignalIndex,
    door: Door,
    *,
    clock: Callable[[], datetime],
    work: Path,
    speed: float = 1.0,
) -> None:
    """Keep the virtual city running until cancelled; everything is told to `door` in this thread's event loop.

    Parameters
    ----------
    city
        Whose network and demand SUMO drives.
    index
        Of the topology that is published.
    door
        Gets each second's changes, and a heartbeat each second.
    clock
        Returns the time, aware UTC: when something was received.
    work
        For the files of SUMO and its messages.
    speed
        Simulated seconds in one of the clock; other than 1 plans do not hold.
    """
    pause_s = 1.0
    while True:
        began = clock()
        reader = LampReader(index)
        try:
            async with contextlib.aclosing(_lines(city, work, speed)) as lines:
                async for at, lamps in lines:
                    now = clock()
                    door.heartbeat(SOURCE, now)
                    if events := reader.events(lamps, at=datetime.fromtimestamp(at, tz=UTC), received_at=now):
                        door.take(events)
        except SimulationFailed as error:
            sys.stderr.write(f"virtual city: {error}\n")
        settled = (clock() - began).total_seconds() > _SETTLED_S
        pause_s = 1.0 if settled else min(2 * pause_s, _LONGEST_PAUSE_S)
        await asyncio.sleep(pause_s)


async def _lines(city: City, work: Path, speed: float) -> AsyncGenerator[tuple[float, dict[str, str]], None]:
    """Yield what the process of the virtual city says; its group is killed at the end, SUMO with it."""
    work.mkdir(parents=True, exist_ok=True)
    log_path = work / "virtual.log"
    command = (
        "-m",
        "trafficfeed.pipeline.virtual_clock",
        str(city.folder),
        "--work",
        str(work),
        "--speed",
        f"{speed:g}",
    )
    with log_path.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # uvloop knows no process_group
            preexec_fn=die_with_parent(),
            limit=_LINE,
        )
    assert process.stdout is not None
    try:
        async for line in process.stdout:
            at, lamps = json.loads(line)
            yield at, lamps
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 3.0)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    raise SimulationFailed(f"its process ended: {last_words(log_path)}")
