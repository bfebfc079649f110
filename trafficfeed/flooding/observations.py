"""What is observed and foretold about water, in SI units and UTC: levels, rain, rain forecasts, tides, reports."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.float64]
"""Seconds since 1970 UTC, float64, strictly increasing."""


class Quality(StrEnum):
    """What the checks say of a reading; only a good one may close or clear a road."""

    GOOD = "good"
    UNCHECKED = "unchecked"  # too few before it to tell: shown, decides nothing alone
    SPIKE = "spike"  # a jump that water does not make, not confirmed by the next reading
    STUCK = "stuck"  # the same value for longer than noise allows
    UNIT = "unit"  # looks like another unit (inches, millimetres)
    RANGE = "range"  # no depth that a street can have
    TIME = "time"  # from the future, from 1970, or of a wall clock that a DST change made ambiguous
    LATE = "late"  # good in itself, but too old to tell what is on the road now: history only


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Depth of water above the road's low point at one sensor.

    `depth_m` ≥ 0, 0 is dry. `observed_at` and `received_at` are aware UTC. `id` is of sensor and instant: the same
    reading twice is one. `raw` names the kept bytes that it came from. `revision` counts what was said of the same
    instant later: another value (a correction) or another judgement; `received_at` is then when that was said.
    """

    id: str
    sensor: str
    observed_at: datetime
    received_at: datetime
    depth_m: float
    quality: Quality = Quality.UNCHECKED
    why: str = ""
    source: str = ""
    raw: str = ""
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RainReading:
    """Rain that fell at a gauge from `start` until `end` (aware UTC, half-open), mm; the rest is as for `Reading`."""

    id: str
    gauge: str
    lon: float
    lat: float
    start: datetime
    end: datetime
    rain_mm: float
    received_at: datetime
    quality: Quality = Quality.UNCHECKED
    why: str = ""
    source: str = ""
    raw: str = ""
    revision: int = 0


class ReportedDepth(StrEnum):
    """How deep a person says it is: on the body, as people tell it."""

    WET = "wet"  # no standing water
    ANKLE = "ankle"  # about 10 cm
    HALF_WHEEL = "half_wheel"  # about 30 cm
    KNEE = "knee"  # about 45 cm
    DEEPER = "deeper"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a police officer or a citizen saw; an officer's counts like a good reading, a citizen's asks for a look."""

    id: str
    lon: float
    lat: float
    observed_at: datetime
    received_at: datetime
    depth: ReportedDepth
    by_police: bool
    text: str = ""
    site: str = ""  # the nearest within reach; "" where there is none
    source: str = ""
    raw: str = ""


@dataclass(frozen=True, kw_only=True)
class RainForecast:
    """One issue of a rain forecast at one place, with its members.

    Attributes
    ----------
    issued_at
        Aware UTC: when it could be known, never before.
    starts
        ``(n_steps,)`` beginnings of the steps; the last ends `step_s` after it begins.
    rain_mm
        ``(n_members, n_steps) float64``, mm in the step. A deterministic forecast has one member. NaN: missing.
    """

    source: str
    issued_at: datetime
    lon: float
    lat: float
    starts: Times
    step_s: float
    rain_mm: Floats


@dataclass(frozen=True, kw_only=True)
class TidePrediction:
    """Predicted tide at a station: ``(n,)`` times and levels, m above the city's tide datum."""

    station: str
    lon: float
    lat: float
    times: Times
    level_m: Floats
    meta: dict[str, Any]
