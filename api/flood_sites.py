"""Whether a city has flood sites: pages link to its flood map only then."""

from trafficfeed.errors import TrafficFeedError
from trafficfeed.pipeline.flood_sources import waterworks_of
from trafficfeed.settings import Settings


def has_flood_sites(settings: Settings) -> bool:
    """Tell whether the city knows of places that flood; False where that cannot be read."""
    try:
        return bool(waterworks_of(settings).sites)
    except TrafficFeedError:
        return False
