"""An RSI document back to the facts that the semantic rules look at: every message is decoded."""

from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any

from trafficfeed.formats.asn1 import codec
from trafficfeed.formats.json_reading import mapping, objects, read_json, text
from trafficfeed.formats.records import Feed, Line, Record, refuse

_SCALE = 1e7


def read_rsi(data: bytes) -> Feed:
    """Read our JSON document of RSI messages.

    Raises
    ------
    FeedNonConformant
        If it is not JSON of that shape.
    """
    document = read_json(data)
    if not isinstance(document.get("messages"), list):
        refuse("the document has no list of messages")
    area = document.get("area")
    return Feed(
        standard="rsi",
        published=("published", document.get("published")),
        records=tuple(_record(f"messages[{at}]", mapping(one)) for at, one in enumerate(document["messages"])),
        bounds=(area[0], area[1], area[2], area[3]) if isinstance(area, list) and len(area) == 4 else None,
        tombstones=tuple((text(gone.get("id")), gone.get("at")) for gone in objects(document.get("tombstones"))),
    )


def decode(uper: bytes) -> dict[str, Any]:
    """Return the RoadSideInformation in a message frame as asn1tools gives it.

    Raises
    ------
    ValueError
        If the bytes are no frame of that kind.
    """
    from asn1tools import DecodeError  # type: ignore[import-untyped]

    try:
        kind, content = codec("rsi").decode("MessageFrame", uper)
    except DecodeError as error:
        raise ValueError(f"no message frame: {error}") from error
    if kind != "rsiFrame":
        raise ValueError(f"a {kind}, not an rsiFrame")
    found: dict[str, Any] = content
    return found


def points_of(rsi: Mapping[str, Any]) -> tuple[tuple[float, float], ...]:
    """Return the line of the first event, lon, lat, degrees: its paths put together again."""
    paths = rsi["rtes"][0].get("referencePaths", []) if rsi.get("rtes") else []
    points: list[tuple[float, float]] = []
    for path in paths:
        found = [_degrees(point["offsetLL"], rsi["refPos"]) for point in path["activePath"]]
        points += found[1:] if points and found[:1] == points[-1:] else found
    return tuple(points)


def _record(path: str, message: Mapping[str, Any]) -> Record:
    return Record(
        path=path,
        id=text(message.get("id")),
        start=(f"{path}.start", message.get("start")),
        end=(f"{path}.end", message.get("end")),
        lines=tuple(_lines(path, message)),
        kind=text(message.get("event_type")),
        version=(f"{path}.version", message.get("version")),
        group=text(message.get("record")),
    )


def _lines(path: str, message: Mapping[str, Any]) -> Iterator[Line]:
    try:
        points: tuple[Any, ...] = points_of(decode(b64decode(text(message.get("uper")), validate=True)))
    except ValueError as error:
        points = (str(error),)
    yield Line(path=f"{path}.uper", coordinates=points)


def _degrees(offset: tuple[str, Mapping[str, int]], reference: Mapping[str, int]) -> tuple[float, float]:
    name, value = offset
    if name == "position-LatLon":
        return value["lon"] / _SCALE, value["lat"] / _SCALE
    return (reference["long"] + value["lon"]) / _SCALE, (reference["lat"] + value["lat"]) / _SCALE
