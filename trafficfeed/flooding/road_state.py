"""What water does to a road: the speed that is left, and which vehicles still pass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from trafficfeed.network.vehicle_classes import VehicleClass

Floats = npt.NDArray[np.float64]


class WaterClass(StrEnum):
    """Vehicles by how much standing water they bear."""

    SMALL = "small"
    LARGE = "large"
    FOUR_WHEEL_DRIVE = "four_wheel_drive"
    EMERGENCY = "emergency"


STANDING_WATER_M: Final[Mapping[WaterClass, float]] = {
    WaterClass.SMALL: 0.30,
    WaterClass.LARGE: 0.40,
    WaterClass.FOUR_WHEEL_DRIVE: 0.50,
    WaterClass.EMERGENCY: 0.50,
}
"""Depth of still water in which a vehicle loses its hold, m.

Source: Australian Rainfall and Runoff, Book 6, chapter 7 (2019), table 6.7.4: small passenger car 0.3 m, large
passenger car 0.4 m, large four-wheel drive 0.5 m. Emergency vehicles are taken as large four-wheel drives.
"""

SUMO_CLASSES: Final[Mapping[WaterClass, frozenset[VehicleClass]]] = {
    WaterClass.SMALL: frozenset(
        {VehicleClass.PASSENGER, VehicleClass.TAXI, VehicleClass.MOTORCYCLE, VehicleClass.BICYCLE, VehicleClass.CUSTOM1}
    ),
    WaterClass.LARGE: frozenset({VehicleClass.DELIVERY, VehicleClass.TRAILER}),
    WaterClass.FOUR_WHEEL_DRIVE: frozenset({VehicleClass.TRUCK, VehicleClass.BUS, VehicleClass.COACH}),
    WaterClass.EMERGENCY: frozenset({VehicleClass.EMERGENCY, VehicleClass.AUTHORITY}),
}

_DEEPEST_PASSABLE_MM: Final = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadWater:
    """Water on one edge over a time: what the map shows and the records carry.

    `depth_m` is P50 and `p10_m`, `p90_m` its band, at `at`; `speed_mps` what is left of the limit; `passable` the
    classes that still pass at P90 of the depth: the doubt speaks against driving.
    """

    edge: str
    site: str
    at: datetime
    depth_m: float
    p10_m: float
    p90_m: float
    chance_15cm: float
    chance_30cm: float
    speed_mps: float
    passable: Sequence[WaterClass] = field(default_factory=tuple)


def speed_in_water(depth_m: Floats, limit_mps: Floats | float) -> Floats:
    """Return the highest speed at which a car stays in control, m/s, at most the limit; shapes broadcast.

    Source: Pregnolato, Ford, Wilkinson, Dawson 2017, doi:10.1016/j.trd.2017.06.020, eq. 1:
    v = 0.0009 w² − 0.5529 w + 86.9448 km/h, w in mm. The parabola rises again after 307 mm: 0 from 300 mm on.
    """
    water_mm = np.asarray(depth_m, dtype=np.float64) * 1000.0
    safe_kmh = 0.0009 * water_mm**2 - 0.5529 * water_mm + 86.9448
    safe_mps = np.where(water_mm >= _DEEPEST_PASSABLE_MM, 0.0, np.maximum(safe_kmh, 0.0) / 3.6)
    return np.where(water_mm > 0, np.minimum(safe_mps, limit_mps), limit_mps)


def passable_at(depth_m: float, limits_m: Mapping[WaterClass, float] = STANDING_WATER_M) -> tuple[WaterClass, ...]:
    """Return the classes that pass water of a depth: none where the depth is unknown (NaN)."""
    return tuple(kind for kind in WaterClass if depth_m < limits_m[kind])
