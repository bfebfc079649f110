"""SAE J2735 message frames read and written back: two bytes of message id, a length, then SPAT or MapData in UPER."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from trafficfeed.errors import SourceMalformed
from trafficfeed.formats.its_asn1 import decode, encode
from trafficfeed.formats.signal_facts import SignalFacts
from trafficfeed.formats.spatem_reading import facts_of_spat

Kind = Literal["SPAT", "MapData"]

_KINDS: Final[dict[int, Kind]] = {19: "SPAT", 18: "MapData"}
_SHORT, _LONG = 128, 16_384  # source: ITU-T X.691, 11.9: a length in one byte, in two bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A frame taken apart: what it holds, its value as ASN.1 has it, how many zero bytes its sender put behind it."""

    kind: Kind
    value: Any
    padding: int = 0


def read_frame(data: bytes) -> Frame:
    """Return what a J2735 ``MessageFrame`` holds.

    Raises
    ------
    SourceMalformed
        If it is cut short, longer than it says (zeros behind it are let pass), or neither SPAT nor MapData.
    """
    if len(data) < 4:
        raise SourceMalformed(f"{len(data)} bytes are no J2735 frame: it begins with message id and length")
    kind = _KINDS.get(int.from_bytes(data[:2], "big"))
    if kind is None:
        raise SourceMalformed(f"J2735 message {int.from_bytes(data[:2], 'big')} is neither SPAT (19) nor MapData (18)")
    length, start = _length(data)
    payload, behind = data[start : start + length], data[start + length :]
    if len(payload) != length or any(behind):
        raise SourceMalformed(
            f"the J2735 frame says {length} bytes and holds {len(data) - start}: give it whole, and alone"
        )
    return Frame(kind=kind, value=decode(kind, payload), padding=len(behind))


def write_frame(frame: Frame) -> bytes:
    """Return a frame as bytes: the same that it was read from, where they were canonical UPER.

    Raises
    ------
    FeedNonConformant
        If its value breaks the message's ASN.1.
    """
    payload = encode(frame.kind, frame.value)
    number = next(number for number, kind in _KINDS.items() if kind == frame.kind)
    size = len(payload)
    length = bytes([size]) if size < _SHORT else (0x8000 | size).to_bytes(2, "big")
    return number.to_bytes(2, "big") + length + payload + bytes(frame.padding)


def read_spat_frame(data: bytes, *, near: datetime) -> tuple[SignalFacts, ...]:
    """Return the intersections of a J2735 SPaT frame; `near` is when it came, aware.

    Raises
    ------
    SourceMalformed
        If it is no whole SPaT frame.
    """
    frame = read_frame(data)
    if frame.kind != "SPAT":
        raise SourceMalformed(f"the J2735 frame holds {frame.kind}, not SPAT")
    return facts_of_spat(frame.value, near=near)


def _length(data: bytes) -> tuple[int, int]:
    first = data[2]
    if first < _SHORT:
        return first, 3
    if first & 0xC0 == 0x80:
        return int.from_bytes(data[2:4], "big") & (_LONG - 1), 4
    raise SourceMalformed("the J2735 frame is cut into fragments, as only messages above 16 kB are: send it whole")
