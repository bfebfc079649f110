"""The ladder, online: takes lamp events as they come, and says of each group when what it shows will end."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from trafficfeed.signals.controller_events import ControllerEvent
from trafficfeed.signals.events import GroupKey, LampEvent
from trafficfeed.signals.forecast import Forecast
from trafficfeed.signals.prediction.actuation import Actuation
from trafficfeed.signals.prediction.clearance import Clearances
from trafficfeed.signals.prediction.countdown_rule import CountdownRule
from trafficfeed.signals.prediction.group import GroupPredictor
from trafficfeed.signals.prediction.ladder import Ladder
from trafficfeed.signals.prediction.plan import PlanTiming
from trafficfeed.signals.prediction.quantiles import QuantileRule
from trafficfeed.signals.prediction.wording import forecast_of, utc

_ACTUATED_AGAIN: Final = timedelta(seconds=2)  # what a controller does not do tells of a green's end too


class Predictor:
    """Forecasts for every group of a city. Memory is bounded for each group; an event costs the same however many came.

    Not safe for use by several threads at once.
    """

    def __init__(
        self,
        countdown: CountdownRule | None = None,
        quantiles: QuantileRule | None = None,
        actuation: Actuation | None = None,
    ) -> None:
        """Take the rules that come with the package, unless others are given; `actuation` sharpens actuated greens."""
        self._rules = (countdown, quantiles)
        self._actuation = actuation
        self._ladders: dict[GroupKey, Ladder] = {}
        self._clearances: dict[str, Clearances] = {}
        self._groups: dict[str, list[GroupKey]] = {}

    def use_plan(self, key: GroupKey, timing: PlanTiming | None) -> None:
        """Set the fixed plan in force for a group, or none. It counts once the controller is seen to follow it."""
        self._of(key).use_plan(timing)

    def use_conflicts(self, intersection: str, conflicts: Collection[tuple[int, int]]) -> None:
        """Set which groups of an intersection exclude one another; without, the lags of all pairs are learnt.

        The same again leaves what was learnt.
        """
        known = self._clearances.get(intersection)
        if known is None or not known.knows(conflicts):
            self._clearances[intersection] = Clearances(conflicts)

    def begin_cycle(self, key: GroupKey, at: datetime) -> None:
        """Take the start of a group's cycle, where its source tells it; else the rhythm of its onsets is used."""
        self._of(key).group.begin_cycle(at.timestamp())

    def use_rule(self, countdown: CountdownRule) -> None:
        """Set the rule by which countdowns are allowed; it counts for each group from its next run on."""
        self._rules = (countdown, self._rules[1])
        for ladder in self._ladders.values():
            ladder.group.use_rule(countdown)

    def hear(self, event: ControllerEvent) -> tuple[GroupKey, ...]:
        """Take what a controller says beside its lamps, on our clock; return the greens that may end otherwise."""
        if self._actuation is None or not self._actuation.observe(event):
            return ()
        return tuple(key for key in self._groups.get(event.intersection, ()) if self._is_actuated(key))

    def recall(self, event: LampEvent) -> None:
        """Take an event of the past: the group's history has it, and nothing is worked out that it would have said.

        That costs a hundredth of `observe`; what is left out is how often each set of analogues has been right.
        """
        at = event.observed_at.timestamp()
        if self._of(event.key).observe(event.aspect, at, recalled=True):
            self._clearances_of(event.key.intersection).observe(event.key.group, event.aspect, at)

    def observe(self, event: LampEvent) -> tuple[GroupKey, ...]:
        """Take an event; return the groups whose forecast is no longer what it was.

        An event that says what is known, or that is older than what is known, changes nothing.
        """
        ladder = self._of(event.key)
        at = event.observed_at.timestamp()
        if not ladder.observe(event.aspect, at):
            return (event.key,) if ladder.announce(event) else ()
        ladder.announce(event)
        changed = [event.key]
        for locked in self._clearances_of(event.key.intersection).observe(event.key.group, event.aspect, at):
            key = GroupKey(event.key.intersection, locked.group)
            self._of(key).lock_in(locked)
            changed.append(key)
        return tuple(changed)

    def forecast(self, key: GroupKey, as_of: datetime) -> Forecast | None:
        """Return what can be said at an instant; None for a group of which nothing has been seen."""
        ladder = self._ladders.get(key)
        if ladder is None or ladder.group.history.aspect is None:
            return None
        said = forecast_of(key, ladder, as_of)
        return self._actuation.sharpen(said) if self._actuation is not None else said

    def next_change(self, key: GroupKey, as_of: datetime) -> datetime | None:
        """Return when the forecast will next be another though nothing is heard; None if it will not."""
        ladder = self._ladders.get(key)
        if ladder is None or ladder.group.history.aspect is None:
            return None
        since = ladder.group.history.since
        change_s = ladder.next_change_s(as_of.timestamp() - since)
        change = None if change_s is None else utc(since + change_s)
        if not self._is_actuated(key):
            return change
        again = as_of + _ACTUATED_AGAIN
        return again if change is None else min(change, again)

    def _is_actuated(self, key: GroupKey) -> bool:
        history = self._ladders[key].group.history
        if self._actuation is None or history.aspect is None or not history.aspect.is_green:
            return False
        return self._actuation.speaks_of(key, utc(history.since))

    def _clearances_of(self, intersection: str) -> Clearances:
        if intersection not in self._clearances:
            self._clearances[intersection] = Clearances()
        return self._clearances[intersection]

    def _of(self, key: GroupKey) -> Ladder:
        if key not in self._ladders:
            self._ladders[key] = Ladder(GroupPredictor(*self._rules))
            self._groups.setdefault(key.intersection, []).append(key)
        return self._ladders[key]
