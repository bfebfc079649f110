"""Rows of OGC SensorThings: Observations with their Datastream, Datastreams with theirs, or a data array.

Source: OGC 18-088, SensorThings API 1.1, 8.2.4 (Datastream, `unitOfMeasurement`), 8.2.8 (Observation), 13 (data array).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from trafficfeed.findings import Finding
from trafficfeed.flooding.ingest.json_rows import document_of
from trafficfeed.flooding.ingest.parsed import Payload, Row, refused

_Made = Row | Finding


def sensorthings_rows(payload: Payload) -> tuple[list[Row], list[Finding]]:
    """Return the rows of an answer of a SensorThings service; the sensor is the Datastream's ``@iot.id``, or its name.

    Ask for them by ``Observations?$expand=Datastream``, or ``Datastreams?$expand=Observations($top=…)``.

    Raises
    ------
    SourceMalformed
        If it is no JSON, or neither an entity nor a collection of them.
    """
    document = document_of(payload)
    if document is None:
        return [], []
    entities = document.get("value", [document]) if isinstance(document, dict) else document
    if not isinstance(entities, list):
        raise payload.malformed("holds no SensorThings entities", "ask for Observations?$expand=Datastream")
    made = [one for number, entity in enumerate(entities) for one in _entity(entity, f"value[{number}]")]
    return [one for one in made if isinstance(one, Row)], [one for one in made if isinstance(one, Finding)]


def _entity(entity: Any, where: str) -> Iterator[_Made]:
    if not isinstance(entity, dict):
        yield refused("sensorthings.entity", where, f"{str(entity)[:80]!r} is no entity")
    elif "dataArray" in entity:
        yield from _data_array(entity, where)
    elif "Observations" in entity:
        for number, one in enumerate(_list(entity["Observations"])):
            yield _observation(one, entity, f"{where}.Observations[{number}]")
    else:
        yield _observation(entity, _members(entity.get("Datastream")), where)


def _data_array(entity: Mapping[str, Any], where: str) -> Iterator[_Made]:
    names = _list(entity.get("components"))
    for number, values in enumerate(_list(entity["dataArray"])):
        place = f"{where}.dataArray[{number}]"
        if not isinstance(values, list) or len(values) != len(names):
            yield refused("sensorthings.array", place, f"is not of the components {', '.join(map(str, names))}")
        else:
            yield _observation(dict(zip(names, values, strict=True)), _members(entity.get("Datastream")), place)


def _observation(one: Any, stream: Mapping[str, Any], where: str) -> _Made:
    if not isinstance(one, Mapping) or one.get("result") is None:
        return refused("value.missing", where, "has no result")
    sensor = stream.get("@iot.id", stream.get("name", _linked(stream) or _linked(one)))
    if sensor is None:
        return refused("sensor.missing", where, "does not say its Datastream", "ask for it by $expand=Datastream")
    start, end = _interval(one.get("phenomenonTime") or one.get("resultTime"))
    if end is None:
        return refused("value.missing", where, "has no phenomenonTime")
    measure = _members(stream.get("unitOfMeasurement"))
    unit = str(measure.get("symbol") or measure.get("name") or "")
    return Row(where=where, sensor=str(sensor), time=end, start=start, value=one["result"], unit=unit)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _members(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _interval(time: Any) -> tuple[str | None, str | None]:
    """Return beginning and end of a TM_Object: an instant has an end alone."""
    if not isinstance(time, str):
        return None, None
    start, slash, end = time.partition("/")
    return (start, end) if slash else (None, time)


def _linked(one: Mapping[str, Any]) -> str | None:
    """Return the id in a navigation link to the Datastream: ``…/Datastreams(7)/…``."""
    for link in ("@iot.selfLink", "Datastream@iot.navigationLink"):
        _, found, rest = str(one.get(link, "")).partition("Datastreams(")
        if found:
            return rest.partition(")")[0].strip("'")
    return None
