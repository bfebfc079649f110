"""SUMO's network file read into the road graph, by lxml: 50,000 edges in about two seconds.

Kept: the edges that at least one motor vehicle class may use. Left out: the insides of junctions, crossings, walking
areas, and edges for people, bicycles or rails alone.
"""

import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import shapely
from lxml import etree

from trafficfeed.errors import ScenarioInvalid, SourceMalformed, SourceUnavailable
from trafficfeed.network.lane_access import MOTOR_MASK, LaneMasks, access_mask
from trafficfeed.network.projection import NetLocation, NetProjection, locate
from trafficfeed.network.road_graph import RoadGraph

Xy = tuple[float, float]

_TAGS = ("location", "edge", "junction", "connection")
_TRUE = frozenset({"true", "1", "x", "yes"})
_NOT_ROADS = frozenset({"internal", "crossing", "walkingarea"})
_FORGET_EVERY = 4096  # elements read before the tree behind is dropped


@dataclass(slots=True, kw_only=True)
class ParsedNet:
    """A network file's roads in plane coordinates, in file order; what the graph and the OSM link are made from.

    `params` holds each edge's generic parameters (``origFrom``, ``removedNodeIds``, ``origId`` of its first lane);
    `turns` maps (edge, edge) to the mask of the classes that may make the move.
    """

    sha256: str
    left_hand: bool = False
    location: NetLocation = field(default_factory=NetLocation)
    edge_ids: list[str] = field(default_factory=list)
    from_ids: list[str] = field(default_factory=list)
    to_ids: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    lengths: list[float] = field(default_factory=list)
    speeds: list[float] = field(default_factory=list)
    lane_access: list[list[int]] = field(default_factory=list)
    shapes: list[str] = field(default_factory=list)
    lane_shapes: list[str] = field(default_factory=list)
    params: list[dict[str, str]] = field(default_factory=list)
    nodes: dict[str, Xy] = field(default_factory=dict)
    signalised: set[str] = field(default_factory=set)
    turns: dict[tuple[int, int], int] = field(default_factory=dict)

    def points(self, i: int) -> list[Xy]:
        """Return edge `i`'s line in network coordinates, m, from junction to junction."""
        shape = _points(self.shapes[i])
        if len(shape) >= 2:
            return shape
        ends = [self.nodes[self.from_ids[i]], self.nodes[self.to_ids[i]]]
        lane = _points(self.lane_shapes[i]) if ends[0] == ends[1] else []
        return lane if len(lane) >= 2 else ends


def read_net(path: Path, *, origin: tuple[float, float] | None = None, crs: str | None = None) -> RoadGraph:
    """Read a SUMO network (``.net.xml``, gzipped or not) into a road graph without an OSM link.

    Parameters
    ----------
    path
        The network file of any SUMO version since 0.13.
    origin
        EPSG:4326 lon, lat on which the centre of a network without a projection is laid; default 0, 0.
    crs
        Metric CRS; default: the UTM zone of the centre.

    Raises
    ------
    SourceUnavailable
        If the file is not there.
    SourceMalformed
        If it is not a SUMO network, or is cut short or contradicts itself.
    ScenarioInvalid
        If it has no edge for motor vehicles, or its projection cannot be used.
    """
    parsed = parse_net(path)
    return graph_of(parsed, locate(parsed.location, origin=origin, crs=crs))


def parse_net(path: Path) -> ParsedNet:
    """Read a SUMO network in plane coordinates; raises as `read_net`."""
    data = net_bytes(path)
    net = ParsedNet(sha256=network_hash(path))
    reader = _Reader(net, path)
    try:
        reader.read(_without_internals(data))
    except etree.XMLSyntaxError as error:
        raise SourceMalformed(f"{path} is not a whole XML file: {error}; give a SUMO .net.xml[.gz]") from error
    except (ValueError, LookupError, TypeError) as error:
        raise SourceMalformed(f"{path} is not a network that SUMO could load: {error!r}") from error
    if not net.edge_ids:
        raise ScenarioInvalid(f"{path} has no edge that motor vehicles may use")
    return net


