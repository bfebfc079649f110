"""What the door remembers of one group from one source: enough to know a duplicate and an impossible change."""

from datetime import datetime
from typing import Final

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import AnnouncedEnd

_REMEMBERED: Final = 32
_KEPT: Final = 16


class GroupRecord:
    """The last sixteen events at least, by the sender's own time; older ones cannot be told from duplicates."""

    __slots__ = ("_times", "announced", "forgotten", "has_amber", "missed", "observed_at", "reported", "shown")

    def __init__(self) -> None:
        self.reported: Aspect | None = None  # what the source last said
        self.shown: Aspect | None = None  # what was handed on
        self.announced: AnnouncedEnd | None = None  # as it came
        self.observed_at: datetime | None = None  # of what was reported, on our clock
        self.has_amber = False
        self.missed = False  # the source was silent since: a change may have been missed
        self.forgotten: datetime | None = None
        self._times: dict[datetime, Aspect] = {}

    def met(self, told: datetime) -> Aspect | None:
        """Return what the sender said of this very instant before; None if it said nothing that is remembered."""
        return self._times.get(told)

    def is_forgotten(self, told: datetime) -> bool:
        """Whether an instant is so old that the sender may have spoken of it before."""
        return self.forgotten is not None and told <= self.forgotten

    def remember(self, told: datetime, aspect: Aspect) -> None:
        """Remember what the sender said of an instant."""
        self._times[told] = aspect
        if len(self._times) > _REMEMBERED:
            ordered = sorted(self._times)
            self.forgotten = ordered[-_KEPT - 1]
            self._times = {at: self._times[at] for at in ordered[-_KEPT:]}
