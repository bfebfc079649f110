"""The virtual city's own process: steps SUMO by the wall clock and writes each second's lamps as a line of JSON.

    python -m trafficfeed.pipeline.virtual_clock CITY_FOLDER --work FOLDER [--speed 1]

A line is ``[at, lamps]``: epoch seconds, and SUMO state by traffic light of those that have changed. It ends when its
reader goes away, and SUMO with it.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Final
from zoneinfo import ZoneInfo

from trafficfeed.errors import TrafficFeedError
from trafficfeed.network.city import City
from trafficfeed.signals.local_midnight import LocalDay, LocalDays
from trafficfeed.simulation.virtual_city import DAY_S, Lap, lap_of, run_lap

_TOO_LATE_S: Final = 30.0  # a machine that slept is not caught up with
_IN_TIME_S: Final = 0.2


def main(arguments: list[str] | None = None) -> int:
    """Run until the reader goes away; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("city", type=Path)
    parser.add_argument("--work", type=Path, required=True, help="for SUMO's files")
    parser.add_argument("--speed", type=float, default=1.0, help="simulated seconds in one of the clock")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    for left in given.work.glob("lap-*"):  # by a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    try:
        city = City.load(given.city)
        while True:
            for at, lamps in paced(city, given.work, speed=given.speed):
                sys.stdout.write(json.dumps([at, lamps], separators=(",", ":")) + "\n")
                sys.stdout.flush()
    except (BrokenPipeError, KeyboardInterrupt):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody is left to read what is buffered
        return 0
    except TrafficFeedError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def paced(
    city: City,
    work: Path,
    *,
    speed: float = 1.0,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[tuple[float, Mapping[str, str]]]:
    """Yield the seconds of one lap from now on, each when it is due: epoch seconds, and the lamps that changed.

    It ends with the lap, or where it has fallen behind by more than half a minute.

    Raises
    ------
    SimulationFailed
        If SUMO fails.
    SourceUnavailable, SourceMalformed, ScenarioInvalid
        If the city cannot be used.
    """
    work.mkdir(parents=True, exist_ok=True)
    day = day_of(clock(), city)
    midnight = day.begin
    begin_s = float(int(clock() - midnight) + 1)
    lap = _within_the_day(lap_of(city, begin_s=begin_s, folder=work), day.length_s)
    folder = Path(tempfile.mkdtemp(prefix="lap-", dir=work))
    with closing(run_lap(lap, folder=folder)) as seconds:
        try:
            yield from _on_time(seconds, midnight + begin_s, speed, clock, sleep)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _on_time(
    seconds: Iterable[tuple[float, Mapping[str, str]]],
    origin: float,
    speed: float,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> Iterator[tuple[float, Mapping[str, str]]]:
    """Yield seconds when they are due, from the first on that SUMO is in time for: it needs a while to load."""
    pending: dict[str, str] = {}
    loading_s: float | None = None
    in_time = False
    for number, (_, lamps) in enumerate(seconds):
        at = origin + number / speed
        late_s = clock() - at
        loading_s = max(late_s, 0.0) if loading_s is None else loading_s
        if late_s > loading_s + _TOO_LATE_S:
            return
        pending |= lamps
        in_time = in_time or late_s <= _IN_TIME_S
        if in_time:
            sleep(max(at - clock(), 0.0))
            yield at, pending
            pending = {}


def day_of(now: float, city: City) -> LocalDay:
    """Return the city's local day at an instant; epoch seconds."""
    return LocalDays(ZoneInfo(city.file.timezone)).at(now)


def _within_the_day(lap: Lap, day_s: float) -> Lap:
    """End a lap at midnight on days of 23 and 25 hours too: there plans begin anew."""
    return replace(lap, until_s=day_s) if lap.until_s >= min(day_s, DAY_S) else lap


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    raise SystemExit(main())