def graph_of(net: ParsedNet, projection: NetProjection) -> RoadGraph:
    """Return the road graph of a parsed network, its geometry from the network's own shapes."""
    used = dict.fromkeys(name for ends in (net.from_ids, net.to_ids) for name in ends)
    node_ids = [name for name in net.nodes if name in used]
    at = {name: i for i, name in enumerate(node_ids)}
    turns = np.array(list(net.turns), dtype=np.int32).reshape(-1, 2)
    none = np.zeros(0, dtype=np.int64)
    return RoadGraph(
        network_hash=net.sha256,
        edge_ids=net.edge_ids,
        from_node=np.array([at[name] for name in net.from_ids], dtype=np.int32),
        to_node=np.array([at[name] for name in net.to_ids], dtype=np.int32),
        length_m=np.array(net.lengths, dtype=np.float64),
        speed_mps=np.array(net.speeds, dtype=np.float64),
        lane_count=np.array([len(lanes) for lanes in net.lane_access], dtype=np.int32),
        access=np.array([_any_of(lanes) for lanes in net.lane_access], dtype=np.int32),
        lane_access=LaneMasks.of(net.lane_access),
        names=net.names,
        highway=[highway_of(edge_type) for edge_type in net.types],
        geometry=_lines([net.points(i) for i in range(len(net.edge_ids))], projection),
        node_ids=node_ids,
        node_lonlat=projection.to_lonlat(np.array([net.nodes[name] for name in node_ids])),
        node_signalised=np.array([name in net.signalised for name in node_ids], dtype=np.bool_),
        turn_from=turns[:, 0].copy(),
        turn_to=turns[:, 1].copy(),
        turn_access=np.fromiter(net.turns.values(), dtype=np.int32, count=len(net.turns)),
        way_edge=np.zeros(0, dtype=np.int32),
        way_id=none,
        way_forward=np.zeros(0, dtype=np.bool_),
        way_from_osm_node=none,
        way_to_osm_node=none,
    )


