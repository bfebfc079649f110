"""GA/T 1049.2 lamp states → events: `CrossPhaseLampStatus` (edition 1.0), `CrossSignalGroupStatus` (edition 2.0)."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, tzinfo
from typing import Final

from lxml import etree

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import AnnouncedEnd, GroupKey, LampEvent
from trafficfeed.signals.ingest.controller_clock import FARTHEST_S
from trafficfeed.signals.ingest.gat1049_wire import Message, text_of

CERTAIN_CODES: Final[Mapping[str, Aspect]] = {"11": Aspect.DARK, "21": Aspect.STOP_AND_REMAIN}
"""The two-digit codes of edition 1.0 on whose meaning vendors agree. Of 22 and 23 one is green and one is amber."""
GREEN_IS_23: Final[Mapping[str, Aspect]] = {**CERTAIN_CODES, "22": Aspect.PROTECTED_AMBER, "23": Aspect.PROTECTED_GREEN}
GREEN_IS_22: Final[Mapping[str, Aspect]] = {**CERTAIN_CODES, "22": Aspect.PROTECTED_GREEN, "23": Aspect.PROTECTED_AMBER}
TIMED_MODES: Final = frozenset({"21", "31", "53"})  # fixed multi-period, line, plan locked: what remains can be told
MOST_REMAINING_S: Final = 500

_NONE, _OFF, _ON, _FLASH = "0123"
_LAMPS: Final[Mapping[tuple[bool, bool, bool], Aspect]] = {
    (True, False, False): Aspect.STOP_AND_REMAIN,
    (True, True, False): Aspect.PRE_MOVEMENT,
    (False, True, False): Aspect.PROTECTED_AMBER,
    (False, False, True): Aspect.PROTECTED_GREEN,
}
_FLASHING: Final[Mapping[str, Aspect]] = {
    "R": Aspect.STOP_THEN_PROCEED,
    "Y": Aspect.FLASHING_AMBER,
    "G": Aspect.PROTECTED_GREEN,  # the last seconds of a green
}


class Gat1049Lamps:
    """Turns pushed messages into events; what it cannot tell for sure is unavailable."""

    def __init__(
        self,
        *,
        zone: tzinfo,
        crossings: Mapping[str, str] | None = None,
        groups: Mapping[str, Mapping[int, int]] | None = None,
        codes: Mapping[str, Aspect] = CERTAIN_CODES,
    ) -> None:
        """Take what the messages leave out.

        Parameters
        ----------
        zone
            Of the controllers' local times. A time further off than any clock can be is left aside for the arrival's.
        crossings
            Our intersection's id by ``CrossID``; those without keep their own.
        groups
            Our group by ``SignalGroupNo`` or ``PhaseNo``, of a ``CrossID``; those without keep their own.
        codes
            What the site's two-digit codes mean; others are unavailable.
        """
        self._zone = zone
        self._crossings = dict(crossings or {})
        self._numbers = dict(groups or {})
        self._codes = dict(codes)
        self._modes: dict[str, str] = {}
        self._groups: dict[str, set[int]] = {}

    def events(self, message: Message, received_at: datetime, source: str) -> Iterator[LampEvent]:
        """Yield what a message says of lamps."""
        for _, objects in message.operations:
            for told in objects:
                if told.tag == "CrossSignalGroupStatus":
                    yield from self._second_edition(told, received_at, source)
                elif told.tag == "CrossPhaseLampStatus":
                    yield from self._first_edition(told, received_at, source)
                elif told.tag in {"CrossCtrlInfo", "CrossControlMode"}:
                    mode = text_of(told, "ControlMode") or text_of(told, "Value")
                    self._modes[text_of(told, "CrossID")] = mode
                elif told.tag == "CrossState" and text_of(told, "Value") in {"Offline", "Error"}:
                    yield from self._gone(text_of(told, "CrossID"), received_at, source)

    def _second_edition(self, told: etree._Element, received_at: datetime, source: str) -> Iterator[LampEvent]:
        cross = text_of(told, "CrossID")
        raw = _local_time(text_of(told, "LampStatusTime"), self._zone)
        if raw is not None and abs((received_at - raw).total_seconds()) > FARTHEST_S:
            raw = None
        for group in told.iterfind("SignalGroupStatusList/SignalGroupStatus"):
            aspect = lamps(text_of(group, "LampStatus"))
            end = self._end(cross, text_of(group, "RemainTime"), raw or received_at) if aspect.is_timed else None
            yield from self._event(cross, text_of(group, "SignalGroupNo"), aspect, raw, received_at, source, end)

    def _first_edition(self, told: etree._Element, received_at: datetime, source: str) -> Iterator[LampEvent]:
        cross = text_of(told, "CrossID")
        for phase in told.iterfind("PhaseLampStatusList/PhaseLampStatus"):
            aspect = self._codes.get(text_of(phase, "LampStatus"), Aspect.UNAVAILABLE)
            yield from self._event(cross, text_of(phase, "PhaseNo"), aspect, None, received_at, source, None)

    def _gone(self, cross: str, received_at: datetime, source: str) -> Iterator[LampEvent]:
        for number in sorted(self._groups.get(cross, ())):
            yield from self._event(cross, str(number), Aspect.UNAVAILABLE, None, received_at, source, None)

    def _event(
        self,
        cross: str,
        number: str,
        aspect: Aspect,
        raw: datetime | None,
        received_at: datetime,
        source: str,
        end: AnnouncedEnd | None,
    ) -> Iterator[LampEvent]:
        if not (cross and number.isascii() and number.isdigit() and 1 <= int(number) <= 255):
            return
        self._groups.setdefault(cross, set()).add(int(number))
        group = self._numbers.get(cross, {}).get(int(number), int(number))
        yield LampEvent(
            key=GroupKey(self._crossings.get(cross, cross), group),
            aspect=aspect,
            observed_at=raw or received_at,
            raw_observed_at=raw,
            received_at=received_at,
            source=source,
            announced=end,
        )

    def _end(self, cross: str, remaining: str, since: datetime) -> AnnouncedEnd | None:
        """Return the end that ``RemainTime`` tells; 0 is undetermined, and only a fixed plan can tell it."""
        if self._modes.get(cross) not in TIMED_MODES or not (remaining.isascii() and remaining.isdigit()):
            return None
        seconds = int(remaining)
        return AnnouncedEnd(likely_end=since + timedelta(seconds=seconds)) if 0 < seconds <= MOST_REMAINING_S else None


def lamps(status: str) -> Aspect:
    """Return what three digits say, of red, amber, green: 0 no lamp, 1 off, 2 on, 3 flashing."""
    if len(status) != 3 or any(digit not in "0123" for digit in status) or status == _NONE * 3:
        return Aspect.UNAVAILABLE
    flashing = [colour for colour, digit in zip("RYG", status, strict=True) if digit == _FLASH]
    if flashing:
        alone = len(flashing) == 1 and _ON not in status
        return _FLASHING[flashing[0]] if alone else Aspect.UNAVAILABLE
    if _ON not in status:
        return Aspect.DARK
    red, amber, green = (digit == _ON for digit in status)
    return _LAMPS.get((red, amber, green), Aspect.UNAVAILABLE)


def _local_time(text: str, zone: tzinfo) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=zone)
