"""What is remembered of one intersection that is live: its lamps, and what was told of it last."""

from datetime import datetime
from typing import Final

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import GroupKey, LampEvent
from trafficfeed.signals.forecast import Forecast
from trafficfeed.signals.states import GroupState, IntersectionState
from trafficfeed.signals.topology import Intersection

_REVISIONS: Final = 128


class Lamp:
    """A signal group as last heard of. `unlearnt` counts its events that the predictor does not have yet."""

    __slots__ = (
        *("aspect", "changed", "due", "forecast", "foreseen", "key", "observed_at"),
        *("silent_at", "simulated", "since", "source", "state", "unlearnt"),
    )

    def __init__(self, key: GroupKey) -> None:
        self.key = key
        self.aspect = Aspect.UNAVAILABLE
        self.since: datetime | None = None
        self.observed_at: datetime | None = None
        self.source = ""
        self.simulated = False
        self.silent_at: datetime | None = None
        self.foreseen: Forecast | None = None  # of which `forecast` is what may be published
        self.forecast: Forecast | None = None
        self.due: datetime | None = None
        self.changed = False
        self.unlearnt = 0
        self.state: GroupState | None = None

    def show(self, event: LampEvent) -> None:
        """Take what is shown; `changed` says whether that is news to anybody."""
        if event.aspect is not self.aspect:
            seen = self.observed_at is not None and self.silent_at is None and self.aspect is not Aspect.UNAVAILABLE
            self.aspect, self.since = event.aspect, event.observed_at if seen else None
            self.foreseen, self.forecast, self.changed = None, None, True
        elif self.observed_at is None or self.silent_at is not None:
            self.changed = True
        if event.source != self.source or event.simulated is not self.simulated:
            self.source, self.simulated, self.changed = event.source, event.simulated, True
        self.observed_at, self.silent_at = event.observed_at, None

    def fall_silent(self, at: datetime) -> None:
        """Take that it is not heard of any more."""
        self.silent_at, self.foreseen, self.forecast, self.changed = at, None, None, True

    def tell(self) -> GroupState:
        """Return what is published of it; the same object as before where nothing has changed."""
        if self.state is None:
            self.state = GroupState(
                group=self.key.group,
                aspect=self.aspect,
                since=self.since,
                forecast=self.forecast,
                source=self.source,
                simulated=self.simulated,
                stale=self.silent_at is not None,
            )
        return self.state


class Junction:
    """An intersection. `looks` holds its lamps that have to be looked at; `state` is what was told last."""

    __slots__ = ("beat", "info", "lamps", "looks", "observed_at", "state", "told_at")

    def __init__(self, info: Intersection) -> None:
        self.info = info
        self.lamps: dict[int, Lamp] = {}
        self.looks: dict[int, Lamp] = {}
        self.observed_at: datetime | None = None
        self.state: IntersectionState | None = None
        self.told_at: datetime | None = None
        self.beat = False

    def lamp(self, group: int) -> Lamp:
        """Return a lamp, made at its first event."""
        if group not in self.lamps:
            self.lamps[group] = Lamp(GroupKey(self.info.id, group))
            self.lamps = dict(sorted(self.lamps.items()))
        return self.lamps[group]

    def tell(self, at: datetime) -> IntersectionState:
        """Return what is published of it now, counted on."""
        assert self.observed_at is not None
        self.state = IntersectionState(
            intersection=self.info.id,
            number=self.info.number,
            region=self.info.region,
            revision=0 if self.state is None else (self.state.revision + 1) % _REVISIONS,
            observed_at=self.observed_at,
            groups=tuple(lamp.tell() for lamp in self.lamps.values()),
            name=self.info.name,
        )
        self.told_at, self.beat = at, False
        return self.state
