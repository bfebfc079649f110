"""ETSI SPATEM in UPER: the lamps of one intersection, some ten times as fast as a general encoder.

The message has one shape, so its bits are put side by side here; pycrate encodes `value_of` to the very same bytes,
and the tests hold each against the other. Source: ETSI TS 103 301 (SPATEM), ISO TS 19091 (DSRC), ITU-T X.691 (UPER).
"""

from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from trafficfeed.errors import FeedNonConformant
from trafficfeed.formats.signal_times import DOWN, MARK_UNKNOWN, UP, Told, milliseconds, minute_of_year, time_mark, told
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.states import GroupState, IntersectionState

MEDIA_TYPE: Final = "application/octet-stream"
PROTOCOL_VERSION: Final = 2
MESSAGE_ID: Final = 4
SIMULATED: Final = "SIMULATED"

_MOST_GROUPS = 255
_MOST_NAME = 63
_MANUAL, _NO_VALID_SPAT = 1 << 15, 1 << 2  # bits 0 and 13 of 16, the first on the left


def encode(state: IntersectionState, *, at: datetime | None = None, station: int = 0) -> bytes:
    """Return the SPATEM of an intersection.

    A stale group is ``unavailable``; a group that nothing may be said of has no end (36001 where it is in its cycle, no
    timing at all elsewhere); one whose seconds may not be counted has ``minEndTime`` and ``maxEndTime`` alone. Virtual
    signals set *manual control*. The label of what is simulated or advisory is the intersection's name.

    Parameters
    ----------
    state
        The intersection.
    at
        When it is sent, aware; default: when it was observed.
    station
        ``StationID`` of the sender, 32 bits.

    Raises
    ------
    FeedNonConformant
        If it does not fit: no group, group numbers beyond 1..255, a number, region or revision out of range.
    """
    moment = at or state.observed_at
    _check(state, station)
    bits, size = _head(state.region, state.number, label_of(state), station)
    bits = bits << 7 | state.revision
    bits = bits << 16 | _status(state)
    bits = bits << 20 | minute_of_year(moment)
    bits = bits << 16 | milliseconds(moment)
    bits = bits << 8 | len(state.groups) - 1
    size += 67
    for group in state.groups:
        own, length = _movement(group, moment)
        bits = bits << length | own
        size += length
    filler = -size % 8
    return (bits << filler).to_bytes((size + filler) // 8, "big")


def value_of(state: IntersectionState, *, at: datetime | None = None, station: int = 0) -> dict[str, Any]:
    """Return the same message as the value that an ASN.1 encoder takes."""
    moment = at or state.observed_at
    label = label_of(state)
    intersection = {
        **({"name": label} if label else {}),
        "id": {"region": state.region, "id": state.number},
        "revision": state.revision,
        "status": (_status(state), 16),
        "moy": minute_of_year(moment),
        "timeStamp": milliseconds(moment),
        "states": [
            {"signalGroup": group.group, "state-time-speed": [_event_value(group, moment)]} for group in state.groups
        ],
    }
    header = {"protocolVersion": PROTOCOL_VERSION, "messageID": MESSAGE_ID, "stationID": station}
    return {"header": header, "spat": {"intersections": [intersection]}}


def label_of(state: IntersectionState) -> str:
    """Return the name that the message carries: only what is not a real lamp has one, so that it is told apart."""
    words = [SIMULATED] if state.simulated else []
    if state.advisory:
        words.append(f"ADVISORY {state.authority}".strip())
    ascii_only = " ".join(words).encode("ascii", "replace").decode()
    return ascii_only[:_MOST_NAME]


def shown(group: GroupState) -> Aspect:
    """Return the aspect that is published: a silent lamp's is not known."""
    return Aspect.UNAVAILABLE if group.stale else group.aspect


@lru_cache(maxsize=65_536)
def _head(region: int, number: int, label: str, station: int) -> tuple[int, int]:
    """Return header and intersection id, the same in each message of an intersection, and how many bits they are."""
    bits = PROTOCOL_VERSION << 40 | MESSAGE_ID << 32 | station
    bits <<= 4  # SPAT: no extension, no time, no name, nothing regional
    bits <<= 5  # one intersection
    bits = bits << 7 | (bool(label) << 5) | 0b11000  # no extension; name? moy and timeStamp
    size = 48 + 4 + 5 + 7
    if label:
        bits = bits << 6 | len(label) - 1
        for character in label:
            bits = bits << 7 | ord(character)
        size += 6 + 7 * len(label)
    bits = bits << 33 | 1 << 32 | region << 16 | number
    return bits, size + 33


def _movement(group: GroupState, at: datetime) -> tuple[int, int]:
    """Return a MovementState with its one event, and its bits."""
    aspect = shown(group)
    bits = group.group << 4  # signalGroup after four zero bits; one event
    end = told(group, at)
    if end is not None:
        times, length = _timing(end, at)
        return (bits << 8 | 0b0100_0000 | aspect.number) << length | times, 24 + length
    if aspect.is_timed:
        return (bits << 8 | 0b0100_0000 | aspect.number) << 21 | MARK_UNKNOWN, 45
    return bits << 8 | aspect.number, 24


def _timing(end: Told, at: datetime) -> tuple[int, int]:
    """Return a TimeChangeDetails: which of its five options there are, minEndTime, and they."""
    bits, length = time_mark(end.earliest, at, rounding=DOWN), 16
    options = 0
    if end.latest is not None:
        options |= 0b01000
        bits, length = bits << 16 | time_mark(end.latest, at, rounding=UP), length + 16
    if end.likely is not None and end.confidence is not None:
        options |= 0b00110
        bits, length = (bits << 16 | time_mark(end.likely, at)) << 4 | end.confidence, length + 20
    return options << length | bits, length + 5


def _event_value(group: GroupState, at: datetime) -> dict[str, Any]:
    aspect = shown(group)
    event: dict[str, Any] = {"eventState": aspect.value}
    end = told(group, at)
    if end is None:
        return event | ({"timing": {"minEndTime": MARK_UNKNOWN}} if aspect.is_timed else {})
    timing = {"minEndTime": time_mark(end.earliest, at, rounding=DOWN)}
    if end.latest is not None:
        timing["maxEndTime"] = time_mark(end.latest, at, rounding=UP)
    if end.likely is not None and end.confidence is not None:
        timing |= {"likelyTime": time_mark(end.likely, at), "confidence": end.confidence}
    return event | {"timing": timing}


def _status(state: IntersectionState) -> int:
    return (_MANUAL if state.advisory else 0) | (_NO_VALID_SPAT if state.stale else 0)


def _check(state: IntersectionState, station: int) -> None:
    numbers = [group.group for group in state.groups]
    sound = (
        0 < len(numbers) <= _MOST_GROUPS
        and min(numbers) > 0
        and max(numbers) <= _MOST_GROUPS
        and 0 <= state.number < 65_536
        and 0 <= state.region < 65_536
        and 0 <= state.revision < 128
        and 0 <= station < 1 << 32
    )
    if not sound:
        raise FeedNonConformant(
            f"{state.intersection} does not fit a SPATEM: groups {numbers[:3]}…, number {state.number}, region "
            f"{state.region}, revision {state.revision}; groups are 1..255, the others 16, 16 and 7 bits"
        )