def network_hash(path: Path) -> str:
    """Return the sha256 (hex) of the network file's bytes as they lie on the disk."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def highway_of(edge_type: str) -> str:
    """Return the OSM highway value in a SUMO edge type, "" where there is none.

    ``highway.primary``, ``highway.primary|railway.tram`` and our variant ``highway.primary.4095`` give ``primary``.
    """
    for part in edge_type.split("|"):
        if part.startswith("highway."):
            return part.removeprefix("highway.").partition(".")[0]
    return ""


class _Reader:
    """Takes the elements in file order; connections come after edges in every network that SUMO can load."""

    def __init__(self, net: ParsedNet, path: Path) -> None:
        self.net = net
        self.path = path
        self.index: dict[str, int] = {}

    def read(self, data: bytes) -> None:
        take = {"edge": self.edge, "junction": self.junction, "connection": self.connection, "location": self.location}
        context = etree.iterparse(io.BytesIO(data), events=("end",), tag=_TAGS, huge_tree=True)
        for count, (_, element) in enumerate(context):
            take[element.tag](element)
            if count % _FORGET_EVERY == 0:
                _forget_before(element)
        root = context.root
        if root is None or root.tag != "net":
            found = "nothing" if root is None else f"<{root.tag}>"
            raise SourceMalformed(f"{self.path} holds {found}, not a SUMO network: give a .net.xml[.gz] file")
        self.net.left_hand = root.get("lefthand") in _TRUE
        self.check()
        self.connect()

    def location(self, element: etree._Element) -> None:
        offset = _numbers(element.get("netOffset", "0,0"))
        boundary = _numbers(element.get("convBoundary", "0,0,0,0"))
        self.net.location = NetLocation(
            offset=(offset[0], offset[1]),
            boundary=(boundary[0], boundary[1], boundary[2], boundary[3]),
            parameter=element.get("projParameter", "!"),
        )

    def edge(self, element: etree._Element) -> None:
        get = element.get
        edge_id = get("id", "")
        if get("function") in _NOT_ROADS or edge_id.startswith(":"):
            return
        masks: list[int] = []
        driven: list[etree._Element] = []
        params: dict[str, str] = {}
        for child in element:
            if child.tag == "lane":
                mask = access_mask(child.get("allow"), child.get("disallow"))
                masks.append(mask)
                if mask & MOTOR_MASK:
                    driven.append(child)
            elif child.tag == "param":
                params[_must(child, "key")] = child.get("value", "")
        if not driven:
            return
        lane = driven[0]
        params |= {_must(param, "key"): param.get("value", "") for param in lane if param.tag == "param"}
        net = self.net
        self.index[edge_id] = len(net.edge_ids)
        net.edge_ids.append(edge_id)
        net.from_ids.append(_must(element, "from"))
        net.to_ids.append(_must(element, "to"))
        net.names.append(get("name", ""))
        net.types.append(get("type", ""))
        net.lengths.append(float(_must(lane, "length")))
        net.speeds.append(max(float(_must(lane, "speed")) for lane in driven))
        net.lane_access.append(masks)
        net.shapes.append(get("shape", ""))
        net.lane_shapes.append(lane.get("shape", ""))
        net.params.append(params)

    def junction(self, element: etree._Element) -> None:
        kind = element.get("type", "")
        if kind == "internal":
            return
        name = _must(element, "id")
        self.net.nodes[name] = (float(_must(element, "x")), float(_must(element, "y")))
        if kind.startswith("traffic_light"):
            self.net.signalised.add(name)

    def connection(self, element: etree._Element) -> None:
        get = element.get
        before = self.index.get(get("from", ""))
        after = self.index.get(get("to", ""))
        if before is None or after is None:
            return
        net = self.net
        mask = net.lane_access[before][int(get("fromLane", "0"))] & net.lane_access[after][int(get("toLane", "0"))]
        allow, disallow = get("allow"), get("disallow")
        if allow or disallow:
            mask &= access_mask(allow, disallow)
        if get("tl"):
            net.signalised.add(net.to_ids[before])
        if mask:
            key = (before, after)
            net.turns[key] = net.turns.get(key, 0) | mask

    def check(self) -> None:
        """Refuse edges without junctions; place a network whose file has no extent by its junctions."""
        net = self.net
        lost = next((name for ends in (net.from_ids, net.to_ids) for name in ends if name not in net.nodes), None)
        if lost is not None:
            raise SourceMalformed(f"{self.path}: an edge ends at junction {lost!r}, which the file does not hold")
        if net.nodes and not any(net.location.boundary):
            xy = np.array(list(net.nodes.values()))
            (west, south), (east, north) = xy.min(axis=0), xy.max(axis=0)
            location = net.location
            net.location = NetLocation(
                offset=location.offset,
                boundary=(float(west), float(south), float(east), float(north)),
                parameter=location.parameter,
            )

    def connect(self) -> None:
        """Let everything turn everywhere in a network whose file lists no connection at all."""
        net = self.net
        if net.turns:
            return
        leaving: dict[str, list[int]] = {}
        for i, name in enumerate(net.from_ids):
            leaving.setdefault(name, []).append(i)
        for i, name in enumerate(net.to_ids):
            for j in leaving.get(name, ()):
                if mask := _any_of(net.lane_access[i]) & _any_of(net.lane_access[j]):
                    net.turns[i, j] = mask


def _forget_before(element: etree._Element) -> None:
    """Drop what was read before `element`. To clear its parent would free the element the parser is still writing."""
    parent = element.getparent()
    if parent is not None:
        del parent[: parent.index(element)]


def net_bytes(path: Path) -> bytes:
    """Return the XML of a SUMO file, unpacked where it is gzipped; raises as `parse_net`."""
    if not path.is_file():
        raise SourceUnavailable(f"{path} is not there: give a SUMO .net.xml[.gz] file")
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError, zlib.error) as error:
            raise SourceMalformed(f"{path} is a damaged gzip file: {error}") from error
    if not data[:4096].strip():
        raise SourceMalformed(f"{path} is empty: give a SUMO .net.xml[.gz] file")
    return data


def _without_internals(data: bytes) -> bytes:
    """Cut out the insides of junctions where netconvert wrote them in blocks: two thirds of a large file.

    Each cut is made only where the block holds nothing else, so a file in another order is read whole.
    """
    if not data[-64:].rstrip().endswith(b"</net>"):
        return data  # cut short: let the parser say so
    road = re.search(rb'<edge id="[^:]', data)
    first = data.find(b'<edge id=":')
    if road and 0 <= first < road.start():
        inside = data[first : road.start()]
        if not re.search(rb"<(?:location|junction|connection|!)", inside):
            data = data[:first] + data[road.start() :]
    tail = data.find(b'<connection from=":')
    if tail >= 0 and not re.search(rb'<connection (?!from=":)|<edge |<junction |<location|<!', data[tail:]):
        data = data[:tail] + b"</net>"
    return re.sub(rb'<(?:request |junction id=":)[^<>]*/>', b"", data)


def _must(element: etree._Element, name: str) -> str:
    value = element.get(name)
    if value is None:
        raise ValueError(f"<{element.tag} id={element.get('id')!r}> without {name}")
    return value


def _any_of(masks: Iterable[int]) -> int:
    union = 0
    for mask in masks:
        union |= mask
    return union


def _numbers(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]


def _points(shape: str) -> list[Xy]:
    points = []
    for point in shape.split():
        x, y = point.split(",")[:2]  # a third number is the height
        points.append((float(x), float(y)))
    return points


def _lines(points: list[list[Xy]], projection: NetProjection) -> npt.NDArray[np.object_]:
    counts = np.array([len(line) for line in points])
    lonlat = projection.to_lonlat(np.array([point for line in points for point in line]))
    owner = np.repeat(np.arange(len(points)), counts)
    return np.asarray(shapely.linestrings(lonlat, indices=owner))
