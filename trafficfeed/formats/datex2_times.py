"""When a DATEX II record holds: one period, or the periods of a whole order."""

from collections.abc import Sequence
from datetime import datetime

from trafficfeed.formats.datex2_xml import Element, add
from trafficfeed.formats.feed_info import utc_text
from trafficfeed.windows import Window


def add_validity(record: Element, window: Window, *, suspended: bool) -> None:
    """Append the validity of one period; `suspended` overrides it, as the standard has it for what was withdrawn."""
    add_validity_of(record, [period_of(window)], suspended=suspended)


def period_of(window: Window) -> tuple[str, str]:
    """Return the start and end of `window` as written: UTC, with ``Z``."""
    return utc_text(window.start), utc_text(window.end)


def add_validity_of(record: Element, periods: Sequence[tuple[str, str]], *, suspended: bool) -> None:
    """Append the validity of `periods`, which are sorted and distinct; several are listed within their overall bounds.

    Recurring times of day are not used: the standard gives them no time zone, so that they would be off by an hour in
    half of the year for somebody.
    """
    validity = add(record, "sit:validity")
    add(validity, "com:validityStatus", "suspended" if suspended else "definedByValidityTimeSpec")
    overall = add(validity, "com:validityTimeSpecification")
    add(overall, "com:overallStartTime", min(start for start, _ in periods))
    add(overall, "com:overallEndTime", max(end for _, end in periods))
    if len(periods) > 1:
        for start, end in periods:
            valid = add(overall, "com:validPeriod")
            add(valid, "com:startOfPeriod", start)
            add(valid, "com:endOfPeriod", end)


def add_instant(record: Element, name: str, instant: datetime) -> None:
    """Append an instant in UTC, with ``Z``."""
    add(record, name, utc_text(instant))
