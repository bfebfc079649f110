"""Lamps and what was said of them, made for tests of scores; seconds count from noon."""

from datetime import UTC, datetime, timedelta

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.events import GroupKey, LampEvent
from trafficfeed.signals.forecast import Forecast, Method

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY = GroupKey("crossing", 1)
RED, GREEN = Aspect.STOP_AND_REMAIN, Aspect.PROTECTED_GREEN


def at(second: float) -> datetime:
    """Return an instant."""
    return NOON + timedelta(seconds=second)


def lamp(aspect: Aspect, second: float, *, received: float | None = None, key: GroupKey = KEY) -> LampEvent:
    """Make an event, received at once unless said otherwise."""
    return LampEvent(
        key=key,
        aspect=aspect,
        observed_at=at(second),
        received_at=at(second if received is None else received),
        source="made",
    )


def said(
    aspect: Aspect,
    since: float,
    made: float,
    end: float,
    *,
    countdown: bool = True,
    width: float = 2.0,
    key: GroupKey = KEY,
) -> Forecast:
    """Make a forecast whose interval is `width` wide about its end."""
    return Forecast(
        key=key,
        aspect=aspect,
        since=at(since),
        made_at=at(made),
        method=Method.ANALOGUES,
        min_end=at(end - width),
        likely_end=at(end),
        max_end=at(end + width),
        p10=at(end - width / 2),
        p50=at(end),
        p90=at(end + width / 2),
        countdown_allowed=countdown,
        analogues=9,
    )
