"""What all lamps of a city show now, and when that will end: fed by events and the clock, tells only what is new."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Final

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import GroupKey, LampEvent
from trafficfeed.signals.forecast import Forecast, Method
from trafficfeed.signals.forecast_changes import differs
from trafficfeed.signals.live_junction import Junction, Lamp
from trafficfeed.signals.prediction.predictor import Predictor
from trafficfeed.signals.states import IntersectionState
from trafficfeed.signals.timer_wheel import TimerWheel
from trafficfeed.signals.topology import Intersection, Topology

HEARTBEAT_S: Final = 10.0
MOST_UNLEARNT: Final = 20_000
_LOOK_EVERY: Final = timedelta(seconds=1)  # a forecast that only time changes is looked at this often at most


class Reason(StrEnum):
    """Why an intersection is published."""

    CHANGE = "change"  # a lamp, a forecast or the freshness of one has changed
    HEARTBEAT = "heartbeat"  # nothing was published of it for a while


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The new state of an intersection, and which of its groups are not what they were; a heartbeat names all."""

    state: IntersectionState
    groups: tuple[int, ...]
    reason: Reason = Reason.CHANGE


class LiveSignals:
    """The lamps of a city at this instant. Reads no clock, does no I/O; not safe for use by several threads at once.

    Lamps come before forecasts: `take` costs microseconds, and what it took can be told at once. `learn` gives the
    events on to the predictor, and may lag behind where there are more than it can follow. Until a lamp's event has
    been learnt, nothing is foreseen of it.
    """

    def __init__(
        self,
        predictor: Predictor,
        topology: Topology | None = None,
        *,
        may_be_timed: Callable[[str], bool] = lambda _: True,
        review: Callable[[Forecast], Forecast] | None = None,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        """Make it.

        Parameters
        ----------
        predictor
            Foresees the ends.
        topology
            The city's intersections; events of others are counted and dropped. None: every intersection is taken.
        may_be_timed
            Whether a second may be promised at an intersection: its clock is known, and heard without delay.
        review
            Is shown each forecast that is going to be published, and returns what is: without a countdown, where the
            group's record is bad (``Accuracy.publishable``).
        heartbeat_s
            For how long nothing is told of an intersection at most.
        """
        self.predictor = predictor
        self.learning = True  # False while the predictor is being filled: lamps are told, and wait to be learnt
        self.unknown = 0  # events of intersections that the city does not have
        self.late = 0  # events older than what was known
        self.unforeseen = 0  # events that the predictor was not given because it could not follow
        self._known = topology.intersections if topology else None
        self._may_be_timed = may_be_timed
        self._review = review
        self._heartbeat = timedelta(seconds=heartbeat_s)
        self._junctions: dict[str, Junction] = {}
        self._dirty: dict[str, Junction] = {}
        self._unlearnt: deque[LampEvent] = deque()
        self._skipped: dict[GroupKey, datetime] = {}
        self._looks: TimerWheel[Lamp] = TimerWheel()
        self._beats: TimerWheel[Junction] = TimerWheel()
        for one in self._known.values() if self._known else ():
            predictor.use_conflicts(one.id, one.conflicts)

    @property
    def states(self) -> Mapping[str, IntersectionState]:
        """What was told of each intersection last."""
        return {id: one.state for id, one in self._junctions.items() if one.state is not None}

    @property
    def unlearnt(self) -> int:
        """How many events the predictor has yet to be given."""
        return len(self._unlearnt)

    def keys_of(self, intersection: str) -> tuple[GroupKey, ...]:
        """Return the groups of an intersection that have been heard of."""
        junction = self._junctions.get(intersection)
        return tuple(lamp.key for lamp in junction.lamps.values()) if junction else ()

    def take(self, events: Iterable[LampEvent]) -> None:
        """Take events, each group's in their order, as the door gives them."""
        for event in events:
            junction = self._junction(event.key.intersection)
            if junction is None:
                self.unknown += 1
                continue
            lamp = junction.lamp(event.key.group)
            if lamp.observed_at is not None and event.observed_at < lamp.observed_at:
                self.late += 1
                continue
            self._take(event, junction, lamp)
        while len(self._unlearnt) > MOST_UNLEARNT:
            lost = self._unlearnt.popleft()
            self._junctions[lost.key.intersection].lamps[lost.key.group].unlearnt -= 1
            self._skipped.setdefault(lost.key, lost.observed_at)
            self.unforeseen += 1

    def fall_silent(self, intersection: str, as_of: datetime) -> None:
        """Take that an intersection was not heard of for too long: each lamp is stale until it is heard of again."""
        junction = self._junctions.get(intersection)
        for lamp in junction.lamps.values() if junction else ():
            if lamp.silent_at is None:
                assert junction is not None
                lamp.fall_silent(as_of)
                self._mark(junction, lamp)

    def reconsider(self, keys: Iterable[GroupKey]) -> None:
        """Look at these groups' forecasts at the next `changes`: something was heard beside their lamps."""
        for key in keys:
            junction = self._junctions.get(key.intersection)
            if junction is not None and (lamp := junction.lamps.get(key.group)) is not None:
                self._mark(junction, lamp)

    def learn(self, most: int | None = None) -> int:
        """Give the predictor the oldest events that it does not have; return how many."""
        if not self.learning:
            return 0
        count = len(self._unlearnt) if most is None else min(most, len(self._unlearnt))
        for _ in range(count):
            event = self._unlearnt.popleft()
            if (at := self._skipped.pop(event.key, None)) is not None:
                self.predictor.observe(_missed(event, at))
            self._junctions[event.key.intersection].lamps[event.key.group].unlearnt -= 1
            for key in {event.key, *self.predictor.observe(event)}:
                junction = self._junctions[key.intersection]
                if (lamp := junction.lamps.get(key.group)) is not None:
                    self._mark(junction, lamp)
        return count

    def changes(self, as_of: datetime, most: int | None = None) -> list[Change]:
        """Return what is new since the last call, at most one change an intersection; `as_of` is aware UTC.

        With `most`, no more intersections than that are looked at, those first that have waited longest.
        """
        for lamp in self._looks.due(as_of):
            if lamp.due is not None and lamp.due <= as_of:
                self._mark(self._junctions[lamp.key.intersection], lamp)
        self._beat(as_of)
        found = []
        for junction in [self._dirty.pop(id) for id in list(islice(self._dirty, most))]:
            looks, junction.looks = junction.looks, {}
            new = tuple(sorted(group for group, lamp in looks.items() if self._is_new(lamp, as_of)))
            if new or junction.beat:
                if junction.told_at is None:
                    self._beats.set(junction, as_of + self._heartbeat)
                state = junction.tell(as_of)
                reason = Reason.CHANGE if new else Reason.HEARTBEAT
                found.append(Change(state=state, groups=new or tuple(junction.lamps), reason=reason))
        return found

    def _junction(self, id: str) -> Junction | None:
        if id not in self._junctions:
            info = _nameless(id) if self._known is None else self._known.get(id)
            if info is None:
                return None
            self._junctions[id] = Junction(info)
        return self._junctions[id]

    def _take(self, event: LampEvent, junction: Junction, lamp: Lamp) -> None:
        lamp.show(event)
        if junction.observed_at is None or event.observed_at > junction.observed_at:
            junction.observed_at = event.observed_at
        lamp.unlearnt += 1
        self._unlearnt.append(event)
        if lamp.changed:
            self._mark(junction, lamp)

    def _mark(self, junction: Junction, lamp: Lamp) -> None:
        junction.looks[lamp.key.group] = lamp
        self._dirty[junction.info.id] = junction

    def _is_new(self, lamp: Lamp, as_of: datetime) -> bool:
        """Foresee a lamp anew where all of it is learnt; tell whether there is something to publish."""
        new, lamp.changed = lamp.changed, False
        if lamp.silent_at is None and not lamp.unlearnt:
            forecast = self._foresee(lamp, as_of)
            if differs(lamp.foreseen, forecast):
                lamp.foreseen, lamp.forecast, new = forecast, self._publishable(forecast), True
            change = self.predictor.next_change(lamp.key, as_of)
            lamp.due = None if change is None else max(change, as_of + _LOOK_EVERY)
            if lamp.due is not None:
                self._looks.set(lamp, lamp.due)
        if new:
            lamp.state = None
        return new

    def _foresee(self, lamp: Lamp, as_of: datetime) -> Forecast | None:
        forecast = self.predictor.forecast(lamp.key, as_of)
        if forecast is None or forecast.aspect is not lamp.aspect:
            return None
        if forecast.countdown_allowed and not self._may_be_timed(lamp.key.intersection):
            return replace(forecast, countdown_allowed=False)
        return forecast

    def _publishable(self, forecast: Forecast | None) -> Forecast | None:
        """Have a forecast reviewed that is going to be published; an abstention with nothing in it is none."""
        if forecast is None:
            return None
        if self._review is not None:
            forecast = self._review(forecast)
        bare = forecast.method is Method.ABSTAIN and forecast.min_end is None and forecast.max_end is None
        return None if bare else forecast

    def _beat(self, as_of: datetime) -> None:
        for junction in self._beats.due(as_of):
            assert junction.told_at is not None
            if (due := junction.told_at + self._heartbeat) <= as_of:
                junction.beat = True
                self._dirty[junction.info.id] = junction
                due = as_of + self._heartbeat
            self._beats.set(junction, due)


def _missed(event: LampEvent, at: datetime) -> LampEvent:
    """Return what tells the predictor that a lamp could not be seen from an instant on until this event."""
    return replace(event, aspect=Aspect.UNAVAILABLE, observed_at=at, announced=None)


def _nameless(id: str) -> Intersection:
    return Intersection(
        id=id, number=0, region=0, name="", lonlat=(0.0, 0.0), lanes=(), connections=(), groups=(), conflicts=()
    )
