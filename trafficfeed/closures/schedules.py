"""A schedule to the windows in which it holds, through daylight saving time, re-openings and open ends.

A recurrence's end is the wall-clock time of its first end (nightly 22:00 to 05:00 stays so through a DST change): the
nominal duration of RFC 5545, 3.3.6. Windows of one measure never overlap: where they are written so the order is
refused, and where two rules meet only far in the future the later one is taken into the earlier.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from string import ascii_lowercase
from zoneinfo import ZoneInfo

from trafficfeed.closures.orders import Measure, Period, Recurrence, Schedule
from trafficfeed.closures.recurrence import starts_of
from trafficfeed.closures.wall_time import (
    TimeFault,
    computed_instant,
    is_repeated,
    is_skipped,
    written_instant,
    zone_of,
)
from trafficfeed.errors import OrderInvalid
from trafficfeed.findings import Finding, Severity
from trafficfeed.windows import Window


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
        If the schedule has a fault; `schedule_checks` tells them all, and where.
    """
    try:
        occurrences = _all_of(measure.when, zone_of(timezone), until)
    except TimeFault as fault:
        where, message, mend = f"measure {measure.id}", str(fault), fault.mend
        finding = Finding(rule="schedule.time", severity=Severity.ERROR, message=message, where=where, mend=mend)
        raise OrderInvalid(f"measure {measure.id}: {fault}; {fault.mend}", [finding]) from fault
    asked = Window(start=since, end=until)
    return tuple(o for o in occurrences if o.window.overlaps(asked))


def _all_of(schedule: Schedule, zone: ZoneInfo, until: datetime) -> Occurrences:
    occurrences = [listed_occurrence(period, f"p{n}", zone) for n, period in enumerate(schedule.periods, 1)]
    for number, recurrence in enumerate(schedule.recurrences):
        occurrences += recurring_occurrences(recurrence, number, zone, until)
    cuts = [listed_occurrence(period, "", zone).window for period in schedule.reopenings]
    return tuple(piece for whole in _merged(occurrences) for piece in _pieces(whole, cuts))


def listed_occurrence(period: Period, key: str, zone: ZoneInfo) -> Occurrence:
    """Return the one window of a written period.

    Raises
    ------
    TimeFault
        If a bound is no time of `zone`, there is no end, or it does not follow the start.
    """
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


def recurring_occurrences(
    recurrence: Recurrence, number: int, zone: ZoneInfo, before: datetime
) -> Iterator[Occurrence]:
    """Yield the windows of a recurrence that start earlier than `before` (aware); `number` is its place in the list.

    Raises
    ------
    TimeFault
        If its first period or its rule has a fault.
    """
    period = recurrence.first
    whole = listed_occurrence(period, "", zone)  # refuses a first occurrence that is no time
    first, end = (whole.window.start.astimezone(zone).replace(tzinfo=None, fold=0), _end_of(period))
    wall_end = end if end.tzinfo is None else end.astimezone(zone).replace(tzinfo=None, fold=0)
    duration = wall_end - first
    if duration <= timedelta(0):  # only in the hour that the clocks show twice
        raise TimeFault("its first occurrence ends, on the clock, before it starts", "begin the rule a day later")
    suffix = f"-r{number + 1}" if number else ""
    left_out = set(recurrence.except_dates)
    bound = before.astimezone(zone).replace(tzinfo=None)
    for start in starts_of(recurrence.rrule, first, zone, before=bound):
        if f"{start:%Y-%m-%d}" not in left_out:
            window, note = _computed_window(start, duration, zone)
            yield replace(whole, window=window, key=f"{start:%Y-%m-%d}{suffix}", note=note)


def _computed_window(start: datetime, duration: timedelta, zone: ZoneInfo) -> tuple[Window, str]:
    begins, ends = computed_instant(start, zone), computed_instant(start + duration, zone)
    if ends <= begins:  # the clocks skip the start but not the end
        ends = begins + duration
    return Window(start=begins, end=ends), _dst_note(start, start + duration, zone)


def _dst_note(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    notes = []
    for name, value in (("start", start), ("end", end)):
        if is_skipped(value, zone):
            notes.append(f"the clocks skip its {name}: it moves by as much as is skipped")
        elif is_repeated(value, zone):
            notes.append(f"the clocks show its {name} twice: the first is meant")
    return "; ".join(notes)


def local_day(key: str) -> str:
    """Return the local date in the key of a recurring occurrence."""
    return key[:10]


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
