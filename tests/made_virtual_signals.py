"""Virtual signals at a crossing of two streets."""

from datetime import datetime, timedelta

from made_graphs import Street, graph_of, lonlat

from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.signals.virtual import Say, VirtualJunction, VirtualSignal, made
from trafficfeed.signals.virtual_junction import junction_at

MIDDLE = lonlat((0.0, 0.0))[0]
NORTH_ARM, EAST_ARM, SOUTH_ARM, WEST_ARM = 1, 2, 3, 4  # approaches by where they come from


def crossroads() -> RoadGraph:
    """Main Street east and west, Cross Street north and south."""
    places = {"m": (0.0, 0.0), "n": (0.0, 200.0), "e": (200.0, 0.0), "s": (0.0, -200.0), "w": (-200.0, 0.0)}
    return graph_of(
        places, [Street(name="Main Street", nodes=["w", "m", "e"]), Street(name="Cross Street", nodes=["s", "m", "n"])]
    )


def crossing() -> VirtualJunction:
    """Return the junction of both."""
    return junction_at(crossroads(), MIDDLE, id="virtual-gate", number=4711)


def made_virtual_signal(
    *, as_of: datetime, id: str = "gate", says: dict[int, Say] | None = None, **ends: float
) -> VirtualSignal:
    """Return one that ends in an hour."""
    return made(
        id,
        crossing(),
        authority="Police",
        reason="the lamps are dark",
        as_of=as_of,
        expires_at=as_of + timedelta(**(ends or {"hours": 1})),
        says=says or {},
    )
