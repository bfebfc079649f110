"""Messages that tell the whole state of a junction again and again → events, of what is new in them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import AnnouncedEnd, GroupKey, LampEvent

_AGAIN: Final = timedelta(seconds=1)  # what is unchanged is told again so often, for the door may have doubted it
_MOVED: Final = timedelta(seconds=0.3)  # an end that moved by less is the same: TimeMarks are rounded


class ToldGroup(Protocol):
    """One group of a message; the formats' readers make them."""

    @property
    def group(self) -> int:
        """Its number."""

    @property
    def aspect(self) -> Aspect:
        """What it shows."""

    @property
    def announced(self) -> AnnouncedEnd | None:
        """What is said of its end."""


class ToldState(Protocol):
    """One intersection of a message, by its MAP number and region; `observed_at` None where it has no time."""

    @property
    def number(self) -> int:
        """MAP's IntersectionID."""

    @property
    def region(self) -> int:
        """MAP's RoadRegulatorID."""

    @property
    def observed_at(self) -> datetime | None:
        """When, by the sender."""

    @property
    def valid(self) -> bool:
        """Whether the sender stands by it."""

    @property
    def simulated(self) -> bool:
        """Whether it is of a virtual city."""

    @property
    def groups(self) -> Sequence[ToldGroup]:
        """Its groups."""


class StateReader(Protocol):
    """Reads a message; raises `SourceMalformed`. `near` is when it came, for times without a year or an hour."""

    def __call__(self, data: bytes, *, near: datetime) -> Sequence[ToldState]:
        """Return the intersections of a message."""


class StateEvents:
    """Turns whole states into events. `intersections` gives our id for a region and number; else "region-number"."""

    def __init__(self, intersections: Mapping[tuple[int, int], str] | None = None) -> None:
        self._ids = dict(intersections or {})
        self._last: dict[tuple[str, GroupKey], LampEvent] = {}

    def events(self, states: Sequence[ToldState], received_at: datetime, source: str) -> Iterator[LampEvent]:
        """Yield what is new, and each second what is not."""
        for state in states:
            intersection = self._ids.get((state.region, state.number), f"{state.region}-{state.number}")
            for group in state.groups:
                event = LampEvent(
                    key=GroupKey(intersection, group.group),
                    aspect=group.aspect if state.valid else Aspect.UNAVAILABLE,
                    observed_at=state.observed_at or received_at,
                    raw_observed_at=state.observed_at,
                    received_at=received_at,
                    source=source,
                    announced=group.announced if state.valid else None,
                    simulated=state.simulated,
                )
                if self._is_news(event):
                    yield event

    def _is_news(self, event: LampEvent) -> bool:
        last = self._last.get((event.source, event.key))
        if (
            last is not None
            and event.aspect is last.aspect
            and timedelta(0) <= event.received_at - last.received_at < _AGAIN
            and _same_end(event.announced, last.announced)
        ):
            return False
        self._last[event.source, event.key] = event
        return True


def _same_end(one: AnnouncedEnd | None, other: AnnouncedEnd | None) -> bool:
    if one is None or other is None:
        return one is other
    ends = ((one.min_end, other.min_end), (one.likely_end, other.likely_end), (one.max_end, other.max_end))
    return all(a is b if a is None or b is None else abs(a - b) <= _MOVED for a, b in ends)
