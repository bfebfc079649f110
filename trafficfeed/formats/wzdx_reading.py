"""A WZDx document back to the facts that the semantic rules look at."""

from collections.abc import Mapping
from typing import Any

from trafficfeed.formats.json_reading import coordinates, features, mapping, objects, read_collection, text
from trafficfeed.formats.records import Feed, LaneState, Line, Record, Shape


def read_wzdx(data: bytes) -> Feed:
    """Read a WZDx WorkZoneFeed, version 4.

    Raises
    ------
    FeedNonConformant
        If it is not JSON of that shape.
    """
    document = read_collection(data)
    feed = mapping(document.get("feed_info"))
    return Feed(
        standard="wzdx",
        published=("feed_info.update_date", feed.get("update_date")),
        records=tuple(_record(path, feature) for path, feature in features(document)),
    )


def _record(path: str, feature: Mapping[str, Any]) -> Record:
    properties = mapping(feature.get("properties"))
    core, inner = mapping(properties.get("core_details")), f"{path}.properties"
    names = core.get("road_names")
    dates = ("creation_date", "update_date")
    impact, related = text(properties.get("vehicle_impact")), objects(core.get("related_road_events"))
    return Record(
        path=path,
        id=text(feature.get("id")),
        start=(f"{inner}.start_date", properties.get("start_date")),
        end=(f"{inner}.end_date", properties.get("end_date")),
        times=tuple((f"{inner}.core_details.{name}", core[name]) for name in dates if core.get(name) is not None),
        created=core.get("creation_date"),
        updated=core.get("update_date"),
        lines=(_line(path, feature, is_detour=core.get("event_type") == "detour"),),
        compass=text(core.get("direction")),
        kind=text(core.get("event_type")),
        closes=impact == "all-lanes-closed",
        street=text(names[0]) if isinstance(names, list) and names else None,
        impact=impact,
        lanes=tuple(
            LaneState(
                path=f"{inner}.lanes[{at}].order",
                number=lane.get("order"),
                closed=lane.get("status") == "closed",
                kind=text(lane.get("type")),
            )
            for at, lane in enumerate(objects(properties.get("lanes")))
        ),
        links=tuple((text(link.get("type")), text(link.get("id"))) for link in related),
    )


def _line(path: str, feature: Mapping[str, Any], *, is_detour: bool) -> Line:
    geometry = mapping(feature.get("geometry"))
    return Line(
        path=f"{path}.geometry.coordinates",
        coordinates=coordinates(geometry),
        is_detour=is_detour,
        shape=Shape.POINTS if geometry.get("type") in ("MultiPoint", "Point") else Shape.LINE,
    )
