"""A city's lamps from the door to the bus, put together: intake, log, predictor, scores, hub."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from trafficfeed.publishing.bus import Bus
from trafficfeed.publishing.live_signals import PACE_S, LiveHub
from trafficfeed.signals.accuracy.watch import Accuracy
from trafficfeed.signals.events import GroupKey, LampEvent
from trafficfeed.signals.ingest.event_log import EventLog
from trafficfeed.signals.ingest.intake import Intake, Taken
from trafficfeed.signals.live import LiveSignals
from trafficfeed.signals.prediction.plan import plan_timing
from trafficfeed.signals.prediction.predictor import Predictor
from trafficfeed.signals.states import IntersectionState
from trafficfeed.signals.topology import Topology

LOG_KEPT: Final = timedelta(days=7)


class LiveCity:
    """What runs while a city is live; everything on one thread."""

    def __init__(
        self,
        bus: Bus,
        clock: Callable[[], datetime],
        *,
        zone: ZoneInfo,
        topology: Topology | None = None,
        log_folder: Path | None = None,
        pace_s: float = PACE_S,
    ) -> None:
        """Open the log and put the parts together.

        Parameters
        ----------
        bus
            Where what is published goes.
        clock
            Returns the time, aware UTC.
        zone
            The city's: days of the scores, and the midnight that plans count from.
        topology
            The city's signals; None: whatever comes in is taken.
        log_folder
            Where events are kept; None: in memory.
        pace_s
            Time between batches.
        """
        self.topology = topology
        self.log = EventLog(log_folder)
        self.intake = Intake(self.log, topology)
        self.accuracy = Accuracy(zone)
        self.predictor = Predictor()
        self.live = LiveSignals(
            self.predictor, topology, may_be_timed=self.intake.may_be_timed, review=self.accuracy.publishable
        )
        self.hub = LiveHub(self.live, bus, clock, pace_s=pace_s, silent=self._silent)
        self.intake.remember(self.log.newest().values())
        self.intake.subscribe(self._handed_on)
        self.log.forget(clock() - LOG_KEPT)
        if topology is not None:
            self._use_plans(topology, clock().astimezone(zone))

    def take(self, events: Iterable[LampEvent]) -> Taken:
        """Let events in by the door; nothing that is wrong with them raises."""
        return self.intake.take(events)

    def at(self, as_of: datetime) -> dict[str, IntersectionState]:
        """Return what was known at an instant, from the log: lamps without forecasts."""
        past = LiveSignals(Predictor(), self.topology)
        past.take(self.log.known_at(as_of).values())
        return {change.state.intersection: change.state for change in past.changes(as_of)}

    def close(self) -> None:
        """Close the log."""
        self.log.close()

    def _handed_on(self, events: Iterable[LampEvent]) -> None:
        for event in events:
            self.accuracy.observe(event)
        self.live.take(events)

    def _silent(self, as_of: datetime) -> tuple[str, ...]:
        fallen = self.intake.look(as_of)
        for intersection in fallen:
            for key in self.live.keys_of(intersection):
                self.accuracy.lost(key)
        return fallen

    def _use_plans(self, topology: Topology, now: datetime) -> None:
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
        for one in topology.intersections.values():
            plan = one.plans[-1] if one.plans else None
            for group in one.groups if plan is not None and plan.fixed else ():
                assert plan is not None
                self.predictor.use_plan(GroupKey(one.id, group.id), plan_timing(plan, group.id, midnight))
