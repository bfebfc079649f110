"""The first rung: a published fixed plan, for as long as the controller is seen to follow it."""

from collections import deque
from collections.abc import Sequence
from datetime import tzinfo
from typing import Final, NamedTuple

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.local_midnight import days_of
from trafficfeed.signals.topology import SignalPlan

FOLLOWED_S: Final = 1.0
_LEAST_ENDS: Final = 6
_REMEMBERED: Final = 12


class PlanTiming(NamedTuple):
    """When one group changes by a fixed plan. `changes` are (second of the cycle, aspect from then on), in order.

    `origin` is the start of a cycle, in seconds since the epoch, for a plan that goes on for ever, as in a simulation.
    With a `zone` each day's cycles begin `offset_s` after its own local midnight, as controllers do, and `origin` is
    not looked at.
    """

    origin: float
    cycle_s: float
    changes: Sequence[tuple[float, Aspect]]
    zone: tzinfo | None = None
    offset_s: float = 0.0

    def end_of(self, aspect: Aspect, at: float) -> float | None:
        """Return when the plan next ends an aspect after an instant; None where it never shows it.

        None also where the cycle does not fit the day, and midnight would cut the aspect short: how a controller gets
        into step again no plan says.
        """
        if self.zone is None:
            return self._end_in(self.origin, aspect, at)
        day = days_of(self.zone).at(at)
        end = self._end_in(day.begin + self.offset_s, aspect, at)
        if end is None or end <= day.end:
            return end
        if self._aspect_in(day.begin + self.offset_s, day.end) is not aspect:
            return None  # it would begin after midnight: what is asked of is not what the plan shows
        tomorrow = day.end + self.offset_s
        return self._end_in(tomorrow, aspect, day.end) if self._aspect_in(tomorrow, day.end) is aspect else None

    def _end_in(self, origin: float, aspect: Aspect, at: float) -> float | None:
        position = (at - origin) % self.cycle_s
        ends = [
            (end - position) % self.cycle_s or self.cycle_s
            for (_, shown), (end, _) in zip(self.changes, [*self.changes[1:], self.changes[0]], strict=True)
            if shown is aspect
        ]
        return at + min(ends) if ends else None

    def _aspect_in(self, origin: float, at: float) -> Aspect:
        position = (at - origin) % self.cycle_s
        return next((shown for second, shown in reversed(self.changes) if second <= position), self.changes[-1][1])


def plan_timing(plan: SignalPlan, group: int, midnight: float | tzinfo) -> PlanTiming | None:
    """Return a group's changes by a plan; None where the plan is not fixed or the group never changes.

    `midnight` is what the plan's offset counts from: one instant, in seconds since the epoch, or the city's zone for
    each day's own midnight.
    """
    changes: list[tuple[float, Aspect]] = []
    second = 0.0
    for stage in plan.stages:
        aspect = Aspect(stage.aspects.get(group, Aspect.UNAVAILABLE))
        if not changes or changes[-1][1] is not aspect:
            changes.append((second, aspect))
        second += stage.duration_s
    if len(changes) > 1 and changes[0][1] is changes[-1][1]:
        changes = changes[1:]  # the cycle's start is no change: the last stage goes on
    if not plan.fixed or len(changes) < 2:
        return None
    if isinstance(midnight, tzinfo):
        return PlanTiming(0.0, plan.cycle_s, tuple(changes), midnight, plan.offset_s)
    return PlanTiming(midnight + plan.offset_s, plan.cycle_s, tuple(changes))


class PlanWatch:
    """Holds a plan against what is seen: the rung bears only while the last ends all fell within a second of it."""

    __slots__ = ("_off_s", "timing")

    def __init__(self, timing: PlanTiming) -> None:
        self.timing = timing
        self._off_s: deque[float] = deque(maxlen=_REMEMBERED)

    def ended(self, aspect: Aspect, since: float, at: float) -> None:
        """Compare the end of a run with the plan."""
        planned = self.timing.end_of(aspect, since + FOLLOWED_S)
        if planned is None and self.timing.zone and days_of(self.timing.zone).at(at).begin > since:
            return  # midnight fell into it: what it was cut to says nothing of tomorrow
        self._off_s.append(at - planned if planned is not None else float("inf"))

    @property
    def seen(self) -> int:
        """How many ends it has been compared with, of those remembered."""
        return len(self._off_s)

    @property
    def followed(self) -> bool:
        """Whether the controller follows the plan."""
        return self.seen >= _LEAST_ENDS and all(abs(off) <= FOLLOWED_S + 0.01 for off in self._off_s)
