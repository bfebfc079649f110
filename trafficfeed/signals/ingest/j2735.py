"""SAE J2735 SPaT frames, as bytes or as the hexadecimal text that roadside units send, through the door."""

from binascii import Error, unhexlify
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from trafficfeed.signals.ingest.intake import Intake, Taken
from trafficfeed.signals.ingest.spatem import SpatemSource
from trafficfeed.signals.ingest.told_states import StateReader

_PAYLOAD: Final = b"Payload="  # source: FHWA, Immediate Forward Message of a roadside unit, RSU specification 4.1
_HEX: Final = frozenset(b"0123456789abcdefABCDEF")


class J2735Source:
    """Takes SPaT frames by a reader of frames: `formats.j2735_reading.read_spat_frame`."""

    def __init__(
        self, intake: Intake, read: StateReader, intersections: Mapping[tuple[int, int], str] | None = None
    ) -> None:
        self._states = SpatemSource(intake, read, intersections)

    def take(self, data: bytes, received_at: datetime, source: str) -> Taken | None:
        """Take one frame of a sender; None where it could not be read, which is counted."""
        return self._states.take(frame_in(data), received_at, source)


def frame_in(data: bytes) -> bytes:
    """Return the frame in what was received: itself, its hexadecimal text, or that behind ``Payload=``."""
    text = data.rsplit(_PAYLOAD, 1)[-1].strip()
    if len(text) >= 8 and len(text) % 2 == 0 and all(letter in _HEX for letter in text):
        try:
            return unhexlify(text)
        except Error:
            return data
    return data
