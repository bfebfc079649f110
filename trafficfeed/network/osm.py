"""OSM extracts (PBF or XML) read by pyosmium: the roads, what hangs on them, and the roads alone for netconvert."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import osmium

from trafficfeed.errors import ScenarioInvalid, SourceMalformed, SourceUnavailable
from trafficfeed.network.osm_access import one_way
from trafficfeed.network.osm_lanes import lane_tags
from trafficfeed.network.osm_types import RoadTypes

LonLat = tuple[float, float]
Tags = dict[str, str]

_ROADS = frozenset(
    {"motorway", "trunk", "primary", "secondary", "tertiary"}
    | {"motorway_link", "trunk_link", "primary_link", "secondary_link", "tertiary_link"}
    | {"unclassified", "residential", "living_street", "service", "road", "busway", "bus_guideway"}
)
# footways, squares and tracks count as roads only where a tag lets a motor vehicle in
_OPENED = frozenset({"pedestrian", "track", "footway", "path", "cycleway"})
_OPENING_KEYS = ("motor_vehicle", "motorcar", "vehicle", "bus", "psv", "taxi", "hgv", "goods")
_OPENING_VALUES = frozenset(
    {"yes", "designated", "permissive", "official", "destination", "delivery", "private", "permit"}
)
# what netconvert reads of a node
_NODE_KEYS = ("highway", "crossing", "traffic_signals", "traffic_signals:direction", "direction")
# what netconvert reads of a way and we do not say by its type; with ``:forward``, ``:lanes`` and the like
_WAY_KEYS = frozenset({"oneway", "junction", "lanes", "maxspeed", "zone", "layer", "turn", "change", "busway"})
_PLACE_AMENITIES = ("hospital", "fire_station", "parking", "parking_entrance")
_PLACE_KEYS = ("addr:housenumber", "amenity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A stretch of an OSM way whose nodes are all in the extract.

    `key` is the id under which netconvert sees it: the way's own, or a new one where the extract's edge cuts a way
    into several stretches. `nodes` run in the way's own direction.
    """

    key: int
    way_id: int
    nodes: tuple[int, ...]
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceSource:
    """An OSM object that may be a place: "node/1", "way/2" or "relation/3", with its tags and a point on it."""

    osm_id: str
    tags: Mapping[str, str]
    lonlat: LonLat


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """What trafficfeed takes from an OSM extract.

    Attributes
    ----------
    ways
        The roads by `Way.key`.
    nodes
        EPSG:4326 lon, lat of the nodes of `ways`.
    node_tags
        The tags of those nodes that netconvert reads.
    restrictions
        Whole turn restrictions: relation id, tags, members as (type, ref, role).
    places
        Objects that may be places.
    fringe
        Nodes at which a road leaves the extract.
    left_out
        Ways by their ``highway`` value that are no roads for motor vehicles.
    cut_ways, lost_ways, cut_restrictions
        How many roads leave the extract, how many have fewer than two nodes in it, and how many turn restrictions
        have members outside.
    """

    ways: Mapping[int, Way]
    nodes: Mapping[int, LonLat]
    node_tags: Mapping[int, Tags]
    restrictions: Sequence[tuple[int, Tags, list[tuple[str, int, str]]]]
    places: Sequence[PlaceSource]
    fringe: Collection[int]
    left_out: Mapping[str, int] = field(default_factory=dict)
    cut_ways: int = 0
    lost_ways: int = 0
    cut_restrictions: int = 0


def is_road(tags: Mapping[str, str]) -> bool:
    """Return whether an OSM way is a road that some motor vehicle may use."""
    highway = tags.get("highway", "")
    if tags.get("area") == "yes":
        return False
    if highway in _ROADS:
        return True
    return highway in _OPENED and any(tags.get(key) in _OPENING_VALUES for key in _OPENING_KEYS)


def read_extract(path: Path) -> Extract:
    """Read the roads and the places of an OSM extract.

    Parameters
    ----------
    path
        ``.osm.pbf``, ``.osm``, or either compressed; told apart by content, not by name.

    Raises
    ------
    SourceUnavailable
        If the file is not there.
    SourceMalformed
        If it is not OSM, or is cut short.
    ScenarioInvalid
        If it holds no road.
    """
    source = _file(path)
    try:
        raw = _Raw(source)
        raw.read_ways()
        raw.read_nodes()
    except (RuntimeError, ValueError, osmium.InvalidLocationError) as error:
        raise SourceMalformed(
            f"{path} cannot be read as OSM data ({error}): give a whole .osm.pbf or .osm extract"
        ) from error
    extract = raw.extract()
    if not extract.ways:
        raise ScenarioInvalid(
            f"{path} holds no road for motor vehicles ({raw.way_count} ways seen): give an extract with streets"
        )
    return extract


