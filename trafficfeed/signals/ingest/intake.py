"""The one door: whatever lamp states come from, they are checked here, written down, and handed on."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from trafficfeed.findings import Finding
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import GroupKey, LampEvent
from trafficfeed.signals.ingest.announced_ends import is_possible, moved
from trafficfeed.signals.ingest.controller_clock import DRIFT_S, FARTHEST_S, ClockState, ControllerClock
from trafficfeed.signals.ingest.event_log import EventLog
from trafficfeed.signals.ingest.floods import Floods
from trafficfeed.signals.ingest.group_record import GroupRecord
from trafficfeed.signals.ingest.refusals import Refusals, Rule
from trafficfeed.signals.ingest.staleness import Staleness
from trafficfeed.signals.ingest.transitions import is_legal
from trafficfeed.signals.topology import Intersection, Topology

Subscriber = Callable[[Sequence[LampEvent]], None]
_INSTANT: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of one delivery.

    `handed_on` is what the subscribers got, by time, lamps made unavailable by the door included. `logged` counts those
    and what is only kept: events older than what is known, and those of a second source. A repeat says nothing new.
    """

    handed_on: Sequence[LampEvent]
    logged: int
    repeats: int
    duplicates: int
    refused: int


class _Line:
    """One source's word on one intersection."""

    __slots__ = ("clock", "groups", "on_time")

    def __init__(self) -> None:
        self.clock = ControllerClock()
        self.groups: dict[int, GroupRecord] = {}
        self.on_time = True

    def record(self, group: int) -> GroupRecord:
        """Return what is remembered of a group, made at the first call."""
        record = self.groups.get(group)
        if record is None:
            record = self.groups[group] = GroupRecord()
        return record

    def miss(self) -> None:
        """Note that changes may have gone unheard."""
        for record in self.groups.values():
            record.missed = True


class _Known:
    """What the topology says of an intersection, made quick to ask."""

    __slots__ = ("conflicts", "groups")

    def __init__(self, intersection: Intersection) -> None:
        self.groups = frozenset(group.id for group in intersection.groups)
        self.conflicts: dict[int, set[int]] = {}
        for one, other in intersection.conflicts:
            self.conflicts.setdefault(one, set()).add(other)
            self.conflicts.setdefault(other, set()).add(one)


