"""Places that people must be able to reach: addresses, hospitals, fire stations, car parks."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt


class PlaceKind(StrEnum):
    """What a place is; from OSM tags (addr:housenumber, amenity=hospital|fire_station|parking …)."""

    ADDRESS = "address"
    HOSPITAL = "hospital"
    FIRE_STATION = "fire_station"
    CAR_PARK = "car_park"


@dataclass(frozen=True, kw_only=True)
class Places:
    """Places in columns.

    Attributes
    ----------
    kind, label, osm_id
        ``(n_places,)``: the kind, a label a person knows ("Kirkkokatu 12", "Kluuvin pysäköintilaitos"), and
        "node/123", "way/45" or "relation/6".
    lonlat
        ``(n_places, 2) float64`` EPSG:4326 lon, lat.
    edge
        ``(n_places,) int32`` index of the road-graph edge from which a car reaches it (the nearest of the street named
        in the address, else the nearest), -1 where none is near.
    """

    kind: Sequence[PlaceKind]
    label: Sequence[str]
    osm_id: Sequence[str]
    lonlat: npt.NDArray[np.float64]
    edge: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.label)
