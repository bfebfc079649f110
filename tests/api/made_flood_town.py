"""Gridtown with places that flood, and what is told and foretold of them."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
from made_requests import NOW

from trafficfeed.flooding.forecast import HORIZONS_S, CityForecast, Method
from trafficfeed.flooding.site_document import write_sites
from trafficfeed.flooding.sites import Site, SiteRoad, SiteSource
from trafficfeed.network.city import City
from trafficfeed.network.graph_cache import load_graph
from trafficfeed.pipeline.flood_forecasts import FloodForecasts
from trafficfeed.pipeline.flood_intake import take
from trafficfeed.pipeline.flood_release import FloodRelease, decide_and_release
from trafficfeed.settings import Settings
from trafficfeed.store.database import open_database
from trafficfeed.store.objects import ObjectStore

EVIL = 'The <script>alert("1")</script> Underpass'
SITES = ("quay", "underpass")
JUST_NOW = NOW - timedelta(seconds=30)


def town_with(cities: Path, folder: Path, sites: Sequence[Site]) -> Path:
    """Copy gridtown into a folder and give it sites; return the folder of cities."""
    copytree(cities / "gridtown", folder / "gridtown", symlinks=True)
    write_sites(sites, City.load(folder / "gridtown").sites_path)
    return folder


def two_sites(cities: Path) -> tuple[Site, ...]:
    """Return an underpass, whose name is not harmless and beside which a street lies 25 cm higher, and a quay."""
    graph = load_graph(City.load(cities / "gridtown").graph_folder)
    low, beside = graph.index["00to10"], graph.index["10to20"]
    middle = graph.geometry[low].interpolate(0.5, normalized=True)
    roads = (SiteRoad(edge=graph.edge_ids[low]), SiteRoad(edge=graph.edge_ids[beside], sill_m=0.25))
    quay = graph.index["23to33"]
    far = graph.geometry[quay].interpolate(0.5, normalized=True)
    return (
        Site(
            id="quay", name="The Quay", lon=far.x, lat=far.y, source=SiteSource.LIST, sensors=("s2",), tidal=True,
            roads=(SiteRoad(edge=graph.edge_ids[quay]),),
        ),
        Site(
            id="underpass", name=EVIL, lon=middle.x, lat=middle.y, source=SiteSource.LIST, roads=roads, sensors=("s1",)
        ),
    )  # fmt: skip


def told(settings: Settings, depths_m: Sequence[float], *, sensor: str = "s1", at: datetime = JUST_NOW) -> None:
    """Take in readings of a sensor, a minute apart, the last of them at `at`."""
    database = open_database(settings.database_url)
    for back, depth_m in enumerate(depths_m):
        when = at - timedelta(minutes=len(depths_m) - 1 - back)
        body = {"readings": [{"sensor": sensor, "time": when.isoformat(), "value": depth_m, "unit": "m"}]}
        take(settings, database, "posted", json.dumps(body).encode(), when + timedelta(seconds=1))
    database.close()


def forecast_of(sites: Sequence[str], at: datetime = NOW, **changes: Any) -> CityForecast:
    """Return a forecast in which the water rises by 10 cm an hour for four hours at the last site, and none comes else.

    P10 is half of it, P90 twice.
    """
    hours = HORIZONS_S / 3600.0
    shape = (len(sites), len(HORIZONS_S))
    middle = np.zeros(shape)
    middle[-1] = np.where(hours <= 4, 0.10 * hours, np.maximum(0.4 - 0.1 * (hours - 4), 0.0))
    wet = (middle[:, -1:] * 0 + np.arange(len(sites))[:, None]) == len(sites) - 1
    chance = np.where(wet & (hours > 1), 0.5, 0.0)
    exceedance = np.stack([chance, chance * 0.8, chance * 0.1])
    to_flood, to_clear = np.full((len(sites), 3), np.inf), np.zeros((len(sites), 3))
    to_flood[-1], to_clear[-1] = (1500.0, 5400.0, 9000.0), (18000.0, 23400.0, 27000.0)
    given: dict[str, Any] = {
        "issued_at": at,
        "sites": tuple(sites),
        "horizons_s": HORIZONS_S,
        "p10_m": middle / 2,
        "p50_m": middle,
        "p90_m": middle * 2,
        "exceedance": exceedance,
        "within": np.maximum.accumulate(exceedance, axis=-1),
        "method": [Method.RESERVOIR] * len(sites),
        "confidence": np.full(len(sites), 0.8),
        "to_flood_s": to_flood,
        "to_clear_s": to_clear,
        "inputs": {"rain": "made"},
    }
    return CityForecast(**given | changes)


def dry_forecast(sites: Sequence[str], at: datetime = NOW) -> CityForecast:
    """Return a forecast of no water anywhere."""
    wet = forecast_of(sites, at)
    zero = np.zeros_like(wet.p50_m)
    return forecast_of(
        sites, at, p10_m=zero, p50_m=zero, p90_m=zero, exceedance=wet.exceedance * 0, within=wet.within * 0,
        to_flood_s=np.full((len(sites), 3), np.inf), to_clear_s=np.zeros((len(sites), 3)),
    )  # fmt: skip


def released(settings: Settings, forecast: CityForecast | None = None, *, at: datetime = NOW) -> FloodRelease:
    """Keep a forecast, if there is one, decide and release."""
    database = open_database(settings.database_url)
    if forecast is not None:
        FloodForecasts(ObjectStore(settings.objects_url), settings.city).keep(forecast)
    done = decide_and_release(settings, database, at)
    database.close()
    assert done.troubles == ()
    return done