def write_roads(extract: Extract, path: Path, types: RoadTypes, *, left_hand: bool = False) -> None:
    """Write the roads of `extract` as the OSM XML that netconvert reads; `path` ends in ``.osm`` and is replaced.

    Each way goes under the type that `types` chooses for it, and without the tags that netconvert would read otherwise.
    """
    mutable = osmium.osm.mutable
    with osmium.SimpleWriter(str(path), overwrite=True) as writer:
        for node, lonlat in extract.nodes.items():
            writer.add_node(mutable.Node(id=node, location=lonlat, tags=extract.node_tags.get(node, {})))
        for way in extract.ways.values():
            highway = types.highway_for(way.tags)
            if highway is not None:
                tags = {key: value for key, value in way.tags.items() if _is_read(key)}
                tags |= lane_tags(way.tags, left_hand=left_hand)
                tags |= {"oneway": value} if (value := one_way(way.tags)) else {}
                tags |= {"highway": highway, "name": way.tags.get("name") or way.tags.get("ref", "")}
                writer.add_way(mutable.Way(id=way.key, nodes=way.nodes, tags=tags))
        for relation, tags, members in extract.restrictions:
            writer.add_relation(mutable.Relation(id=relation, members=members, tags=tags))


class _Raw:
    """The passes over the file: ways and relations first, then only the nodes that they need."""

    def __init__(self, source: osmium.io.File) -> None:
        self.source = source
        self.way_count = 0
        self.roads: dict[int, tuple[tuple[int, ...], Tags]] = {}
        self.left_out: Counter[str] = Counter()
        self.restrictions: list[tuple[int, Tags, list[tuple[str, int, str]]]] = []
        self.place_ways: dict[int, tuple[int, Tags]] = {}  # way → a node of it, tags
        self.place_relations: dict[int, tuple[int, Tags]] = {}  # relation → a member way, tags
        self.place_nodes: dict[int, tuple[LonLat, Tags]] = {}
        self.first_node: dict[int, int] = {}
        self.lonlat: dict[int, LonLat] = {}
        self.node_tags: dict[int, Tags] = {}

    def read_ways(self) -> None:
        for item in self._pass(osmium.osm.WAY | osmium.osm.RELATION, ("highway", "type", *_PLACE_KEYS)):
            tags = dict(item.tags)
            if item.is_way():
                self._way(item, tags)
            elif tags.get("type", "").startswith("restriction"):
                self.restrictions.append((item.id, tags, [(m.type, m.ref, m.role) for m in item.members]))
            elif is_place(tags):
                outer = [m.ref for m in item.members if m.type == "w" and m.role in ("outer", "")]
                if outer:
                    self.place_relations[item.id] = (outer[0], tags)
        wanted = {way for way, _ in self.place_relations.values()}
        if wanted:
            for way in self._ways(wanted):
                if len(way.nodes):
                    self.first_node[way.id] = way.nodes[0].ref

    def _way(self, way: Any, tags: Tags) -> None:
        self.way_count += 1
        if "highway" in tags and way.id not in self.roads:
            if is_road(tags):
                self.roads[way.id] = (tuple(node.ref for node in way.nodes), tags)
            else:
                self.left_out[tags["highway"]] += 1
        if is_place(tags) and len(way.nodes):
            self.place_ways[way.id] = (way.nodes[0].ref, tags)

    def read_nodes(self) -> None:
        for node in self._pass(osmium.osm.NODE, _PLACE_KEYS):
            tags = dict(node.tags)
            if is_place(tags):
                self.place_nodes[node.id] = ((node.location.lon, node.location.lat), tags)
        needed = {node for nodes, _ in self.roads.values() for node in nodes}
        needed.update(node for node, _ in self.place_ways.values())
        needed.update(self.first_node.values())
        for node in self._nodes(needed):
            self.lonlat[node.id] = (node.location.lon, node.location.lat)
            if node.tags:
                kept = {key: node.tags[key] for key in _NODE_KEYS if key in node.tags}
                if kept:
                    self.node_tags[node.id] = kept

    def extract(self) -> Extract:
        ways: dict[int, Way] = {}
        fringe: set[int] = set()
        cut = lost = 0
        spare = max(self.roads, default=0) + 1
        for way_id, (nodes, tags) in self.roads.items():
            stretches = list(_known_stretches(nodes, self.lonlat))
            if not stretches:
                lost += 1
                continue
            if sum(map(len, stretches)) < len(nodes):
                cut += 1
                fringe.update(_cut_ends(nodes, stretches))
            for number, stretch in enumerate(stretches):
                key = way_id if number == 0 else spare
                spare += number > 0
                ways[key] = Way(key=key, way_id=way_id, nodes=stretch, tags=tags)
        used = dict.fromkeys(node for way in ways.values() for node in way.nodes)
        whole = [r for r in self.restrictions if _is_whole(r[2], ways, used)]
        return Extract(
            ways=ways,
            nodes={node: self.lonlat[node] for node in used},
            node_tags={node: tags for node, tags in self.node_tags.items() if node in used},
            restrictions=whole,
            places=list(self._places()),
            fringe=fringe,
            left_out=dict(self.left_out),
            cut_ways=cut,
            lost_ways=lost,
            cut_restrictions=len(self.restrictions) - len(whole),
        )

    def _places(self) -> Iterator[PlaceSource]:
        for node, (lonlat, tags) in self.place_nodes.items():
            yield PlaceSource(osm_id=f"node/{node}", tags=tags, lonlat=lonlat)
        for way, (node, tags) in self.place_ways.items():
            if node in self.lonlat:
                yield PlaceSource(osm_id=f"way/{way}", tags=tags, lonlat=self.lonlat[node])
        for relation, (way, tags) in self.place_relations.items():
            first = self.first_node.get(way)
            if first in self.lonlat:
                yield PlaceSource(osm_id=f"relation/{relation}", tags=tags, lonlat=self.lonlat[first])

    def _pass(self, entities: Any, keys: Iterable[str]) -> Iterable[Any]:
        return osmium.FileProcessor(self.source, entities).with_filter(osmium.filter.KeyFilter(*keys))

    def _ways(self, wanted: set[int]) -> Iterable[Any]:
        every = osmium.FileProcessor(self.source, osmium.osm.WAY)
        if min(wanted, default=0) < 0:
            return (way for way in every if way.id in wanted)
        return every.with_filter(osmium.filter.IdFilter(wanted))

    def _nodes(self, needed: set[int]) -> Iterable[Any]:
        every = osmium.FileProcessor(self.source, osmium.osm.NODE)
        if min(needed, default=0) < 0:  # an editor's unsaved objects: osmium's filter takes no negative ids
            return (node for node in every if node.id in needed)
        return every.with_filter(osmium.filter.IdFilter(needed))


