"""What an actuated controller says beside its lamps: calls, detectors, why a green ended."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum


class Code(IntEnum):
    """Codes of the high-resolution event log; the parameter is a phase, an overlap or a detector by its range.

    Source: Sturdevant et al., "Indiana Traffic Signal Hi Resolution Data Logger Enumerations" (Purdue, 2012, and the
    edition of 2020 by Li et al.); doi 10.4231/K4RN35SH.
    """

    PHASE_BEGIN_GREEN = 1
    PHASE_MIN_COMPLETE = 3
    PHASE_GAP_OUT = 4
    PHASE_MAX_OUT = 5
    PHASE_FORCE_OFF = 6
    PHASE_GREEN_TERMINATION = 7
    PHASE_BEGIN_YELLOW = 8
    PHASE_END_YELLOW = 9
    PHASE_BEGIN_RED_CLEARANCE = 10
    PHASE_END_RED_CLEARANCE = 11
    PHASE_INACTIVE = 12
    WALK_BEGIN = 21
    WALK_CLEARANCE_BEGIN = 22
    DONT_WALK_BEGIN = 23
    WALK_DARK = 24
    PHASE_CALL_REGISTERED = 43
    PHASE_CALL_DROPPED = 44
    PEDESTRIAN_CALL_REGISTERED = 45
    OVERLAP_BEGIN_GREEN = 61
    OVERLAP_BEGIN_TRAILING_GREEN = 62
    OVERLAP_BEGIN_YELLOW = 63
    OVERLAP_BEGIN_RED_CLEARANCE = 64
    OVERLAP_INACTIVE = 65
    OVERLAP_DARK = 66
    OVERLAP_WALK_BEGIN = 67
    OVERLAP_WALK_CLEARANCE_BEGIN = 68
    OVERLAP_DONT_WALK_BEGIN = 69
    OVERLAP_WALK_DARK = 70
    DETECTOR_OFF = 81
    DETECTOR_ON = 82
    UNIT_FLASH_STATUS = 173


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerEvent:
    """One row of a controller's log.

    `code` is a `Code` or one that we do not know; `parameter` the number of the phase, overlap or detector that it is
    about. Times are aware UTC: `observed_at` by the controller's clock as it came, `received_at` by ours.
    """

    intersection: str
    code: int
    parameter: int
    observed_at: datetime
    received_at: datetime
    source: str = "hires"
