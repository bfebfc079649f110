"""Places from OSM or GeoJSON, each tied to the edge from which a car reaches it."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from trafficfeed.errors import SourceMalformed, SourceUnavailable
from trafficfeed.network.osm import PlaceSource
from trafficfeed.network.places import PlaceKind, Places
from trafficfeed.network.reachability import reach
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.vehicle_classes import VehicleClass

NAMED_WITHIN_M = 300.0  # how far a house may stand from the street of its address
NEAREST_WITHIN_M = 150.0  # how far anything else may stand from a street
_SIDE_M = 0.01  # edges this much farther than the nearest lie on the same line
_AMENITIES = {
    "hospital": PlaceKind.HOSPITAL,
    "fire_station": PlaceKind.FIRE_STATION,
    "parking": PlaceKind.CAR_PARK,
    "parking_entrance": PlaceKind.CAR_PARK,
}
# bays along a street are part of the street, not a place to reach
_KERB_PARKING = frozenset({"street_side", "lane", "on_kerb", "half_on_kerb", "shoulder"})
_NOUN = {PlaceKind.HOSPITAL: "hospital", PlaceKind.FIRE_STATION: "fire station", PlaceKind.CAR_PARK: "car park"}


def no_places() -> Places:
    """Return no place at all."""
    return Places(kind=(), label=(), osm_id=(), lonlat=np.zeros((0, 2)), edge=np.zeros(0, dtype=np.int32))


def places_of(sources: Sequence[PlaceSource], graph: RoadGraph, *, crs: str, left_hand: bool = False) -> Places:
    """Return the places among OSM objects, each with the edge from which a car reaches it.

    Parameters
    ----------
    sources
        Objects with their tags; those that are no place are passed over.
    graph
        The road graph.
    crs
        The city's metric CRS, in which distances are measured.
    left_hand
        Whether traffic keeps left: of two edges on one line, the one with the place on its near side is taken.
    """
    rows = [(kind, source) for source in sources if (kind := kind_of(source.tags)) is not None]
    if not rows:
        return no_places()
    lonlat = np.array([source.lonlat for _, source in rows], dtype=np.float64)
    streets = [_street(source.tags) for _, source in rows]
    return Places(
        kind=[kind for kind, _ in rows],
        label=[label_of(kind, source) for kind, source in rows],
        osm_id=[source.osm_id for _, source in rows],
        lonlat=lonlat,
        edge=_Kerb(graph, crs=crs, left_hand=left_hand).edges_for(lonlat, streets),
    )


def read_places(path: Path) -> list[PlaceSource]:
    """Read places from GeoJSON: features with a `kind` (address, hospital, fire_station, car_park) and a `label`.

    OSM tags (``amenity``, ``addr:street``, ``addr:housenumber``, ``name``) are taken as well. Coordinates are
    EPSG:4326 lon, lat; of a line or an area a point on it is taken.

    Raises
    ------
    SourceUnavailable
        If the file is not there.
    SourceMalformed
        If it is not GeoJSON.
    """
    if not path.is_file():
        raise SourceUnavailable(f"{path} is not there: give a GeoJSON file of places")
    try:
        features = json.loads(path.read_text("utf-8"))["features"]
        return [_from_feature(number, feature) for number, feature in enumerate(features)]
    except (ValueError, KeyError, TypeError, AttributeError, shapely.errors.ShapelyError) as error:
        raise SourceMalformed(f"{path} is not a GeoJSON FeatureCollection of places: {error!r}") from error


def kind_of(tags: Mapping[str, str]) -> PlaceKind | None:
    """Return what kind of place an OSM object is, None where it is none."""
    if tags.get("amenity") == "parking" and tags.get("parking") in _KERB_PARKING:
        return PlaceKind.ADDRESS if "addr:housenumber" in tags else None
    amenity = _AMENITIES.get(tags.get("amenity", ""))
    return amenity or (PlaceKind.ADDRESS if "addr:housenumber" in tags else None)


def label_of(kind: PlaceKind, source: PlaceSource) -> str:
    """Return a label that a person knows: the address, the name, or what and where it is."""
    street, number = _street(source.tags), source.tags.get("addr:housenumber", "")
    address = " ".join(part for part in (street, number) if part)
    if kind is PlaceKind.ADDRESS:
        return address
    noun = _NOUN[kind]
    return source.tags.get("name") or (f"{noun}, {address}" if address else f"{noun} ({source.osm_id})")


class _Kerb:
    """Finds the edge in front of a place, by street name first."""

    def __init__(self, graph: RoadGraph, *, crs: str, left_hand: bool) -> None:
        self.to_metric = pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform
        self.side = -1.0 if left_hand else 1.0
        reached = reach(graph, VehicleClass.PASSENGER).core
        open_edges = np.flatnonzero(reached if reached.any() else graph.access & VehicleClass.PASSENGER.bit)
        self.edges = open_edges.astype(np.int32)
        self.lines = shapely.transform(graph.geometry[open_edges], self._plane)
        self.by_street: dict[str, list[int]] = {}
        for row, edge in enumerate(open_edges.tolist()):
            if graph.names[edge]:
                self.by_street.setdefault(_folded(graph.names[edge]), []).append(row)

    def _plane(self, lonlat: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack(self.to_metric(lonlat[:, 0], lonlat[:, 1]))

    def edges_for(self, lonlat: npt.NDArray[np.float64], streets: Sequence[str]) -> npt.NDArray[np.int32]:
        """Return the edge of each place, -1 where none is near."""
        points = np.asarray(shapely.points(self._plane(lonlat)))
        found = np.full(len(lonlat), -1, dtype=np.int32)
        by_street: dict[str, list[int]] = {}
        for place, street in enumerate(streets):
            by_street.setdefault(_folded(street), []).append(place)
        for street, of_street in by_street.items():
            rows = self.by_street.get(street) if street else None
            if rows:
                self._nearest(points, np.array(of_street), np.array(rows), NAMED_WITHIN_M, found)
        rest = np.flatnonzero(found < 0)
        self._nearest(points, rest, np.arange(len(self.edges)), NEAREST_WITHIN_M, found)
        return found

    def _nearest(
        self,
        points: npt.NDArray[np.object_],
        places: npt.NDArray[np.intp],
        rows: npt.NDArray[np.intp],
        within_m: float,
        found: npt.NDArray[np.int32],
    ) -> None:
        if not len(places) or not len(rows):
            return
        tree = shapely.STRtree(self.lines[rows])
        (near_any, _), least_m = tree.query_nearest(
            points[places], max_distance=within_m, all_matches=False, return_distance=True
        )
        which, near = tree.query(points[places[near_any]], predicate="dwithin", distance=least_m + _SIDE_M)
        which, near = near_any[which], rows[near]
        far_side = self.side * _left_of(self.lines[near], points[places[which]]) > 0
        order = np.lexsort((near, far_side, which))
        first = order[np.unique(which[order], return_index=True)[1]]
        found[places[which[first]]] = self.edges[near[first]]


def _left_of(lines: npt.NDArray[np.object_], points: npt.NDArray[np.object_]) -> npt.NDArray[np.float64]:
    """Return the cross product of the line's direction near the point with the way to the point: above 0 is left."""
    along = shapely.line_locate_point(lines, points)
    length = shapely.length(lines)
    a = shapely.get_coordinates(shapely.line_interpolate_point(lines, np.maximum(along - 1.0, 0.0)))
    b = shapely.get_coordinates(shapely.line_interpolate_point(lines, np.minimum(along + 1.0, length)))
    p = shapely.get_coordinates(points)
    return np.asarray((b[:, 0] - a[:, 0]) * (p[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (p[:, 0] - a[:, 0]))


def _street(tags: Mapping[str, str]) -> str:
    return tags.get("addr:street") or tags.get("addr:place") or ""


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())


def _from_feature(number: int, feature: Mapping[str, object]) -> PlaceSource:
    geometry = shapely.from_geojson(json.dumps(feature["geometry"]))
    point = geometry.representative_point()
    properties = feature.get("properties") or {}
    if not isinstance(properties, Mapping):
        raise TypeError("properties is no object")
    tags = {str(key): str(value) for key, value in properties.items() if value is not None}
    tags |= dict(_tags_of_kind(tags))
    return PlaceSource(
        osm_id=str(feature.get("id") or tags.get("id") or f"feature/{number}"), tags=tags, lonlat=(point.x, point.y)
    )


def _tags_of_kind(tags: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    kind, label = tags.get("kind"), tags.get("label", "")
    amenities: Iterable[tuple[str, PlaceKind]] = reversed(_AMENITIES.items())
    for amenity, of_kind in amenities:
        if kind == of_kind.value:
            yield "amenity", amenity
    if label:
        yield "name", label
        if kind == PlaceKind.ADDRESS.value:
            yield "addr:housenumber", label
