"""Vehicle classes by SUMO's own names, and their bit masks."""

from collections.abc import Iterable
from enum import StrEnum


class VehicleClass(StrEnum):
    """The vehicle classes that orders speak of; values are SUMO's (docs: Definition of Vehicles, vClass).

    ``CUSTOM1`` stands for holders of a permit (residents, accreditation) in a simulation.
    """

    PASSENGER = "passenger"
    TAXI = "taxi"
    BUS = "bus"
    COACH = "coach"
    DELIVERY = "delivery"
    TRUCK = "truck"
    TRAILER = "trailer"
    MOTORCYCLE = "motorcycle"
    BICYCLE = "bicycle"
    EMERGENCY = "emergency"
    AUTHORITY = "authority"
    CUSTOM1 = "custom1"

    @property
    def bit(self) -> int:
        """The class's bit in an access mask."""
        return 1 << list(VehicleClass).index(self)


def mask_of(classes: Iterable[VehicleClass]) -> int:
    """Return the access mask of `classes` (bitwise or of their bits)."""
    mask = 0
    for vehicle_class in classes:
        mask |= vehicle_class.bit
    return mask


def classes_of(mask: int) -> frozenset[VehicleClass]:
    """Return the classes whose bits are set in `mask`; the inverse of `mask_of`."""
    return frozenset(c for c in VehicleClass if mask & c.bit)


MOTOR_CLASSES = frozenset(VehicleClass) - {VehicleClass.BICYCLE}
ALL_CLASSES_MASK = mask_of(VehicleClass)
