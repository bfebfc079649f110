"""Gridtown with two places that flood: an underpass with a gauge, and a quay without roads."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree

import numpy as np

from trafficfeed.flooding.forecast import HORIZONS_S, CityForecast, Method
from trafficfeed.flooding.site_document import write_sites
from trafficfeed.flooding.sites import Site, SiteRoad, SiteSource
from trafficfeed.network.city import City
from trafficfeed.network.graph_cache import load_graph
from trafficfeed.pipeline.flood_intake import Intake, take
from trafficfeed.settings import Settings
from trafficfeed.store.database import Database

NOW = datetime(2026, 12, 1, 2, 5, tzinfo=UTC)


def sites_in(cities: Path) -> tuple[Site, ...]:
    """Return the two sites; the street beside the underpass lies 25 cm higher."""
    graph = load_graph(City.load(cities / "gridtown").graph_folder)
    beside = int(graph.turn_to[graph.turn_from == 0][0])
    middle = graph.geometry[0].interpolate(0.5, normalized=True)
    roads = (SiteRoad(edge=graph.edge_ids[0]), SiteRoad(edge=graph.edge_ids[beside], sill_m=0.25))
    return (
        Site(
            id="quay", name="The Quay", lon=middle.x + 0.01, lat=middle.y, source=SiteSource.LIST, sensors=("s2",)
        ),
        Site(
            id="underpass", name="The Underpass", lon=middle.x, lat=middle.y, source=SiteSource.LIST, roads=roads,
            sensors=("s1",),
        ),
    )  # fmt: skip


def flooded_town(cities: Path, folder: Path) -> Path:
    """Copy gridtown into a folder and give it the sites; return the folder of cities."""
    copytree(cities / "gridtown", folder / "gridtown", symlinks=True)
    write_sites(sites_in(cities), City.load(folder / "gridtown").sites_path)
    return folder


def told(
    settings: Settings, database: Database, depths_m: Sequence[float], *, sensor: str = "s1", at: datetime = NOW
) -> Intake:
    """Take in readings of a sensor, a minute apart, the last of them at `at`; return the last intake."""
    intake = None
    for back, depth_m in enumerate(depths_m):
        when = at - timedelta(minutes=len(depths_m) - 1 - back)
        body = {"readings": [{"sensor": sensor, "time": when.isoformat(), "value": depth_m, "unit": "m"}]}
        intake = take(settings, database, "posted", json.dumps(body).encode(), when + timedelta(seconds=1))
    assert intake is not None
    return intake


def forecast_of(sites: Sequence[str], *, p90_m: float, chance_30cm: float = 0.0, at: datetime = NOW) -> CityForecast:
    """Return a forecast that says the same of all sites and times."""
    shape = (len(sites), len(HORIZONS_S))
    exceedance = np.stack([np.full(shape, chance) for chance in (0.9, max(chance_30cm, 0.5), chance_30cm)])
    return CityForecast(
        issued_at=at,
        sites=sites,
        horizons_s=HORIZONS_S,
        p10_m=np.full(shape, p90_m / 3),
        p50_m=np.full(shape, p90_m / 2),
        p90_m=np.full(shape, p90_m),
        exceedance=exceedance,
        within=exceedance,
        method=[Method.RESERVOIR] * len(sites),
        confidence=np.full(len(sites), 0.8),
        to_flood_s=np.tile([600.0, 1200.0, np.inf], (len(sites), 1)),
        to_clear_s=np.tile([3600.0, 5400.0, 7200.0], (len(sites), 1)),
        inputs={"rain": "made"},
    )
