"""The SUMO network as the simulation's own preparation needs it: edges, lanes, moves and the links they run over."""

import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from lxml import etree
from scipy.sparse import csr_matrix

from trafficfeed.errors import SourceMalformed, SourceUnavailable
from trafficfeed.simulation.departures import opened

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]
_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class SumoNetwork:
    """A network's normal edges in file order, and the moves between them.

    Attributes
    ----------
    edge_ids
        ``(n_edges,)``.
    length_m, speed_mps
        ``(n_edges,) float64``.
    lane_count
        ``(n_edges,) int32``.
    middle
        ``(n_edges, 2) float64``, a point half-way along the first lane, in the network's own metres.
    lane_rules
        Per edge and lane the (allow, disallow) attributes as written.
    turn_from, turn_to
        ``(n_turns,) int32`` edge indices, one row per pair of edges.
    turn_lanes
        Per turn the internal lanes that it runs over, () where the network has none.
    """

    edge_ids: list[str]
    length_m: FloatArray
    speed_mps: FloatArray
    lane_count: IntArray
    middle: FloatArray
    lane_rules: list[tuple[tuple[str, str], ...]]
    turn_from: IntArray
    turn_to: IntArray
    turn_lanes: list[tuple[str, ...]]

    @cached_property
    def index(self) -> dict[str, int]:
        """Edge index by id."""
        return {edge_id: i for i, edge_id in enumerate(self.edge_ids)}

    @cached_property
    def turn_index(self) -> dict[tuple[int, int], int]:
        """Turn index by (from edge, to edge)."""
        return {pair: i for i, pair in enumerate(zip(self.turn_from.tolist(), self.turn_to.tolist(), strict=True))}

    @cached_property
    def turn_links(self) -> list[tuple[str, ...]]:
        """Per turn the internal edges that it runs over, () where the network has none."""
        return [tuple(sorted({lane.rpartition("_")[0] for lane in lanes})) for lanes in self.turn_lanes]

    @cached_property
    def successors(self) -> list[list[int]]:
        """Per edge the edges that follow it."""
        lists: list[list[int]] = [[] for _ in self.edge_ids]
        for i, j in zip(self.turn_from.tolist(), self.turn_to.tolist(), strict=True):
            lists[i].append(j)
        return lists

    @cached_property
    def predecessors(self) -> list[list[int]]:
        """Per edge the edges that lead to it."""
        lists: list[list[int]] = [[] for _ in self.edge_ids]
        for i, j in zip(self.turn_from.tolist(), self.turn_to.tolist(), strict=True):
            lists[j].append(i)
        return lists

    def admits(self, vehicle_class: str) -> npt.NDArray[np.bool_]:
        """Return ``(n_edges,) bool``: the edges of which at least one lane admits the class."""
        verdicts: dict[tuple[str, str], bool] = {}

        def lane(rule: tuple[str, str]) -> bool:
            if rule not in verdicts:
                verdicts[rule] = _admits(rule, vehicle_class)
            return verdicts[rule]

        return np.fromiter((any(map(lane, lanes)) for lanes in self.lane_rules), bool, len(self.edge_ids))

    def routing_matrix(self, open_edges: npt.NDArray[np.bool_]) -> csr_matrix:
        """Return ``(n_edges, n_edges)``: free-flow seconds from the end of one edge to the end of the next.

        Only edges in `open_edges` are entered.
        """
        keep = open_edges[self.turn_to] & open_edges[self.turn_from]
        seconds = (self.length_m / np.maximum(self.speed_mps, 0.1))[self.turn_to[keep]] + 1e-3
        shape = (len(self.edge_ids), len(self.edge_ids))
        return csr_matrix((seconds, (self.turn_from[keep], self.turn_to[keep])), shape=shape)


