"""A city's lamps from the door to the bus, put together: intake, log, predictor, scores, hub."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from trafficfeed.pipeline.live_memory import Recalled, recall, shown_then
from trafficfeed.publishing.bus import Bus
from trafficfeed.publishing.live_signals import PACE_S, LiveHub
from trafficfeed.signals.accuracy.watch import Accuracy
from trafficfeed.signals.controller_events import ControllerEvent
from trafficfeed.signals.events import GroupKey, LampEvent
from trafficfeed.signals.ingest.event_log import EventLog
from trafficfeed.signals.ingest.intake import Intake, Taken
from trafficfeed.signals.live import LiveSignals
from trafficfeed.signals.prediction.actuation import Actuation
from trafficfeed.signals.prediction.countdown_rule import CountdownRule, fitted_rule
from trafficfeed.signals.prediction.plan import plan_timing
from trafficfeed.signals.prediction.predictor import Predictor
from trafficfeed.signals.states import IntersectionState
from trafficfeed.signals.topology import Topology

LOG_KEPT: Final = timedelta(days=7)
MOST_FORESEEN_THEN: Final = 10  # intersections whose forecasts of the past are worked out anew for one request
_MET_AGAIN: Final = timedelta(minutes=10)  # what is sent twice is sent again within it


class LiveCity:
    """What runs while a city is live; everything on one thread, but for `recall` and `at`, which may be on others."""

    def __init__(
        self,
        bus: Bus,
        clock: Callable[[], datetime],
        *,
        zone: ZoneInfo,
        topology: Topology | None = None,
        log_folder: Path | None = None,
        pace_s: float = PACE_S,
        rule: CountdownRule | None = None,
        actuation: Actuation | None = None,
    ) -> None:
        """Open the log and put the parts together.

        Parameters
        ----------
        bus
            Where what is published goes.
        clock
            Returns the time, aware UTC.
        zone
            The city's: days of the scores, and the midnights that plans count from.
        topology
            The city's signals; None: whatever comes in is taken.
        log_folder
            Where events are kept; None: in memory.
        pace_s
            Time between batches.
        rule
            Who may count down (`signal_refit.rule_in_force`); None: the rule that comes with the package.
        actuation
            What controllers say beside their lamps; None: with no groups mapped.
        """
        self.topology = topology
        self.rule = rule or fitted_rule()
        self._zone = zone
        self.log = EventLog(log_folder)
        self.intake = Intake(self.log, topology)
        self.accuracy = Accuracy(zone)
        self.actuation = actuation or Actuation()
        self.predictor = self._new_predictor(self.actuation)
        self.live = LiveSignals(
            self.predictor, topology, may_be_timed=self.intake.may_be_timed, review=self.accuracy.publishable
        )
        self.hub = LiveHub(self.live, bus, clock, pace_s=pace_s, silent=self._silent)
        self._started = now = clock()
        self.intake.remember(self.log.replay(now - _MET_AGAIN, now, aside=True))
        self.intake.remember(self.log.newest().values())
        self.intake.subscribe(self._handed_on)
        self.log.forget(now - LOG_KEPT)

    def recall(self) -> Recalled:
        """Read the last hours' history back from the log, once, before anything is learnt; no lamp is shown by it.

        On another thread than the hub only with ``live.learning`` off: then lamps are told, and foreseen afterwards.

        Raises
        ------
        SourceMalformed
            If the log cannot be read.
        """
        try:
            return recall(self.predictor, self.log, self._started, topology=self.topology)
        finally:
            self.live.learning = True

    def take(self, events: Iterable[LampEvent]) -> Taken:
        """Let events in by the door; nothing that is wrong with them raises."""
        return self.intake.take(events)

    def hear(self, events: Sequence[ControllerEvent]) -> None:
        """Take what controllers say beside their lamps, on our clock; after their lamps."""
        for event in events:
            self.live.reconsider(self.predictor.hear(event))

    def use_rule(self, rule: CountdownRule) -> None:
        """Set who may count down, for each group from its next run on."""
        self.rule = rule
        self.predictor.use_rule(rule)

    def at(self, as_of: datetime, intersections: Collection[str] | None = None) -> dict[str, IntersectionState]:
        """Return what was known at an instant, from the log.

        Of `MOST_FORESEEN_THEN` named intersections at most also what their past until then foretells, worked out anew;
        of more, lamps without forecasts.
        """
        if intersections is not None and len(intersections) <= MOST_FORESEEN_THEN:
            return shown_then(
                self._new_predictor(), self.log, as_of, topology=self.topology, intersections=intersections
            )
        past = LiveSignals(Predictor(), self.topology)
        past.take(self.log.known_at(as_of).values())
        return {change.state.intersection: change.state for change in past.changes(as_of)}

    def close(self) -> None:
        """Close the log."""
        self.log.close()

    def _new_predictor(self, actuation: Actuation | None = None) -> Predictor:
        """Return a predictor that knows the plans in force, and nothing of the past."""
        predictor = Predictor(countdown=self.rule, actuation=actuation)
        for one in self.topology.intersections.values() if self.topology else ():
            predictor.use_conflicts(one.id, one.conflicts)
            plan = one.plans[-1] if one.plans else None
            for group in one.groups if plan is not None and plan.fixed else ():
                assert plan is not None
                predictor.use_plan(GroupKey(one.id, group.id), plan_timing(plan, group.id, self._zone))
        return predictor

    def _handed_on(self, events: Iterable[LampEvent]) -> None:
        for event in events:
            self.accuracy.observe(event)
        self.live.take(events)

    def _silent(self, as_of: datetime) -> tuple[str, ...]:
        fallen = self.intake.look(as_of)
        for intersection in fallen:
            self.actuation.lost(intersection)
            for key in self.live.keys_of(intersection):
                self.accuracy.lost(key)
        return fallen