def is_place(tags: Mapping[str, str]) -> bool:
    """Return whether an OSM object is a place that people must be able to reach."""
    return "addr:housenumber" in tags or tags.get("amenity") in _PLACE_AMENITIES


def _is_read(key: str) -> bool:
    return key.split(":")[0] in _WAY_KEYS and not key.startswith(("lanes:psv", "lanes:bus"))


def _known_stretches(nodes: Sequence[int], known: Mapping[int, LonLat]) -> Iterator[tuple[int, ...]]:
    """Yield the runs of at least two different nodes that are in the extract, repeats of a node beside itself gone."""
    run: list[int] = []
    for node in (*nodes, None):
        if node is not None and node in known:
            if not run or run[-1] != node:
                run.append(node)
            continue
        if len(run) > 1:
            yield tuple(run)
        run = []


def _cut_ends(nodes: Sequence[int], stretches: Sequence[tuple[int, ...]]) -> Iterator[int]:
    for stretch in stretches:
        if stretch[0] != nodes[0]:
            yield stretch[0]
        if stretch[-1] != nodes[-1]:
            yield stretch[-1]


def _is_whole(members: Iterable[tuple[str, int, str]], ways: Mapping[int, Way], nodes: Mapping[int, Any]) -> bool:
    return all(ref in ways if kind == "w" else ref in nodes for kind, ref, _ in members if kind in "wn")


def _file(path: Path) -> osmium.io.File:
    if not path.is_file():
        raise SourceUnavailable(f"{path} is not there: give an OSM extract (.osm.pbf or .osm)")
    with path.open("rb") as file:
        head = file.read(512)
    if not head.strip():
        raise SourceMalformed(f"{path} is empty: give an OSM extract (.osm.pbf or .osm)")
    if b"OSMHeader" in head[:32]:
        return osmium.io.File(str(path), "pbf")
    if head[:2] == b"\x1f\x8b":
        return osmium.io.File(str(path), "osm.gz")
    if head[:3] == b"BZh":
        return osmium.io.File(str(path), "osm.bz2")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return osmium.io.File(str(path), "osm")
    raise SourceMalformed(f"{path} is neither OSM PBF nor OSM XML: give a .osm.pbf or .osm extract")
