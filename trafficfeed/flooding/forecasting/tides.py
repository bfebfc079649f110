"""Predicted tides at sites: each site's nearest station, read between its hourly values by a smooth line."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_STEP_S = 600.0
_TIDE_S = 12.42 * 3600.0
NEAR_M = 100_000.0
"""A station further away than this says nothing of a site's tide."""


@dataclass(frozen=True, kw_only=True)
class TideTable:
    """Tides every 10 min: `start` epoch s, `level_m` ``(n_stations, n)``; `station` ``(n_sites,)``, -1: none near."""

    start: float
    level_m: Floats
    station: Ints

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Which sites have a station near."""
        return np.asarray(self.station >= 0)

    def level(self, sites: Ints, times: Floats) -> Floats:
        """Return the tide at sites and times (epoch s; shapes broadcast), m; NaN where it is not predicted."""
        row = self.station[sites]
        at = (np.asarray(times) - self.start) / _STEP_S
        row, at = np.broadcast_arrays(row, at)
        last = self.level_m.shape[1] - 1
        inside = (row >= 0) & np.isfinite(at) & (at >= 0) & (at < last)
        below = np.where(inside, at, 0).astype(np.int64)
        share = np.where(inside, at - below, 0.0)
        above = np.minimum(below + 1, last)
        if last < 1 or not len(self.level_m):
            return np.full(at.shape, np.nan)
        between = self.level_m[row, below] * (1 - share) + self.level_m[row, above] * share
        return np.where(inside, between, np.nan)

    def highest(self, sites: Ints, since: Floats, until: Floats) -> Floats:
        """Return the highest tide in a span of each site, m, looked up every 10 min."""
        steps = int(np.ceil(np.max(until - since, initial=0.0) / _STEP_S)) + 1
        times = since[:, None] + _STEP_S * np.arange(steps)
        level = self.level(sites[:, None], np.minimum(times, until[:, None]))
        return np.asarray(np.max(np.where(np.isfinite(level), level, -np.inf), axis=1, initial=-np.inf))

    def after_high_water(self, sites: Ints, times: Floats) -> Floats:
        """Return how long after (+) or before (-) the nearest high water an instant is, s; NaN: no tide."""
        around = np.arange(-_TIDE_S / 2, _TIDE_S / 2, _STEP_S)
        level = self.level(sites[:, None], times[:, None] + around)
        known = np.isfinite(level).all(axis=1)
        best = np.where(known, np.nan_to_num(level, nan=-np.inf).argmax(axis=1), 0)
        return np.where(known, -around[best], np.nan)


def tide_table(
    *, lon: Floats, lat: Floats, stations: Sequence[tuple[float, float, Floats, Floats]], near_m: float = NEAR_M
) -> TideTable:
    """Return the tides at sites (EPSG:4326) from stations: lon, lat, times (epoch s) and levels (m).

    A station without a place (NaN) serves the sites that no other is near to.
    """
    usable = [station for station in stations if len(station[2]) >= 4]
    if not usable:
        return TideTable(start=0.0, level_m=np.zeros((0, 0)), station=np.full(len(lon), -1))
    start = min(float(times[0]) for _, _, times, _ in usable)
    until = max(float(times[-1]) for _, _, times, _ in usable)
    grid = np.arange(start, until + 1.0, _STEP_S)
    level = np.stack([_smooth(times, values, grid) for _, _, times, values in usable])
    return TideTable(start=start, level_m=level, station=_nearest(lon, lat, usable, near_m))


def _smooth(times: Floats, values: Floats, grid: Floats) -> Floats:
    line = CubicSpline(times, values, extrapolate=False)(grid)
    gap = np.diff(times)[np.clip(np.searchsorted(times, grid) - 1, 0, len(times) - 2)]
    return np.where(gap <= 4 * 3600.0, line, np.nan)


def _nearest(lon: Floats, lat: Floats, stations: Sequence[tuple[float, float, Floats, Floats]], near_m: float) -> Ints:
    there = np.array([[station[0], station[1]] for station in stations])
    east = 111_320.0 * np.cos(np.radians(lat))[:, None] * (lon[:, None] - there[:, 0])
    north = 110_540.0 * (lat[:, None] - there[:, 1])
    distance = np.hypot(east, north)
    distance = np.where(np.isfinite(distance), distance, near_m * 0.999)
    return np.where(distance.min(axis=1) <= near_m, distance.argmin(axis=1), -1).astype(np.int64)
