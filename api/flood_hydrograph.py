"""The hydrograph of a site: readings, the forecast's band, thresholds, decisions, rain and tide on one axis of time."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from api.flood_released import Floats

THRESHOLDS_CM: Final = (10, 15, 30)
_LEAST_M: Final = 0.45
_RAIN: Final = 46.0
_STRIP: Final = 16.0
_SEA: Final = 64.0
_GAP: Final = 16.0
_STEPS_H: Final = (0.5, 1, 2, 3, 6, 12, 24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A level that held in ``[start, end)``; `title` says since when and why."""

    level: str
    start: datetime
    end: datetime
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A reading; `doubt` is why it is not good, "" where it is."""

    at: datetime
    depth_m: float
    doubt: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RainBar:
    """Rain in ``[start, end)``, mm/h; `foretold` where it has not fallen yet."""

    start: datetime
    end: datetime
    mm_per_h: float
    foretold: bool


@dataclass(frozen=True, kw_only=True)
class Course:
    """What is drawn: times are aware; `times`, `p10_m`, `p50_m`, `p90_m` and `tide` have one length each."""

    start: datetime
    end: datetime
    now: datetime
    dots: Sequence[Dot] = ()
    times: Sequence[datetime] = ()
    p10_m: Floats = field(default_factory=lambda: np.zeros(0))
    p50_m: Floats = field(default_factory=lambda: np.zeros(0))
    p90_m: Floats = field(default_factory=lambda: np.zeros(0))
    levels: Sequence[Level] = ()
    rain: Sequence[RainBar] = ()
    tide_times: Sequence[datetime] = ()
    tide_m: Floats = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle with a class and a title."""

    x: float
    y: float
    width: float
    height: float
    style: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hydrograph:
    """What the template draws, in user units of which one is a pixel on the screen that it is made for."""

    style: str
    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    now_x: float
    hours: Sequence[tuple[float, str, bool]]
    scale: Sequence[tuple[float, str]]
    thresholds: Sequence[tuple[float, float, str]]
    dots: Sequence[tuple[float, float, str, str]]
    band: str
    middle: str
    levels: Sequence[Box]
    strip_y: float
    rain: Sequence[Box]
    rain_y: float
    rain_text: str
    tide: str
    tide_y: float
    tide_scale: Sequence[tuple[float, str]]


def draw_hydrograph(course: Course, zone: ZoneInfo, *, style: str, width: float, plot: float) -> Hydrograph:
    """Draw a course of the water.

    Parameters
    ----------
    style
        The class of the drawing: which screen it is for.
    width, plot
        Of all of it, and the height of the plot of depths, user units.
    """
    left, right = 44.0, width - 40.0
    rain_y = 18.0
    top = rain_y + (_RAIN + _GAP if course.rain else 0.0)
    bottom = top + plot
    strip_y = bottom + 24.0
    tide_y = strip_y + _STRIP + _GAP + 8
    most_m = _most(course)
    axis = _Axis(course.start, course.end, left, right)

    def y(depth_m: float) -> float:
        return round(bottom - plot * min(depth_m, most_m) / most_m, 1)

    low, high = _sea_range(course.tide_m)
    end = course.end
    has_tide = len(course.tide_m) > 1
    return Hydrograph(
        style=style,
        width=width,
        height=tide_y + (_SEA + 6 if has_tide else -_GAP),
        left=left,
        right=right,
        top=top,
        bottom=bottom,
        now_x=axis.x(course.now),
        hours=_hours(course, zone, axis, 84.0 if width > 600 else 66.0),
        scale=[(y(cm / 100), str(cm)) for cm in _scale_cm(most_m)],
        thresholds=_thresholds(y),
        dots=[(axis.x(one.at), y(one.depth_m), one.doubt, one.title) for one in course.dots if one.at >= course.start],
        band=_band(course, axis, y),
        middle=_line(
            [(axis.x(at), y(d)) for at, d in zip(course.times, course.p50_m.tolist(), strict=True) if at <= end]
        ),
        levels=[_level(one, axis, strip_y) for one in course.levels if axis.overlaps(one.start, one.end)],
        strip_y=strip_y,
        rain=_rain(course.rain, axis, rain_y),
        rain_y=rain_y,
        rain_text=f"Rain, up to {max((bar.mm_per_h for bar in course.rain), default=0.0):.0f} mm/h",
        tide=_line(
            [
                (axis.x(at), round(tide_y + _SEA * (1 - (level - low) / (high - low)), 1))
                for at, level in zip(course.tide_times, course.tide_m.tolist(), strict=True)
                if course.start <= at <= end
            ]
        )
        if has_tide
        else "",
        tide_y=tide_y,
        tide_scale=[(tide_y, f"{high:.1f}"), (tide_y + _SEA, f"{low:.1f}")] if has_tide else [],
    )


