"""The signals of a SUMO network in neutral columns: programmes, controlled links, their lanes and which links cross.

The only place that knows how SUMO writes signals: ``tlLogic``, connections with ``tl`` and ``linkIndex``, the
``request`` matrix of each junction. Source: SUMO docs, Networks/SUMO_Road_Networks and Simulation/Traffic_Lights.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
from lxml import etree

from trafficfeed.errors import SourceMalformed, SourceUnavailable
from trafficfeed.network.lane_access import access_mask
from trafficfeed.network.projection import NetLocation, NetProjection, locate, metric_crs
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.sumo_net import net_bytes
from trafficfeed.network.vehicle_classes import VehicleClass

FloatArray = npt.NDArray[np.float64]

UNBOUNDED_S = 3600.0  # SUMO lets an actuated phase without maxDur last for weeks
_ON_RAILS = frozenset({"rail_signal", "rail_crossing"})
_TAGS = ("location", "edge", "junction", "connection", "tlLogic")
_DEFAULT_WIDTH_M = 3.2
_NO_CLASS_OF_OURS = ("pedestrian", "tram", "rail_urban", "rail")


@dataclass(frozen=True, slots=True, kw_only=True)
class NetLane:
    """A lane that a signalled link begins or ends on; `line` is EPSG:4326 lon, lat ``(n, 2)`` in travel direction.

    `xy` is the same in the network's plane, m. `vehicles` are the classes it admits. `crossing`: people cross on it.
    """

    id: str
    edge: str
    index: int
    street: str
    xy: FloatArray
    line: FloatArray
    speed_mps: float
    width_m: float
    vehicles: tuple[str, ...]
    crossing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NetLink:
    """A move from lane to lane: `index` in the states of `signal`, -1 where it is not controlled.

    `direction` is SUMO's: s, l, r, t (turn back), L, R (partly). `request` is the move's place in its junction's
    matrix, -1 where unknown. `length_m` is its way inside the junction.
    """

    signal: str
    index: int
    from_lane: str
    to_lane: str
    direction: str
    junction: str
    request: int
    length_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NetPhase:
    """One phase: a letter of `state` per link index; `min_s` and `max_s` as SUMO takes them where none are given."""

    state: str
    duration_s: float
    min_s: float
    max_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NetProgramme:
    """A programme of `signal`; `static` where SUMO runs its durations as written, whatever minDur and maxDur say.

    `ordered`: the phases follow one another as written (no ``next``).
    """

    signal: str
    id: str
    static: bool
    offset_s: float
    phases: Sequence[NetPhase]
    ordered: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalNet:
    """All signals of a network.

    Attributes
    ----------
    links
        Controlled links, and the uncontrolled ones of the same junctions.
    lanes
        Those that links begin and end on, by SUMO lane id.
    programmes
        In the order loaded: the last of a signal is the one that SUMO runs.
    junctions
        Junction → EPSG:4326 lon, lat.
    foes, yields
        Per junction the square matrix ``(n_requests, n_requests) bool``: row and column cross or meet; row gives way
        to column.
    written_at
        When the network file was written.
    """

    links: Sequence[NetLink]
    lanes: Mapping[str, NetLane]
    programmes: Sequence[NetProgramme]
    junctions: Mapping[str, tuple[float, float]]
    foes: Mapping[str, npt.NDArray[np.bool_]]
    yields: Mapping[str, npt.NDArray[np.bool_]]
    written_at: datetime


def read_signals(net_path: Path, graph: RoadGraph, *, additional_paths: Iterable[Path] = ()) -> SignalNet:
    """Read the signals of a SUMO network.

    Parameters
    ----------
    net_path
        The network, gzipped or not.
    graph
        The road graph made of it, which says where a network without a projection was laid.
    additional_paths
        Additional files of SUMO, read for further programmes; what else they hold is ignored.

    Raises
    ------
    SourceUnavailable
        If a file is not there.
    SourceMalformed
        If one is no whole XML file or contradicts itself.
    """
    scan = _Scan()
    scan.read(net_path)
    for path in additional_paths:
        if path.is_file() and b"tlLogic" in net_bytes(path):
            scan.read(path)
        elif not path.is_file():
            raise SourceUnavailable(f"{path} is not there: correct additional_files in city.toml")
    try:
        return _Assembly(scan, projection_of(scan.location, scan.xy, graph)).made(
            datetime.fromtimestamp(net_path.stat().st_mtime, tz=UTC)
        )
    except (ValueError, LookupError) as error:
        raise SourceMalformed(f"{net_path} has signals that SUMO could not load: {error!r}") from error


def projection_of(location: NetLocation, xy: Mapping[str, tuple[float, float]], graph: RoadGraph) -> NetProjection:
    """Return how `graph` was laid on the earth: the network's own projection, or found from the junctions' places."""
    shared = [(xy[name], lonlat) for name, lonlat in zip(graph.node_ids, graph.node_lonlat, strict=True) if name in xy]
    if location.projected or not shared:
        return locate(location)
    plane = np.array([at for at, _ in shared])
    lonlat = np.array([at for _, at in shared])
    crs = metric_crs(*lonlat.mean(axis=0))
    flat = NetProjection(crs=crs, located=False, offset=(0.0, 0.0), source=crs)
    shift = np.median(plane - flat.to_xy(lonlat), axis=0)
    return NetProjection(crs=crs, located=False, offset=(float(shift[0]), float(shift[1])), source=crs)


@dataclass(slots=True)
class _Scan:
    """What the files say, unread further: attributes by id."""

    location: NetLocation = field(default_factory=NetLocation)
    edges: dict[str, dict[str, str]] = field(default_factory=dict)
    lanes: dict[str, dict[str, str]] = field(default_factory=dict)
    of_edge: dict[str, list[str]] = field(default_factory=dict)
    xy: dict[str, tuple[float, float]] = field(default_factory=dict)
    junctions: dict[str, dict[str, str]] = field(default_factory=dict)
    requests: dict[str, list[tuple[int, str, str]]] = field(default_factory=dict)
    connections: list[dict[str, str]] = field(default_factory=list)
    inside: dict[str, str] = field(default_factory=dict)  # internal lane → the internal lane after it
    programmes: list[NetProgramme] = field(default_factory=list)
    on_rails: set[str] = field(default_factory=set)

    def read(self, path: Path) -> None:
        take = {tag: getattr(self, f"_{tag.lower()}") for tag in _TAGS}
        try:
            context = etree.iterparse(io.BytesIO(net_bytes(path)), events=("end",), tag=_TAGS, huge_tree=True)
            for _, element in context:
                take[element.tag](element)
                element.clear()
        except etree.XMLSyntaxError as error:
            raise SourceMalformed(f"{path} is not a whole XML file: {error}") from error
        except (ValueError, LookupError) as error:
            raise SourceMalformed(f"{path} is not what SUMO could load: {error!r}") from error

    def _location(self, element: etree._Element) -> None:
        offset = [float(part) for part in element.get("netOffset", "0,0").split(",")]
        west, south, east, north = (float(part) for part in element.get("convBoundary", "0,0,0,0").split(","))
        self.location = NetLocation(
            offset=(offset[0], offset[1]),
            boundary=(west, south, east, north),
            parameter=element.get("projParameter", "!"),
        )

    def _edge(self, element: etree._Element) -> None:
        edge = _attributes(element)
        self.edges[edge["id"]] = edge
        lanes = [_attributes(lane) for lane in element if lane.tag == "lane"]
        self.of_edge[edge["id"]] = [lane["id"] for lane in lanes]
        for lane in lanes:
            self.lanes[lane["id"]] = lane | {"edge": edge["id"]}

    def _junction(self, element: etree._Element) -> None:
        junction = _attributes(element)
        name = junction["id"]
        if junction.get("type") == "internal":
            return
        self.xy[name] = (float(junction["x"]), float(junction["y"]))
        self.junctions[name] = junction
        if junction.get("type") in _ON_RAILS:
            self.on_rails.add(name)
        rows = [_attributes(row) for row in element if row.tag == "request"]
        self.requests[name] = [(int(row["index"]), row.get("foes", ""), row.get("response", "")) for row in rows]

    def _connection(self, element: etree._Element) -> None:
        one = _attributes(element)
        if one["from"].startswith(":") and not one.get("tl"):
            if "via" in one:
                self.inside[f"{one['from']}_{one['fromLane']}"] = one["via"]
            return
        self.connections.append(one)

    def _tllogic(self, element: etree._Element) -> None:
        kind = element.get("type", "static")
        phases = [_attributes(phase) for phase in element if phase.tag == "phase"]
        if kind in _ON_RAILS or not phases:
            return
        static = kind == "static"
        self.programmes.append(
            NetProgramme(
                signal=element.get("id", ""),
                id=element.get("programID", "0"),
                static=static,
                offset_s=0.0 if element.get("offset") == "begin" else float(element.get("offset") or 0.0),
                phases=tuple(_phase(phase, static=static) for phase in phases),
                ordered=not any("next" in phase for phase in phases),
            )
        )


class _Assembly:
    """Puts what was scanned together, for the signalled junctions alone."""

    def __init__(self, scan: _Scan, projection: NetProjection) -> None:
        self.scan = scan
        self.projection = projection

    def made(self, written_at: datetime) -> SignalNet:
        scan = self.scan
        wanted = [one for one in scan.connections if one.get("tl") and self._junction_of(one) not in scan.on_rails]
        junctions = {self._junction_of(one) for one in wanted}
        arms = {one["from"] for one in wanted}
        driven = (one for one in scan.connections if not one.get("tl") and not one["to"].startswith(":"))
        free = [one for one in driven if one["from"] in arms]
        places = self._requests(junctions)
        links = [link for one in (*wanted, *free) if (link := self._link(one, places)) is not None]
        matrices = {name: self._matrices(scan.requests.get(name, [])) for name in junctions}
        names = sorted(junctions)
        lonlat = self.projection.to_lonlat(np.array([scan.xy[name] for name in names]).reshape(-1, 2))
        return SignalNet(
            links=links,
            lanes=self._lanes(links),
            programmes=scan.programmes,
            junctions={name: (float(lon), float(lat)) for name, (lon, lat) in zip(names, lonlat, strict=True)},
            foes={name: foes for name, (foes, _) in matrices.items()},
            yields={name: yields for name, (_, yields) in matrices.items()},
            written_at=written_at,
        )

    def _junction_of(self, one: Mapping[str, str]) -> str:
        edge = one["from"]
        if not edge.startswith(":"):
            return self.scan.edges[edge]["to"]
        return edge[1:].rpartition("_")[0]  # a walking area: ":junction_w0"

    def _link(self, one: Mapping[str, str], places: Mapping[tuple[str, str], int]) -> NetLink | None:
        scan = self.scan
        junction = self._junction_of(one)
        on_foot = one["from"].startswith(":")
        to_lane = scan.of_edge[one["to"]][int(one["toLane"])]
        from_lane = to_lane if on_foot else scan.of_edge[one["from"]][int(one["fromLane"])]
        if on_foot and scan.edges[one["to"]].get("function") != "crossing":
            return None
        inside = [to_lane] if on_foot else list(self._inside(one.get("via", "")))
        key = next((place for lane in inside if (place := places.get((junction, lane))) is not None), -1)
        if key < 0:
            key = places.get((junction, f"{one['from']}:{one['fromLane']}>{one['to']}:{one['toLane']}"), -1)
        return NetLink(
            signal=one.get("tl", ""),
            index=int(one["linkIndex"]) if one.get("tl") else -1,
            from_lane=from_lane,
            to_lane=to_lane,
            direction=one.get("dir", "s"),
            junction=junction,
            request=key,
            length_m=sum(float(scan.lanes[lane].get("length", 0.0)) for lane in inside if lane in scan.lanes),
        )

    def _inside(self, lane: str) -> Iterable[str]:
        while lane:
            yield lane
            lane = self.scan.inside.get(lane, "")

    def _requests(self, junctions: Iterable[str]) -> dict[tuple[str, str], int]:
        """Return the row of each move in its junction's matrix, by its lane inside; without such lanes, by its ends."""
        places: dict[tuple[str, str], int] = {}
        bare: set[str] = set()
        for name in junctions:
            inside = self.scan.junctions[name].get("intLanes", "").split()
            places |= {(name, lane): i for i, lane in enumerate(inside)}
            if not inside:
                bare.add(name)
        arriving: dict[str, list[tuple[int, int, str]]] = {}
        for n, one in enumerate(self.scan.connections if bare else ()):
            junction = self._junction_of(one)
            if junction in bare:
                order = self.scan.junctions[junction].get("incLanes", "").split()
                lane = self.scan.of_edge[one["from"]][int(one["fromLane"])]
                key = f"{one['from']}:{one['fromLane']}>{one['to']}:{one['toLane']}"
                arriving.setdefault(junction, []).append((order.index(lane) if lane in order else len(order), n, key))
        for junction, moves in arriving.items():
            places |= {(junction, key): i for i, (_, _, key) in enumerate(sorted(moves))}
        return places

    def _matrices(self, rows: list[tuple[int, str, str]]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        size = max((index for index, _, _ in rows), default=-1) + 1
        foes, yields = np.zeros((size, size), dtype=np.bool_), np.zeros((size, size), dtype=np.bool_)
        for index, foe, response in rows:
            for matrix, bits in ((foes, foe), (yields, response)):
                for j, bit in enumerate(reversed(bits)):  # bit 0 is the last
                    matrix[index, j] = bit == "1"
        return foes | foes.T, yields

    def _lanes(self, links: Iterable[NetLink]) -> dict[str, NetLane]:
        names = list(dict.fromkeys(lane for link in links for lane in (link.from_lane, link.to_lane)))
        shapes = [self._shape(name) for name in names]
        if not names:
            return {}
        lonlat = self.projection.to_lonlat(np.concatenate(shapes))
        lines = np.split(lonlat, np.cumsum([len(shape) for shape in shapes])[:-1])
        return {name: self._lane(name, xy, line) for name, xy, line in zip(names, shapes, lines, strict=True)}

    def _shape(self, lane_id: str) -> FloatArray:
        shape = self.scan.lanes[lane_id].get("shape", "")
        points = [[float(n) for n in point.split(",")[:2]] for point in shape.split()]  # a third number is the height
        if len(points) < 2:
            raise ValueError(f"lane {lane_id} has no shape")
        return np.array(points, dtype=np.float64)

    def _lane(self, lane_id: str, xy: FloatArray, line: FloatArray) -> NetLane:
        lane = self.scan.lanes[lane_id]
        edge = self.scan.edges[lane["edge"]]
        return NetLane(
            id=lane_id,
            edge=lane["edge"],
            index=int(lane.get("index", 0)),
            street=edge.get("name", ""),
            xy=xy,
            line=line,
            speed_mps=float(lane["speed"]),
            width_m=float(lane.get("width", _DEFAULT_WIDTH_M)),
            vehicles=_vehicles(lane.get("allow"), lane.get("disallow")),
            crossing=edge.get("function") == "crossing",
        )


def _vehicles(allow: str | None, disallow: str | None) -> tuple[str, ...]:
    mask = access_mask(allow, disallow)
    ours = tuple(c.value for c in VehicleClass if mask & c.bit and c is not VehicleClass.CUSTOM1)
    listed = (allow or "").split()
    return ours + tuple(name for name in _NO_CLASS_OF_OURS if name in listed)


def _phase(phase: Mapping[str, str], *, static: bool) -> NetPhase:
    """Return a phase; SUMO ignores minDur and maxDur of static programmes (RESCO's have them all the same)."""
    duration = float(phase["duration"])
    least = duration if static else float(phase.get("minDur", duration))
    open_end = UNBOUNDED_S if "minDur" in phase else duration
    most = duration if static else min(float(phase.get("maxDur", open_end)), UNBOUNDED_S)
    return NetPhase(state=phase["state"], duration_s=duration, min_s=least, max_s=max(most, least))


def _attributes(element: etree._Element) -> dict[str, str]:
    return {str(key): str(value) for key, value in element.items()}
