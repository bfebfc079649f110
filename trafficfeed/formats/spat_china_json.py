"""China's C-V2X SPAT as JSON: its field names and LightState codes, UTC TimeMarks, never seconds counted down.

Source: YD/T 3709-2020 and T/CSAE 53-2020, public structure (SPAT, PhaseState, UTCTiming). The choice ``counting`` is
never made: a countdown in a message is wrong by as long as the message takes.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from trafficfeed.formats.json_documents import as_json
from trafficfeed.formats.signal_times import (
    DOWN,
    MARK_UNKNOWN,
    UP,
    milliseconds,
    minute_of_year,
    time_mark,
    told,
)
from trafficfeed.formats.spatem import label_of, shown
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.states import GroupState, IntersectionState

FILE_NAME: Final = "spat_cv2x.json"
MEDIA_TYPE: Final = "application/json"

LIGHT_STATES: Final = {
    Aspect.UNAVAILABLE: 0,
    Aspect.DARK: 1,
    Aspect.STOP_THEN_PROCEED: 2,  # flashing red
    Aspect.STOP_AND_REMAIN: 3,
    Aspect.PRE_MOVEMENT: 3,  # red and amber has no code of its own: it still holds traffic
    Aspect.PERMISSIVE_GREEN: 5,
    Aspect.PROTECTED_GREEN: 6,
    Aspect.PERMISSIVE_AMBER: 7,
    Aspect.PROTECTED_AMBER: 7,
    Aspect.FLASHING_AMBER: 8,
}

_LONGEST_AGO_S = 3600.0
_MANUAL, _NO_VALID_SPAT = 0, 13  # bits of IntersectionStatusObject, as J2735 numbers them
_PERCENT = 0.5  # DE_Confidence counts in half per cent
_CONFIDENCE_PERCENT: Final = {14: 98, 15: 100}


def encode(state: IntersectionState, *, at: datetime | None = None) -> bytes:
    """Return the SPAT of one intersection as JSON; `at` is when it is sent (aware), by default when it was observed."""
    return encode_all([state], at=at or state.observed_at)


def encode_all(states: Iterable[IntersectionState], *, at: datetime, message_count: int = 0) -> bytes:
    """Return one SPAT of many intersections, sorted by number; `at` is when it is sent, aware."""
    ordered = sorted(states, key=lambda state: (state.region, state.number))
    simulated = any(state.simulated for state in ordered)
    head = {
        "msgCnt": message_count if len(ordered) != 1 else ordered[0].revision,
        "moy": minute_of_year(at),
        "timeStamp": milliseconds(at),
        **({"name": "SIMULATED"} if simulated else {}),
    }
    return as_json(head | {"intersections": [_intersection(state, at) for state in ordered]})


def _intersection(state: IntersectionState, at: datetime) -> dict[str, Any]:
    bits = [_MANUAL] * state.advisory + [_NO_VALID_SPAT] * state.stale
    status = "".join("1" if bit in bits else "0" for bit in range(16))
    label = label_of(state)
    return {
        "intersectionId": {"region": state.region, "id": state.number},
        **({"name": label, "simulated": state.simulated} if label else {}),
        "status": status,
        "moy": minute_of_year(state.observed_at),
        "timeStamp": milliseconds(state.observed_at),
        "phases": [{"id": group.group, "phaseStates": [_phase(group, at)]} for group in state.groups],
    }


def _phase(group: GroupState, at: datetime) -> dict[str, Any]:
    aspect = shown(group)
    value: dict[str, Any] = {"light": LIGHT_STATES[aspect]}
    if not aspect.is_timed:
        return value
    ago_s = (at - group.since).total_seconds() if group.since is not None else _LONGEST_AGO_S
    timing: dict[str, int] = {
        "startUTCTime": time_mark(group.since, at) if 0 <= ago_s < _LONGEST_AGO_S else MARK_UNKNOWN,
        "likelyEndUTCTime": MARK_UNKNOWN,
    }
    end = told(group, at)
    if end is not None:
        timing["minEndUTCTime"] = time_mark(end.earliest, at, rounding=DOWN)
        if end.latest is not None:
            timing["maxEndUTCTime"] = time_mark(end.latest, at, rounding=UP)
        if end.likely is not None:
            timing["likelyEndUTCTime"] = time_mark(end.likely, at)
            timing["timeConfidence"] = round(_CONFIDENCE_PERCENT.get(end.confidence or 0, 0) / _PERCENT)
    return value | {"timing": {"utcTiming": timing}}
