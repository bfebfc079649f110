"""Written rows of rain gauges to rain that fell in an interval: told as such, as a rate, or as a counter that rises."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from trafficfeed.findings import Finding
from trafficfeed.flooding.ingest.levels import reading_id
from trafficfeed.flooding.ingest.parsed import Parsed, Payload, Row, Stand, by_sensor, noted, refused, told
from trafficfeed.flooding.ingest.sources import SensorEntry, WaterSource
from trafficfeed.flooding.ingest.units import UnitFault, number_in, rain_mm_of, same_unit, unit_in_name
from trafficfeed.flooding.ingest.wall_clock import read_times
from trafficfeed.flooding.observations import Quality, RainReading

MOST_MM_H: Final = 500.0
"""More than falls anywhere in minutes. Source: WMO archive, world record 305 mm in 42 min (Holt 1947)."""
_LONGEST: Final = timedelta(hours=26)  # a counter silent for longer tells no interval
_FULL: Final = 0.5  # a counter that falls to less than half has begun anew


def to_rain(payload: Payload, rows: Sequence[Row], *, column: str = "", findings: Sequence[Finding] = ()) -> Parsed:
    """Return the rain that rows hold; each fault of a row is a finding, and the others stand.

    A gauge needs a place: `lon` and `lat` of its entry. The first that a counter ever tells is only where it stands.
    """
    said, rain, stands = list(findings), [], dict(payload.stands)
    named, declared = unit_in_name(column), payload.source.unit
    doubtful = bool(named and declared) and not same_unit(named, declared.split("/")[0])
    if doubtful:
        message = f"column {column!r} looks like {named}, and {payload.source.id} declares {declared}"
        said.append(refused("unit.doubtful", column, message, "correct the unit of the source; nothing is used"))
    by_gauge, nameless = by_sensor(rows)
    said += nameless
    for theirs, its in by_gauge.items():
        entry = payload.source.sensor(theirs)
        if entry is None or entry.lon is None or entry.lat is None:
            mend = f"list it with lon and lat under sensors of {payload.source.id}"
            said.append(refused("sensor.unknown", its[0].where, f"{len(its)} rows of gauge {theirs!r}", mend))
            continue
        for one in _of_gauge(payload, theirs, entry, its, Quality.UNIT if doubtful else Quality.GOOD, stands):
            if isinstance(one, RainReading):
                rain.append(one)
            else:
                said.append(one)
    return Parsed(rain=rain, findings=said, stands=stands)


def _of_gauge(
    payload: Payload,
    theirs: str,
    entry: SensorEntry,
    rows: Sequence[Row],
    quality: Quality,
    stands: dict[str, Stand],
) -> Iterator[RainReading | Finding]:
    gauge, told_at = payload.source.our_id(theirs), _times(payload.source, rows)
    for row, found in zip(rows, told_at, strict=True):
        if isinstance(found, Finding):
            yield found
            continue
        start, end, fault = found
        if fault is not None:
            yield fault
        doubtful = fault is not None and fault.rule == "time.doubtful"
        try:
            value, rate = _value(row, payload.source)
        except UnitFault as error:
            yield refused("value.unread", row.where, f"gauge {theirs}: {error}")
            continue
        if payload.source.rain == "cumulative":
            stood = stands.get(gauge)
            if doubtful or (stood is not None and end <= stood[0]):
                continue  # what it stood at is known, or nobody knows when that was
            stands[gauge] = (end, value)
            if stood is None:
                continue
            start, value = stood[0], _since(stood[1], value)
        if start is None or not timedelta(0) < end - start <= _LONGEST:
            yield refused("rain.interval", row.where, f"gauge {theirs}: no interval ends at {end.isoformat()}")
            continue
        hours = (end - start) / timedelta(hours=1)
        its = Quality.TIME if doubtful else quality
        yield from _judged(payload, theirs, entry, row, start, end, value * hours if rate else value, its)


def _since(before: float, now: float) -> float:
    """Return what fell between two stands of a counter: one that began anew counts from nothing."""
    if now >= before:
        return now - before
    return now if now < _FULL * before else float("nan")


def _judged(
    payload: Payload,
    theirs: str,
    entry: SensorEntry,
    row: Row,
    start: datetime,
    end: datetime,
    mm: float,
    quality: Quality,
) -> Iterator[RainReading | Finding]:
    hours, why = (end - start) / timedelta(hours=1), ""
    if not mm >= 0:
        yield refused("rain.negative", row.where, f"gauge {theirs}: rain of {mm:.1f} mm until {end.isoformat()}")
        return
    if quality is Quality.GOOD and mm > MOST_MM_H * max(hours, 1 / 60):
        quality, why = Quality.RANGE, f"{mm:.1f} mm in {hours * 60:.0f} min is more than falls anywhere"
        yield noted("rain.range", row.where, f"gauge {theirs}: {why}", "look at the unit and the gauge")
    if quality is Quality.GOOD and (end - payload.received_at).total_seconds() > 120:
        quality, why = Quality.TIME, f"{end.isoformat()} was in the future at {payload.received_at.isoformat()}"
        yield noted("time.future", row.where, f"gauge {theirs}: {why}", "set its clock")
    gauge = payload.source.our_id(theirs)
    assert entry.lon is not None and entry.lat is not None
    yield RainReading(
        id=f"{reading_id(gauge, end)}/{round((end - start).total_seconds())}",
        gauge=gauge,
        lon=entry.lon,
        lat=entry.lat,
        start=start,
        end=end,
        rain_mm=round(mm, 4),
        received_at=payload.received_at,
        quality=quality,
        why=why,
        source=payload.source.id,
        raw=payload.raw,
    )


def _value(row: Row, source: WaterSource) -> tuple[float, bool]:
    value, written = number_in(row.value, decimal=source.decimal)
    units = [unit for unit in (written, row.unit, source.unit) if unit]
    if not units:
        raise UnitFault("says no unit, and the source declares none")
    if any(not same_unit(units[0], other) and rain_mm_of(units[0]) != rain_mm_of(other) for other in units[1:]):
        raise UnitFault(f"the unit is said to be {' and '.join(map(repr, units))}: which is it?")
    factor, rate = rain_mm_of(units[0])
    if rate and source.rain == "cumulative":
        raise UnitFault(f"{units[0]!r} is a rate: no counter tells one")
    return value * factor, rate


def _times(
    source: WaterSource, rows: Sequence[Row]
) -> Iterator[tuple[datetime | None, datetime, Finding | None] | Finding]:
    """Yield beginning and end of each row, and what is to be said of them; a finding alone where there is no time."""
    ends = read_times([row.time for row in rows], zone=source.zone, time_format=source.time_format)
    starts = read_times([row.start or row.time for row in rows], zone=source.zone, time_format=source.time_format)
    for row, start, end in zip(rows, starts, ends, strict=True):
        if end.at is None or start.at is None:
            yield refused("time.unread", row.where, end.doubt or start.doubt, "declare timezone or time_format")
            continue
        fault = None
        if end.doubt or start.doubt:
            fault = noted("time.doubtful", row.where, end.doubt or start.doubt, "send UTC, or times with offset")
        elif end.note or start.note:
            fault = told("time.by_order", row.where, end.note or start.note)
        if row.start is None:
            began = end.at - timedelta(seconds=source.interval_s) if source.interval_s else None
        else:
            began = start.at
        yield began, end.at, fault
