"""A city's lamps made for tests and for looking at pages: they follow its plans, and one junction follows nothing."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import GroupKey, LampEvent
from trafficfeed.signals.topology import Intersection, SignalPlan


@dataclass
class MadeLamps:
    """The lamps of some intersections.

    Those of `jumpy` ids stay in each stage for a random time; `silent` ids are never heard of.
    """

    intersections: list[Intersection]
    jumpy: frozenset[str] = frozenset()
    silent: frozenset[str] = frozenset()
    simulated: bool = True
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    def events(self, begin: datetime, end: datetime) -> Iterator[LampEvent]:
        """Yield what changes from `begin` until `end`, in the order of time."""
        found = [
            event
            for one in self.intersections
            if one.plans and one.id not in self.silent
            for event in self._of(one, one.plans[-1], begin, end)
        ]
        yield from sorted(found, key=lambda event: (event.observed_at, event.key))

    def _of(self, one: Intersection, plan: SignalPlan, begin: datetime, end: datetime) -> Iterator[LampEvent]:
        since = begin.timestamp() - begin.timestamp() % plan.cycle_s + plan.offset_s
        shown: dict[int, str] = {}
        moment, k = datetime.fromtimestamp(since, begin.tzinfo) - timedelta(seconds=plan.cycle_s), 0
        while moment < end:
            stage = plan.stages[k % len(plan.stages)]
            if moment >= begin:
                for group, aspect in stage.aspects.items():
                    if shown.get(group) != aspect:
                        yield self._event(GroupKey(one.id, group), Aspect(aspect), moment)
                shown |= stage.aspects
            lasts = stage.duration_s
            if one.id in self.jumpy and stage.duration_s > 6:
                lasts = max(4.0, self.chance.gauss(stage.duration_s, 9.0))
            moment, k = moment + timedelta(seconds=round(lasts)), k + 1

    def _event(self, key: GroupKey, aspect: Aspect, at: datetime) -> LampEvent:
        return LampEvent(
            key=key, aspect=aspect, observed_at=at, received_at=at, source="made", simulated=self.simulated
        )
