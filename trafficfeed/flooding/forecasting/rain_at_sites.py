"""The rain forecast and the rain that fell at each site: the nearest newest issue, the nearest gauge."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from trafficfeed.flooding.forecasting.past_issues import LAGGED
from trafficfeed.flooding.forecasting.rain_features import FALLEN_H, lagged_mean
from trafficfeed.flooding.forecasting.sea import HOUR_S
from trafficfeed.flooding.observations import Quality, RainForecast, RainReading

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STALE: Final = timedelta(hours=18)
"""An issue older than this is not used: the next ones are missing."""
GAUGE_NEAR_M: Final = 10_000.0


@dataclass(frozen=True, kw_only=True)
class RainAtSites:
    """`rain_mm` ``(n_members, n_places, n_hours)`` from now on, `fallen_mm` ``(n_places, FALLEN_H)``; `place` per site.

    `place` ``(n_sites,)`` is -1 where no forecast is at hand. `issues` names what was used.
    """

    rain_mm: Floats
    fallen_mm: Floats
    place: Ints
    issues: Sequence[str]


def rain_at(
    lon: Floats, lat: Floats, rain: Sequence[RainForecast], gauges: Sequence[RainReading], as_of: datetime, n_hours: int
) -> RainAtSites:
    """Return rain at sites (EPSG:4326): of each place that a forecast is made for, the issues known at `as_of`.

    Of several sources at a place the newest issue is taken, of as new ones that with most members. A forecast of one
    member is averaged with the issues of the five hours before it.
    """
    usable = [one for one in rain if as_of - STALE <= one.issued_at <= as_of and one.rain_mm.size]
    places = sorted({(one.lon, one.lat) for one in usable})
    if not places:
        nothing = np.full((1, 1, n_hours), np.nan)
        return RainAtSites(
            rain_mm=nothing, fallen_mm=np.zeros((1, FALLEN_H)), place=np.full(len(lon), -1, dtype=np.int64), issues=()
        )
    there = np.array(places)
    at = [_at_place(place, usable, gauges, as_of, n_hours) for place in places]
    members = max(len(one[0]) for one in at)
    return RainAtSites(
        rain_mm=np.stack([_padded(one[0], members) for one in at], axis=1),
        fallen_mm=np.stack([one[1] for one in at]),
        place=_distance_m(lon[:, None], lat[:, None], there[:, 0], there[:, 1]).argmin(axis=1).astype(np.int64),
        issues=tuple(one[2] for one in at),
    )


def _at_place(
    place: tuple[float, float],
    rain: Sequence[RainForecast],
    gauges: Sequence[RainReading],
    as_of: datetime,
    n_hours: int,
) -> tuple[Floats, Floats, str]:
    here = sorted(
        (one for one in rain if (one.lon, one.lat) == place),
        key=lambda one: (one.issued_at, len(one.rain_mm)),
        reverse=True,
    )
    newest, now = here[0], as_of.timestamp()
    hours = now + HOUR_S * np.arange(n_hours + 1, dtype=np.float64)
    rain_mm = hourly(newest, hours)
    if len(newest.rain_mm) == 1:
        since = newest.issued_at - timedelta(hours=LAGGED - 0.5)
        older = [one for one in here[1:] if one.source == newest.source and since <= one.issued_at < newest.issued_at]
        rain_mm = lagged_mean(rain_mm, [_mean(hourly(one, hours))[None] for one in older])
    name = f"{newest.source} {newest.issued_at.isoformat()}"
    return rain_mm, _fallen(place, here, gauges, now), name


def hourly(forecast: RainForecast, edges: Floats) -> Floats:
    """Return a forecast's rain between instants (epoch s), mm ``(n_members, n_edges - 1)``; NaN: says nothing."""
    order = np.argsort(forecast.starts)
    starts, rain = forecast.starts[order], forecast.rain_mm[:, order]
    share = np.minimum(starts[:, None] + forecast.step_s, edges[None, 1:]) - np.maximum(
        starts[:, None], edges[None, :-1]
    )
    share = np.clip(share, 0.0, None) / forecast.step_s
    told = share.sum(axis=0) * forecast.step_s >= np.diff(edges) - 1.0
    summed = np.stack([_sum(member, share) for member in rain])
    return np.where(told, summed, np.nan)


def _mean(members: Floats) -> Floats:
    known = np.isfinite(members)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, members, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)


def _sum(member: Floats, share: Floats) -> Floats:
    missing = ~np.isfinite(member)
    total = np.where(missing, 0.0, member) @ share
    return np.where((share[missing] > 0).any(axis=0), np.nan, total)


def _fallen(
    place: tuple[float, float], issues: Sequence[RainForecast], gauges: Sequence[RainReading], now: float
) -> Floats:
    """Return the rain of the last hours: of the gauge near by, else of the issue made last before each hour."""
    edges = now - HOUR_S * np.arange(FALLEN_H, -1, -1, dtype=np.float64)
    fallen = np.zeros(FALLEN_H)
    for one in sorted(issues, key=lambda one: one.issued_at):
        known = one.issued_at.timestamp() <= edges[:-1] + HOUR_S / 2
        said = _mean(hourly(one, edges))
        fallen = np.where(known & np.isfinite(said), said, fallen)
    return _gauged(place, gauges, edges, fallen)


def _gauged(place: tuple[float, float], gauges: Sequence[RainReading], edges: Floats, fallen: Floats) -> Floats:
    near = [one for one in gauges if one.quality in (Quality.GOOD, Quality.UNCHECKED) and _near(one, place)]
    if not near:
        return fallen
    nearest = min(near, key=lambda one: _distance_m(*place, one.lon, one.lat)).gauge
    mine = [one for one in near if one.gauge == nearest]
    start = np.array([one.start.timestamp() for one in mine])
    end = np.array([one.end.timestamp() for one in mine])
    share = np.clip(np.minimum(end[:, None], edges[1:]) - np.maximum(start[:, None], edges[:-1]), 0.0, None)
    told = share.sum(axis=0) >= 0.9 * HOUR_S
    summed = np.array([one.rain_mm for one in mine]) @ (share / np.maximum(end - start, 1.0)[:, None])
    return np.where(told, summed, fallen)


def _near(gauge: RainReading, place: tuple[float, float]) -> bool:
    return float(_distance_m(gauge.lon, gauge.lat, *place)) <= GAUGE_NEAR_M


def _distance_m(lon: Floats | float, lat: Floats | float, to_lon: Floats | float, to_lat: Floats | float) -> Floats:
    east = 111_320.0 * np.cos(np.radians(lat)) * (np.asarray(lon) - to_lon)
    return np.hypot(east, 110_540.0 * (np.asarray(lat) - to_lat))


def _padded(rain_mm: Floats, members: int) -> Floats:
    return np.concatenate([rain_mm, np.full((members - len(rain_mm), rain_mm.shape[1]), np.nan)])
