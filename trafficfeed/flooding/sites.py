"""Places where water gathers on a road: a low point with its bowl, its catchment, its drain and its history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SiteSource(StrEnum):
    """How the place came to be known."""

    TERRAIN = "terrain"  # a depression of the elevation model
    LIST = "list"  # written down by people who know the city: underpasses, bridges, known puddles
    SENSOR = "sensor"  # a water-level sensor hangs there, nothing else is known


@dataclass(frozen=True, slots=True, kw_only=True)
class StageVolume:
    """How much water the bowl holds up to a depth above its low point.

    `depth_m` rises strictly from 0, `volume_m3` rises from 0; both of one length, at least two. Beyond the last depth
    the bowl spills: it does not fill any deeper by itself. What fills before the road gets wet (a yard below it) is the
    volume at the first millimetre.
    """

    depth_m: Sequence[float]
    volume_m3: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRoad:
    """A road that the site's water reaches.

    `edge` is the SUMO edge id (never published). `sill_m` is how much higher the edge's own low point lies than the
    site's, m: the edge has ``depth - sill_m`` of water, if that is more than nothing. `from_m` and `to_m` are where
    along the edge's line (junction to junction, as published) the water stands, m from its beginning, when the site is
    full; `to_m` None: to its end.
    """

    edge: str
    sill_m: float = 0.0
    from_m: float = 0.0
    to_m: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastFlood:
    """One flood that is on record: from the first water until the road was dry, and the deepest of it, m."""

    started_at: datetime
    ended_at: datetime
    max_depth_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A place where water gathers.

    Attributes
    ----------
    id
        Stable, lower-case; from the list's or sensor's own id, or the depression's position. Never a SUMO id.
    name
        What a person calls it; "" where it has no name.
    lon, lat
        Of the low point, EPSG:4326.
    elevation_m
        Of the road's low point in the elevation model's or the city's vertical datum; None where unknown.
    bowl
        None where no elevation model tells.
    catchment_m2, drain_m3ps
        What drains to it; what its inlet takes when the outfall is free. None: fitted from history, else the city's.
    outfall_level_m
        Tide level (datum of the city's tide predictions) from which on its outfall is blocked, so that nothing drains
        and the sea comes up; None where the tide does not reach it, or nobody knows.
    tidal
        Whether the tide floods it; None where unknown.
    roads
        May be empty: the site is then forecast and mapped, and closes nothing.
    history
        Past floods, oldest first, as far as they were handed in.
    sensors
        Ids of the water-level sensors that look at it.
    """

    id: str
    name: str
    lon: float
    lat: float
    source: SiteSource
    elevation_m: float | None = None
    bowl: StageVolume | None = None
    catchment_m2: float | None = None
    drain_m3ps: float | None = None
    outfall_level_m: float | None = None
    tidal: bool | None = None
    roads: Sequence[SiteRoad] = ()
    history: Sequence[PastFlood] = ()
    sensors: Sequence[str] = ()
