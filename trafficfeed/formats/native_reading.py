"""Our own GeoJSON back to the facts that the semantic rules look at."""

from collections.abc import Mapping
from typing import Any

from trafficfeed.formats.json_reading import coordinates, features, mapping, objects, read_collection, text
from trafficfeed.formats.records import Feed, LaneState, Line, Record, is_point


def read_native(data: bytes) -> Feed:
    """Read our own GeoJSON.

    Raises
    ------
    FeedNonConformant
        If it is not JSON of that shape.
    """
    document = read_collection(data)
    feed = mapping(document.get("feed"))
    return Feed(
        standard="native",
        published=("feed.published", feed.get("published")),
        records=tuple(_record(path, feature) for path, feature in features(document)),
        bounds=_bounds(feed.get("area")),
        language=text(feed.get("language")),
        datum=text(feed.get("datum")) or "wgs84",
        tombstones=tuple((text(gone.get("id")), gone.get("at")) for gone in objects(feed.get("tombstones"))),
    )


def _record(path: str, feature: Mapping[str, Any]) -> Record:
    properties = mapping(feature.get("properties"))
    rule, order, title, water = (mapping(properties.get(name)) for name in ("rule", "order", "title", "water"))
    inner = f"{path}.properties"
    return Record(
        path=path,
        id=text(feature.get("id")),
        start=(f"{inner}.start", properties.get("start")),
        end=(f"{inner}.end", properties.get("end")),
        times=tuple((f"{inner}.{name}", properties.get(name)) for name in ("created", "updated")),
        created=properties.get("created"),
        updated=properties.get("updated"),
        lines=tuple(_lines(path, feature, properties)),
        compass="" if rule.get("kind") == "turn_ban" else text(properties.get("direction")),
        kind=text(rule.get("kind")),
        closes=rule.get("kind") == "closure",
        street=text(properties.get("street")) or None,  # many a street has no name
        lanes=_lanes(inner, mapping(properties.get("lanes"))),
        lanes_total=_count(mapping(properties.get("lanes")).get("total")),
        group=text(order.get("id")),
        version=(f"{inner}.order.version", order.get("version")),
        cancelled=properties.get("cancelled") is True,
        languages=tuple(title),
        depth=(f"{inner}.water.depth_m", water.get("depth_m")) if water else None,
        native=properties,
    )


def _lines(path: str, feature: Mapping[str, Any], properties: Mapping[str, Any]) -> list[Line]:
    lines = [Line(path=f"{path}.geometry.coordinates", coordinates=coordinates(feature.get("geometry")))]
    if detour := properties.get("detour"):
        where = f"{path}.properties.detour.coordinates"
        lines.append(Line(path=where, coordinates=coordinates(detour), is_detour=True))
    return lines


def _lanes(inner: str, lanes: Mapping[str, Any]) -> tuple[LaneState, ...]:
    closed = lanes.get("closed")
    numbers = closed if isinstance(closed, list) else []
    return tuple(
        LaneState(path=f"{inner}.lanes.closed[{at}]", number=number, closed=True) for at, number in enumerate(numbers)
    )


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _bounds(area: Any) -> tuple[float, float, float, float] | None:
    if isinstance(area, list) and len(area) == 4 and is_point(area[:2]) and is_point(area[2:]):
        return area[0], area[1], area[2], area[3]
    return None
