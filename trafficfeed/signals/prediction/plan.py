"""The first rung: a published fixed plan, for as long as the controller is seen to follow it."""

from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.topology import SignalPlan

FOLLOWED_S: Final = 1.0
_LEAST_ENDS: Final = 6
_REMEMBERED: Final = 12


class PlanTiming(NamedTuple):
    """When one group changes by a fixed plan. `changes` are (second of the cycle, aspect from then on), in order.

    `origin` is the start of a cycle, in seconds since the epoch.
    """

    origin: float
    cycle_s: float
    changes: Sequence[tuple[float, Aspect]]

    def end_of(self, aspect: Aspect, at: float) -> float | None:
        """Return when the plan next ends an aspect after an instant; None where it never shows it."""
        position = (at - self.origin) % self.cycle_s
        ends = [
            (end - position) % self.cycle_s or self.cycle_s
            for (_, shown), (end, _) in zip(self.changes, [*self.changes[1:], self.changes[0]], strict=True)
            if shown is aspect
        ]
        return at + min(ends) if ends else None


def plan_timing(plan: SignalPlan, group: int, midnight: float) -> PlanTiming | None:
    """Return a group's changes by a plan; None where the plan is not fixed or the group never changes.

    `midnight` is the city's local midnight that the plan's offset counts from, in seconds since the epoch.
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
        self._off_s.append(at - planned if planned is not None else float("inf"))

    @property
    def seen(self) -> int:
        """How many ends it has been compared with, of those remembered."""
        return len(self._off_s)

    @property
    def followed(self) -> bool:
        """Whether the controller follows the plan."""
        return self.seen >= _LEAST_ENDS and all(abs(off) <= FOLLOWED_S + 0.01 for off in self._off_s)
