"""What comes from the street: one signal group shows one aspect since one instant."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from trafficfeed.signals.aspects import Aspect


class GroupKey(NamedTuple):
    """A signal group of a city: the intersection's id and the group's number in it."""

    intersection: str
    group: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncedEnd:
    """What the controller itself says of the end of what it shows; aware UTC, None where it does not."""

    min_end: datetime | None = None
    likely_end: datetime | None = None
    max_end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LampEvent:
    """One observation.

    `observed_at` is by the controller's clock, corrected by the offset that was estimated for it; `raw_observed_at` as
    it came. `received_at` is by ours. `source` names the adapter and the sender ("gat1049:tcp://…", "sumo:virtual");
    `simulated` marks the virtual city. `sequence` is the sender's own count where it has one. The same key, source and
    raw time again is the same event.
    """

    key: GroupKey
    aspect: Aspect
    observed_at: datetime
    received_at: datetime
    source: str
    raw_observed_at: datetime | None = None
    sequence: int | None = None
    announced: AnnouncedEnd | None = None
    simulated: bool = False
