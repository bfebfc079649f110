"""SUMO's lamps through the door, the predictor and the publication, and advice from what is published of them.

The same objects as on the street: `Intake` → `LiveSignals` with `Predictor`, reviewed by `Accuracy` → states → advice.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final

from trafficfeed.signals.accuracy.tally import Figures, Tally, merged
from trafficfeed.signals.accuracy.watch import Accuracy
from trafficfeed.signals.advice import (
    DEFAULT_RULE,
    AdviceRule,
    GreenWindow,
    SignalAhead,
    SpeedAdvice,
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
from trafficfeed.signals.safety import SafetyWatch
from trafficfeed.signals.signal_index import SignalIndex
from trafficfeed.signals.states import GroupState
from trafficfeed.signals.topology import Topology
from trafficfeed.signals.topology_building import programmes_in_force
from trafficfeed.simulation.advised_drive import Approaching

SOURCE: Final = "sumo:gate"
MIDNIGHT: Final = datetime(2026, 1, 5, tzinfo=UTC)
"""Second 0 of the demand's clock; any day would do."""
_NEVER_S: Final = 1e9
_FARTHEST_M: Final = 1000.0


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


class FeedAdviser:
    """Advises SUMO's vehicles by what is published, and by nothing else."""

    def __init__(self, feed: PublishedFeed, rule: AdviceRule = DEFAULT_RULE, *, signals: int = 1) -> None:
        """Look at so many signals ahead of each vehicle."""
        self.feed = feed
        self._rule = rule
        self._signals = signals
        self._windows: dict[GroupKey, Sequence[GreenWindow]] = {}

    def see(self, time_s: float, lamps: Mapping[str, str]) -> None:
        """Publish the lamps that have changed."""
        self.feed.see(time_s, lamps)

    def advise(self, time_s: float, vehicles: Sequence[Approaching]) -> Mapping[str, float]:
        """Return the speeds of those who should not simply drive on."""
        self._windows = {}
        as_of = MIDNIGHT + timedelta(seconds=time_s)
        told: dict[str, float] = {}
        for _, lane in groupby(vehicles, key=lambda one: one.lane):
            after_s: float | None = None
            for one in lane:
                said = self._advise(one, as_of, after_s)
                after_s = said.passes_s if said else None
                if said and said.speed_mps < one.limit_mps:
                    told[one.vehicle] = said.speed_mps
        return told

    def _advise(self, one: Approaching, as_of: datetime, after_s: float | None) -> SpeedAdvice | None:
        ahead: list[SignalAhead] = []
        for signal, link, distance_m in one.signals[: self._signals]:
            behind = self.feed.signals.get(signal)
            if behind is None or distance_m > _FARTHEST_M or not behind.group_of_link[link]:
                break
            windows = self._windows_of(GroupKey(behind.intersection, behind.group_of_link[link]), as_of)
            before_s = None if ahead else after_s
            ahead.append(SignalAhead(distance_m=distance_m, windows=windows, after_s=before_s))
        return advise(ahead, speed_mps=one.speed_mps, limit_mps=one.limit_mps, rule=self._rule)

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
