"""What the sensors say of each site: the depth now, the hours before, and how many sites rain has just flooded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from trafficfeed.flooding.forecasting.past_issues import WET_FOR_S, WET_M
from trafficfeed.flooding.forecasting.sea import HOUR_S
from trafficfeed.flooding.observations import Quality, Reading
from trafficfeed.flooding.sites import Site

Floats = npt.NDArray[np.float64]
FRESH_S = 1200.0
WATER_M, STANDS_S = 0.10, 3600.0
SEA_HOURS = 48


@dataclass(frozen=True, kw_only=True)
class WaterAtSites:
    """What good readings say.

    `now_m` ``(n_sites,)`` last depth, NaN: none that is fresh; `hourly_m` ``(SEA_HOURS + 1, n_sites)`` until now;
    `wet`: log(1 + % of the sites read that rain has just flooded); `readings` by site: the good ones, oldest first.
    """

    now_m: Floats
    hourly_m: Floats
    wet: float
    readings: Sequence[Sequence[Reading]]


def water_at(
    sites: Sequence[Site], readings: Mapping[str, Sequence[Reading]], keeps_step: npt.NDArray[np.bool_], as_of: datetime
) -> WaterAtSites:
    """Return what good readings, observed and received by `as_of`, say of sites; the deepest of a site's sensors."""
    good = [_good(site, readings, as_of) for site in sites]
    now = as_of.timestamp()
    back = now - HOUR_S * np.arange(SEA_HOURS, -1, -1, dtype=np.float64)
    hourly = np.full((SEA_HOURS + 1, len(sites)), np.nan)
    rose = watched = 0
    for i, mine in enumerate(good):
        if not mine:
            continue
        for sensor in {one.sensor for one in mine}:
            hourly[:, i] = np.fmax(hourly[:, i], _at(back, *_line([one for one in mine if one.sensor == sensor])))
        times, depth = _line(mine)
        if not keeps_step[i] and now - times[-1] <= WET_FOR_S:
            watched += 1
            rose += _rose(times, depth, now - WET_FOR_S)
    return WaterAtSites(
        now_m=hourly[-1].copy(), hourly_m=hourly, wet=float(np.log1p(100.0 * rose / max(watched, 1))), readings=good
    )


def _good(site: Site, readings: Mapping[str, Sequence[Reading]], as_of: datetime) -> list[Reading]:
    mine = [
        one
        for sensor in site.sensors
        for one in readings.get(sensor, ())
        if one.quality is Quality.GOOD and one.observed_at <= as_of and one.received_at <= as_of
    ]
    return sorted(mine, key=lambda one: (one.observed_at, one.depth_m))


def _line(readings: Sequence[Reading]) -> tuple[Floats, Floats]:
    return np.array([one.observed_at.timestamp() for one in readings]), np.array([one.depth_m for one in readings])


def _at(instants: Floats, times: Floats, depth: Floats) -> Floats:
    """Return the last depth at instants; NaN where it is older than 20 min, water than an hour: it does not vanish."""
    row = np.searchsorted(times, instants, side="right") - 1
    last = depth[np.maximum(row, 0)]
    fresh = instants - times[np.maximum(row, 0)] <= np.where(last >= WATER_M, STANDS_S, FRESH_S)
    return np.where((row >= 0) & fresh, last, np.nan)


def _rose(times: Floats, depth: Floats, since: float) -> bool:
    up = (depth[1:] >= WET_M) & (depth[:-1] < WET_M) & (times[1:] > since)
    return bool(up.any())
