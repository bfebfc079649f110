"""The city and the installation that the benchmarks of releasing run on: the demo city or a grid, and a new state."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path

from benchmarks.busy_city.orders import orders_on
from benchmarks.order_check import build
from trafficfeed.closures.orders import Order
from trafficfeed.pipeline.orders import store_emergency
from trafficfeed.pipeline.workspace import find_city, ground_of
from trafficfeed.settings import Settings
from trafficfeed.store.database import Database

_CITY = """
name = "grid"
title = "Grid"
timezone = "Europe/Helsinki"
language = "en"
licence = "CC0-1.0"
attribution = "made by a benchmark"
[network]
net_file = "../grid-{size}.net.xml"
source = "net"
crs = "EPSG:32635"
[demand]
route_files = []
kind = "hour"
begin_s = 0
end_s = 3600
method = "none"
"""
_PARTNERS = """
[[partner]]
id = "swedish"
title = "A map app that speaks Swedish"
profile = "waze"
language = "sv"
formats = ["cifs", "native"]

[[partner]]
id = "plain"
title = "A map app that takes what everybody gets"
profile = "google"
formats = ["native", "wzdx"]
"""


def installation(folder: Path, *, grid: int = 0) -> Settings:
    """Return the settings of an empty installation in `folder`, for the demo city or a grid of `grid` junctions a side.

    It has two partners; Airflow is not there.
    """
    configured = Settings()
    folder.mkdir(parents=True, exist_ok=True)
    cities, city = configured.cities_dir, configured.city
    if grid or not (cities / city / "graph" / "manifest.json").is_file():
        size = grid or 40
        cities, city = folder / "cities", "grid"
        build(size, cities, cities / "grid" / "graph")
        (cities / "grid" / "city.toml").write_text(_CITY.format(size=size), "utf-8")
    else:
        cities = _copy_of(cities / city, folder / "cities")
    (cities / city / "partners.toml").write_text(_PARTNERS, "utf-8")
    return Settings(state_dir=folder / "state", cities_dir=cities, city=city, airflow_port=9, airflow_timeout_s=0.2)


def _copy_of(city: Path, cities: Path) -> Path:
    """Return a folder of cities with a city that shares all with `city` but what is written into it here."""
    (cities / city.name).mkdir(parents=True, exist_ok=True)
    for path in city.iterdir():
        if path.name != "partners.toml":
            (cities / city.name / path.name).symlink_to(path.absolute())
    return cities


def orders_of(settings: Settings, *, as_of: datetime, seed: int = 1) -> Iterator[Order]:
    """Give orders in the installation's city without end."""
    city = find_city(settings.city, settings.cities_dir)
    return orders_on(ground_of(city).graph, city, as_of=as_of, seed=seed)


def fill(database: Database, settings: Settings, events: int, *, as_of: datetime) -> None:
    """Approve orders of `events` records in all."""
    for order in islice(orders_of(settings, as_of=as_of), events):
        store_emergency(database, order, (), actor="benchmark", as_of=as_of, reason="a benchmark")
