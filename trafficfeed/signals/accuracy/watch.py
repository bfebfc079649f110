"""Delayed truth: notes what is said of every group, and scores it when it is known what the lamp then did.

For whoever publishes, in the order of things as they happen::

    accuracy = Accuracy(zone)
    accuracy.observe(event)                       # every event of every source, before it is foretold anew
    said = accuracy.publishable(forecast)         # every forecast before it is published; publish what comes back
    accuracy.lost(key)                            # a group has fallen silent: what it does now will not be known
    accuracy.settle(as_of)                        # now and then, so that scores appear though nothing is heard

A run ends with the group's next event of another aspect. It is scored `SETTLE_S` after that was received: until then a
late event may still say that it ended earlier. A run is never scored if its end is not known: if the group fell silent
in it, or if it became unavailable.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta, tzinfo
from typing import Final, NamedTuple

from trafficfeed.signals.accuracy.demotion import DemotionChange, Demotions
from trafficfeed.signals.accuracy.scoring import Said, score_run
from trafficfeed.signals.accuracy.tally import Tally
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import GroupKey, LampEvent
from trafficfeed.signals.forecast import Forecast, Method

SETTLE_S: Final = 10.0
_MOST_STEPS: Final = 500  # that are noted of one run; a run that is told anew more often is not scored
_RECENT: Final = 4  # runs of a group that a late event may still cut short
_MILLISECOND: Final = timedelta(milliseconds=1)


class GroupDay(NamedTuple):
    """What a tally is of: a group, and the local day on which its runs ended."""

    key: GroupKey
    day: date


class Snapshot(NamedTuple):
    """A copy of all that is to be kept, for another thread to write; nothing in it changes any more."""

    tallies: Mapping[GroupDay, Tally]
    changes: Sequence[DemotionChange]
    demoted: Mapping[GroupKey, DemotionChange]


class _Run:
    """A stretch of one aspect of one group, and what was said in it."""

    __slots__ = ("aspect", "end", "is_lost", "key", "said", "since")

    def __init__(self, key: GroupKey, aspect: Aspect, since: datetime) -> None:
        self.key = key
        self.aspect = aspect
        self.since = since
        self.end: datetime | None = None
        self.said: list[Said] = []
        self.is_lost = False

    def after_ms(self, at: datetime) -> int:
        return round((at - self.since) / _MILLISECOND)


class Accuracy:
    """Tallies of groups and days, and who may count down. An event costs the same however many came before.

    Memory is bounded for each group: its present run, the few that have not settled, and a tally a day until that is
    taken away (`forget`). Not safe for use by several threads at once.
    """

    def __init__(self, zone: tzinfo, demotions: Demotions | None = None, *, settle_s: float = SETTLE_S) -> None:
        """Count days in the city's time zone; begin with the demotions of the process before, where there was one."""
        self.demotions = demotions or Demotions()
        self.tallies: dict[GroupDay, Tally] = {}
        self._zone = zone
        self._settle = timedelta(seconds=settle_s)
        self._runs: dict[GroupKey, deque[_Run]] = {}
        self._ended: deque[tuple[datetime, _Run]] = deque()
        self._forgotten = date.min

    def allowed(self, key: GroupKey) -> bool:
        """Tell whether countdowns of this group may be published."""
        return self.demotions.allowed(key)

    def publishable(self, forecast: Forecast) -> Forecast:
        """Note a forecast as made; return it as it may be published: of a demoted group without a countdown."""
        shown = forecast.countdown_allowed and self.allowed(forecast.key)
        run = self._present(forecast.key)
        if run is not None and run.aspect is forecast.aspect and abs(run.after_ms(forecast.since)) <= 1:
            _note(run, forecast, shown=shown)
        return forecast if shown == forecast.countdown_allowed else replace(forecast, countdown_allowed=False)

    def observe(self, event: LampEvent) -> None:
        """Take an event. Duplicates change nothing; a late one cuts short the run that it falls in, if not yet scored.

        An event may come in any order: what counts is `observed_at`.
        """
        self.settle(event.received_at)
        run = self._present(event.key)
        if run is None or event.observed_at > run.since:
            self._begin(event, run)
        else:
            self._correct(event)

    def lost(self, key: GroupKey) -> None:
        """Take that a group has fallen silent: the run that it is in will never be scored."""
        run = self._present(key)
        if run is not None:
            run.is_lost = True

    def settle(self, as_of: datetime) -> None:
        """Score the runs whose end has been known for long enough at `as_of` (aware)."""
        while self._ended and self._ended[0][0] <= as_of:
            self._score(self._ended.popleft()[1])

    def finish(self) -> None:
        """Score all runs whose end is known, at once: at the end of a record."""
        while self._ended:
            self._score(self._ended.popleft()[1])

    def snapshot(self) -> Snapshot:
        """Return a copy of the scores, cheap enough for the thread that they are made on."""
        tallies = {own: Tally(tally.counts, tally.runs, tally.lost) for own, tally in self.tallies.items()}
        return Snapshot(tallies, tuple(self.demotions.changes), self.demotions.demoted())

    def forget(self, before: date) -> None:
        """Let go the tallies of earlier days, once they are kept elsewhere; these days take no more."""
        self._forgotten = max(before, self._forgotten)
        for done in [own for own in self.tallies if own.day < before]:
            del self.tallies[done]

    def _present(self, key: GroupKey) -> _Run | None:
        runs = self._runs.get(key)
        return runs[-1] if runs else None

    def _begin(self, event: LampEvent, run: _Run | None) -> None:
        """End the present run and begin the next, unless the event says what is known."""
        if run is not None and run.aspect is event.aspect:
            return
        if run is not None:
            run.end = event.observed_at
            run.is_lost = run.is_lost or event.aspect is Aspect.UNAVAILABLE
            self._ended.append((event.received_at + self._settle, run))
        runs = self._runs.setdefault(event.key, deque(maxlen=_RECENT))
        runs.append(_Run(event.key, event.aspect, event.observed_at))

    def _correct(self, event: LampEvent) -> None:
        """Cut short the earlier run that a late event falls in."""
        for run in self._runs[event.key]:
            if run.end is not None and run.since < event.observed_at < run.end and run.aspect is not event.aspect:
                run.end = event.observed_at
                run.is_lost = run.is_lost or event.aspect is Aspect.UNAVAILABLE

    def _score(self, run: _Run) -> None:
        if not run.aspect.is_timed or run.end is None:
            return
        own = GroupDay(run.key, run.end.astimezone(self._zone).date())
        if own.day < self._forgotten:
            return
        tally = self.tallies.get(own)
        if tally is None:
            tally = self.tallies[own] = Tally()
        if run.is_lost or len(run.said) >= _MOST_STEPS:
            tally.lost += 1
            return
        to_the_second = not (run.end.microsecond or run.since.microsecond)
        countdown = score_run(run.said, run.after_ms(run.end), tally, to_the_second=to_the_second)
        self.demotions.scored(run.key, seconds=countdown.seconds, right=countdown.right, at=run.end)


def of_days(tallies: Iterable[tuple[GroupDay, Tally]]) -> dict[GroupDay, Tally]:
    """Add tallies up by group and day."""
    total: dict[GroupDay, Tally] = {}
    for own, tally in tallies:
        total.setdefault(own, Tally()).merge(tally)
    return total


def _note(run: _Run, forecast: Forecast, *, shown: bool) -> None:
    """Note what is said, where it is another than before."""
    says = forecast.method is not Method.ABSTAIN

    def after(at: datetime | None) -> int | None:
        return run.after_ms(at) if says and at is not None else None

    said = Said(
        run.after_ms(forecast.made_at),
        after(forecast.likely_end),
        after(forecast.p10),
        after(forecast.p90),
        says and forecast.countdown_allowed,
        says and shown,
    )
    if len(run.said) < _MOST_STEPS and (not run.said or run.said[-1][1:] != said[1:]):
        run.said.append(said)
