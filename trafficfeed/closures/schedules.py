"""A schedule to the windows in which it holds, through daylight saving time, re-openings and open ends.

A recurrence's end is the wall-clock time of its first end (nightly 22:00 to 05:00 stays so through a DST change): the
nominal duration of RFC 5545, 3.3.6. Windows of one measure never overlap: where they are written so the order is
refused, and where two rules meet only far in the future the later one is taken into the earlier.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from string import ascii_lowercase
from zoneinfo import ZoneInfo

from trafficfeed.closures.orders import Measure, Period, Recurrence, Schedule
from trafficfeed.closures.recurrence import starts_of
from trafficfeed.closures.wall_time import TimeFault, computed_instant, written_instant, zone_of
from trafficfeed.errors import OrderInvalid
from trafficfeed.findings import Finding, Severity
from trafficfeed.windows import Window

LOOK_AHEAD = timedelta(days=3 * 366)
"""How far beyond its first occurrence a recurrence is searched for overlaps when it is checked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One window of a measure.

    `key` is stable over versions: ``p1`` for the first listed period, the local date of its start for a recurrence
    (``2026-12-05``, with ``-r2`` for the second rule), and a letter for the pieces that re-openings leave (``p1a``).
    `end_is_estimate` marks a conditional or open end, `until` the condition by language, `note` what a DST change did.
    """

    window: Window
    key: str
    end_is_estimate: bool = False
    until: Mapping[str, str] | None = None
    note: str = ""

    @property
    def listed(self) -> bool:
        """Whether it stands in the order as a period of its own, and does not come of a rule."""
        return self.key.startswith("p")


Occurrences = tuple[Occurrence, ...]


def windows_of(measure: Measure, timezone: str, *, since: datetime, until: datetime) -> Occurrences:
    """Return the windows of `measure` that overlap ``[since, until)``, by start.

    Parameters
    ----------
    timezone
        The order's IANA zone.
    since, until
        Aware; an unbounded recurrence is followed up to `until`. Windows are not cut at them.

    Raises
    ------
    OrderInvalid
        If the schedule has a fault; the same that `schedule_findings` reports.
    """
    try:
        occurrences = _all_of(measure.when, zone_of(timezone), until)
    except TimeFault as fault:
        finding = _finding("schedule.time", f"measure {measure.id}", str(fault), fault.mend)
        raise OrderInvalid(f"measure {measure.id}: {fault}; {fault.mend}", [finding]) from fault
    asked = Window(start=since, end=until)
    return tuple(o for o in occurrences if o.window.overlaps(asked))


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
    for number, recurrence in enumerate(schedule.recurrences):
        occurrences, faults = _checked_recurrence(recurrence, number, zone, f"{where}.recurrences[{number}]")
        listed += occurrences
        found += faults
    found += _overlap_findings(listed, where)
    found += _reopening_findings(listed, cuts, where)
    return tuple(found)


def _all_of(schedule: Schedule, zone: ZoneInfo, until: datetime) -> Occurrences:
    occurrences = [_listed(period, f"p{n}", zone) for n, period in enumerate(schedule.periods, 1)]
    for number, recurrence in enumerate(schedule.recurrences):
        occurrences += _recurring(recurrence, number, zone, until)
    cuts = [_listed(period, "", zone).window for period in schedule.reopenings]
    return tuple(piece for whole in _merged(occurrences) for piece in _pieces(whole, cuts))


def _listed(period: Period, key: str, zone: ZoneInfo) -> Occurrence:
    start = written_instant(period.start, zone)
    end = written_instant(_end_of(period), zone)
    if end <= start:
        raise TimeFault(f"ends ({_end_of(period):%Y-%m-%d %H:%M}) before it starts", "an overnight end is the next day")
    window = Window(start=start, end=end)
    return Occurrence(window=window, key=key, end_is_estimate=period.end is None, until=period.until)


def _end_of(period: Period) -> datetime:
    end = period.end or period.estimated_end
    if end is None:
        raise TimeFault("has no end", "give `end`, or `until` with `estimated_end`")
    return end


def _recurring(recurrence: Recurrence, number: int, zone: ZoneInfo, before: datetime) -> Iterator[Occurrence]:
    period = recurrence.first
    whole = _listed(period, "", zone)  # refuses a first occurrence that is no time
    first, end = (whole.window.start.astimezone(zone).replace(tzinfo=None, fold=0), _end_of(period))
    wall_end = end if end.tzinfo is None else end.astimezone(zone).replace(tzinfo=None, fold=0)
    duration = wall_end - first
    suffix = f"-r{number + 1}" if number else ""
    left_out = set(recurrence.except_dates)
    bound = before.astimezone(zone).replace(tzinfo=None)
    for start in starts_of(recurrence.rrule, first, zone, before=bound):
        if f"{start:%Y-%m-%d}" not in left_out:
            window, note = _computed_window(start, duration, zone)
            yield replace(whole, window=window, key=f"{start:%Y-%m-%d}{suffix}", note=note)


def _computed_window(start: datetime, duration: timedelta, zone: ZoneInfo) -> tuple[Window, str]:
    begins, start_shifted = computed_instant(start, zone)
    ends, end_shifted = computed_instant(start + duration, zone)
    if ends <= begins:  # the clocks skip the start but not the end
        ends = begins + duration
    shifted = [text for text, is_so in (("start", start_shifted), ("end", end_shifted)) if is_so]
    note = f"the clocks skip its {' and '.join(shifted)}: moved out of the skipped hour" if shifted else ""
    return Window(start=begins, end=ends), note


def _merged(occurrences: list[Occurrence]) -> list[Occurrence]:
    merged: list[Occurrence] = []
    for occurrence in sorted(occurrences, key=lambda o: (o.window.start, o.key)):
        last = merged[-1] if merged else None
        if last and last.window.overlaps(occurrence.window):
            longest = max(last, occurrence, key=lambda o: o.window.end)
            window = Window(start=last.window.start, end=longest.window.end)
            merged[-1] = replace(longest, window=window, key=last.key, note=f"taken together with {occurrence.key}")
        else:
            merged.append(occurrence)
    return merged


def _pieces(whole: Occurrence, cuts: list[Window]) -> list[Occurrence]:
    inside = sorted(cut for cut in cuts if cut.overlaps(whole.window))
    if not inside:
        return [whole]
    bounds = [whole.window.start, *(t for cut in inside for t in (cut.start, cut.end)), whole.window.end]
    spans = [(start, end) for start, end in zip(bounds[::2], bounds[1::2], strict=True) if start < end]
    return [
        replace(
            whole,
            window=Window(start=start, end=end),
            key=f"{whole.key}{_letters(n)}",
            end_is_estimate=whole.end_is_estimate and end == whole.window.end,
            until=whole.until if end == whole.window.end else None,
        )
        for n, (start, end) in enumerate(spans)
    ]


def _letters(number: int) -> str:
    quotient, rest = divmod(number, 26)
    return (_letters(quotient - 1) if quotient else "") + ascii_lowercase[rest]


def _checked_periods(
    periods: tuple[Period, ...], zone: ZoneInfo, where: str, prefix: str
) -> tuple[list[Occurrence], list[Finding]]:
    occurrences, found = [], []
    for number, period in enumerate(periods):
        faults = list(_period_findings(period, zone, f"{where}[{number}]"))
        found += faults
        if not faults:
            occurrences.append(_listed(period, f"{prefix}{number + 1}", zone))
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
            _listed(period, "", zone)
        except TimeFault as fault:
            name = "end" if period.end else "estimated_end"
            yield _finding("schedule.order", f"{where}.{name}", str(fault), fault.mend)


def _checked_recurrence(
    recurrence: Recurrence, number: int, zone: ZoneInfo, where: str
) -> tuple[list[Occurrence], list[Finding]]:
    found = list(_period_findings(recurrence.first, zone, f"{where}.first"))
    if found:
        return [], found
    horizon = written_instant(recurrence.first.start, zone) + LOOK_AHEAD
    try:
        occurrences = list(_recurring(recurrence, number, zone, horizon))
    except TimeFault as fault:
        return [], [_finding("schedule.rrule", f"{where}.rrule", str(fault), fault.mend)]
    found += _exception_findings(recurrence, zone, where)
    for occurrence in occurrences:
        if occurrence.note:
            message = f"on {occurrence.key} {occurrence.note}"
            found.append(_finding("schedule.dst", where, message, "nothing, if that is right", Severity.INFO))
    if not occurrences:
        found.append(_finding("schedule.rrule", where, "every occurrence is left out", "take out some except_dates"))
    return occurrences, found


def _exception_findings(recurrence: Recurrence, zone: ZoneInfo, where: str) -> Iterator[Finding]:
    if not any(part in recurrence.rrule.upper() for part in ("UNTIL", "COUNT")):
        mend = "add UNTIL=… if the order has a last day"
        yield _finding("schedule.unbounded", f"{where}.rrule", "goes on for ever", mend, Severity.WARNING)
    for position, text in enumerate(recurrence.except_dates):
        try:
            datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=zone)
        except ValueError:
            path = f"{where}.except_dates[{position}]"
            yield _finding("schedule.exception", path, f"{text!r} is not a date", "write it as 2026-12-24")


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
