"""The ladder, online: takes lamp events as they come, and says of each group when what it shows will end."""

from collections.abc import Collection
from datetime import datetime

from trafficfeed.signals.events import GroupKey, LampEvent
from trafficfeed.signals.forecast import Forecast
from trafficfeed.signals.prediction.clearance import Clearances
from trafficfeed.signals.prediction.countdown_rule import CountdownRule
from trafficfeed.signals.prediction.group import GroupPredictor
from trafficfeed.signals.prediction.ladder import Ladder
from trafficfeed.signals.prediction.plan import PlanTiming
from trafficfeed.signals.prediction.quantiles import QuantileRule
from trafficfeed.signals.prediction.wording import forecast_of, utc


class Predictor:
    """Forecasts for every group of a city. Memory is bounded for each group; an event costs the same however many came.

    Not safe for use by several threads at once.
    """

    def __init__(self, countdown: CountdownRule | None = None, quantiles: QuantileRule | None = None) -> None:
        self._rules = (countdown, quantiles)
        self._ladders: dict[GroupKey, Ladder] = {}
        self._clearances: dict[str, Clearances] = {}

    def use_plan(self, key: GroupKey, timing: PlanTiming | None) -> None:
        """Set the fixed plan in force for a group, or none. It counts once the controller is seen to follow it."""
        self._of(key).use_plan(timing)

    def use_conflicts(self, intersection: str, conflicts: Collection[tuple[int, int]]) -> None:
        """Set which groups of an intersection exclude one another; without, the lags of all pairs are learnt."""
        self._clearances[intersection] = Clearances(conflicts)

    def begin_cycle(self, key: GroupKey, at: datetime) -> None:
        """Take the start of a group's cycle, where its source tells it; else the rhythm of its onsets is used."""
        self._of(key).group.begin_cycle(at.timestamp())

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
        clearances = self._clearances.setdefault(event.key.intersection, Clearances())
        for locked in clearances.observe(event.key.group, event.aspect, at):
            key = GroupKey(event.key.intersection, locked.group)
            self._of(key).lock_in(locked)
            changed.append(key)
        return tuple(changed)

    def forecast(self, key: GroupKey, as_of: datetime) -> Forecast | None:
        """Return what can be said at an instant; None for a group of which nothing has been seen."""
        ladder = self._ladders.get(key)
        if ladder is None or ladder.group.history.aspect is None:
            return None
        return forecast_of(key, ladder, as_of)

    def next_change(self, key: GroupKey, as_of: datetime) -> datetime | None:
        """Return when the forecast will next be another though nothing is heard; None if it will not."""
        ladder = self._ladders.get(key)
        if ladder is None or ladder.group.history.aspect is None:
            return None
        since = ladder.group.history.since
        change_s = ladder.next_change_s(as_of.timestamp() - since)
        return None if change_s is None else utc(since + change_s)

    def _of(self, key: GroupKey) -> Ladder:
        if key not in self._ladders:
            self._ladders[key] = Ladder(GroupPredictor(*self._rules))
        return self._ladders[key]
