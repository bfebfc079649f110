"""SUMO's lamps through the door, the predictor and the publication, and advice from what is published of them.

The same objects as on the street: `Intake` → `LiveSignals` with `Predictor`, reviewed by `Accuracy` → states → advice.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from trafficfeed.signals.accuracy.tally import Figures, Tally, merged
from trafficfeed.signals.accuracy.watch import Accuracy
from trafficfeed.signals.advice import (
    DEFAULT_RULE,
    AdviceRule,
    GreenWindow,
    SignalAhead,
    advise,
    green_windows,
)
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import GroupKey, LampEvent
from trafficfeed.signals.ingest.intake import Intake
from trafficfeed.signals.ingest.staleness import Staleness
from trafficfeed.signals.live import LiveSignals
from trafficfeed.signals.prediction.plan import PlanTiming, plan_timing
from trafficfeed.signals.prediction.predictor import Predictor
from trafficfeed.signals.queue_advice import Driver, queue_speeds
from trafficfeed.signals.safety import SafetyWatch
from trafficfeed.signals.signal_index import SignalIndex
from trafficfeed.signals.states import GroupState
from trafficfeed.signals.topology import Topology
from trafficfeed.signals.topology_building import programmes_in_force
from trafficfeed.simulation.advised_drive import Approaching, SignalOnWay

SOURCE: Final = "sumo:gate"
MIDNIGHT: Final = datetime(2026, 1, 5, tzinfo=UTC)
"""Second 0 of the demand's clock; any day would do."""
_NEVER_S: Final = 1e9


class PublishedFeed:
    """What would be published if the lamps of a SUMO run were a city's; times are seconds of the demand's clock."""

    def __init__(self, topology: Topology, index: SignalIndex) -> None:
        self.signals = index.by_signal()
        self.safety = SafetyWatch(topology)
        self.timings = timings_of(topology, index, MIDNIGHT)
        self.accuracy = Accuracy(UTC)
        predictor = Predictor()
        for key, timing in self.timings.items():
            predictor.use_plan(key, timing)
        self.live = LiveSignals(predictor, topology, review=self.accuracy.publishable)
        self.intake = Intake(topology=topology, staleness=Staleness(default_s=_NEVER_S))
        self.intake.subscribe(self._hear)
        self._aspects: dict[str, Mapping[int, Aspect]] = {}
        self._groups: dict[GroupKey, GroupState] = {}

    def see(self, time_s: float, lamps: Mapping[str, str]) -> None:
        """Take the lamps that have changed, and publish."""
        at = MIDNIGHT + timedelta(seconds=time_s)
        self.intake.take(event for signal, state in lamps.items() for event in self._events(signal, state, at))
        self.live.learn()
        for change in self.live.changes(at):
            self.safety.see(change.state)
            for group in change.state.groups:
                self._groups[GroupKey(change.state.intersection, group.group)] = group

    def published(self, key: GroupKey) -> GroupState | None:
        """Return what is published of a group."""
        return self._groups.get(key)

    def countdowns(self) -> Figures:
        """Return how good the countdowns were, of all runs of a lamp whose end has been seen."""
        return self.tally().figures()

    def tally(self) -> Tally:
        """Return the same as counts, which add."""
        self.accuracy.finish()
        return merged(self.accuracy.tallies.values())

    def _hear(self, events: Sequence[LampEvent]) -> None:
        for event in events:
            self.accuracy.observe(event)
        self.live.take(events)

    def _events(self, signal: str, state: str, at: datetime) -> list[LampEvent]:
        behind = self.signals.get(signal)
        if behind is None:
            return []
        before = self._aspects.get(signal, {})
        now = self._aspects[signal] = behind.aspects(state, before)
        return [
            LampEvent(
                key=GroupKey(behind.intersection, group),
                aspect=aspect,
                observed_at=at,
                received_at=at,
                source=SOURCE,
                simulated=True,
            )
            for group, aspect in now.items()
            if before.get(group) is not aspect
        ]


class _Passed(NamedTuple):
    """The next signal of a vehicle, and how far it was when it became the next; `first`: no signal was before it."""

    signal: str
    room_m: float
    first: bool


