"""Whether a forecast says something else than the one before: what is not worth sending is not sent."""

from datetime import datetime
from typing import Final

from trafficfeed.signals.forecast import Forecast, Method

COUNTED_S: Final = 0.25  # an end that people count down to
INTERVAL_S: Final = 1.0  # a bound of an interval
EXPECTED_S: Final = 3.0  # an end that is expected, and not counted down to


def differs(before: Forecast | None, now: Forecast | None) -> bool:
    """Tell whether `now` should be published where `before` was; an abstention is the same as none.

    The same run is meant. An earliest end that has only passed is no change: every reader knows what time it is.
    """
    if before is None or now is None:
        return (before or now) is not None and (before or now).method is not Method.ABSTAIN  # type: ignore[union-attr]
    if before.countdown_allowed != now.countdown_allowed or before.method is not now.method:
        return True
    if now.countdown_allowed and _apart(before.likely_end, now.likely_end, COUNTED_S):
        return True
    if now.method is Method.ACTUATION and _apart(before.likely_end, now.likely_end, EXPECTED_S):
        return True
    early = [_passed(one, now.made_at) for one in (before.min_end, now.min_end, before.p10, now.p10)]
    return (
        _apart(early[0], early[1], INTERVAL_S)
        or _apart(early[2], early[3], INTERVAL_S)
        or _apart(before.p50, now.p50, INTERVAL_S)
        or _apart(before.p90, now.p90, INTERVAL_S)
        or _apart(before.max_end, now.max_end, INTERVAL_S)
        or before.next_aspect is not now.next_aspect
    )


def _passed(end: datetime | None, at: datetime) -> datetime | None:
    return None if end is None else max(end, at)


def _apart(a: datetime | None, b: datetime | None, by_s: float) -> bool:
    if a is None or b is None:
        return a is not b
    return abs((a - b).total_seconds()) >= by_s
