"""Tide predictions: a CSV of times and levels, or the document of a station, in metres above the city's tide datum."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trafficfeed.findings import Finding
from trafficfeed.flooding.ingest.csv_rows import csv_rows
from trafficfeed.flooding.ingest.json_rows import document_of
from trafficfeed.flooding.ingest.parsed import Parsed, Payload, Row, noted, refused
from trafficfeed.flooding.ingest.units import UnitFault, metres_of, number_in
from trafficfeed.flooding.ingest.wall_clock import read_times
from trafficfeed.flooding.observations import TidePrediction

_MOST_M = 20.0  # the highest tides on earth range over 16 m


def read_tide_csv(payload: Payload) -> Parsed:
    """Return the prediction in a CSV; the station is the source's, and its place its only listed sensor's.

    Raises
    ------
    SourceMalformed
        As `csv_rows`.
    """
    rows, findings = csv_rows(payload)
    return _prediction(payload, rows, findings, {}) if rows else Parsed(findings=findings)


def read_tide_json(payload: Payload) -> Parsed:
    """Return the prediction in a station's document: ``id, lat, lon`` and a list of levels at `items`.

    What else it says (licence, datums, constituents) is kept in `meta`.

    Raises
    ------
    SourceMalformed
        If it is no JSON object, or has no list where the source says.
    """
    document = document_of(payload)
    if document is None:
        return Parsed()
    path = payload.source.items or "predictions"
    if not isinstance(document, dict) or not isinstance(document.get(path), list):
        raise payload.malformed(f"has no list {path!r}", "set items to where its levels are")
    columns = payload.source.columns
    rows, findings = [], []
    for number, item in enumerate(document[path]):
        where = f"{path}[{number}]"
        if isinstance(item, dict) and {columns.time, columns.value} <= item.keys():
            rows.append(Row(where=where, sensor="", time=item[columns.time], value=item[columns.value]))
        else:
            findings.append(refused("value.missing", where, f"has no {columns.time!r} and {columns.value!r}"))
    meta = {name: value for name, value in document.items() if name != path}
    return _prediction(payload, rows, findings, meta)


def _prediction(payload: Payload, rows: Sequence[Row], findings: Sequence[Finding], meta: Mapping[str, Any]) -> Parsed:
    source, said = payload.source, list(findings)
    place = next(iter(source.sensors.values()), None)
    lon, lat = meta.get("lon", place.lon if place else None), meta.get("lat", place.lat if place else None)
    if lon is None or lat is None:
        mend = "list its station with lon and lat under sensors"
        return Parsed(findings=[*said, refused("tide.place", source.id, "the station has no place", mend)])
    levels: dict[float, float] = {}
    times = read_times([row.time for row in rows], zone=source.zone, time_format=source.time_format)
    for row, time in zip(rows, times, strict=True):
        try:
            value, unit = number_in(row.value, decimal=source.decimal)
            level_m = value * metres_of(unit or row.unit or source.unit) + source.datum_shift_m
        except UnitFault as error:
            said.append(refused("value.unread", row.where, str(error)))
            continue
        if time.at is None or time.doubt:
            said.append(refused("time.doubtful", row.where, time.doubt, "declare the timezone: mostly UTC"))
        elif abs(level_m) > _MOST_M:
            said.append(refused("tide.range", row.where, f"{level_m:.2f} m is no tide", "look at unit and datum"))
        elif levels.setdefault(time.at.timestamp(), level_m) != level_m:
            said.append(noted("tide.twice", row.where, f"two levels at {time.at.isoformat()}", "the first is used"))
    if not levels:
        return Parsed(findings=said)
    station = str(meta.get("id") or next(iter(source.sensors), source.id))
    ordered = sorted(levels)
    prediction = TidePrediction(
        station=station, lon=float(lon), lat=float(lat), times=np.array(ordered),
        level_m=np.array([levels[at] for at in ordered]), meta=dict(meta),
    )  # fmt: skip
    return Parsed(tides=[prediction], findings=said)
