"""What is published of one intersection at one instant: every group's aspect, and when it ends where that is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.forecast import Forecast


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupState:
    """What one signal group shows.

    `since` is when it began, aware UTC, None where the beginning was not seen. `forecast` is of this very aspect and
    since; None is the same as an abstention. `source` names who says so ("gat1049:tcp://…", "sumo:virtual").
    `simulated`: the lamp is one of the virtual city. `stale`: nothing has been heard for too long, so the aspect is
    the last one known and nothing may be timed.
    """

    group: int
    aspect: Aspect
    since: datetime | None = None
    forecast: Forecast | None = None
    source: str = ""
    simulated: bool = False
    stale: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IntersectionState:
    """What one intersection shows; the one model that every signal format is made from.

    `intersection` is its public id; `number` and `region` are its MAP ``IntersectionID`` and ``RoadRegulatorID`` (16
    bits each). `revision` counts what was published of it (``MsgCount``, 0..127, wraps). `observed_at` is the newest
    observation that went in, aware UTC, by the controller's clock as corrected. `groups` are sorted by number.
    `advisory`: a virtual signal, which people follow by an `authority`'s word; it ends at `expires_at`.
    """

    intersection: str
    number: int
    region: int
    revision: int
    observed_at: datetime
    groups: Sequence[GroupState]
    name: str = ""
    advisory: bool = False
    authority: str = ""
    expires_at: datetime | None = None

    @property
    def simulated(self) -> bool:
        """Whether a lamp of it is one of the virtual city: then the whole message is labelled so."""
        return any(group.simulated for group in self.groups)

    @property
    def stale(self) -> bool:
        """Whether every lamp of it has fallen silent; False where it has none."""
        return bool(self.groups) and all(group.stale for group in self.groups)
