"""What a live city knew before: the predictor's history read back from the event log, after a start or for the past."""

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter
from typing import Final, NamedTuple

from trafficfeed.signals.events import GroupKey, LampEvent
from trafficfeed.signals.ingest.event_log import EventLog
from trafficfeed.signals.live import LiveSignals
from trafficfeed.signals.prediction.predictor import Predictor
from trafficfeed.signals.states import IntersectionState
from trafficfeed.signals.topology import Topology

LOOKED_BACK: Final = timedelta(hours=3)  # sixty runs of an aspect and more, at any usual cycle
MOST_BYTES: Final = 40_000_000  # of the log: some 350,000 events, read in five seconds
MOST_FULLY: Final = 4_000  # events of which is worked out what would have been said: a millisecond or two each
LAST_FULLY: Final = 36  # of one group: twelve runs of each aspect, by which it is known how good its forecasts were
LONGEST_S: Final = 10.0  # on a busy machine; what is left then goes into the histories alone
_KEPT: Final = 10  # times as many events are held to choose from


class Recalled(NamedTuple):
    """How many events came back, and from when on."""

    events: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far back a log is read: hours and bytes; for how many of the newest events in full, and of one group."""

    looked_back: timedelta = LOOKED_BACK
    most_bytes: int = MOST_BYTES
    most_fully: int = MOST_FULLY
    last_fully: int = LAST_FULLY


USUAL: Final = Reach()
THEN: Final = Reach(last_fully=6)  # for one look at the past; the last run has to be among them


def recall(
    predictor: Predictor,
    log: EventLog,
    as_of: datetime,
    *,
    topology: Topology | None = None,
    intersections: Collection[str] | None = None,
    reach: Reach = USUAL,
) -> Recalled:
    """Give a predictor what the log has of the last hours before an instant, aware UTC; nothing of it is published.

    Most events go into the histories alone; for each group's last it is also worked out what would have been said, so
    that it is known how often that was right.

    Parameters
    ----------
    predictor
        With its plans and conflicts, and no history.
    log
        Read only.
    as_of
        Nothing received later is looked at.
    topology
        Events of groups that it does not have are left out.
    intersections
        Of which the log is read; None: all.
    reach
        The bounds.

    Raises
    ------
    SourceMalformed
        If the log cannot be read.
    """
    since = log.since_when(as_of, longest=reach.looked_back, most_bytes=reach.most_bytes)
    newest: deque[LampEvent] = deque()
    events = 0
    for event in _of(topology, log.replay(since, as_of, intersections)):
        events += 1
        newest.append(event)
        if len(newest) > _KEPT * reach.most_fully:
            predictor.recall(newest.popleft())
    _in_full(predictor, newest, reach)
    return Recalled(events, since)


def _in_full(predictor: Predictor, newest: Sequence[LampEvent], reach: Reach) -> None:
    """Give a predictor each group's last events in full, as many as there is time for, and the others in brief."""
    left = Counter(event.key for event in newest)
    last = min(reach.last_fully, reach.most_fully // max(len(left), 1))
    deadline = perf_counter() + LONGEST_S
    for event in newest:
        left[event.key] -= 1
        if left[event.key] < last and perf_counter() < deadline:
            predictor.observe(event)
        else:
            predictor.recall(event)


def shown_then(
    predictor: Predictor,
    log: EventLog,
    as_of: datetime,
    *,
    topology: Topology | None,
    intersections: Collection[str],
    reach: Reach = THEN,
) -> dict[str, IntersectionState]:
    """Return what intersections showed at an instant, with the forecasts that their own past until then gives.

    That is not always what was published: the predictor of then may have known more, and groups may have been demoted.
    `predictor` is filled by it; raises as `recall`.
    """
    recall(predictor, log, as_of, topology=topology, intersections=intersections, reach=reach)
    past = LiveSignals(predictor, topology)
    known = {key: event for key, event in log.known_at(as_of).items() if key.intersection in intersections}
    last: dict[GroupKey, deque[LampEvent]] = {key: deque([event], maxlen=2) for key, event in known.items()}
    since = log.since_when(as_of, longest=reach.looked_back, most_bytes=reach.most_bytes)
    for event in log.replay(since, as_of, intersections):
        last.setdefault(event.key, deque(maxlen=2)).append(event)
    past.take(event for events in last.values() for event in sorted(events, key=lambda one: one.observed_at))
    past.learn()
    return {change.state.intersection: change.state for change in past.changes(as_of)}


def _of(topology: Topology | None, events: Iterable[LampEvent]) -> Iterator[LampEvent]:
    if topology is None:
        yield from events
        return
    known = {GroupKey(one.id, group.id) for one in topology.intersections.values() for group in one.groups}
    yield from (event for event in events if event.key in known)
