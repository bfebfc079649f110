"""What one site's page shows beside the map's facts: the course of the water, the log, who passes, the message."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import numpy as np

from api import wording
from api.deps import Services
from api.flood_hydrograph import Course, Dot, Hydrograph, Level, RainBar, draw_hydrograph
from api.flood_released import FloodPicture, Place
from api.flood_wording import BASES, LEVELS, VEHICLES, centimetres, clock
from api.published import Record
from trafficfeed.errors import TrafficFeedError
from trafficfeed.flooding.observations import Quality, RainForecast, RainReading, Reading, TidePrediction
from trafficfeed.flooding.sites import Site
from trafficfeed.pipeline.flood_intake import tides_taken
from trafficfeed.store.flood_decisions import DecisionEntry, FloodDecisions
from trafficfeed.store.rain import Rain
from trafficfeed.store.water import Water

_Told = TypeVar("_Told", RainForecast, TidePrediction)
_BACK: Final = timedelta(hours=72)
_LEAST_BACK: Final = timedelta(hours=3)
_MOST_BACK: Final = timedelta(hours=12)
_AHEAD_H: Final = (3, 6, 12, 24, 72)
_PHONE_BACK, _PHONE_AHEAD = timedelta(hours=4), timedelta(hours=6)
_SHOWN_M: Final = 0.05
_GONE_M: Final = 0.15
_RAIN_OLD: Final = timedelta(hours=12)
_MOST_LOGGED: Final = 40
_MOST_DOTS: Final = 720
_DOUBTS: Final[Mapping[Quality, str]] = {
    Quality.UNCHECKED: "too few before it to check it by",
    Quality.SPIKE: "a jump that water does not make",
    Quality.STUCK: "the gauge does not move",
    Quality.UNIT: "looks like another unit",
    Quality.RANGE: "no depth that a street can have",
    Quality.TIME: "its time cannot be right",
    Quality.LATE: "came too late to tell of now",
}


@dataclass(frozen=True, kw_only=True)
class _Known:
    """What the stores hold of a site until now."""

    readings: Sequence[Reading] = ()
    entries: Sequence[DecisionEntry] = ()
    caught: Sequence[RainReading] = ()
    foretold: RainForecast | None = None
    tide: TidePrediction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow:
    """A decision that changed something; `rounds` is how often it was confirmed until the next."""

    at: str
    level: str
    level_text: str
    basis: str
    actor: str
    reason: str
    readings: Sequence[str]
    forecast: str
    rounds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Passing:
    """Whether a kind of vehicle gets through: `style` is yes, no or unknown."""

    name: str
    limit: str
    style: str
    text: str


def site_context(
    services: Services,
    site: Site,
    place: Place | None,
    picture: FloodPicture | None,
    records: Sequence[Record],
    now: datetime,
) -> dict[str, Any]:
    """Return what the template of a site needs."""
    zone = services.zone
    known = _known(services, site, now)
    course = _course(known, place, picture, now, zone)
    has_any = bool(course.dots or course.times)
    return {
        "hydrographs": _drawings(course, zone) if has_any else [],
        "has_tide": bool(course.tide_times),
        "has_rain": bool(course.rain),
        "doubtful": sum(bool(dot.doubt) for dot in course.dots),
        "log": _log(known.entries, zone, now)[:_MOST_LOGGED],
        "passing": [] if place is None or picture is None else _passing(place, picture, now, zone),
        "messages": _messages(records),
        "chances": _chances(place, picture, now),
    }


def _drawings(course: Course, zone: ZoneInfo) -> list[Hydrograph]:
    """Return the drawing for a wide screen, and that for a phone."""
    wide = draw_hydrograph(course, zone, style="wide", width=1100.0, plot=270.0)
    near = replace(
        course, start=max(course.start, course.now - _PHONE_BACK), end=min(course.end, course.now + _PHONE_AHEAD)
    )
    return [wide, draw_hydrograph(near, zone, style="narrow", width=380.0, plot=210.0)]


def _known(services: Services, site: Site, now: datetime) -> _Known:
    """Read the stores; what cannot be read is left out, the released facts still stand."""
    city = services.city.name
    try:
        with services.database.reading() as connection:
            told = Water(connection, city).readings(site.sensors, since=now - _BACK, known_at=now)
            rain = Rain(connection, city)
            return _Known(
                readings=[one for sensor in site.sensors for one in told.get(sensor, ()) if one.observed_at <= now],
                entries=FloodDecisions(connection, city).between(now - _BACK, now + timedelta(seconds=1), site=site.id),
                caught=_nearest_gauge(rain.readings(since=now - _BACK, known_at=now), site),
                foretold=_nearest(rain.newest_forecasts(now, since=now - _RAIN_OLD), site),
                tide=_nearest(tides_taken(services.settings), site) if site.tidal is not False else None,
            )
    except TrafficFeedError:
        return _Known()


def _nearest(found: Sequence[_Told], site: Site) -> _Told | None:
    return min(found, key=lambda one: _apart(one.lon, one.lat, site), default=None)


def _nearest_gauge(caught: Sequence[RainReading], site: Site) -> list[RainReading]:
    good = [one for one in caught if one.quality in (Quality.GOOD, Quality.UNCHECKED)]
    if not good:
        return []
    gauge = min(good, key=lambda one: (_apart(one.lon, one.lat, site), one.gauge)).gauge
    return [one for one in good if one.gauge == gauge]


def _apart(lon: float, lat: float, site: Site) -> float:
    return float(np.hypot((lon - site.lon) * np.cos(np.radians(site.lat)), lat - site.lat))


def _course(known: _Known, place: Place | None, picture: FloodPicture | None, now: datetime, zone: ZoneInfo) -> Course:
    """Lay out what is known between some hours ago and when the water is expected to be gone."""
    times = [] if picture is None or place is None or place.depths is None else picture.times(now)
    bands: dict[str, Any] = {}
    if times and picture is not None and place is not None and place.depths is not None:
        ahead = len(times) - 1
        now_m = picture.series(place, now)[0]
        told = (place.depths.p10_m, place.depths.p50_m, place.depths.p90_m)
        names = ("p10_m", "p50_m", "p90_m")
        bands = {
            name: np.concatenate([[now_m], one[len(one) - ahead :]]) for name, one in zip(names, told, strict=True)
        }
    entries = [one for one in known.entries if not one.decision.awaits_approval]
    start, end = _start(known, entries, now), now + timedelta(hours=_ahead_h(times, bands.get("p90_m"), now))
    shown = [n for n, at in enumerate(times) if at <= end]
    return Course(
        start=start,
        end=end,
        now=now,
        dots=_dots([one for one in known.readings if one.observed_at >= start], zone, now),
        times=[times[n] for n in shown],
        **{name: values[shown] for name, values in bands.items()},
        levels=_levels(entries, zone, now),
        rain=_rain(known, start, end, now),
        **_tide(known.tide, start, end),
    )


def _start(known: _Known, entries: Sequence[DecisionEntry], now: datetime) -> datetime:
    wet = [one.observed_at for one in known.readings if one.depth_m >= _SHOWN_M and one.quality is Quality.GOOD]
    told = [one.decision.since for one in entries[-1:] if one.decision.episode]
    began = min([*wet, *told], default=now) - timedelta(minutes=30)
    return max(min(began, now - _LEAST_BACK), now - _MOST_BACK)


def _ahead_h(times: Sequence[datetime], p90_m: Any, now: datetime) -> int:
    """Return how many hours to show: until the water may be gone."""
    wet = [at for at, depth in zip(times, [] if p90_m is None else p90_m.tolist(), strict=False) if depth >= _GONE_M]
    last_h = max(((at - now) / timedelta(hours=1) for at in wet), default=0.0)
    return next((hours for hours in _AHEAD_H if last_h + 0.5 <= hours), _AHEAD_H[-1])


def _dots(readings: Sequence[Reading], zone: ZoneInfo, now: datetime) -> list[Dot]:
    """Return readings as dots, thinned where there are more than can be told apart; doubtful ones all stay."""
    good = [one for one in readings if one.quality is Quality.GOOD]
    thin = max(1, -(-len(good) // _MOST_DOTS))
    shown = [*good[::thin], *(one for one in readings if one.quality is not Quality.GOOD)]
    return [
        Dot(
            at=one.observed_at,
            depth_m=max(one.depth_m, 0.0),
            doubt="" if one.quality is Quality.GOOD else _DOUBTS.get(one.quality, one.quality.value),
            title=_dot_title(one, zone, now),
        )
        for one in shown
    ]


def _dot_title(one: Reading, zone: ZoneInfo, now: datetime) -> str:
    told = f"{wording.moment(one.observed_at, zone, now=now)}: {one.depth_m * 100:.0f} cm, {one.sensor}"
    if one.quality is Quality.GOOD:
        return told
    return f"{told}. Not counted: {_DOUBTS.get(one.quality, one.quality.value)}{f' ({one.why})' if one.why else ''}"


def _levels(entries: Sequence[DecisionEntry], zone: ZoneInfo, now: datetime) -> list[Level]:
    found: list[Level] = []
    for n, entry in enumerate(entries):
        end = entries[n + 1].decision.decided_at if n + 1 < len(entries) else now
        level, start = entry.decision.level.value, entry.decision.decided_at
        if found and found[-1].level == level:
            found[-1] = Level(level=level, start=found[-1].start, end=end, title=found[-1].title)
            continue
        title = f"{LEVELS[level]} from {wording.moment(start, zone, now=now)} on: {entry.decision.reason}"
        found.append(Level(level=level, start=start, end=end, title=title))
    return found


def _rain(known: _Known, start: datetime, end: datetime, now: datetime) -> list[RainBar]:
    bars = [
        RainBar(
            start=one.start, end=one.end, foretold=False,
            mm_per_h=one.rain_mm / max((one.end - one.start) / timedelta(hours=1), 1e-6),
        )
        for one in known.caught
        if one.end > start
    ]  # fmt: skip
    last = max((bar.end for bar in bars), default=start)
    if known.foretold is not None:
        step = timedelta(seconds=known.foretold.step_s)
        mean = [float(np.nanmean(column)) if np.isfinite(column).any() else 0.0 for column in known.foretold.rain_mm.T]
        for second, rain_mm in zip(known.foretold.starts.tolist(), mean, strict=True):
            begins = datetime.fromtimestamp(second, UTC)
            if begins + step > max(last, now) and begins < end:
                rate = rain_mm / (step / timedelta(hours=1))
                bars.append(RainBar(start=max(begins, last), end=begins + step, mm_per_h=rate, foretold=True))
    return bars if any(bar.mm_per_h > 0 for bar in bars) else []


def _tide(tide: TidePrediction | None, start: datetime, end: datetime) -> dict[str, Any]:
    if tide is None:
        return {}
    shown = (tide.times >= start.timestamp() - 3600) & (tide.times <= end.timestamp() + 3600)
    if shown.sum() < 2:
        return {}
    seconds = np.arange(start.timestamp(), end.timestamp() + 1, max((end - start).total_seconds() / 200, 60.0))
    levels = np.interp(seconds, tide.times[shown], tide.level_m[shown], left=np.nan, right=np.nan)
    return {"tide_times": [datetime.fromtimestamp(one, UTC) for one in seconds.tolist()], "tide_m": levels}


def _log(entries: Sequence[DecisionEntry], zone: ZoneInfo, now: datetime) -> list[LogRow]:
    """Return the decisions that changed something, newest first."""
    rows: list[tuple[tuple[Any, ...], DecisionEntry, int]] = []
    for entry in entries:
        one = entry.decision
        if one.awaits_approval:
            continue
        key = (one.level, one.basis, one.since, entry.actor)
        if rows and rows[-1][0] == key:
            rows[-1] = (key, rows[-1][1], rows[-1][2] + 1)
        elif rows or one.level.value != "clear":
            rows.append((key, entry, 0))
    return [_row(entry, rounds, zone, now) for _, entry, rounds in reversed(rows)]


def _row(entry: DecisionEntry, rounds: int, zone: ZoneInfo, now: datetime) -> LogRow:
    one = entry.decision
    return LogRow(
        at=wording.moment(one.decided_at, zone, now=now),
        level=one.level.value,
        level_text="Cleared" if one.level.value == "clear" else LEVELS[one.level.value],
        basis=BASES[one.basis.value],
        actor=entry.actor,
        reason=one.reason,
        readings=one.readings,
        forecast="" if one.forecast is None else wording.moment(one.forecast, zone, now=now),
        rounds=rounds,
    )


def _passing(place: Place, picture: FloodPicture, now: datetime, zone: ZoneInfo) -> list[Passing]:
    """Return who gets through the lowest point now, and when that may change: the doubt speaks against driving."""
    worst, times = picture.series(place, now, worst=True), picture.times(now)
    kept_out = set(place.decided.closed_to) if place.decided is not None else set()
    found = []
    for kind, limit_m in picture.limits_m.items():
        name = VEHICLES.get(kind, kind)
        limit = f"below {limit_m * 100:.0f} cm"
        if not np.isfinite(worst[0]):
            found.append(Passing(name=name, limit=limit, style="unknown", text="Not known: assume not"))
            continue
        deep = worst >= limit_m
        change = next((n for n in range(1, len(deep)) if deep[n] != deep[0] and np.isfinite(worst[n])), None)
        when = "" if change is None else clock(times[change], zone, now=now)
        if kind in kept_out:
            text = "Closed to them" + (", and too deep" if deep[0] else "")
            found.append(Passing(name=name, limit=limit, style="no", text=text))
        elif deep[0]:
            text = "Too deep" + (f", at worst until {when}" if when else "")
            found.append(Passing(name=name, limit=limit, style="no", text=text))
        else:
            found.append(
                Passing(name=name, limit=limit, style="yes", text="Pass" + (f", at worst until {when}" if when else ""))
            )
    return found


def _messages(records: Sequence[Record]) -> list[tuple[str, str]]:
    """Return the message for phones by language, as it is released."""
    told = next((record.description for record in records if record.description), {})
    return list(told.items())


def _chances(place: Place | None, picture: FloodPicture | None, now: datetime) -> list[tuple[str, str]]:
    """Return the depth to be expected in 30, 60 and 120 minutes: the middle, and the band."""
    if place is None or place.depths is None or picture is None or picture.issued_at is None:
        return []
    found = []
    for minutes in (30, 60, 120):
        second = (now - picture.issued_at).total_seconds() + 60 * minutes
        low, middle, high = (
            float(np.interp(second, picture.horizons_s, one))
            for one in (place.depths.p10_m, place.depths.p50_m, place.depths.p90_m)
        )
        text = centimetres(middle)
        if np.isfinite(high) and round(high * 100) != round(low * 100):
            text += f" ({round(low * 100)} to {round(high * 100)} cm)"
        found.append((f"in {minutes} min", text))
    return found
