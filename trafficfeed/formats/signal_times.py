"""What may be said of the end of an aspect, and how the standards write moments: TimeMark, minute of the year.

Only absolute times leave this module: a moment does not grow wrong while it travels, as seconds left would.
"""

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.forecast import Method
from trafficfeed.signals.states import GroupState

MARK_UNKNOWN: Final = 36_001  # source: ISO TS 19091, DE_TimeMark
MARK_BEYOND: Final = 36_000  # more than an hour ahead
MINUTE_UNKNOWN: Final = 527_040

TIMED: Final = frozenset(aspect for aspect in Aspect if aspect.is_timed)

DOWN: Final = 0  # microseconds added before a tenth is cut off
NEAREST: Final = 50_000
UP: Final = 99_999

_HOUR: Final = timedelta(hours=1)
_TENTH: Final = timedelta(milliseconds=100)
_LATE: Final = timedelta(seconds=10)  # a mark so little behind is a late message, not one for the next hour
_SURE: Final = 15  # source: SAE J2735, DE_TimeIntervalConfidence: 15 is 100 %, 14 is 98 %
_NEARLY_SURE: Final = 14


class Told(NamedTuple):
    """The end of an aspect as it may be published; `likely` and `confidence` (0..15) only where counting down may be.

    `earliest` ≤ `likely` ≤ `latest`; aware UTC. `earliest` is never past.
    """

    earliest: datetime
    likely: datetime | None
    latest: datetime | None
    confidence: int | None


def told(group: GroupState, at: datetime) -> Told | None:
    """Return what may be said at the moment `at` of when a group's aspect ends; None: nothing.

    Nothing is said of silent (stale) groups, of dark and flashing ones, where the forecast abstains or is of another
    aspect, or where its whole interval has passed and the aspect is still there: then it was wrong. The hard bounds are
    told where they are known, else P10 and P90.
    """
    forecast = group.forecast
    if (
        forecast is None
        or group.stale
        or forecast.method is Method.ABSTAIN
        or forecast.aspect is not group.aspect
        or group.aspect not in TIMED
    ):
        return None
    earliest = forecast.min_end or forecast.p10
    latest = forecast.max_end or forecast.p90
    likely = forecast.likely_end or forecast.p50
    if latest is not None and latest < at:
        return None
    if earliest is None:
        return None
    earliest = max(earliest, at)
    counted = forecast.countdown_allowed and likely is not None and at <= likely
    if not counted or likely is None:
        return Told(earliest, None, latest, None)
    confidence = _SURE if forecast.method is Method.PLAN else _NEARLY_SURE
    return Told(min(earliest, likely), likely, latest if latest is None else max(latest, likely), confidence)


def time_mark(moment: datetime | None, at: datetime, *, rounding: int = NEAREST) -> int:
    """Return a moment as TimeMark: tenths of a second in its UTC hour; 36000 beyond an hour, 36001 where it is None.

    Parameters
    ----------
    moment
        Aware.
    at
        When the message is sent, aware: marks are read as of the hour that follows it.
    rounding
        To whole tenths: `NEAREST`, `DOWN` or `UP`.
    """
    if moment is None:
        return MARK_UNKNOWN
    if moment - at >= _HOUR - _TENTH:  # rounded up, it would be read as now
        return MARK_BEYOND
    moment = moment.astimezone(UTC)
    micros = (moment.minute * 60 + moment.second) * 1_000_000 + moment.microsecond
    return (micros + rounding) // 100_000 % 36_000


def moment_of(mark: int | None, at: datetime) -> datetime | None:
    """Return the moment that a TimeMark in a message of `at` means; None for unknown, absent and beyond an hour.

    The hour rolls over: a mark behind `at` by more than ten seconds is in the next hour, one that would be as
    little short of an hour ahead is in the one before.
    """
    if mark is None or not 0 <= mark < MARK_BEYOND:
        return None
    hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    moment = hour + mark * _TENTH
    if moment < at - _LATE:
        return moment + _HOUR
    return moment - _HOUR if moment >= at + _HOUR - _LATE else moment


def minute_of_year(moment: datetime) -> int:
    """Return the minute of the UTC year, from 0."""
    moment = moment.astimezone(UTC)
    return (moment.timetuple().tm_yday - 1) * 1440 + moment.hour * 60 + moment.minute


def milliseconds(moment: datetime) -> int:
    """Return the milliseconds in the minute (DSecond)."""
    return moment.second * 1000 + moment.microsecond // 1000


def moment_in_year(minute: int | None, millisecond: int | None, near: datetime) -> datetime | None:
    """Return the moment of a minute of the year, which has no year: of that one which lies nearest to `near`.

    None where the minute is absent or unknown (527040), or no such moment is.
    """
    if minute is None or not 0 <= minute < MINUTE_UNKNOWN:
        return None
    offset = timedelta(minutes=minute, milliseconds=millisecond if millisecond and millisecond < 61_000 else 0)
    year = near.astimezone(UTC).year
    years = [datetime(y, 1, 1, tzinfo=UTC) + offset for y in (year - 1, year, year + 1)]
    return min(years, key=lambda moment: abs(moment - near))
