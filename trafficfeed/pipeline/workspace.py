"""What the pipeline works on: one city with its graph, and this installation's database, objects and runs."""

from functools import cached_property, lru_cache
from pathlib import Path

from trafficfeed.errors import SourceUnavailable
from trafficfeed.network.city import City
from trafficfeed.network.graph_cache import load_graph, load_places
from trafficfeed.network.places import Places
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.settings import Settings


class Ground:
    """A city's road graph and places, read when first asked for."""

    def __init__(self, city: City) -> None:
        self.city = city

    @cached_property
    def graph(self) -> RoadGraph:
        """The road graph; raises as `load_graph`."""
        return load_graph(self.city.graph_folder)

    @cached_property
    def places(self) -> Places:
        """The places; raises as `load_places`."""
        return load_places(self.city.graph_folder)


def find_city(name: str, cities_dir: Path) -> City:
    """Return the city called `name` in `cities_dir`, or the one whose folder `name` is.

    Raises
    ------
    SourceUnavailable
        If there is neither; the message lists the cities that are there.
    ScenarioInvalid
        If its `city.toml` cannot be used.
    """
    for folder in (cities_dir / name, Path(name)):
        if (folder / "city.toml").is_file():
            return City.load(folder)
    known = ", ".join(sorted(path.parent.name for path in cities_dir.glob("*/city.toml"))) or "none yet"
    raise SourceUnavailable(
        f"there is no city {name!r} in {cities_dir} (built: {known}): build it with `trafficfeed city build {name}`"
    )


def ground_of(city: City) -> Ground:
    """Return the city's ground, kept in memory until its network or its `city.toml` changes."""
    stamps = tuple((str(p), p.stat().st_mtime_ns) for p in (city.folder / "city.toml", city.graph_folder) if p.exists())
    return _ground(str(city.folder), stamps)


@lru_cache(maxsize=4)
def _ground(folder: str, _stamps: tuple[tuple[str, int], ...]) -> Ground:
    return Ground(City.load(Path(folder)))


def runs_folder(configured: Settings) -> Path:
    """Return the folder where simulation runs are cached by the hash of all that goes in."""
    return configured.state_dir / "runs"