class Intake:
    """Adapters → checks → log → subscribers. Not safe for several threads: call it from one.

    Without a topology every intersection and group is taken, and no conflict is known. Of several sources that speak of
    one intersection the first is shown, and the next once that has fallen silent.
    """

    def __init__(
        self, log: EventLog | None = None, topology: Topology | None = None, staleness: Staleness | None = None
    ) -> None:
        self.log = log or EventLog()
        self.staleness = staleness or Staleness()
        self.refusals = Refusals()
        self._floods = Floods()
        self._subscribers: list[Subscriber] = []
        self._lines: dict[str, dict[str, _Line]] = {}
        self._shown_by: dict[str, str] = {}
        self._known: dict[str, _Known] | None = None
        self._counts = [0, 0, 0, 0]  # logged, repeats, duplicates, refused
        if topology is not None:
            self.use_topology(topology)

    def use_topology(self, topology: Topology) -> None:
        """Take the intersections and groups that may come in, and the greens that exclude one another."""
        self._known = {name: _Known(intersection) for name, intersection in topology.intersections.items()}

    def subscribe(self, subscriber: Subscriber) -> None:
        """Call `subscriber` with every delivery's events that were handed on, from the next `take` on."""
        self._subscribers.append(subscriber)

    def take(self, events: Iterable[LampEvent]) -> Taken:
        """Check, log and hand on one delivery of one or more sources; nothing that is wrong with it raises.

        An adapter gives the controller's time as it came, in `observed_at` and in `raw_observed_at`; one that has only
        the time of arrival leaves `raw_observed_at` None.
        """
        self._counts = [0, 0, 0, 0]
        delivery = sorted(events, key=_in_time)
        shown: list[LampEvent] = []
        kept: list[LampEvent] = []
        for event in delivery:
            self._admit(event, shown, kept)
        self.log.append(shown, kept)
        if shown:
            for subscriber in self._subscribers:
                subscriber(shown)
        _, repeats, duplicates, refused = self._counts
        return Taken(
            handed_on=tuple(shown),
            logged=len(shown) + len(kept),
            repeats=repeats,
            duplicates=duplicates,
            refused=refused,
        )

    def remember(self, events: Iterable[LampEvent]) -> None:
        """Take from the log what was taken before the process began, so that it is not taken twice."""
        for event in events:
            line = self._line(event.source, event.key.intersection)
            record = line.record(event.key.group)
            record.remember(event.raw_observed_at or event.observed_at, event.aspect)
            record.reported, record.missed = event.aspect, True
            if record.observed_at is None or event.observed_at > record.observed_at:
                record.observed_at = event.observed_at

    def heartbeat(
        self,
        source: str,
        received_at: datetime,
        intersection: str | None = None,
        told: datetime | None = None,
        round_trip_s: float | None = None,
    ) -> None:
        """Take that a source is alive; with an intersection and its controller's own time, also a look at its clock."""
        self._hear(source, received_at)
        if intersection is None or told is None or not self._plausible_times(source, intersection, told, received_at):
            return
        line = self._line(source, intersection)
        if round_trip_s is not None:
            line.clock.measure(told, received_at, round_trip_s)
        else:
            line.clock.hear(told, received_at)

    def malformed(self, source: str, received_at: datetime, message: str) -> None:
        """Take that an adapter could not read what a source sent; such a source is not alive by that."""
        self.refusals.add(Rule.MALFORMED, source, received_at, "", message)

    def look(self, as_of: datetime) -> tuple[str, ...]:
        """Return the intersections that have fallen silent since the last look; call it twice a second."""
        silent = set()
        for source in self.staleness.overdue(as_of):
            heard = self.staleness.last_heard(source)
            self.refusals.add(Rule.SILENT, source, as_of, "", f"nothing was heard since {heard}")
            for intersection, line in self._lines.get(source, {}).items():
                line.miss()
                if self._shown_by.get(intersection) == source:
                    silent.add(intersection)
        return tuple(sorted(silent))

    def is_stale(self, intersection: str) -> bool:
        """Whether nothing is heard of an intersection: what it shows is the last that is known."""
        source = self._shown_by.get(intersection)
        return source is None or self.staleness.is_silent(source)

    def may_be_timed(self, intersection: str) -> bool:
        """Whether a second may be promised: it is heard, by a clock that is known, and without delay."""
        source = self._shown_by.get(intersection)
        return source is not None and not self.staleness.is_silent(source) and self._lines[source][intersection].on_time

    def clock_of(self, intersection: str) -> ControllerClock | None:
        """Return the clock by which an intersection is shown."""
        source = self._shown_by.get(intersection)
        return self._lines[source][intersection].clock if source is not None else None

    def on_our_clock(self, source: str, intersection: str, told: datetime, received_at: datetime) -> datetime | None:
        """Return a source's time on our clock; None where its clock is not known, or its intersection not shown by it.

        For what a controller says beside its lamps; its clock is learnt from its lamps alone.
        """
        if self._shown_by.get(intersection) != source:
            return None
        reading = self._lines[source][intersection].clock.reading
        if reading.state is ClockState.SETTLING or abs((received_at - told).total_seconds()) > FARTHEST_S:
            return None
        return told + timedelta(seconds=reading.offset_s)

    def findings(self) -> tuple[Finding, ...]:
        """Return what was refused and marked so far, one finding for each rule and source."""
        return self.refusals.findings()

    def _admit(self, event: LampEvent, shown: list[LampEvent], kept: list[LampEvent]) -> None:
        known = self._topology_of(event)
        told = event.raw_observed_at or event.observed_at
        source, (intersection, group) = event.source, event.key
        if known is _REFUSED or not self._plausible_times(source, intersection, told, event.received_at):
            return
        self._hear(source, event.received_at)
        line = self._line(source, intersection)
        is_shown = self._is_shown(source, intersection)
        record = line.record(group)
        if self._was_met(event, told, record):
            return
        timed = self._on_our_clock(event, line)
        if timed is None:
            return
        record.remember(told, event.aspect)
        if record.observed_at is not None and timed.observed_at < record.observed_at:
            self.refusals.add(Rule.TOO_LATE, source, event.received_at, _where(event), "older than what is known")
            kept.append(timed)
            return
        if event.aspect is record.shown and not record.missed and event.announced == record.announced:
            self._counts[1] += 1
            record.reported, record.observed_at = event.aspect, timed.observed_at
            return
        (shown if is_shown else kept).extend(self._judge(timed, line, record, known))
        record.announced = event.announced

    def _topology_of(self, event: LampEvent) -> "_Known | None":
        if self._known is None:
            return None
        known = self._known.get(event.key.intersection)
        if known is None:
            self._refuse(Rule.UNKNOWN_INTERSECTION, event, "no such intersection in the topology")
            return _REFUSED
        if event.key.group not in known.groups:
            self._refuse(Rule.UNKNOWN_GROUP, event, f"the topology has {len(known.groups)} groups there, not this one")
            return _REFUSED
        return known

    def _plausible_times(self, source: str, intersection: str, told: datetime, received_at: datetime) -> bool:
        if told.tzinfo is None or received_at.tzinfo is None:
            rule, message = Rule.TIME_ZONE, f"{told} has no zone"
            received_at = received_at if received_at.tzinfo else received_at.replace(tzinfo=UTC)
        else:
            lag_s = (received_at - told).total_seconds()
            if abs(lag_s) <= FARTHEST_S:
                return True
            rule = Rule.TIME_PAST if lag_s > 0 else Rule.TIME_FUTURE
            message = f"{told.isoformat()} came at {received_at.isoformat()}: more than {FARTHEST_S:.0f} s apart"
        self._counts[3] += 1
        self.refusals.add(rule, source, received_at, intersection, message)
        return False

    def _was_met(self, event: LampEvent, told: datetime, record: GroupRecord) -> bool:
        met = record.met(told)
        if met is None and not record.is_forgotten(told):
            self._floods.fresh(event.source, event.received_at)
            return False
        if met is not None and met is not event.aspect:
            self._refuse(Rule.CONTRADICTION, event, f"{event.aspect} at an instant of which it said {met}")
            return True
        if event.announced is not None and event.aspect is record.reported and event.announced != record.announced:
            return False  # the same lamp, and news of its end
        self._counts[2] += 1
        self.refusals.add(Rule.DUPLICATE, event.source, event.received_at, _where(event), f"again: {told.isoformat()}")
        if self._floods.again(event.source, event.received_at):
            text = "it sends almost nothing but what it sent before"
            self.refusals.add(Rule.FLOOD, event.source, event.received_at, _where(event), text)
        return True

    def _on_our_clock(self, event: LampEvent, line: _Line) -> LampEvent | None:
        """Return the event with its time on our clock; None where that is not known, or lies ahead of now."""
        if event.raw_observed_at is None:
            late_s = (event.received_at - event.observed_at).total_seconds()
            line.on_time = abs(late_s) <= DRIFT_S
            timed = event
        else:
            reading = line.clock.hear(event.raw_observed_at, event.received_at)
            line.on_time = reading.on_time
            if reading.state is ClockState.SETTLING:
                text = f"its clock is some {reading.offset_s:+.1f} s from ours, which is not yet certain"
                self._refuse(Rule.CLOCK_SETTLING, event, text)
                return None
            if reading.state is ClockState.CORRECTED:
                text = f"its clock is {-reading.offset_s:+.1f} s off; that is taken away"
                self.refusals.add(Rule.CLOCK_OFF, event.source, event.received_at, _where(event), text)
            timed = event
            if reading.offset_s:
                ends = moved(event.announced, reading.offset_s) if event.announced else None
                at = event.raw_observed_at + timedelta(seconds=reading.offset_s)
                timed = replace(event, observed_at=at, announced=ends)
        if (timed.observed_at - timed.received_at).total_seconds() > DRIFT_S:
            self._refuse(Rule.TIME_FUTURE, event, f"{timed.observed_at.isoformat()} had not come when it was heard")
            return None
        if timed.announced is not None and not is_possible(timed.announced, timed.received_at):
            text = "it says an end that is past, hours ahead, or out of order; its lamp is taken without"
            self.refusals.add(Rule.IMPOSSIBLE_END, event.source, event.received_at, _where(event), text)
            timed = replace(timed, announced=None)
        return timed

    def _judge(self, event: LampEvent, line: _Line, record: GroupRecord, known: "_Known | None") -> list[LampEvent]:
        """Return what is shown of an event that is in time and new: itself, or that its lamps are not known."""
        was, aspect = record.reported, event.aspect
        before = record.observed_at
        record.reported, record.observed_at = aspect, event.observed_at
        record.has_amber = record.has_amber or aspect.is_amber
        if record.missed and before is not None:
            record.missed = False
            gap = [self._unavailable(event, record, max(before, event.observed_at - _INSTANT))]
        else:
            gap = []
            if was is not None and not is_legal(was, aspect, has_amber=record.has_amber):
                self._refuse(Rule.ILLEGAL_TRANSITION, event, f"{was}, then {aspect}")
                return [self._unavailable(event, record, event.observed_at)]
        record.missed = False
        if aspect is Aspect.PROTECTED_GREEN and known is not None:
            against = self._greens_against(event, line, known)
            if against:
                text = f"green together with {', '.join(map(str, sorted(against)))}, which it excludes"
                self._refuse(Rule.CONFLICTING_GREEN, event, text)
                mine = self._unavailable(event, record, event.observed_at)
                return [mine, *(self._withdraw(event, group, line) for group in sorted(against))]
        record.shown = aspect
        return [*gap, event]

    def _greens_against(self, event: LampEvent, line: _Line, known: _Known) -> set[int]:
        return {
            group
            for group in known.conflicts.get(event.key.group, ())
            if (record := line.groups.get(group)) is not None
            and record.reported is Aspect.PROTECTED_GREEN
            and not record.missed
        }

    def _withdraw(self, event: LampEvent, group: int, line: _Line) -> LampEvent:
        key = GroupKey(event.key.intersection, group)
        return self._unavailable(replace(event, key=key), line.groups[group], event.observed_at)

    def _unavailable(self, event: LampEvent, record: GroupRecord, at: datetime) -> LampEvent:
        record.shown = Aspect.UNAVAILABLE
        return replace(event, aspect=Aspect.UNAVAILABLE, observed_at=at, announced=None)

    def _is_shown(self, source: str, intersection: str) -> bool:
        by = self._shown_by.get(intersection)
        if by == source:
            return True
        if by is not None and not self.staleness.is_silent(by):
            return False
        if by is not None:
            self._lines[source][intersection].miss()
        self._shown_by[intersection] = source
        return True

    def _hear(self, source: str, at: datetime) -> None:
        if self.staleness.hear(source, at):
            for line in self._lines.get(source, {}).values():
                line.miss()

    def _line(self, source: str, intersection: str) -> _Line:
        lines = self._lines.setdefault(source, {})
        if intersection not in lines:
            lines[intersection] = _Line()
        return lines[intersection]

    def _refuse(self, rule: Rule, event: LampEvent, message: str) -> None:
        self._counts[3] += 1
        self.refusals.add(rule, event.source, event.received_at, _where(event), message)


def _in_time(event: LampEvent) -> tuple[float, bool]:
    """Order by time, and at one instant what ends before what begins."""
    return event.observed_at.timestamp(), event.aspect.is_green


def _where(event: LampEvent) -> str:
    return f"{event.key.intersection}, group {event.key.group}"


_REFUSED: Final = object.__new__(_Known)
