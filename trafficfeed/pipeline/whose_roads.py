"""Which built city a document speaks of: the one whose roads its lines run on."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np

from trafficfeed.errors import TrafficFeedError
from trafficfeed.formats.records import Feed, Shape
from trafficfeed.formats.rules.roads import roads_of
from trafficfeed.formats.rules.rule import Yardstick
from trafficfeed.network.city import City
from trafficfeed.pipeline.workspace import Ground, ground_of

_OURS: Final = 0.5


def built_grounds(cities_dir: Path) -> tuple[Ground, ...]:
    """Return the cities that have been built and can be used."""
    grounds = []
    for path in sorted(cities_dir.glob("*/city.toml")):
        try:
            ground = ground_of(City.load(path.parent))
            len(ground.graph)
        except TrafficFeedError:  # half built, or of an older version: no reason to refuse a partner's document
            continue
        grounds.append(ground)
    return tuple(grounds)


def city_of(feed: Feed, grounds: Iterable[Ground]) -> Ground | None:
    """Return the first city on whose roads at least half of the document's points lie, axes swapped or not.

    None for what others drew on other maps: no one's lines meet the very points of our roads by chance.
    """
    lines = [one.lonlat for one in Yardstick(feed=feed).drawn if one.line.shape is Shape.LINE]
    if not lines:
        return None
    points = np.vstack(lines)
    for ground in grounds:
        roads = roads_of(ground.graph)
        if max(roads.share_met(points), roads.share_met(points[:, ::-1])) >= _OURS:
            return ground
    return None
