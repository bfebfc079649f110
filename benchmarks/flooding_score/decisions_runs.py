"""Recorded floods as minutes to replay: what was true at a site, what its gauge read, and what may go wrong with it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from trafficfeed.flooding.forecasting.nowcast_fitting import FloodTrace

Floats = npt.NDArray[np.float64]

MINUTE_S: Final = 60.0
_BEFORE_S: Final = 600.0
_AFTER_S: Final = 5400.0
_JOINED_S: Final = 7200.0


@dataclass(frozen=True, kw_only=True)
class Run:
    """Floods of one site that follow one another within two hours, from 10 min before to 90 min after.

    `times` ``(n,)`` epoch s, a minute apart; `truth_m` ``(n,)`` the line between the readings on record, 0 outside.
    """

    site: str
    tidal: bool
    tide: str
    floods: Sequence[FloodTrace]
    times: Floats
    truth_m: Floats


def runs(floods: Sequence[FloodTrace]) -> list[Run]:
    """Return the runs of all sites, by site and time."""
    joined: list[list[FloodTrace]] = []
    for flood in sorted(floods, key=lambda one: (one.site, one.times[0])):
        last = joined[-1][-1] if joined else None
        if last is not None and last.site == flood.site and flood.times[0] < last.times[-1] + _JOINED_S:
            joined[-1].append(flood)
        else:
            joined.append([flood])
    return [_run(its) for its in joined]


def _run(floods: Sequence[FloodTrace]) -> Run:
    begin = np.floor((floods[0].times[0] - _BEFORE_S) / MINUTE_S) * MINUTE_S
    times = np.arange(begin, max(one.times[-1] for one in floods) + _AFTER_S, MINUTE_S)
    truth = np.max([np.interp(times, one.times, one.depth_m, left=0.0, right=0.0) for one in floods], axis=0)
    first = floods[0]
    return Run(
        site=first.site, tidal=first.tidal, tide=first.tide, floods=floods, times=times, truth_m=np.maximum(truth, 0.0)
    )


Fault = Callable[[Run, np.random.Generator], Floats]
"""Makes what the gauge reads each minute of a run; NaN: it is silent."""


def sound(run: Run, rng: np.random.Generator) -> Floats:
    """Read what is true."""
    del rng
    return run.truth_m


def noisy(run: Run, rng: np.random.Generator) -> Floats:
    """Stray by up to 1 cm, evenly."""
    return np.maximum(run.truth_m + rng.uniform(-0.01, 0.01, len(run.times)), 0.0)


def silent(run: Run, rng: np.random.Generator) -> Floats:
    """Fall silent twice for 10 to 90 min, once of it while it is deep, and lose one reading in ten."""
    read = np.where(rng.random(len(run.times)) < 0.1, np.nan, run.truth_m)
    deep = np.flatnonzero(run.truth_m >= 0.5 * run.truth_m.max())
    for begin in (int(rng.choice(deep)), int(rng.integers(len(read)))):
        read[begin : begin + int(rng.integers(10, 91))] = np.nan
    return read


def spiky(run: Run, rng: np.random.Generator) -> Floats:
    """Jump once in 25 readings, up by 0.3 to 1 m or down to nothing, for one reading; noise of 3 mm."""
    read = np.maximum(run.truth_m + rng.normal(0.0, 0.003, len(run.times)), 0.0)
    jumps = rng.random(len(read)) < 0.04
    jumps[1:] &= ~jumps[:-1]
    to = np.where(rng.random(len(read)) < 0.5, read + rng.uniform(0.3, 1.0, len(read)), 0.0)
    return np.where(jumps, to, read)


def stuck(run: Run, rng: np.random.Generator) -> Floats:
    """Stick at a value for 20 to 90 min while there is water; noise of 3 mm otherwise."""
    read = np.maximum(run.truth_m + rng.normal(0.0, 0.003, len(run.times)), 0.0)
    wet = np.flatnonzero(run.truth_m > 0.03)
    if len(wet):
        begin = int(rng.choice(wet))
        read[begin : begin + int(rng.integers(20, 91))] = read[begin]
    return read


FAULTS: Final[dict[str, Fault]] = {
    "sound": sound,
    "noise_1cm": noisy,
    "silence": silent,
    "spikes": spiky,
    "stuck": stuck,
}