def _thresholds(y: Callable[[float], float]) -> list[tuple[float, float, str]]:
    """Return where the thresholds lie, and where they are named: apart, though their lines lie close."""
    placed: list[tuple[float, float, str]] = []
    for cm in THRESHOLDS_CM:
        at = y(cm / 100)
        named = min(at, placed[-1][1] - 13.0) if placed else at + (3.0 if at - y(0.15) < 13.0 else 0.0)
        placed.append((at, named, str(cm)))
    return placed


class _Axis:
    """The axis of time."""

    def __init__(self, start: datetime, end: datetime, left: float, right: float) -> None:
        self._start, self._end = start, end
        self._left, self._right = left, right

    def x(self, at: datetime) -> float:
        """Return where a time lies, held to the plot."""
        share = (at - self._start) / (self._end - self._start)
        return round(self._left + (self._right - self._left) * min(max(share, 0.0), 1.0), 1)

    def overlaps(self, start: datetime, end: datetime) -> bool:
        """Tell whether any of it is shown."""
        return start < self._end and end > self._start


def _most(course: Course) -> float:
    """Return the depth at the top of the plot, m: a tenth over the deepest, in steps of 15 cm."""
    deepest = [one.depth_m for one in course.dots if not one.doubt]
    deepest += [float(np.nanmax(course.p90_m))] if np.isfinite(course.p90_m).any() else []
    most = max([*deepest, _LEAST_M / 1.1])
    return float(np.ceil(most * 1.1 / 0.15 - 1e-9) * 0.15)


def _scale_cm(most_m: float) -> list[int]:
    step = next(step for step in (15, 30, 60, 120, 10_000) if most_m * 100 / step <= 5)
    return list(range(0, round(most_m * 100) + 1, step))


def _hours(course: Course, zone: ZoneInfo, axis: _Axis, room: float) -> list[tuple[float, str, bool]]:
    """Return where the hours are marked; midnights bear the day instead."""
    length_h = (course.end - course.start) / timedelta(hours=1)
    most = max((axis.x(course.end) - axis.x(course.start)) / room, 2.0)
    step = next((hours for hours in _STEPS_H if length_h / hours <= most), _STEPS_H[-1])
    at = course.start.astimezone(zone).replace(minute=0, second=0, microsecond=0, hour=0)
    begin, found = at.timestamp(), []
    for n in range(int(length_h / step + 24 / step) + 2):
        instant = datetime.fromtimestamp(begin + n * step * 3600, zone)
        if course.start <= instant <= course.end:
            midnight = instant.hour == 0 and instant.minute == 0
            found.append((axis.x(instant), f"{instant:%a} {instant.day}" if midnight else f"{instant:%H:%M}", midnight))
    return found


def _band(course: Course, axis: _Axis, y: Callable[[float], float]) -> str:
    known = [
        n
        for n, at in enumerate(course.times)
        if at <= course.end and np.isfinite(course.p10_m[n]) and np.isfinite(course.p90_m[n])
    ]
    if len(known) < 2:
        return ""
    over = [(axis.x(course.times[n]), y(float(course.p90_m[n]))) for n in known]
    under = [(axis.x(course.times[n]), y(float(course.p10_m[n]))) for n in reversed(known)]
    return _line([*over, *under]) + "Z"


def _line(points: Iterable[tuple[float, float]]) -> str:
    """Return path data through points, broken where one is not known."""
    parts, pen = [], "M"
    for x, y in points:
        if not np.isfinite(y):
            pen = "M"
            continue
        parts.append(f"{pen}{x:g} {y:g}")
        pen = "L"
    return "".join(parts)


def _level(one: Level, axis: _Axis, strip_y: float) -> Box:
    start, end = axis.x(one.start), axis.x(one.end)
    return Box(
        x=start, y=strip_y, width=max(round(end - start, 1), 1.5), height=_STRIP, style=one.level, title=one.title
    )


def _rain(bars: Sequence[RainBar], axis: _Axis, rain_y: float) -> list[Box]:
    """Return bars that hang from the top, as rain is drawn over a hydrograph."""
    most = max((bar.mm_per_h for bar in bars), default=0.0)
    drawn = []
    for bar in bars:
        if bar.mm_per_h <= 0 or not axis.overlaps(bar.start, bar.end):
            continue
        start, end = axis.x(bar.start), axis.x(bar.end)
        height = round(_RAIN * bar.mm_per_h / most, 1)
        drawn.append(
            Box(
                x=start,
                y=rain_y,
                width=max(round(end - start - 0.6, 1), 0.8),
                height=max(height, 0.5),
                style="foretold" if bar.foretold else "fallen",
                title=f"{bar.mm_per_h:.1f} mm/h{' expected' if bar.foretold else ''}",
            )
        )
    return drawn


def _sea_range(tide_m: Floats) -> tuple[float, float]:
    if not np.isfinite(tide_m).any():
        return 0.0, 1.0
    low, high = float(np.floor(np.nanmin(tide_m) * 2) / 2), float(np.ceil(np.nanmax(tide_m) * 2) / 2)
    return low, max(high, low + 0.5)