def _admits(rule: tuple[str, str], vehicle_class: str) -> bool:
    allow, disallow = rule
    if vehicle_class == "ignoring":
        return True
    if allow:
        return allow == "all" or vehicle_class in allow.split()
    return disallow != "all" and vehicle_class not in disallow.split()


def file_hash(path: Path) -> str:
    """Return the sha256 (hex) of a file's bytes.

    Raises
    ------
    SourceUnavailable
        If it is not there.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise SourceUnavailable(f"{path} is not there: {error.strerror}") from error
    return _hash_of(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=256)
def _hash_of(path: Path, _modified: int, _size: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def read_network(path: Path) -> SumoNetwork:
    """Read a SUMO network (``.net.xml`` or ``.net.xml.gz``); the last few stay in memory.

    Raises
    ------
    SourceUnavailable
        If the file is not there.
    SourceMalformed
        If it is not a SUMO network.
    """
    return _read(path, file_hash(path))


@lru_cache(maxsize=4)
def _read(path: Path, _digest: str) -> SumoNetwork:
    edge_ids: list[str] = []
    lanes: list[list[tuple[tuple[str, str], float, float, tuple[float, float]]]] = []
    moves: dict[tuple[str, str], set[str]] = {}
    try:
        with opened(path) as stream:
            for _, element in etree.iterparse(stream, tag=("edge", "connection"), resolve_entities=False):
                if element.tag == "edge":
                    if not element.get("id", ":").startswith(":") and element.get("function") is None:
                        edge_ids.append(element.get("id", ""))
                        lanes.append([_lane(lane) for lane in element.iterchildren("lane")])
                else:
                    _remember_move(element, moves)
                element.clear()
                parent = element.getparent()
                while parent is not None and element.getprevious() is not None:
                    del parent[0]
    except (etree.XMLSyntaxError, OSError, ValueError) as error:
        raise SourceMalformed(f"{path} cannot be read as a SUMO network: {error}") from error
    if not edge_ids or not all(lanes):
        raise SourceMalformed(f"{path} has no edges (or edges without lanes): is it a SUMO network?")
    return _columns(edge_ids, lanes, moves)


def _lane(element: etree._Element) -> tuple[tuple[str, str], float, float, tuple[float, float]]:
    points = element.get("shape", "0,0").split()
    first, last = points[(len(points) - 1) // 2].split(","), points[len(points) // 2].split(",")
    middle = ((float(first[0]) + float(last[0])) / 2, (float(first[1]) + float(last[1])) / 2)
    rule = (element.get("allow", ""), element.get("disallow", ""))
    return rule, float(element.get("length", "1")), float(element.get("speed", "13.89")), middle


def _remember_move(element: etree._Element, moves: dict[tuple[str, str], set[str]]) -> None:
    origin, target = element.get("from", ":"), element.get("to", ":")
    if origin.startswith(":") or target.startswith(":"):
        return
    links = moves.setdefault((origin, target), set())
    if via := element.get("via"):
        links.add(via)


def _columns(
    edge_ids: list[str],
    lanes: list[list[tuple[tuple[str, str], float, float, tuple[float, float]]]],
    moves: dict[tuple[str, str], set[str]],
) -> SumoNetwork:
    index = {edge_id: i for i, edge_id in enumerate(edge_ids)}
    turns = sorted((index[a], index[b], tuple(sorted(x))) for (a, b), x in moves.items() if a in index and b in index)
    return SumoNetwork(
        edge_ids=edge_ids,
        length_m=np.array([edge[0][1] for edge in lanes]),
        speed_mps=np.array([edge[0][2] for edge in lanes]),
        lane_count=np.array([len(edge) for edge in lanes], np.int32),
        middle=np.array([edge[0][3] for edge in lanes]),
        lane_rules=[tuple(lane[0] for lane in edge) for edge in lanes],
        turn_from=np.array([t[0] for t in turns], np.int32),
        turn_to=np.array([t[1] for t in turns], np.int32),
        turn_lanes=[t[2] for t in turns],
    )
