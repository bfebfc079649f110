"""How long a city's flood forecast takes: 51 members, 72 h, 365 sites, every threshold and depth, from readings to map.

    python benchmarks/flood_city.py [--sites 365] [--members 51] [--json]

The yardstick is the same forecast made one site at a time, timed on a sample of the sites and scaled to all of them;
and, beside it, the bare recurrence of the reservoir in a plain Python loop over members, sites and hours.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from trafficfeed.flooding.forecasting.forecaster import N_HOURS, Forecaster
from trafficfeed.flooding.forecasting.parameters import FloodParameters, SiteParameters
from trafficfeed.flooding.observations import Quality, RainForecast, Reading, TidePrediction
from trafficfeed.flooding.sites import Site, SiteSource

_NOW = datetime(2025, 7, 14, 18, 7, tzinfo=UTC)
_SAMPLE_SITES = 10
_LOOP_SHARE = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sites", type=int, default=365)
    parser.add_argument("--members", type=int, default=51)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    report = measure(given.sites, given.members, given.runs)
    print(json.dumps(report, indent=2) if given.json else "\n".join(f"{key}: {value}" for key, value in report.items()))


def measure(n_sites: int, n_members: int, runs: int) -> dict[str, Any]:
    """Return the times and their ratios."""
    sites, parameters, tide = _city(n_sites)
    rain, readings = _rain(n_members), _readings(sites)
    whole = Forecaster(sites, parameters, [tide])
    city_s = [
        _timed(lambda: whole.forecast(readings=readings, rain=[rain], gauges=(), as_of=_NOW)) for _ in range(runs)
    ]
    alone = [Forecaster([site], parameters, [tide]) for site in sites[:_SAMPLE_SITES]]
    one_s = _timed(lambda: [one.forecast(readings=readings, rain=[rain], gauges=(), as_of=_NOW) for one in alone])
    by_site_s = one_s * n_sites / len(alone)
    loop_s = _timed(lambda: _plain_loop(rain.rain_mm, n_sites // _LOOP_SHARE)) * _LOOP_SHARE
    best = min(city_s)
    return {
        "members": n_members,
        "hours": N_HOURS,
        "sites": n_sites,
        "forecast_s_best": round(best, 3),
        "forecast_s_median": round(statistics.median(city_s), 3),
        "one_site_at_a_time_s": round(by_site_s, 2),
        "times_faster_than_one_site_at_a_time": round(by_site_s / best, 1),
        "plain_loop_of_the_reservoir_alone_s": round(loop_s, 2),
        "times_faster_than_the_plain_loop": round(loop_s / best, 2),
    }


def _city(n_sites: int) -> tuple[list[Site], FloodParameters, TidePrediction]:
    rng = np.random.default_rng(0)
    sites, fitted = [], {}
    for i in range(n_sites):
        name = f"site-{i:03d}"
        lon, lat = -74.0 + 0.2 * rng.random(), 40.6 + 0.2 * rng.random()
        sites.append(Site(id=name, name="", lon=lon, lat=lat, source=SiteSource.SENSOR, sensors=(name,)))
        level = 1.2 + 0.3 * rng.random() if i % 8 == 0 else float("nan")
        fitted[name] = SiteParameters(level_m=level, keeps_step=i % 8 == 0, rain_gain=float(rng.gamma(0.5, 2.0)) + 0.05)
    hours = _NOW.timestamp() // 3600 * 3600 + 3600.0 * np.arange(-100, 100, dtype=np.float64)
    stands = 0.9 * np.sin(2 * np.pi * hours / 44_714.0)
    tide = TidePrediction(station="made", lon=-73.9, lat=40.7, times=hours, level_m=stands, meta={})
    return sites, FloodParameters(sites=fitted, fitted_until=_NOW, floods=100), tide


def _rain(n_members: int) -> RainForecast:
    starts = _NOW.timestamp() // 3600 * 3600 + 3600.0 * np.arange(N_HOURS + 2, dtype=np.float64)
    rain = np.random.default_rng(1).gamma(0.2, 6.0, (n_members, len(starts)))
    return RainForecast(
        source="made",
        issued_at=_NOW - timedelta(minutes=30),
        lon=-73.9,
        lat=40.7,
        starts=starts,
        step_s=3600.0,
        rain_mm=rain,
    )


def _readings(sites: list[Site]) -> dict[str, list[Reading]]:
    """One a minute for two hours: wet at every twentieth site."""
    return {
        site.id: [
            Reading(
                id=f"{site.id}-{minute}",
                sensor=site.id,
                observed_at=_NOW - timedelta(minutes=minute),
                received_at=_NOW - timedelta(minutes=minute),
                depth_m=max(0.0, 0.20 - 0.002 * minute) if i % 20 == 0 else 0.0,
                quality=Quality.GOOD,
            )
            for minute in range(120, 0, -1)
        ]
        for i, site in enumerate(sites)
    }


def _plain_loop(rain_mm: "np.ndarray[Any, np.dtype[np.float64]]", n_sites: int) -> float:
    members, total = rain_mm.tolist(), 0.0
    for member in members:
        for site in range(n_sites):
            held = 0.0
            for hour in range(N_HOURS):
                held = max(held + member[hour] - 1.0 - 0.01 * site, 0.0)
            total += held
    return total


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
