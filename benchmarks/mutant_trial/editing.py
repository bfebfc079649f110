"""One record of a document of any standard, opened for a change: its line, its times, itself."""

import json
from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Protocol

from lxml import etree

LonLat = tuple[float, float]
_DECIMALS = 7
_DATEX = {
    "sit": "http://datex2.eu/schema/3/situation",
    "com": "http://datex2.eu/schema/3/common",
    "loc": "http://datex2.eu/schema/3/locationReferencing",
}
_CAP = {"cap": "urn:oasis:names:tc:emergency:cap:1.2", "atom": "http://www.w3.org/2005/Atom"}


class Editor(Protocol):
    """A document with one of its records open. Lines are lon, lat; times are texts."""

    line: list[LonLat]
    start: str
    end: str

    def write_line(self, line: Sequence[LonLat], decimals: int = _DECIMALS) -> None:
        """Put another line, lon, lat, in the record's place for it."""

    def write_times(self, *, start: str | None = None, end: str | None = None) -> None:
        """Put other times."""

    def duplicate(self) -> None:
        """Put the record in a second time."""

    def drop(self) -> None:
        """Take the record out."""

    def data(self) -> bytes:
        """Return the document."""


class GeoJson:
    """A feature of native GeoJSON or WZDx."""

    def __init__(self, data: bytes, record_id: str, *, start: str, end: str) -> None:
        self._document: dict[str, Any] = json.loads(data)
        self._feature = next(f for f in self._document["features"] if f["id"] == record_id)
        self._names = start, end
        self.line = [(lon, lat) for lon, lat, *_ in self._feature["geometry"]["coordinates"]]
        self.start, self.end = (self._feature["properties"][name] for name in self._names)

    def write_line(self, line: Sequence[LonLat], decimals: int = _DECIMALS) -> None:  # noqa: D102
        self._feature["geometry"]["coordinates"] = [[round(x, decimals), round(y, decimals)] for x, y in line]

    def write_times(self, *, start: str | None = None, end: str | None = None) -> None:  # noqa: D102
        for name, text in zip(self._names, (start, end), strict=True):
            if text is not None:
                self._feature["properties"][name] = text

    def duplicate(self) -> None:  # noqa: D102
        self._document["features"].append(deepcopy(self._feature))

    def drop(self) -> None:  # noqa: D102
        self._document["features"].remove(self._feature)

    def data(self) -> bytes:  # noqa: D102
        return json.dumps(self._document).encode()


class CifsJson:
    """An incident of Waze's JSON."""

    def __init__(self, data: bytes, record_id: str) -> None:
        self._document: dict[str, Any] = json.loads(data)
        self._item = next(i for i in self._document["incidents"] if i["incident"]["id"] == record_id)
        self._incident = self._item["incident"]
        self.line = _points(self._incident["polyline"])
        self.start, self.end = self._incident["starttime"], self._incident["endtime"]

    def write_line(self, line: Sequence[LonLat], decimals: int = _DECIMALS) -> None:  # noqa: D102
        self._incident["polyline"] = _text(line, decimals)

    def write_times(self, *, start: str | None = None, end: str | None = None) -> None:  # noqa: D102
        self._incident |= {k: v for k, v in (("starttime", start), ("endtime", end)) if v is not None}

    def duplicate(self) -> None:  # noqa: D102
        self._document["incidents"].append(deepcopy(self._item))

    def drop(self) -> None:  # noqa: D102
        self._document["incidents"].remove(self._item)

    def data(self) -> bytes:  # noqa: D102
        return json.dumps(self._document).encode()


class Xml:
    """An element of CIFS, DATEX II or CAP; `places` are where the line, the start and the end stand in it."""

    def __init__(self, data: bytes, record: str, places: tuple[str, str, str], names: dict[str, str]) -> None:
        self._root = etree.fromstring(data)
        self._record = self._root.xpath(record, namespaces=names)[0]
        line, start, end = (self._record.find(place, names) for place in places)
        assert line is not None and start is not None and end is not None
        self._line, self._times = line, (start, end)
        self._pair = "," if "," in (line.text or "") else " "
        self.line = _points((line.text or "").replace(",", " "))
        self.start, self.end = (time.text or "" for time in self._times)

    def write_line(self, line: Sequence[LonLat], decimals: int = _DECIMALS) -> None:  # noqa: D102
        self._line.text = _text(line, decimals, self._pair)

    def write_times(self, *, start: str | None = None, end: str | None = None) -> None:  # noqa: D102
        for element, text in zip(self._times, (start, end), strict=True):
            if text is not None:
                element.text = text

    def duplicate(self) -> None:  # noqa: D102
        self._record.addnext(deepcopy(self._record))

    def drop(self) -> None:  # noqa: D102
        parent = self._record.getparent()
        assert parent is not None
        parent.remove(self._record)

    def data(self) -> bytes:  # noqa: D102
        return etree.tostring(self._root, encoding="UTF-8", xml_declaration=True)


def editor(standard: str, data: bytes, record_id: str) -> Editor:
    """Return a document with the record called `record_id` open."""
    if standard == "native":
        return GeoJson(data, record_id, start="start", end="end")
    if standard == "wzdx":
        return GeoJson(data, record_id, start="start_date", end="end_date")
    if standard == "cifs-json":
        return CifsJson(data, record_id)
    if standard == "cifs":
        return Xml(data, f"incident[@id='{record_id}']", ("polyline", "starttime", "endtime"), {})
    if standard == "datex2":
        spec = "sit:validity/com:validityTimeSpecification"
        places = (".//loc:gmlLineString/loc:posList", f"{spec}/com:overallStartTime", f"{spec}/com:overallEndTime")
        return Xml(data, f"//sit:situationRecord[@id='{record_id}']", places, _DATEX)
    places = ("cap:info/cap:area/cap:polygon", "cap:info/cap:onset", "cap:info/cap:expires")
    return Xml(data, f"//atom:entry//cap:alert[cap:identifier='{record_id}']", places, _CAP)


def _points(text: str) -> list[LonLat]:
    numbers = [float(word) for word in text.split()]
    return list(zip(numbers[1::2], numbers[::2], strict=True))


def _text(line: Sequence[LonLat], decimals: int, pair: str = " ") -> str:
    return " ".join(f"{lat:.{decimals}f}{pair}{lon:.{decimals}f}" for lon, lat in line)
