"""RFC 5545 recurrence rules, as far as a closure needs them: days, not times of day.

The time of day comes from the recurrence's `first` period, so BYHOUR and finer, and rules that repeat more than once
a day, are refused. Without UNTIL and COUNT a rule goes on for ever; whoever expands it gives the end.
"""

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rrulestr

from trafficfeed.closures.wall_time import TimeFault

MOST_STARTS = 5000
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DAY = r"(?:MO|TU|WE|TH|FR|SA|SU)"
_MONTHDAY = r"[+-]?(?:0?[1-9]|[12]\d|3[01])"
_PARTS = {
    "FREQ": r"DAILY|WEEKLY|MONTHLY|YEARLY",
    "INTERVAL": r"[1-9]\d{0,2}",
    "COUNT": r"[1-9]\d{0,3}",
    "UNTIL": r"20\d{6}(?:T\d{6}Z?)?",
    "WKST": _DAY,
    "BYDAY": rf"[+-]?[1-5]?{_DAY}(?:,[+-]?[1-5]?{_DAY})*",
    "BYMONTHDAY": rf"{_MONTHDAY}(?:,{_MONTHDAY})*",
    "BYMONTH": r"(?:[1-9]|0[1-9]|1[0-2])(?:,(?:[1-9]|0[1-9]|1[0-2]))*",
    "BYSETPOS": r"[+-]?[1-9]\d?(?:,[+-]?[1-9]\d?)*",
}


def parts_of(text: str) -> dict[str, str]:
    """Return the parts of a rule by name, upper case, ``UNTIL`` as it was written.

    Raises
    ------
    TimeFault
        If a part is unknown, repeated, malformed, or of a kind that closures do not take.
    """
    parts: dict[str, str] = {}
    for piece in text.strip().upper().removeprefix("RRULE:").rstrip(";").split(";"):
        name, _, value = piece.partition("=")
        if name not in _PARTS:
            known = ", ".join(_PARTS)
            raise TimeFault(f"{name or piece!r} is not taken in a recurrence", f"use only {known}; hours go in `first`")
        if name in parts:
            raise TimeFault(f"{name} occurs twice", "keep one of them")
        if not re.fullmatch(_PARTS[name], value):
            mend = "repeat daily, weekly, monthly or yearly" if name == "FREQ" else "see RFC 5545, 3.3.10"
            raise TimeFault(f"{name}={value} is not taken", mend)
        parts[name] = value
    if "FREQ" not in parts:
        raise TimeFault("the rule has no FREQ", "begin with FREQ=WEEKLY or the like")
    if "UNTIL" in parts and "COUNT" in parts:
        raise TimeFault("the rule has both UNTIL and COUNT", "keep one of them")
    numbered = "BYSETPOS" in parts or re.search(r"\d", parts.get("BYDAY", ""))
    if numbered and parts["FREQ"] not in ("MONTHLY", "YEARLY"):
        raise TimeFault(f"a {parts['FREQ'].lower()} rule has no numbered days", "use FREQ=MONTHLY, or plain BYDAY=MO")
    return parts


def starts_of(text: str, first: datetime, zone: ZoneInfo, *, before: datetime) -> Iterator[datetime]:
    """Yield the naive wall-clock starts of a rule from `first` (naive) on, earlier than `before` (naive).

    An UNTIL without a time means the end of that day; one in UTC (``Z``) is taken to the zone.

    Raises
    ------
    TimeFault
        If the rule is malformed, never falls on `first`, or gives more than 5,000 starts.

    Source: RFC 5545, 3.3.10.
    """
    parts = parts_of(text)
    count = int(parts.pop("COUNT", "0"))
    last = min(_until(parts.pop("UNTIL", ""), zone), before - timedelta(seconds=1))
    # looked at before dateutil is: it searches until the year 9999 for a 30 February
    on_first = _admits(parts, first)
    rule = _rule(parts, first, max(last, first))
    if not on_first or next(iter(rule), None) != first:
        raise TimeFault(
            f"the rule does not fall on its own first day, {first:%A %Y-%m-%d}",
            "move `first` to a day of the rule, or add the day to the rule",
        )
    for number, start in enumerate(islice(rule, count or None)):
        if number >= MOST_STARTS:
            raise TimeFault(f"the rule gives more than {MOST_STARTS} starts", "end it sooner")
        if start > last:
            return
        yield start


def _admits(parts: dict[str, str], day: datetime) -> bool:
    weekdays = [piece[-2:] for piece in parts["BYDAY"].split(",")] if "BYDAY" in parts else list(_WEEKDAYS)
    months = [int(piece) for piece in parts.get("BYMONTH", str(day.month)).split(",")]
    month_days = [int(piece) for piece in parts.get("BYMONTHDAY", str(day.day)).split(",")]
    from_end = day.day - monthrange(day.year, day.month)[1] - 1
    return (
        _WEEKDAYS[day.weekday()] in weekdays
        and day.month in months
        and (day.day in month_days or from_end in month_days)
    )


def _rule(parts: dict[str, str], first: datetime, last: datetime) -> rrule:
    text = ";".join(f"{name}={value}" for name, value in parts.items())
    try:
        parsed = rrulestr(text, dtstart=first)
    except (ValueError, TypeError, IndexError) as error:
        raise TimeFault(f"the rule cannot be read: {error}", "see RFC 5545, 3.3.10") from error
    if not isinstance(parsed, rrule):
        raise TimeFault("give one rule only", "make it two recurrences")
    return parsed.replace(until=last)


def _until(text: str, zone: ZoneInfo) -> datetime:
    if not text:
        return datetime(9999, 12, 31)  # noqa: DTZ001
    try:
        if "T" not in text:
            return datetime.combine(datetime.strptime(text, "%Y%m%d").date(), time.max)  # noqa: DTZ007
        instant = datetime.strptime(text.removesuffix("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007
    except ValueError:
        raise TimeFault(f"UNTIL={text} is not a date", "write it as 20361231T235959") from None
    if text.endswith("Z"):
        return instant.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
    return instant
