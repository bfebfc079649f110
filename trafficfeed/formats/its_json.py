"""SPATEM and MAPEM as JSON: the same messages as in UPER, by the JSON encoding rules of ASN.1.

Source: ITU-T X.697 (JER): bit strings in hexadecimal, a choice as an object with one member.
"""

from datetime import datetime
from typing import Any, Final

from trafficfeed.formats import mapem, spatem
from trafficfeed.formats.json_documents import as_json
from trafficfeed.signals.states import IntersectionState
from trafficfeed.signals.topology import Intersection

MEDIA_TYPE: Final = "application/json"


def spatem_json(state: IntersectionState, *, at: datetime | None = None, station: int = 0) -> bytes:
    """Return the SPATEM of an intersection as JSON; arguments as `spatem.encode`."""
    return as_json(_jer(spatem.value_of(state, at=at, station=station)))


def mapem_json(one: Intersection, *, station: int = 0) -> bytes:
    """Return the MAPEM of an intersection as JSON; arguments as `mapem.encode`."""
    return as_json(_jer(mapem.message_of(one, station=station)))


def _jer(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _jer(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_jer(inner) for inner in value]
    if isinstance(value, tuple):
        first, second = value
        return {first: _jer(second)} if isinstance(first, str) else _hexadecimal(first, second)
    return value


def _hexadecimal(bits: int, length: int) -> str:
    filler = -length % 8
    return (bits << filler).to_bytes((length + filler) // 8, "big").hex().upper()
