"""Where a DATEX II record holds: the whole shape, OpenLR where there is one, road names, carriageway and lanes."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from math import cos, hypot, radians

from trafficfeed.closures.orders import TurnBan
from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.formats.datex2_xml import Element, add, add_texts, add_typed

_OPENLR_SYSTEM = "OpenLR 1.5 binary, version 3, base64"
_EARTH_M_PER_DEGREE = 111_195.0


def add_location(record: Element, event: RoadEvent) -> None:
    """Append the location of `event`: its line in the direction of travel, and the road in words."""
    location = add_typed(record, "sit:locationReference", "loc:LinearLocation")
    if event.openlr is not None:
        reference = add(location, "loc:externalReferencing")
        add(reference, "loc:externalLocationCode", event.openlr)
        add(reference, "loc:externalReferencingSystem", _OPENLR_SYSTEM)
    _add_road(location, event)
    if event.openlr is not None:
        _add_openlr(location, event.openlr)
    add_line(location, event.coordinates)


def add_line(location: Element, coordinates: Sequence[tuple[float, float]]) -> None:
    """Append lon, lat `coordinates` as a ``gmlLineString``: latitude first, seven decimals (1 cm).

    Source: DATEX II 3.5, GmlLineString.posList ("typical form is space-separated pairs of latitude and longitude");
    EPSG:4326 has the latitude as its first axis; NDW's profile, gmlLineString, says the same.
    """
    line = add(location, "loc:gmlLineString", srsName="EPSG:4326")
    # not by `add`: a line may be longer than the longest string
    add(line, "loc:posList").text = " ".join(f"{lat:.7f} {lon:.7f}" for lon, lat in coordinates)


def _add_road(location: Element, event: RoadEvent) -> None:
    road = add(location, "loc:supplementaryPositionalDescription")
    add(road, "loc:lengthAffected", f"{_length_m(event):.1f}")
    if words := _words(event):
        add_texts(road, "loc:locationDescription", {"": words})
    is_turn = isinstance(event.rule, TurnBan)
    if not is_turn and event.lanes_total > 0:
        carriageway = add(road, "loc:carriageway")
        add(carriageway, "loc:carriageway", "mainCarriageway")
        add(carriageway, "loc:originalNumberOfLanes", event.lanes_total)
        for number in sorted(event.lanes_closed):
            add(add(carriageway, "loc:lane"), "loc:laneNumber", number)  # both count from the verge
    for name in dict.fromkeys((event.street, event.to_street) if is_turn else (event.street,)):
        if name:
            add(add(road, "loc:roadInformation"), "loc:roadName", name)


def _words(event: RoadEvent) -> str:
    """Return the place in names alone, which are the same in every language: ``High Street: Abbey Row → Ring Road``."""
    if isinstance(event.rule, TurnBan):
        return " → ".join(name for name in (event.street, event.to_street) if name)
    ends = " → ".join(name for name in (event.from_street, event.to_street) if name)
    return ": ".join(part for part in (event.street, ends) if part)


def _length_m(event: RoadEvent) -> float:
    if event.segments and all(segment.length_m > 0 for segment in event.segments):
        return sum(segment.length_m for segment in event.segments)
    return _line_length_m(event.coordinates)


def _line_length_m(line: Sequence[tuple[float, float]]) -> float:
    """Return the length of a lon, lat line on a sphere, m; good to 0.5 % for lines within a city."""
    return sum(
        _EARTH_M_PER_DEGREE * hypot((b[0] - a[0]) * cos(radians((a[1] + b[1]) / 2)), b[1] - a[1])
        for a, b in pairwise(line)
    )


def _add_openlr(location: Element, reference: str) -> None:
    """Append the binary reference taken apart, since the standard has no place for the bytes.

    Source: DATEX II 3.5, OpenlrLinear; OpenLR White Paper 1.5, 5.2. Offsets are shares of a leg in the binary form and
    metres here.
    """
    points, offsets = _decoded(reference)
    line = add(add(location, "loc:openlrLinear"), "loc:firstDirection")
    for at, (lat, lon, frc, fow, bearing, lowest_frc, distance) in enumerate(points):
        is_last = at == len(points) - 1
        name = "loc:openlrLastLocationReferencePoint" if is_last else "loc:openlrLocationReferencePoint"
        point = add(line, name)
        coordinates = add(point, "loc:openlrCoordinates")
        add(coordinates, "loc:latitude", f"{lat:.7f}")
        add(coordinates, "loc:longitude", f"{lon:.7f}")
        attributes = add(point, "loc:openlrLineAttributes")
        add(attributes, "loc:openlrFunctionalRoadClass", f"frc{frc}")
        add(attributes, "loc:openlrFormOfWay", fow)
        add(attributes, "loc:openlrBearing", bearing)
        if not is_last:
            path = add(point, "loc:openlrPathAttributes")
            add(path, "loc:openlrLowestFrcToNextLRPoint", f"frc{lowest_frc}")
            add(path, "loc:openlrDistanceToNextLRPoint", distance)
    if any(offsets):
        trimmed = add(line, "loc:openlrOffsets")
        for name, metres in zip(("Positive", "Negative"), offsets, strict=True):
            if metres:
                add(trimmed, f"loc:openlr{name}Offset", metres)


_FORMS = (
    "undefined",
    "motorway",
    "multipleCarriageway",
    "singleCarriageway",
    "roundabout",
    "trafficSquare",
    "slipRoad",
    "other",
)


@lru_cache(maxsize=10_000)
def _decoded(reference: str) -> tuple[tuple[tuple[float, float, int, str, int, int, int], ...], tuple[int, int]]:
    """Return lat, lon, class, form, bearing, lowest class, distance of each point, and the offsets in metres."""
    from openlr import binary_decode  # type: ignore[import-untyped]  # lazily: a check must answer at once

    line = binary_decode(reference)
    points = tuple(
        (p.lat, p.lon, int(p.frc), _FORMS[int(p.fow)], int(p.bear) % 360, int(p.lfrcnp), int(p.dnp))
        for p in line.points
    )
    return points, (round(line.poffs * line.points[0].dnp), round(line.noffs * line.points[-2].dnp))