class FeedAdviser:
    """Advises SUMO's vehicles by what is published, and by where the other equipped vehicles are."""

    def __init__(self, feed: PublishedFeed, rule: AdviceRule = DEFAULT_RULE, *, signals: int = 1) -> None:
        """Look at so many signals ahead of each vehicle."""
        self.feed = feed
        self._rule = rule
        self._signals = signals
        self._windows: dict[GroupKey, Sequence[GreenWindow]] = {}
        self._passed: dict[str, _Passed] = {}
        self._crowded_until: dict[tuple[str, str], float] = {}

    def see(self, time_s: float, lamps: Mapping[str, str]) -> None:
        """Publish the lamps that have changed."""
        self.feed.see(time_s, lamps)

    def advise(self, time_s: float, vehicles: Sequence[Approaching]) -> Mapping[str, float]:
        """Return the speeds of those who should not simply drive on."""
        self._windows = {}
        as_of = MIDNIGHT + timedelta(seconds=time_s)
        lines: dict[tuple[str, str], list[tuple[Approaching, Driver]]] = {}
        for one in vehicles:
            if driver := self._driver(one, as_of):
                line = one.signals[0].signal, one.signals[0].lane
                lines.setdefault(line, []).append((one, driver))
        told: dict[str, float] = {}
        for line, coming in lines.items():
            coming.sort(key=lambda pair: pair[1].distance_m)
            crowded = time_s < self._crowded_until.get(line, 0.0)
            said = queue_speeds([driver for _, driver in coming], self._rule, crowded=crowded)
            if said.missed >= self._rule.crowd:
                self._crowded_until[line] = time_s + self._rule.crowded_hold_s
            for (one, _), speed_mps in zip(coming, said.speeds, strict=True):
                speed_mps = speed_mps if speed_mps is not None else self._corridor_mps(one, as_of)
                if speed_mps is not None:
                    told[one.vehicle] = speed_mps
        self._passed = {one.vehicle: self._passed[one.vehicle] for one in vehicles}
        return told

    def _driver(self, one: Approaching, as_of: datetime) -> Driver | None:
        signal = one.signals[0]
        passed = self._passed.get(one.vehicle)
        if passed is None or passed.signal != signal.signal:
            passed = self._passed[one.vehicle] = _Passed(signal.signal, signal.distance_m, first=passed is None)
        key = self._key(signal)
        if key is None or signal.distance_m > self._rule.farthest_m:
            return None
        return Driver(
            distance_m=signal.distance_m,
            speed_mps=one.speed_mps,
            limit_mps=one.limit_mps,
            windows=self._windows_of(key, as_of),
            left_m=None if passed.first else passed.room_m - signal.distance_m,
            room_m=None if passed.first else passed.room_m,
        )

    def _corridor_mps(self, one: Approaching, as_of: datetime) -> float | None:
        """Return what the signals after the next one ask of somebody whom the next does not slow."""
        ahead: list[SignalAhead] = []
        for signal in one.signals[: self._signals]:
            key = self._key(signal)
            if key is None or signal.distance_m > self._rule.farthest_m:
                break
            ahead.append(SignalAhead(distance_m=signal.distance_m, windows=self._windows_of(key, as_of)))
        if len(ahead) < 2:
            return None
        said = advise(ahead, speed_mps=one.speed_mps, limit_mps=one.limit_mps, rule=self._rule)
        return said.speed_mps if said and said.greens > 1 and said.speed_mps < one.limit_mps else None

    def _key(self, signal: SignalOnWay) -> GroupKey | None:
        behind = self.feed.signals.get(signal.signal)
        if behind is None or not behind.group_of_link[signal.link]:
            return None
        return GroupKey(behind.intersection, behind.group_of_link[signal.link])

    def _windows_of(self, key: GroupKey, as_of: datetime) -> Sequence[GreenWindow]:
        if key not in self._windows:
            state = self.feed.published(key)
            timing = self.feed.timings.get(key)
            self._windows[key] = green_windows(state, as_of, timing, self._rule) if state else ()
        return self._windows[key]


def timings_of(topology: Topology, index: SignalIndex, midnight: datetime) -> dict[GroupKey, PlanTiming]:
    """Return when each group changes by the plan in force, where that is a fixed one."""
    in_force = programmes_in_force(index)
    found: dict[GroupKey, PlanTiming] = {}
    for one in topology.intersections.values():
        plan = next((plan for plan in one.plans if plan.id == in_force.get(one.id)), None)
        for group in one.groups if plan else ():
            assert plan is not None
            timing = plan_timing(plan, group.id, midnight.timestamp())
            if timing is not None:
                found[GroupKey(one.id, group.id)] = timing
    return found
