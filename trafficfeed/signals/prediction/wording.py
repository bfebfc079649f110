"""A step of a ladder as a published forecast: absolute times, within what the controller itself has announced."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from trafficfeed.signals.events import AnnouncedEnd, GroupKey
from trafficfeed.signals.forecast import Forecast, Method
from trafficfeed.signals.prediction.ladder import Ladder

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TOLERANCE: Final = timedelta(seconds=1)


def utc(epoch_s: float) -> datetime:
    """Return an instant to the millisecond, as aware UTC."""
    return _EPOCH + timedelta(milliseconds=round(epoch_s * 1000))


def forecast_of(key: GroupKey, ladder: Ladder, as_of: datetime) -> Forecast:
    """Say what a ladder knows at an instant. The group has been seen."""
    history = ladder.group.history
    assert history.aspect is not None
    said = Forecast(
        key=key,
        aspect=history.aspect,
        since=utc(history.since),
        made_at=as_of,
        method=Method.ABSTAIN,
        next_aspect=history.next_aspect(history.aspect),
    )
    step = ladder.step(as_of.timestamp() - history.since)
    if step is not None:
        likely, low, median, high, earliest, latest = (
            utc(history.since + after_s)
            for after_s in (step.likely_s, step.low_s, step.median_s, step.high_s, step.earliest_s, step.latest_s)
        )
        said = replace(
            said,
            method=step.method,
            min_end=max(min(earliest, low), as_of),
            likely_end=likely,
            max_end=max(latest, high),
            p10=low,
            p50=median,
            p90=high,
            countdown_allowed=step.countdown,
            analogues=step.cases,
        )
    return _within(said, ladder.announced) if ladder.announced else said


def _within(said: Forecast, announced: AnnouncedEnd) -> Forecast:
    """Keep a forecast within the controller's bounds; where it contradicts them, do not count down."""
    low, high = announced.min_end, announced.max_end
    if said.method is Method.ABSTAIN:
        return replace(said, min_end=low, max_end=high)

    def inside(end: datetime | None) -> datetime | None:
        if end is not None and low is not None and end < low:
            return low
        return high if end is not None and high is not None and end > high else end

    moved = inside(said.likely_end)
    agrees = moved is None or said.likely_end is None or abs(moved - said.likely_end) <= _TOLERANCE
    return replace(
        said,
        min_end=low or inside(said.min_end),
        likely_end=moved,
        max_end=high or inside(said.max_end),
        p10=inside(said.p10),
        p50=inside(said.p50),
        p90=inside(said.p90),
        countdown_allowed=said.countdown_allowed and agrees,
    )
