"""Written rows to depths above the road's low point, whatever they were written in: units, zero points, times, ids."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from trafficfeed.findings import Finding
from trafficfeed.flooding.ingest.parsed import Parsed, Payload, Row, by_sensor, noted, refused, told
from trafficfeed.flooding.ingest.sources import SensorEntry, WaterSource
from trafficfeed.flooding.ingest.units import UnitFault, metres_of, number_in, same_unit, unit_in_name
from trafficfeed.flooding.ingest.wall_clock import Instant, read_times
from trafficfeed.flooding.observations import Quality, Reading

BELOW_DRY_M = 0.05
"""So far below the road a gauge may show by noise: it is dry."""


def to_readings(payload: Payload, rows: Sequence[Row], *, column: str = "", findings: Sequence[Finding] = ()) -> Parsed:
    """Return the readings that rows hold; each fault of a row is a finding, and the others stand.

    Parameters
    ----------
    rows
        In the order of the payload.
    column
        What the values' column is called there: it may say a unit.
    findings
        Of the reading of the payload; they come first.
    """
    said = list(findings)
    doubt = _unit_doubt(payload.source, column)
    if doubt is not None:
        said.append(doubt)
    readings: list[Reading] = []
    named, nameless = by_sensor(rows)
    said += nameless
    for theirs, its in named.items():
        entry = payload.source.sensor(theirs)
        if entry is None:
            mend = f"list it under sensors of {payload.source.id}, or set only_listed = false"
            said.append(refused("sensor.unknown", its[0].where, f"{len(its)} rows of sensor {theirs!r}", mend))
            continue
        for one in _of_sensor(payload, theirs, entry, its, "" if doubt is None else doubt.message):
            if isinstance(one, Reading):
                readings.append(one)
            else:
                said.append(one)
    return Parsed(readings=readings, findings=said)


def _of_sensor(
    payload: Payload, theirs: str, entry: SensorEntry, rows: Sequence[Row], unit_doubt: str
) -> Iterator[Reading | Finding]:
    source = payload.source
    times = read_times([row.time for row in rows], zone=source.zone, time_format=source.time_format)
    for row, time in zip(rows, times, strict=True):
        if time.at is None:
            yield refused("time.unread", row.where, time.doubt, "declare timezone or time_format of the source")
            continue
        try:
            shown_m = _shown_m(row, source)
        except UnitFault as error:
            yield refused("value.unread", row.where, f"sensor {theirs}: {error}")
            continue
        if time.doubt:
            yield noted("time.doubtful", row.where, f"sensor {theirs}: {time.doubt}", "send UTC, or times with offset")
        elif time.note:
            yield told("time.by_order", row.where, f"sensor {theirs}: {time.note}")
        yield _reading(payload, theirs, entry, row, time, shown_m, unit_doubt)


def _shown_m(row: Row, source: WaterSource) -> float:
    value, written = number_in(row.value, decimal=source.decimal)
    units = [unit for unit in (written, row.unit, source.unit) if unit]
    if not units:
        raise UnitFault("says no unit, and the source declares none")
    for other in units[1:]:
        if not same_unit(units[0], other):
            raise UnitFault(f"the unit is said to be {units[0]!r} and {other!r}: which is it? Nothing is converted")
    return value * metres_of(units[0])


def _reading(
    payload: Payload, theirs: str, entry: SensorEntry, row: Row, time: Instant, shown_m: float, unit_doubt: str
) -> Reading:
    source, sensor = payload.source, payload.source.our_id(theirs)
    zero_m = source.zero_m if entry.zero_m is None else entry.zero_m
    depth_m = round(zero_m - shown_m if source.measures == "distance" else shown_m - zero_m, 6)
    quality, why = Quality.UNCHECKED, ""
    if time.doubt:
        quality, why = Quality.TIME, time.doubt
    elif unit_doubt:
        quality, why = Quality.UNIT, unit_doubt
    elif depth_m < -BELOW_DRY_M or depth_m > (entry.max_m or source.max_m):
        quality, why = Quality.RANGE, f"{depth_m:.3f} m is no depth that the place can have"
    assert time.at is not None
    return Reading(
        id=reading_id(sensor, time.at) if not time.doubt else f"{sensor}@{row.time}?",
        sensor=sensor,
        observed_at=time.at,
        received_at=payload.received_at,
        depth_m=max(depth_m, 0.0),
        quality=quality,
        why=why,
        source=source.id,
        raw=payload.raw,
    )


def reading_id(sensor: str, at: datetime) -> str:
    """Return the id of what a sensor read at an instant (aware UTC)."""
    fraction = f".{at.microsecond:06d}" if at.microsecond else ""
    return f"{sensor}@{at:%Y%m%dT%H%M%S}{fraction}Z"


def _unit_doubt(source: WaterSource, column: str) -> Finding | None:
    named = unit_in_name(column)
    if not named or not source.unit or same_unit(named, source.unit):
        return None
    message = f"column {column!r} looks like {named}, and {source.id} declares {source.unit}"
    return refused("unit.doubtful", column, message, "correct the unit of the source, or the column; nothing is used")
