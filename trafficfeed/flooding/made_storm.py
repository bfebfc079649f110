"""A coastal storm made up for some sites: cloudbursts on a risen sea, sensors that fail, forecasts that err.

It exists to show and to test, and says so. Its water follows another physics than the forecast's reservoir: drains
work like orifices, their outfalls are throttled by the sea before they are blocked, and the sea comes up over a weir.
The forecast that was issued has the rain at other times and in other amounts, and the sea lower and earlier.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from trafficfeed.flooding.observations import Floats, RainForecast, RainReading, Reading, TidePrediction
from trafficfeed.flooding.sites import Site
from trafficfeed.flooding.storms import Storm, TrueWater

_STEP_S: Final = 20.0
_GRAVITY: Final = 9.81
_RUNOFF: Final = 0.8
_WEIR_M: Final = 3.0
_THROTTLE_M: Final = 0.25
_CATCHMENT_M2: Final = 9_000.0
_DRAIN_M3PS: Final = 0.06
_BOWL_M2: Final = 900.0
_SPILL_M2: Final = 5_000.0
_KERB_M: Final = 0.25
_BURSTS: Final = ((1.6, 22.0, 70.0), (3.4, 16.0, 95.0), (4.6, 30.0, 35.0))
"""Hours from the beginning, half width in minutes, peak in mm/h."""
_DRIZZLE_MMPH: Final = 4.0
_MEMBERS: Final = 21


@dataclass(frozen=True, slots=True, kw_only=True)
class StormShape:
    """How the storm is: its length, the sea's highest level over the city's tide datum and when, and the seed.

    `rain` multiplies its cloudbursts.
    """

    hours: float = 9.0
    sea_peak_m: float = 1.5
    sea_peak_h: float = 3.8
    rain: float = 1.0
    seed: int = 1


def made_storm(sites: Sequence[Site], begins: datetime, shape: StormShape | None = None) -> Storm:
    """Make a storm over `sites` that begins at `begins` (aware UTC); the same each time."""
    shape = shape or StormShape()
    random = np.random.default_rng(shape.seed)
    seconds = np.arange(0.0, shape.hours * 3600.0 + _STEP_S, _STEP_S)
    rain = _rain_mmph(seconds, shape.rain)
    sea = _sea_m(seconds, shape.sea_peak_m, shape.sea_peak_h)
    depths = _depths(sites, rain, sea)
    start = begins.timestamp()
    truth = {
        site.id: TrueWater(site=site.id, times=start + seconds, depth_m=depth)
        for site, depth in zip(sites, depths, strict=True)
    }
    lon, lat = float(np.mean([site.lon for site in sites])), float(np.mean([site.lat for site in sites]))
    return Storm(
        name=f"made-{begins:%Y%m%d}",
        title="Cloudbursts on a storm surge",
        begins=begins,
        ends=begins + timedelta(hours=shape.hours),
        synthetic=True,
        note=f"Synthetic: rain, sea, water, sensors and forecasts are made up (seed {shape.seed}).",
        truth=truth,
        readings=tuple(_readings(sites, truth, begins, shape, random)),
        gauges=tuple(_gauged(rain, begins, lon, lat, random)),
        rain=tuple(_issues(rain, seconds, begins, lon, lat, random)),
        tide=_foretold_sea(begins, shape, lon, lat),
    )


def made_past(sites: Sequence[Site], until: datetime, *, storms: int = 24, seed: int = 100) -> list[Storm]:
    """Make storms of the two years before `until`, lighter and heavier, on low seas and high: a record to fit on."""
    random = np.random.default_rng(seed)
    every = timedelta(days=730) / storms
    found = []
    for number in range(storms):
        shape = StormShape(
            sea_peak_m=float(random.uniform(0.2, 1.6)),
            sea_peak_h=float(random.uniform(2.0, 6.0)),
            rain=float(random.lognormal(-0.4, 0.5)),
            seed=seed + number,
        )
        begins = until - every * (storms - number) + timedelta(hours=float(random.uniform(0, 48)))
        found.append(made_storm(sites, begins.replace(minute=0, second=0, microsecond=0), shape))
    return found


def _rain_mmph(seconds: Floats, factor: float) -> Floats:
    bursts = [peak * np.exp(-0.5 * ((seconds / 60.0 - 60.0 * at) / width) ** 2 * 4) for at, width, peak in _BURSTS]
    return np.asarray(_DRIZZLE_MMPH + factor * np.sum(bursts, axis=0))


def _sea_m(seconds: Floats, peak_m: float, peak_h: float) -> Floats:
    hours = seconds / 3600.0
    return np.asarray(0.2 + (peak_m - 0.2) * np.exp(-0.5 * ((hours - peak_h) / 1.1) ** 2))


def _depths(sites: Sequence[Site], rain_mmph: Floats, sea_m: Floats) -> Floats:
    """Return ``(n_sites, n_steps)`` depths, m, stepped explicitly: 20 s is short against how a bowl fills."""
    catchment = np.array([site.catchment_m2 or _CATCHMENT_M2 for site in sites])
    drain = np.array([site.drain_m3ps or _DRAIN_M3PS for site in sites])
    outfall = np.array([np.inf if site.outfall_level_m is None else site.outfall_level_m for site in sites])
    orifice = drain / np.sqrt(2 * _GRAVITY * 0.4)
    volume = np.zeros(len(sites))
    depths = np.zeros((len(sites), len(sea_m)))
    for step, (rain, sea) in enumerate(zip(rain_mmph, sea_m, strict=True)):
        depth = np.array([_depth_of(site, v) for site, v in zip(sites, volume, strict=True)])
        depths[:, step] = depth
        free = np.clip((outfall - sea) / _THROTTLE_M, 0.0, 1.0)
        out = orifice * np.sqrt(2 * _GRAVITY * (depth + 0.3)) * free
        head = np.maximum(sea - outfall - depth, 0.0)
        surge = 0.4 * _WEIR_M * np.sqrt(2 * _GRAVITY) * head**1.5
        into = _RUNOFF * rain / 3.6e6 * catchment + surge
        back = 0.4 * _WEIR_M * np.sqrt(2 * _GRAVITY) * np.maximum(depth - _KERB_M, 0.0) ** 1.5 * free
        volume = np.maximum(volume + _STEP_S * (into - out - back), 0.0)
    return depths


def _depth_of(site: Site, volume_m3: float) -> float:
    if site.bowl is not None:
        above_m3 = max(volume_m3 - site.bowl.volume_m3[-1], 0.0)
        return float(np.interp(volume_m3, site.bowl.volume_m3, site.bowl.depth_m)) + above_m3 / _SPILL_M2
    return float((volume_m3 / _BOWL_M2) ** (2.0 / 3.0))


def _readings(
    sites: Sequence[Site],
    truth: dict[str, TrueWater],
    begins: datetime,
    shape: StormShape,
    random: np.random.Generator,
) -> Iterator[Reading]:
    """Yield a reading a minute of each sensor, ±4 mm; the second falls silent at the peak, the third jumps once."""
    for number, (site, sensor) in enumerate((one, sensor) for one in sites for sensor in one.sensors):
        peak = truth[site.id].times[int(np.argmax(truth[site.id].depth_m))]
        for minute in range(int(shape.hours * 60)):
            at = begins + timedelta(minutes=minute, seconds=float(random.uniform(0, 5)))
            depth = max(0.0, truth[site.id].at(at) + float(random.normal(0, 0.004)))
            if number == 1 and abs(at.timestamp() - peak) < 750:
                continue
            if number == 2 and minute == 40:
                depth += 0.9
            yield Reading(
                id=f"{sensor}@{at.astimezone(UTC):%Y%m%dT%H%M%S}",
                sensor=sensor,
                observed_at=at,
                received_at=at + timedelta(seconds=float(random.uniform(1, 4))),
                depth_m=round(depth, 3),
                source="made",
            )


def _gauged(
    rain_mmph: Floats, begins: datetime, lon: float, lat: float, random: np.random.Generator
) -> Iterator[RainReading]:
    per_gauge = round(300.0 / _STEP_S)
    for number in range(len(rain_mmph) // per_gauge):
        start = begins + timedelta(minutes=5 * number)
        fallen = float(rain_mmph[number * per_gauge : (number + 1) * per_gauge].mean()) / 12.0
        yield RainReading(
            id=f"made-gauge@{start:%Y%m%dT%H%M}",
            gauge="made-gauge",
            lon=lon,
            lat=lat,
            start=start,
            end=start + timedelta(minutes=5),
            rain_mm=round(fallen * float(random.normal(1.0, 0.08)), 2),
            received_at=start + timedelta(minutes=6),
        )


def _issues(
    rain_mmph: Floats, seconds: Floats, begins: datetime, lon: float, lat: float, random: np.random.Generator
) -> Iterator[RainForecast]:
    """Yield an issue every three hours from six hours before: hourly amounts whose error shrinks as it comes nearer."""
    hourly = np.add.reduceat(rain_mmph, np.arange(0, len(seconds), int(3600 / _STEP_S))) * _STEP_S / 3600.0
    for before in range(6, -int(seconds[-1] // 3600), -3):
        issued = begins - timedelta(hours=before)
        hour = issued.replace(minute=0, second=0, microsecond=0).timestamp()
        starts = hour + 3600.0 * np.arange(48, dtype=np.float64)
        lead_h = np.maximum(before, 0) + 1.0
        members = [_member(hourly, starts, begins.timestamp(), lead_h, random) for _ in range(_MEMBERS)]
        yield RainForecast(
            source="made",
            issued_at=issued + timedelta(minutes=20),
            lon=lon,
            lat=lat,
            starts=starts,
            step_s=3600.0,
            rain_mm=np.array(members),
        )


def _member(hourly: Floats, starts: Floats, begins: float, lead_h: float, random: np.random.Generator) -> Floats:
    late_s = random.normal(0.0, 900.0 * np.sqrt(lead_h))
    amount = random.lognormal(-0.05, 0.15 * np.sqrt(lead_h))
    at = (starts - begins - late_s) / 3600.0
    there = np.interp(at, np.arange(len(hourly)), hourly, left=0.0, right=0.0)
    return np.asarray(np.round(amount * there, 1), dtype=np.float64)


def _foretold_sea(begins: datetime, shape: StormShape, lon: float, lat: float) -> TidePrediction:
    hours = np.arange(-24.0, 72.0, 0.5)
    return TidePrediction(
        station="made-sea",
        lon=lon,
        lat=lat,
        times=begins.timestamp() + hours * 3600.0,
        level_m=np.round(_sea_m(hours * 3600.0, shape.sea_peak_m - 0.1, shape.sea_peak_h - 0.4), 2),
        meta={"synthetic": True},
    )
