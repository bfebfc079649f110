"""Rows of a JSON document, over HTTP or MQTT: a list somewhere in it, or one object."""

import json
from typing import Any, Final

from trafficfeed.findings import Finding
from trafficfeed.flooding.ingest.parsed import Payload, Row, refused

_FROM_TOPIC: Final = "topic:"


def document_of(payload: Payload) -> Any:
    """Return a payload's JSON document; None of an empty payload.

    Raises
    ------
    SourceMalformed
        If it is no JSON.
    """
    if not payload.data.strip():
        return None
    try:
        return json.loads(payload.data.decode("utf-8-sig"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:  # a UnicodeDecodeError is a ValueError
        raise payload.malformed(f"is no JSON: {error}", "see what its sender writes") from error


def _no_number(name: str) -> None:
    """Read NaN and Infinity, which are no JSON, as nothing: that row is refused, the others stand."""


def json_rows(payload: Payload) -> tuple[list[Row], list[Finding]]:
    """Return the rows of a JSON document by the members that its source declares.

    Raises
    ------
    SourceMalformed
        If it is no JSON, or has no list (or object) where the source says.
    """
    document = document_of(payload)
    if document is None:
        return [], []
    items = at(document, payload.source.items) if payload.source.items else document
    if isinstance(items, dict):
        items = [items]
    if not isinstance(items, list):
        place = f"at {payload.source.items!r}" if payload.source.items else "in it"
        raise payload.malformed(f"has no list of readings {place}", "set items to where the list is")
    rows, findings = [], []
    for number, item in enumerate(items):
        made = _row(payload, item, f"{payload.source.items}[{number}]")
        if isinstance(made, Row):
            rows.append(made)
        else:
            findings.append(made)
    return rows, findings


def _row(payload: Payload, item: Any, where: str) -> Row | Finding:
    columns = payload.source.columns
    if not isinstance(item, dict):
        return refused("json.item", where, f"{str(item)[:80]!r} is no object")
    time, value = at(item, columns.time), at(item, columns.value)
    if time is None or value is None or isinstance(value, dict | list):
        missing = columns.time if time is None else columns.value
        return refused("value.missing", where, f"has no {missing!r}", "name its members in columns")
    sensor = _sensor(payload, item)
    if not sensor:
        return refused("sensor.missing", where, f"has no {columns.sensor!r}", "name its members in columns")
    unit = at(item, columns.unit) if columns.unit else ""
    start = at(item, columns.start) if columns.start else None
    return Row(where=where, sensor=sensor, time=time, start=start, value=value, unit=str(unit or ""))


def _sensor(payload: Payload, item: dict[str, Any]) -> str:
    named = payload.source.columns.sensor
    if not named:
        return payload.source.id
    if named.startswith(_FROM_TOPIC):
        levels = payload.topic.split("/")
        place = named.removeprefix(_FROM_TOPIC)
        return levels[int(place)] if place.lstrip("-").isdigit() and -len(levels) <= int(place) < len(levels) else ""
    found = at(item, named)
    return "" if found is None or isinstance(found, dict | list) else str(found)


def at(document: Any, path: str) -> Any:
    """Return the member at a dotted path; None where there is none."""
    for name in path.split("."):
        if isinstance(document, dict):
            document = document.get(name)
        elif isinstance(document, list) and name.isdigit() and int(name) < len(document):
            document = document[int(name)]
        else:
            return None
    return document
