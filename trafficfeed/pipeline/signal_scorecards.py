"""Scores kept and published: resumed by a process that starts, written down as it goes, released as a scorecard."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from trafficfeed.formats import signal_scorecard
from trafficfeed.publishing.documents import Document, Release
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.signals.accuracy.demotion import Demotions
from trafficfeed.signals.accuracy.scorecard import Scorecard, groups_of
from trafficfeed.signals.accuracy.watch import Accuracy, Snapshot
from trafficfeed.store.objects import ObjectStore
from trafficfeed.store.signal_scores import SignalScores

FEED: Final = "signals-accuracy"
DAYS: Final = 14  # that a scorecard looks back


def resume_demotions(objects: ObjectStore) -> Demotions:
    """Return the demotions of the process before.

    Raises
    ------
    SourceUnavailable, SourceMalformed
        If what is kept cannot be read.
    """
    return Demotions(demoted=SignalScores(objects).demoted())


def take_scores(accuracy: Accuracy, *, zone: ZoneInfo, as_of: datetime) -> Snapshot:
    """Return the scores so far, and let go of days that can get no more; call it each minute, and keep what it returns.

    This is for the thread of the live lamps; `keep_scores` may then take its time on another.
    """
    accuracy.settle(as_of)
    taken = accuracy.snapshot()
    accuracy.forget(as_of.astimezone(zone).date() - timedelta(days=1))
    return taken


def keep_scores(objects: ObjectStore, taken: Snapshot, *, zone: ZoneInfo, process: str) -> None:
    """Write down what was taken.

    Parameters
    ----------
    process
        Names this process's files: another for each start, for instance the time of it.

    Raises
    ------
    SourceUnavailable
        If the store refuses. What is of today and yesterday comes again with the next.
    """
    SignalScores(objects, process).save(taken, zone)


def make_scorecard(
    objects: ObjectStore, *, city: str, zone: ZoneInfo, as_of: datetime, days: int = DAYS, simulated: bool = False
) -> Scorecard:
    """Return the scorecard of the local days up to and with that of `as_of`, from what is kept.

    Raises
    ------
    SourceUnavailable, SourceMalformed
        If what is kept cannot be read.
    """
    scores = SignalScores(objects)
    looked_at = _days_until(as_of.astimezone(zone).date(), days)
    tallies = scores.tallies(looked_at)
    seen = {own.day for own in tallies}
    return Scorecard(
        city=city,
        timezone=zone.key,
        as_of=as_of,
        days=tuple(day for day in looked_at if day in seen),
        groups=groups_of(tallies, scores.demoted()),
        changes=scores.changes(looked_at),
        simulated=simulated,
    )


def release_scorecard(
    objects: ObjectStore, *, city: str, zone: ZoneInfo, as_of: datetime, days: int = DAYS, simulated: bool = False
) -> Release:
    """Release the scorecard as the feed ``signals-accuracy``, document ``scorecard.json``.

    Raises
    ------
    SourceUnavailable, SourceMalformed
        If what is kept cannot be read.
    PublishFailed
        If other publishers were first again and again; the last release is still served.
    """
    card = make_scorecard(objects, city=city, zone=zone, as_of=as_of, days=days, simulated=simulated)
    document = Document(data=signal_scorecard.encode(card), media_type=signal_scorecard.MEDIA_TYPE)
    facts = {"days": [day.isoformat() for day in card.days], "groups": len(card.groups)}
    return ReleaseStore(objects, FEED).publish_gathered(
        lambda: ({signal_scorecard.FILE_NAME: document}, facts), as_of=as_of
    )


def _days_until(last: date, days: int) -> Sequence[date]:
    return [last - timedelta(days=back) for back in range(days - 1, -1, -1)]
