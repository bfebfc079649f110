"""Documents back to the few facts that every format has: what the semantic rules look at."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, NoReturn

from trafficfeed.errors import FeedNonConformant
from trafficfeed.findings import Finding, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a record: where it stands in the document, and its coordinates as they are written."""

    path: str
    coordinates: tuple[Any, ...]
    is_detour: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record of a feed as its document says it; texts unparsed, None where absent.

    `times` are the other times it bears, by path. `links` are ids that it refers to, with the kind of relation.
    `compass` is "" where a line has no direction to compare. `native` holds the properties only our own format has.
    """

    path: str
    id: str
    start: tuple[str, Any]
    end: tuple[str, Any]
    times: tuple[tuple[str, Any], ...]
    created: Any
    updated: Any
    lines: tuple[Line, ...]
    compass: str = ""
    kind: str = ""
    links: tuple[tuple[str, str], ...] = ()
    native: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A document: its records, the path and text of its own time, and the bounds it states."""

    published: tuple[str, Any]
    records: tuple[Record, ...]
    bounds: tuple[float, float, float, float] | None = None
    language: str = ""


def is_point(point: Any) -> bool:
    """Tell whether a coordinate as written begins with two finite numbers."""
    return (
        isinstance(point, list | tuple)
        and len(point) >= 2
        and all(isinstance(v, int | float) and not isinstance(v, bool) and isfinite(v) for v in point[:2])
    )


def read_native(data: bytes) -> Feed:
    """Read our own GeoJSON.

    Raises
    ------
    FeedNonConformant
        If it is not JSON of that shape.
    """
    document = _document(data)
    feed = _mapping(document.get("feed"))
    return Feed(
        published=("feed.published", feed.get("published")),
        records=tuple(_native_record(path, feature) for path, feature in _features(document)),
        bounds=_bounds(feed.get("area")),
        language=str(feed.get("language", "")),
    )


def read_wzdx(data: bytes) -> Feed:
    """Read a WZDx WorkZoneFeed.

    Raises
    ------
    FeedNonConformant
        If it is not JSON of that shape.
    """
    document = _document(data)
    feed = _mapping(document.get("feed_info"))
    return Feed(
        published=("feed_info.update_date", feed.get("update_date")),
        records=tuple(_wzdx_record(path, feature) for path, feature in _features(document)),
    )


def _native_record(path: str, feature: Mapping[str, Any]) -> Record:
    properties = _mapping(feature.get("properties"))
    inner, detour = f"{path}.properties", properties.get("detour")
    lines = [Line(path=f"{path}.geometry.coordinates", coordinates=_coordinates(feature.get("geometry")))]
    if detour:
        lines.append(Line(path=f"{inner}.detour.coordinates", coordinates=_coordinates(detour), is_detour=True))
    is_turn = _mapping(properties.get("rule")).get("kind") == "turn_ban"
    return Record(
        path=path,
        id=str(feature.get("id", "")),
        start=(f"{inner}.start", properties.get("start")),
        end=(f"{inner}.end", properties.get("end")),
        times=tuple((f"{inner}.{name}", properties.get(name)) for name in ("created", "updated")),
        created=properties.get("created"),
        updated=properties.get("updated"),
        lines=tuple(lines),
        compass="" if is_turn else str(properties.get("direction", "")),
        native=properties,
    )


def _wzdx_record(path: str, feature: Mapping[str, Any]) -> Record:
    properties = _mapping(feature.get("properties"))
    core, inner = _mapping(properties.get("core_details")), f"{path}.properties"
    kind = str(core.get("event_type", ""))
    line = Line(
        path=f"{path}.geometry.coordinates",
        coordinates=_coordinates(feature.get("geometry")),
        is_detour=kind == "detour",
    )
    times = (("creation_date", core.get("creation_date")), ("update_date", core.get("update_date")))
    related = core.get("related_road_events")
    return Record(
        path=path,
        id=str(feature.get("id", "")),
        start=(f"{inner}.start_date", properties.get("start_date")),
        end=(f"{inner}.end_date", properties.get("end_date")),
        times=tuple((f"{inner}.core_details.{name}", text) for name, text in times if text is not None),
        created=core.get("creation_date"),
        updated=core.get("update_date"),
        lines=(line,),
        compass=str(core.get("direction", "")),
        kind=kind,
        links=tuple((str(link.get("type")), str(link.get("id"))) for link in _items(related)),
    )


def _document(data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        _refuse(f"the document is not JSON ({error})")
    if not isinstance(document, dict) or not isinstance(document.get("features"), list):
        _refuse("the document is not a FeatureCollection")
    return document


def _refuse(message: str) -> NoReturn:
    finding = Finding(
        rule="document.shape", severity=Severity.ERROR, message=message, mend="write it with the format's encoder"
    )
    raise FeedNonConformant(message, [finding]) from None


def _features(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, feature in enumerate(document["features"]):
        yield f"features[{number}]", _mapping(feature)


def _bounds(area: Any) -> tuple[float, float, float, float] | None:
    if isinstance(area, list) and len(area) == 4 and is_point(area[:2]) and is_point(area[2:]):
        return area[0], area[1], area[2], area[3]
    return None


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _coordinates(geometry: Any) -> tuple[Any, ...]:
    found = _mapping(geometry).get("coordinates")
    return tuple(found) if isinstance(found, list) else ()
