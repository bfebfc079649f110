"""Absolute windows on the demand's own clock.

A demand is a day (seconds since local midnight) or a stretch that stands for any time; neither is the very date of an
order. So the day of the order, and the hours of it, that meet the most traffic are taken, or the instant at which it
closes most; `Timing.assumption` says which.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from math import inf
from typing import Literal
from zoneinfo import ZoneInfo

from trafficfeed.closures.orders import Measure
from trafficfeed.closures.schedules import Occurrence
from trafficfeed.windows import Window

DAY_S = 86_400.0
_MOST_DAYS_LOOKED_AT = 62
_MOST_ANCHORS_LOOKED_AT = 200
_STEP_S = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandClock:
    """The demand's own clock.

    Attributes
    ----------
    kind
        "day": seconds since local midnight; "hour": one stretch that stands for any time.
    begin_s, end_s
        First second simulated, and end of the demand's departures.
    warm_up_s
        Traffic before the first intervention; only an "hour" needs it, a day begins with the empty night.
    departures_by_hour
        Departures in each hour from second 0 on; empty: even over the demand.
    longest_s
        Longest stretch of a day that is simulated.
    """

    kind: Literal["day", "hour"]
    begin_s: float
    end_s: float
    warm_up_s: float = 0.0
    departures_by_hour: Sequence[float] = ()
    longest_s: float = inf

    def departures(self, begin_s: float, end_s: float) -> float:
        """Return the departures between two seconds, or the seconds themselves where no profile is known."""
        begin_s, end_s = max(begin_s, self.begin_s), min(end_s, self.end_s)
        if not self.departures_by_hour:
            return max(end_s - begin_s, 0.0)
        total = 0.0
        for hour, count in enumerate(self.departures_by_hour):
            overlap_s = min(end_s, (hour + 1) * 3600.0) - max(begin_s, hour * 3600.0)
            total += count * max(overlap_s, 0.0) / 3600.0
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A measure's window on the demand's clock; `weight` is what it closes, m."""

    measure: Measure
    begin_s: float
    end_s: float
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The spans that are simulated, and in a sentence what was assumed of their time.

    `seconds_of` puts any other instant (aware) on the same clock.
    """

    spans: tuple[Span, ...]
    assumption: str
    seconds_of: Callable[[datetime], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Day:
    """One day of an order: its spans, and from when on a stretch of the longest length meets the most traffic."""

    day: date
    spans: tuple[Span, ...]
    from_s: float
    score: tuple[float, float]


def timing_of(
    timed: Sequence[tuple[Measure, Occurrence]], weight_m: Mapping[str, float], zone: ZoneInfo, clock: DemandClock
) -> Timing:
    """Put windows on the demand's clock.

    Parameters
    ----------
    timed
        Every window that matters, with its measure; at least one.
    weight_m
        Length of road that a measure closes, by measure id.
    zone
        The order's.
    clock
        The demand's.
    """
    return (_on_a_day if clock.kind == "day" else _on_a_stretch)(timed, weight_m, zone, clock)


def _on_a_day(
    timed: Sequence[tuple[Measure, Occurrence]], weight_m: Mapping[str, float], zone: ZoneInfo, clock: DemandClock
) -> Timing:
    days = [_scored(day, timed, weight_m, zone, clock) for day in _days(timed, zone)]
    worst = max(days, key=lambda d: (d.score, -d.day.toordinal()))
    spans = tuple(
        replace(span, begin_s=max(span.begin_s, worst.from_s)) for span in worst.spans if span.end_s > worst.from_s
    )
    times = ", ".join(sorted({f"{_hhmm(s.begin_s)}–{_hhmm(s.end_s)}" for s in worst.spans}))
    cut = max(s.end_s for s in worst.spans) - min(s.begin_s for s in worst.spans) > clock.longest_s
    stretch = f"; of these the {clock.longest_s / 3600:g} h from {_hhmm(worst.from_s)} on" if cut else ""
    quiet = "" if worst.score[0] > 0 else " The demand has no departures at these hours."
    return Timing(
        spans=spans,
        assumption=(
            f"Simulated on the demand's day as {worst.day:%A %Y-%m-%d} ({zone.key}), when the order meets the most "
            f"traffic: {times}{stretch}.{quiet}"
        ),
        seconds_of=lambda instant: _seconds(instant, zone, worst.day),
    )


def _scored(
    day: date,
    timed: Sequence[tuple[Measure, Occurrence]],
    weight_m: Mapping[str, float],
    zone: ZoneInfo,
    clock: DemandClock,
) -> _Day:
    spans = tuple(span for pair in timed if (span := _on_day(pair, weight_m, zone, day)))
    scores = {from_s: _traffic_met(spans, from_s, clock) for from_s in _beginnings(spans, clock)}
    from_s = max(scores, key=lambda s: (scores[s], -s))
    return _Day(day=day, spans=spans, from_s=from_s, score=scores[from_s])


def _beginnings(spans: Sequence[Span], clock: DemandClock) -> list[float]:
    """Return the seconds from which a stretch of the longest length is looked at."""
    first, last = min(s.begin_s for s in spans), min(max(s.end_s for s in spans), DAY_S)
    if last - first <= clock.longest_s:
        return [first]
    steps = int((last - clock.longest_s - first) // _STEP_S) + 1
    return sorted({first + n * _STEP_S for n in range(steps)} | {s.begin_s for s in spans} | {last - clock.longest_s})


def _traffic_met(spans: Sequence[Span], from_s: float, clock: DemandClock) -> tuple[float, float]:
    met, closed = 0.0, 0.0
    for span in spans:
        begin_s, end_s = max(span.begin_s, from_s), min(span.end_s, from_s + clock.longest_s, DAY_S)
        if end_s > begin_s:
            met += span.weight * clock.departures(begin_s, end_s)
            closed += span.weight * (end_s - begin_s)
    return met, closed


def _days(timed: Sequence[tuple[Measure, Occurrence]], zone: ZoneInfo) -> list[date]:
    days: set[date] = set()
    for _, occurrence in timed:
        day = occurrence.window.start.astimezone(zone).date()
        last = (occurrence.window.end - timedelta(microseconds=1)).astimezone(zone).date()
        days.update(day + timedelta(days=n) for n in range(min((last - day).days, 8) + 1))
    return sorted(days)[:_MOST_DAYS_LOOKED_AT]


def _on_day(pair: tuple[Measure, Occurrence], weight_m: Mapping[str, float], zone: ZoneInfo, day: date) -> Span | None:
    measure, occurrence = pair
    begin_s, end_s = seconds_on(occurrence.window, lambda instant: _seconds(instant, zone, day))
    if begin_s >= DAY_S or end_s <= 0:
        return None
    # one that goes on past midnight stays shut while the day's last vehicles finish
    return Span(measure=measure, begin_s=max(begin_s, 0.0), end_s=min(end_s, 2 * DAY_S), weight=weight_m[measure.id])


def seconds_on(window: Window, seconds_of: Callable[[datetime], float]) -> tuple[float, float]:
    """Return a window on a clock; in the hour that the clocks show twice it keeps its length, so as not to run back."""
    begin_s, end_s = seconds_of(window.start), seconds_of(window.end)
    return begin_s, end_s if end_s > begin_s else begin_s + window.length.total_seconds()


def _seconds(instant: datetime, zone: ZoneInfo, day: date) -> float:
    """Return the seconds on the clock since midnight of `day`; demand follows the clock through a DST change."""
    local = instant.astimezone(zone)
    since_midnight = timedelta(hours=local.hour, minutes=local.minute, seconds=local.second)
    return (timedelta(days=(local.date() - day).days) + since_midnight).total_seconds()


def _on_a_stretch(
    timed: Sequence[tuple[Measure, Occurrence]], weight_m: Mapping[str, float], zone: ZoneInfo, clock: DemandClock
) -> Timing:
    anchors = sorted({occurrence.window.start for _, occurrence in timed})[:_MOST_ANCHORS_LOOKED_AT]
    spans: tuple[Span, ...] = ()
    anchor, most = anchors[0], -1.0
    for candidate in anchors:
        placed = _from_anchor(candidate, timed, weight_m, clock)
        covered = sum(span.weight * (min(span.end_s, clock.end_s) - span.begin_s) for span in placed)
        if covered > most:
            spans, anchor, most = placed, candidate, covered
    return Timing(
        spans=spans,
        assumption=(
            f"The demand is one stretch of {(clock.end_s - clock.begin_s) / 60:.0f} min that stands for any time; the "
            f"order is simulated from {anchor.astimezone(zone):%A %Y-%m-%d %H:%M} ({zone.key}) on, when it closes "
            f"most, beginning {(_active_s(clock) - clock.begin_s) / 60:.0f} min into the stretch."
        ),
        seconds_of=lambda instant: _active_s(clock) + (instant - anchor).total_seconds(),
    )


def _from_anchor(
    anchor: datetime, timed: Sequence[tuple[Measure, Occurrence]], weight_m: Mapping[str, float], clock: DemandClock
) -> tuple[Span, ...]:
    """Return the spans where `anchor` falls on the end of the warm-up."""
    active_s, length_s = _active_s(clock), clock.end_s - _active_s(clock)
    spans = []
    for measure, occurrence in timed:
        begin_s = (occurrence.window.start - anchor).total_seconds()
        end_s = (occurrence.window.end - anchor).total_seconds()
        if begin_s < length_s and end_s > 0:
            end_s = active_s + min(end_s, length_s + DAY_S)
            begin_s = active_s + max(begin_s, 0.0)
            spans.append(Span(measure=measure, begin_s=begin_s, end_s=end_s, weight=weight_m[measure.id]))
    return tuple(spans)


def _active_s(clock: DemandClock) -> float:
    return clock.begin_s + min(clock.warm_up_s, (clock.end_s - clock.begin_s) / 2)


def _hhmm(seconds: float) -> str:
    days, rest = divmod(int(seconds), int(DAY_S))
    return f"{rest // 3600:02d}:{rest % 3600 // 60:02d}" + (" next day" if days else "")
