"""An OSM extract as a city of ours: its network and road graph, no traffic."""

from pathlib import Path

from trafficfeed.network.city import City, CityFile, DemandSection, NetworkSection
from trafficfeed.pipeline.cities import import_network
from trafficfeed.pipeline.city_sources import BuildOptions, gather
from trafficfeed.pipeline.workspace import Ground
from trafficfeed.progress import silent

NAME = "trial"


def import_city(osm: Path, folder: Path, *, left_hand: bool = False, timezone: str = "UTC") -> Ground:
    """Import the network of an OSM extract (PBF or XML) into `folder`, and return the ground that orders stand on.

    Raises
    ------
    SourceUnavailable, SourceMalformed, ScenarioInvalid
        If no network comes out of the extract.
    """
    folder.mkdir(parents=True, exist_ok=True)
    options = BuildOptions(left_hand=left_hand, timezone=timezone)
    import_network(gather(NAME, osm=osm, net=None, options=options), folder, silent)
    file = CityFile(
        name=NAME,
        title="Router trial",
        timezone=timezone,
        licence="ODbL 1.0",
        attribution="© OpenStreetMap contributors",
        network=NetworkSection(net_file=f"network/{NAME}.net.xml", source="osm", crs="", left_hand=left_hand),
        demand=DemandSection(route_files=(), kind="hour", begin_s=0, end_s=0, method="none: nothing is simulated"),
    )
    return Ground(City(folder, file))
