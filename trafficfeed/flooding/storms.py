"""A storm on record: what truly stood at each site, and what gauges, sensors and forecasts said of it at the time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from trafficfeed.flooding.observations import Floats, RainForecast, RainReading, Reading, TidePrediction, Times


@dataclass(frozen=True, kw_only=True)
class TrueWater:
    """What truly stood at a site: ``(n,)`` times, s since 1970 UTC, and depths over its low point, m."""

    site: str
    times: Times
    depth_m: Floats

    def at(self, instant: datetime) -> float:
        """Return the depth at an instant (aware), m; linear between the times."""
        return float(np.interp(instant.timestamp(), self.times, self.depth_m))


@dataclass(frozen=True, kw_only=True)
class Storm:
    """One storm, from `begins` until `ends` (aware UTC); whatever is in it could be known at its own time only.

    `synthetic` where any of it was made up, and then `note` says how. `truth` is for the score alone: no forecast and
    no decision may see it. Where nothing better is known it is what the sensors measured.
    """

    name: str
    title: str
    begins: datetime
    ends: datetime
    synthetic: bool
    note: str
    truth: Mapping[str, TrueWater]
    readings: Sequence[Reading]
    gauges: Sequence[RainReading] = ()
    rain: Sequence[RainForecast] = ()
    tide: TidePrediction | None = None
