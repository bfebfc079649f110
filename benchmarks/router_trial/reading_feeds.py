"""What a partner takes from a published feed: lines that are closed, and until when. No ids, no OSM, no names."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

LonLat = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedLine:
    """A line that is closed in the direction of its points: EPSG:4326 lon, lat."""

    coordinates: tuple[LonLat, ...]
    start: datetime
    end: datetime


def closed_lines(data: bytes, standard: str, *, at: datetime) -> list[ClosedLine]:
    """Return the lines that a feed document of `standard` (``cifs``, ``native``) closes at an instant (aware)."""
    return [line for line in READERS[standard](data) if line.start <= at < line.end]


def _read_cifs(data: bytes) -> Iterator[ClosedLine]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    for incident in etree.fromstring(data, parser).iter("incident"):
        if incident.findtext("type") != "ROAD_CLOSED":
            continue
        numbers = [float(word) for word in (incident.findtext(".//polyline") or "").replace(",", " ").split()]
        line = tuple(zip(numbers[1::2], numbers[::2], strict=True))  # CIFS writes latitude first
        times = [datetime.fromisoformat(incident.findtext(name) or "") for name in ("starttime", "endtime")]
        yield ClosedLine(coordinates=line, start=times[0], end=times[1])
        if incident.findtext(".//direction") == "BOTH_DIRECTIONS":
            yield ClosedLine(coordinates=line[::-1], start=times[0], end=times[1])


def _read_native(data: bytes) -> Iterator[ClosedLine]:
    for feature in json.loads(data)["features"]:
        properties = feature["properties"]
        if properties["rule"]["kind"] == "closure" and not properties["cancelled"]:
            yield ClosedLine(
                coordinates=tuple((lon, lat) for lon, lat in feature["geometry"]["coordinates"]),
                start=datetime.fromisoformat(properties["start"]),
                end=datetime.fromisoformat(properties["end"]),
            )


READERS: dict[str, Callable[[bytes], Iterator[ClosedLine]]] = {"cifs": _read_cifs, "native": _read_native}
