"""What an intake of water data rests on: the city's sources and sites, read anew when their files change."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from trafficfeed.errors import OrderNotFound
from trafficfeed.flooding.ingest.sources import FILE, Columns, WaterSource, load_sources
from trafficfeed.flooding.site_document import read_sites
from trafficfeed.flooding.sites import Site
from trafficfeed.network.city import City
from trafficfeed.pipeline.workspace import find_city
from trafficfeed.settings import Settings

POSTED: Final = WaterSource(
    id="posted",
    kind="levels",
    adapter="json",
    title="Posted to the API",
    items="readings",
    columns=Columns(unit="unit"),
)
OFFICERS: Final = WaterSource(id="officers", kind="reports", adapter="json", title="Officers' reports", items="reports")
CITIZENS: Final = WaterSource(id="citizens", kind="reports", adapter="json", title="Citizens' reports", items="reports")
_BUILT_IN: Final = {one.id: one for one in (POSTED, OFFICERS, CITIZENS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterworks:
    """A city's sources by id, those that every city has included, and its sites."""

    city: City
    sources: dict[str, WaterSource]
    sites: tuple[Site, ...]

    def source(self, id: str) -> WaterSource:
        """Return a source.

        Raises
        ------
        OrderNotFound
            If the city declares none of this id.
        """
        found = self.sources.get(id)
        if found is None:
            known = ", ".join(sorted(self.sources))
            raise OrderNotFound(f"{self.city.name} declares no water source {id!r} in {FILE}: it has {known}")
        return found

    def beside(self) -> dict[str, tuple[str, ...]]:
        """Return by sensor the others that look at the same site."""
        return {
            sensor: tuple(other for other in site.sensors if other != sensor)
            for site in self.sites
            for sensor in site.sensors
            if len(site.sensors) > 1
        }


def waterworks_of(settings: Settings) -> Waterworks:
    """Return what the served city declares; kept in memory until one of its files changes.

    Raises
    ------
    SourceUnavailable
        If there is no such city.
    ScenarioInvalid
        If its `city.toml` or ``flooding/sources.toml`` cannot be used.
    SourceMalformed
        If its sites are damaged.
    """
    city = find_city(settings.city, settings.cities_dir)
    paths = (city.folder / "city.toml", city.folder / FILE, city.sites_path)
    stamps = tuple(path.stat().st_mtime_ns if path.is_file() else 0 for path in paths)
    return _waterworks(str(city.folder), stamps)


@lru_cache(maxsize=4)
def _waterworks(folder: str, _stamps: tuple[int, ...]) -> Waterworks:
    city = City.load(Path(folder))
    sites = read_sites(city.sites_path) if city.sites_path.is_file() else ()
    return Waterworks(city=city, sources=_BUILT_IN | load_sources(city.folder), sites=sites)
