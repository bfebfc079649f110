"""What a signal group shows: the movement phase states of SPaT, and their names elsewhere."""

from enum import StrEnum
from typing import Final


class Aspect(StrEnum):
    """What one signal group shows. Source: ETSI TS 103 301 / ISO TS 19091 / SAE J2735, ``MovementPhaseState``."""

    UNAVAILABLE = "unavailable"
    DARK = "dark"
    STOP_THEN_PROCEED = "stop-Then-Proceed"  # flashing red
    STOP_AND_REMAIN = "stop-And-Remain"  # red
    PRE_MOVEMENT = "pre-Movement"  # red and amber
    PERMISSIVE_GREEN = "permissive-Movement-Allowed"
    PROTECTED_GREEN = "protected-Movement-Allowed"
    PERMISSIVE_AMBER = "permissive-clearance"
    PROTECTED_AMBER = "protected-clearance"
    FLASHING_AMBER = "caution-Conflicting-Traffic"

    @property
    def number(self) -> int:
        """The value in UPER."""
        return _NUMBERS[self]

    @property
    def is_green(self) -> bool:
        """Whether it lets traffic go."""
        return self in {Aspect.PERMISSIVE_GREEN, Aspect.PROTECTED_GREEN}

    @property
    def is_amber(self) -> bool:
        """Whether it clears the junction after a green."""
        return self in {Aspect.PERMISSIVE_AMBER, Aspect.PROTECTED_AMBER}

    @property
    def is_red(self) -> bool:
        """Whether it holds traffic, red and amber together included."""
        return self in {Aspect.STOP_AND_REMAIN, Aspect.PRE_MOVEMENT}

    @property
    def is_timed(self) -> bool:
        """Whether it is a part of a cycle, whose end can be told; not so dark, flashing or unavailable."""
        return self.is_green or self.is_amber or self.is_red


_NUMBERS: Final = {aspect: number for number, aspect in enumerate(Aspect)}
