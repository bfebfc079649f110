"""Check `window`: a measure that never holds, is over already, began in the past, or holds implausibly long."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from trafficfeed.closures.checks.case import Case, Placed
from trafficfeed.closures.orders import Measure
from trafficfeed.closures.schedules import windows_of
from trafficfeed.errors import OrderInvalid
from trafficfeed.findings import Finding, Severity
from trafficfeed.windows import Window

LONGEST = timedelta(days=366)
SHORTEST = timedelta(minutes=5)
_LOOK_BACK = timedelta(days=3660)
_LOOK_AHEAD = timedelta(days=1100)
_MOST_AHEAD = 50


def check(case: Case) -> Iterator[Finding]:
    """Look at each measure's windows."""
    for placed in case.own:
        found = _one(case, placed)
        if found is not None:
            yield found


def _one(case: Case, placed: Placed) -> Finding | None:
    windows = placed.windows
    if all(w.end <= case.as_of for w in windows):
        return _nothing_to_come(case, placed)
    longest = max(windows, key=lambda w: w.length)
    if longest.length > LONGEST:
        days = longest.length.days
        return _finding(
            placed, "window.long", Severity.WARNING, f"holds for {days} days at a stretch",
            "check the year of the end; what stays longer than a year belongs on the map, not in a feed", days=days,
        )  # fmt: skip
    shortest = min(windows, key=lambda w: w.length)
    if shortest.length < SHORTEST:
        minutes = shortest.length.total_seconds() / 60
        message = f"holds for only {minutes:.0f} min from {shortest.start:%Y-%m-%d %H:%M}Z"
        return _finding(
            placed, "window.short", Severity.WARNING, message,
            "check start and end; map apps do not take up so short a closure in time", minutes=round(minutes, 1),
        )  # fmt: skip
    return None


def next_windows(measure: Measure, timezone: str, as_of: datetime) -> tuple[Window, ...]:
    """Return a measure's next windows, however far ahead; none where its schedule is faulty."""
    try:
        coming = windows_of(measure, timezone, since=as_of, until=as_of + _LOOK_AHEAD)
    except OrderInvalid:
        return ()  # the schedule's own findings say why
    return tuple(o.window for o in coming[:_MOST_AHEAD])


def _nothing_to_come(case: Case, placed: Placed) -> Finding | None:
    """Tell a measure that is over from one that never holds."""
    try:
        gone = windows_of(placed.measure, case.order.timezone, since=case.as_of - _LOOK_BACK, until=case.as_of)
    except OrderInvalid:
        return None
    if gone:
        end = max(o.window.end for o in gone)
        return _finding(
            placed,
            "window.past",
            Severity.ERROR,
            f"is over since {end:%Y-%m-%d %H:%M}Z",
            "check the year and the month",
        )
    return _finding(
        placed, "window.none", Severity.ERROR, "never holds: its schedule gives no window",
        "check the rule's UNTIL and BYDAY, the excepted dates and the re-openings",
    )  # fmt: skip


def _finding(placed: Placed, rule: str, severity: Severity, message: str, mend: str, **detail: float) -> Finding:
    return Finding(
        rule=rule, severity=severity, message=f"measure '{placed.measure.id}' {message}", where=f"{placed.path}.when",
        mend=mend, detail=detail,
    )  # fmt: skip
