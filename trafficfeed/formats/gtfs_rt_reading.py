"""GTFS-Realtime back to the facts that the semantic rules look at, and what its own text demands of a message."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from trafficfeed.findings import Finding, Severity
from trafficfeed.formats.feed_info import utc_text
from trafficfeed.formats.records import Feed, Line, Record, refuse

_PER_DEGREE = 1e5


def read_message(data: bytes) -> Feed:
    """Read a FeedMessage; its alerts are the records, its shapes lines of detours of theirs.

    Raises
    ------
    FeedNonConformant
        If it is no FeedMessage.
    """
    message = parsed(data)
    shapes = {entity.shape.shape_id: entity.shape for entity in message.entity if entity.HasField("shape")}
    detours: dict[str, list[Line]] = {}
    for entity in message.entity:
        if entity.HasField("trip_modifications"):
            for line in _detours(entity, shapes):
                alert = entity.trip_modifications.modifications[0].service_alert_id
                detours.setdefault(alert, []).append(line)
    return Feed(
        standard="gtfs-rt",
        published=("header.timestamp", _text(message.header.timestamp)),
        records=tuple(
            _record(f"entity[{number}]", entity, tuple(detours.get(entity.id, ())))
            for number, entity in enumerate(message.entity)
            if entity.HasField("alert")
        ),
    )


def check_message(data: bytes) -> tuple[Finding, ...]:
    """Return where a FeedMessage breaks what the reference demands: ids, fields that must be there, times in order.

    Raises
    ------
    FeedNonConformant
        If it is no FeedMessage.

    Source: GTFS Realtime reference 2.0, cardinalities of FeedHeader, FeedEntity, Alert, TripModifications.
    """
    message = parsed(data)
    findings = list(_alerts(message)) + list(_modifications(message))
    if not message.header.timestamp:
        findings.append(_finding("header.timestamp", "the header has no timestamp"))
    ids = [entity.id for entity in message.entity]
    findings += [_finding(f"entity {one!r}", "two entities have this id") for one in _repeated(ids)]
    return tuple(findings)


def parsed(data: bytes) -> Any:
    """Return the FeedMessage in `data`; raises FeedNonConformant where there is none."""
    from google.protobuf.message import DecodeError, EncodeError  # type: ignore[import-untyped]
    from google.transit import gtfs_realtime_pb2

    message = gtfs_realtime_pb2.FeedMessage()
    try:
        message.ParseFromString(data)
        if not message.IsInitialized():
            refuse("the message lacks fields that every FeedMessage has")
    except (DecodeError, EncodeError) as error:
        refuse(f"the document is no FeedMessage of GTFS-Realtime ({error})")
    return message


def encoded_polyline(line: Sequence[tuple[float, float]]) -> str:
    """Return lon, lat points as an encoded polyline (latitude first, five decimals).

    Source: Encoded Polyline Algorithm Format, as GTFS Realtime reference, Shape, demands it.
    """
    text, before = "", (0, 0)
    for lon, lat in line:
        at = (round(lat * _PER_DEGREE), round(lon * _PER_DEGREE))
        if at != before:  # what is less than a metre apart may be one point
            text += _encoded(at[0] - before[0]) + _encoded(at[1] - before[1])
        before = at
    return text


def decoded_polyline(text: str) -> tuple[tuple[float, float], ...]:
    """Return the lon, lat points of an encoded polyline; the inverse of `encoded_polyline` to five decimals."""
    numbers, value, shift = [], 0, 0
    for character in text:
        chunk = ord(character) - 63
        value |= (chunk & 0x1F) << shift
        shift += 5
        if chunk < 0x20:
            numbers.append(~(value >> 1) if value & 1 else value >> 1)
            value = shift = 0
    lat = lon = 0
    points = []
    for north, east in zip(numbers[::2], numbers[1::2], strict=False):
        lat, lon = lat + north, lon + east
        points.append((lon / _PER_DEGREE, lat / _PER_DEGREE))
    return tuple(points)


def _encoded(number: int) -> str:
    left = ~(number << 1) if number < 0 else number << 1
    text = ""
    while left >= 0x20:
        text += chr((0x20 | (left & 0x1F)) + 63)
        left >>= 5
    return text + chr(left + 63)


def _record(path: str, entity: Any, detours: tuple[Line, ...]) -> Record:
    alert = entity.alert
    period = alert.active_period[0] if alert.active_period else None
    return Record(
        path=path,
        id=entity.id,
        start=(f"{path}.alert.active_period[0].start", _text(period.start) if period else None),
        end=(f"{path}.alert.active_period[0].end", _text(period.end) if period else None),
        lines=detours,
        kind="Alert",
        description=alert.description_text.translation[0].text if alert.description_text.translation else None,
        languages=tuple(one.language for one in alert.header_text.translation),
    )


def _detours(entity: Any, shapes: dict[str, Any]) -> Iterator[Line]:
    for selected in entity.trip_modifications.selected_trips:
        if selected.shape_id in shapes:
            points = decoded_polyline(shapes[selected.shape_id].encoded_polyline)
            yield Line(path=f"shape {selected.shape_id}", coordinates=points, is_detour=True)


def _alerts(message: Any) -> Iterator[Finding]:
    for entity in message.entity:
        if not entity.HasField("alert"):
            continue
        alert, where = entity.alert, f"entity {entity.id!r}"
        if not alert.informed_entity:
            yield _finding(where, "an alert informs nobody: it has no informed_entity")
        for name in ("header_text", "description_text"):
            if not getattr(alert, name).translation:
                yield _finding(where, f"an alert has no {name}")
        for period in alert.active_period:
            if period.end and period.end <= period.start:
                yield _finding(where, "an active_period ends before it starts")


def _modifications(message: Any) -> Iterator[Finding]:
    """A trip is in one TripModifications a day, and what it refers to is in the message."""
    known = {entity.id for entity in message.entity if entity.HasField("alert")}
    shapes = {entity.shape.shape_id for entity in message.entity if entity.HasField("shape")}
    seen: set[tuple[str, str]] = set()
    for entity in message.entity:
        if not entity.HasField("trip_modifications"):
            continue
        changed, where = entity.trip_modifications, f"entity {entity.id!r}"
        pairs = {(t, d) for s in changed.selected_trips for t in s.trip_ids for d in changed.service_dates}
        if not pairs or not changed.modifications:
            yield _finding(where, "modified trips, their service_dates or the modifications are missing")
        if pairs & seen:
            yield _finding(where, f"a trip is modified twice on a day: {min(pairs & seen)}")
        seen |= pairs
        if any(s.shape_id not in shapes for s in changed.selected_trips):
            yield _finding(where, "it refers to a shape that is not in the message")
        if any(m.service_alert_id not in known for m in changed.modifications):
            yield _finding(where, "it refers to an alert that is not in the message")


def _repeated(ids: Sequence[str]) -> list[str]:
    return sorted({one for one in ids if ids.count(one) > 1}) if len(set(ids)) < len(ids) else []


def _text(posix_s: int) -> str | None:
    return utc_text(datetime.fromtimestamp(posix_s, UTC)) if posix_s else None


def _finding(where: str, message: str) -> Finding:
    return Finding(
        rule="gtfs-rt.reference",
        severity=Severity.ERROR,
        where=where,
        message=message,
        mend="see the reference of GTFS Realtime",
    )
