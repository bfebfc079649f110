"""What is wrong with a schedule: each fault with its path and what to write instead."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from trafficfeed.closures.orders import Period, Recurrence, Schedule
from trafficfeed.closures.schedules import Occurrence, listed_occurrence, local_day, recurring_occurrences
from trafficfeed.closures.wall_time import TimeFault, written_instant, zone_of
from trafficfeed.findings import Finding, Severity
from trafficfeed.windows import Window

_LOOK_AHEAD = timedelta(days=400)
"""How far beyond its first occurrence a recurrence is searched for overlaps and skipped hours: a year and more."""


def schedule_findings(schedule: Schedule, timezone: str, *, where: str) -> tuple[Finding, ...]:
    """Return what is wrong with `schedule`, with paths that begin with `where` (``measures[0].when``)."""
    try:
        zone = zone_of(timezone)
    except TimeFault:
        return ()  # said once, of the order
    if not schedule.periods and not schedule.recurrences:
        return (_finding("schedule.empty", where, "says no time at all", "add a period or a recurrence"),)
    listed, found = _checked_periods(schedule.periods, zone, f"{where}.periods", "p")
    cuts, faults = _checked_periods(schedule.reopenings, zone, f"{where}.reopenings", "re-opening ")
    found += faults
    latest_cut = max((cut.window.end for cut in cuts), default=None)
    for number, recurrence in enumerate(schedule.recurrences):
        path = f"{where}.recurrences[{number}]"
        occurrences, faults = _checked_recurrence(recurrence, number, zone, path, latest_cut)
        listed += occurrences
        found += faults
    found += _overlap_findings(listed, where)
    found += _reopening_findings(listed, cuts, where)
    return tuple(found)


def _checked_periods(
    periods: tuple[Period, ...], zone: ZoneInfo, where: str, prefix: str
) -> tuple[list[Occurrence], list[Finding]]:
    occurrences, found = [], []
    for number, period in enumerate(periods):
        faults = list(_period_findings(period, zone, f"{where}[{number}]"))
        found += faults
        if not faults:
            occurrences.append(listed_occurrence(period, f"{prefix}{number + 1}", zone))
    return occurrences, found


def _period_findings(period: Period, zone: ZoneInfo, where: str) -> Iterator[Finding]:
    if period.end is None and (period.until is None or period.estimated_end is None):
        yield _finding("schedule.end", where, "has no end", "give `end`, or `until` with `estimated_end`")
        return
    if period.end is not None and period.estimated_end is not None:
        mend = "keep `end` if it is certain, or `until` with `estimated_end` if it is not"
        yield _finding("schedule.end", f"{where}.estimated_end", "has both an end and an estimate of it", mend)
        return
    sound = True
    for name in ("start", "end", "estimated_end"):
        value = getattr(period, name)
        try:
            _ = value and written_instant(value, zone)
        except TimeFault as fault:
            sound = False
            yield _finding("schedule.time", f"{where}.{name}", str(fault), fault.mend)
    if sound:
        try:
            listed_occurrence(period, "", zone)
        except TimeFault as fault:
            name = "end" if period.end else "estimated_end"
            yield _finding("schedule.order", f"{where}.{name}", str(fault), fault.mend)


def _checked_recurrence(
    recurrence: Recurrence, number: int, zone: ZoneInfo, where: str, latest_cut: datetime | None
) -> tuple[list[Occurrence], list[Finding]]:
    found = list(_period_findings(recurrence.first, zone, f"{where}.first"))
    if found:
        return [], found
    horizon = written_instant(recurrence.first.start, zone) + _LOOK_AHEAD
    horizon = max(horizon, latest_cut or horizon)
    try:
        regular = list(recurring_occurrences(replace(recurrence, except_dates=()), number, zone, horizon))
    except TimeFault as fault:
        return [], [_finding("schedule.rrule", f"{where}.rrule", str(fault), fault.mend)]
    left_out = set(recurrence.except_dates)
    occurrences = [o for o in regular if local_day(o.key) not in left_out]
    found += _exception_findings(recurrence, {local_day(o.key) for o in regular}, where)
    found += _noted(occurrences, where)
    if not occurrences:
        found.append(_finding("schedule.rrule", where, "every occurrence is left out", "take out some except_dates"))
    if not any(part in recurrence.rrule.upper() for part in ("UNTIL", "COUNT")):
        mend = "add UNTIL=… if the order has a last day"
        found.append(_finding("schedule.unbounded", f"{where}.rrule", "goes on for ever", mend, Severity.WARNING))
    return occurrences, found


def _noted(occurrences: list[Occurrence], where: str) -> Iterator[Finding]:
    """Say what a DST change does, once of each kind."""
    seen: set[str] = set()
    for occurrence in occurrences:
        if occurrence.note and occurrence.note not in seen:
            seen.add(occurrence.note)
            message = f"on {occurrence.key} {occurrence.note}"
            yield _finding("schedule.dst", where, message, "nothing, if that is right", Severity.INFO)


def _exception_findings(recurrence: Recurrence, days: set[str], where: str) -> Iterator[Finding]:
    for position, text in enumerate(recurrence.except_dates):
        path = f"{where}.except_dates[{position}]"
        if not _is_date(text):
            yield _finding("schedule.exception", path, f"{text!r} is not a date", "write it as 2026-12-24")
        elif text not in days and text <= max(days):
            message = f"nothing starts on {text}"
            yield _finding("schedule.exception", path, message, "take it out, or mend it", Severity.WARNING)


def _is_date(text: str) -> bool:
    try:
        return f"{date.fromisoformat(text)}" == text
    except ValueError:
        return False


def _overlap_findings(occurrences: list[Occurrence], where: str) -> list[Finding]:
    ordered = sorted(occurrences, key=lambda o: (o.window.start, o.key))
    for earlier, later in pairwise(ordered):
        if earlier.window.overlaps(later.window):
            message = f"{earlier.key} and {later.key} overlap ({_span(earlier.window)}; {_span(later.window)})"
            return [_finding("schedule.overlap", where, message, "make them one, or end the first sooner")]
    return []


def _reopening_findings(occurrences: list[Occurrence], cuts: list[Occurrence], where: str) -> list[Finding]:
    found = _overlap_findings(cuts, f"{where}.reopenings")
    for position, cut in enumerate(cuts):
        path = f"{where}.reopenings[{position}]"
        holding = [o.window for o in occurrences if o.window.overlaps(cut.window)]
        if not holding:
            message = f"the measure does not hold then ({_span(cut.window)})"
            found.append(_finding("schedule.reopening", path, message, "take it out, or mend its times"))
        elif any(cut.window.start <= window.start and window.end <= cut.window.end for window in holding):
            found.append(_finding("schedule.reopening", path, "undoes a whole period", "take out the period instead"))
    return found


def _span(window: Window) -> str:
    return f"{window.start.astimezone(UTC):%Y-%m-%dT%H:%MZ} to {window.end.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


def _finding(rule: str, where: str, message: str, mend: str, severity: Severity = Severity.ERROR) -> Finding:
    return Finding(rule=rule, severity=severity, message=message, where=where, mend=mend)
