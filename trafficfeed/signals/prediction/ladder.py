"""The rungs of one group, best first: plan, clearance, analogues, survival; none of them: abstain."""

from typing import Final

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import AnnouncedEnd, LampEvent
from trafficfeed.signals.forecast import Method
from trafficfeed.signals.prediction.clearance import LockedIn
from trafficfeed.signals.prediction.group import GroupPredictor
from trafficfeed.signals.prediction.outlook import Step
from trafficfeed.signals.prediction.plan import FOLLOWED_S, PlanTiming, PlanWatch

_SURE_S: Final = 0.4  # an end known to the second falls anywhere in it: its middle eight tenths are P10 to P90
_OVERDUE_S: Final = 1.0  # after which a promised end has not been kept, and the next rung is asked


class Ladder:
    """One group's predictor, and what is known beside its own past. Seconds count from the onset of the present run."""

    __slots__ = ("_locked", "_plan", "announced", "group")

    def __init__(self, group: GroupPredictor) -> None:
        self.group = group
        self.announced: AnnouncedEnd | None = None
        self._plan: PlanWatch | None = None
        self._locked: LockedIn | None = None

    def use_plan(self, timing: PlanTiming | None) -> None:
        """Set the fixed plan in force; the record of another one does not count for it."""
        if timing is None:
            self._plan = None
        elif self._plan is None or self._plan.timing != timing:
            self._plan = PlanWatch(timing)

    def lock_in(self, locked: LockedIn) -> None:
        """Take that another group's clearance has decided the end of the present red."""
        self._locked = locked

    def observe(self, aspect: Aspect, at: float, *, recalled: bool = False) -> bool:
        """Take what is shown; return whether a new run began. `recalled`: nobody asks what is said of it."""
        history = self.group.history
        was, since, whole = history.aspect, history.since, history.onset_known
        if not (self.group.recall if recalled else self.group.observe)(aspect, at):
            return False
        self._locked = None
        if self._plan and was is not None and was.is_timed and whole:
            self._plan.ended(was, since, at)
        return True

    def announce(self, event: LampEvent) -> bool:
        """Take what the controller itself says of the end of what it shows; return whether it is news."""
        history = self.group.history
        news = event.aspect is history.aspect and event.announced != self.announced
        if news:
            self.announced = event.announced
        return news

    def step(self, elapsed_s: float) -> Step | None:
        """Return what the best rung says at an elapsed time; None to abstain."""
        if elapsed_s < 0:
            return None
        for rung in (self._planned(), self._cleared()):
            if rung is not None and rung.from_s <= elapsed_s < rung.latest_s + _OVERDUE_S:
                return rung
        outlook = self.group.outlook
        return outlook.step(elapsed_s) if outlook else None

    def next_change_s(self, elapsed_s: float) -> float | None:
        """Return the elapsed time at which something else will be said, if nothing is heard."""
        outlook = self.group.outlook
        times = [rung.latest_s + _OVERDUE_S for rung in (self._planned(), self._cleared()) if rung is not None]
        if outlook and (change_s := outlook.next_change_s(elapsed_s)) is not None:
            times.append(change_s)
        return min((time for time in times if time > elapsed_s), default=None)

    def _planned(self) -> Step | None:
        history = self.group.history
        if self._plan is None or not self._plan.followed or history.aspect is None or not history.aspect.is_timed:
            return None
        end = self._plan.timing.end_of(history.aspect, history.since + FOLLOWED_S)
        return _sure(Method.PLAN, 0.0, end - history.since, 0.0, self._plan.seen) if end is not None else None

    def _cleared(self) -> Step | None:
        history = self.group.history
        if self._locked is None or history.aspect is not Aspect.STOP_AND_REMAIN:
            return None
        locked, since = self._locked, history.since
        return _sure(Method.CLEARANCE, locked.since - since, locked.end - since, locked.spread_s, locked.cases)


def _sure(method: Method, from_s: float, end_s: float, spread_s: float, cases: int) -> Step:
    margin_s = max(_SURE_S, spread_s)
    return Step(
        from_s=from_s,
        method=method,
        likely_s=end_s,
        low_s=end_s - margin_s,
        median_s=end_s,
        high_s=end_s + margin_s,
        earliest_s=end_s - margin_s,
        latest_s=end_s + margin_s,
        probability=(cases + 0.5) / (cases + 1.0),
        countdown=True,
        cases=cases,
    )
