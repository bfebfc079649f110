"""A path of edges to an OpenLR line reference: points between which the path is the shortest, offsets at its ends."""

from collections.abc import Sequence
from itertools import pairwise
from math import ceil

import numpy as np
import numpy.typing as npt
from openlr import FOW, FRC, LineLocationReference, LocationReferencePoint, binary_encode  # type: ignore[import-untyped]
from openlr.openlr_bytes_io import deg_to_int, int_to_deg  # type: ignore[import-untyped]
from scipy.sparse.csgraph import dijkstra

from trafficfeed.network.openlr_attributes import SECTOR, OpenlrAttributes, openlr_attributes
from trafficfeed.network.road_graph import RoadGraph

_LONGEST_LEG_M = 14_000.0  # 15 km, less what the decoder's own measure may differ
_WIDEST_LEG_DEGREES = 0.3  # of 0.32767, what two bytes of 0.00001° hold
_MOST_EXPANDED_M = 500.0
_SAME_M = 0.01
_SHORTEST_M = 5.0  # of a path: the first point is written to the next 2.4 m
_CLEARLY_M = 10.0
_SNAP_M = 20.0  # the decoder takes no end of a shorter edge that is not at a junction
_BUCKETS = 256  # of an offset, as a share of its leg
_STEPS = 100_000.0  # of a degree, in which points but the first are written


def encoded(graph: RoadGraph, edges: Sequence[int], *, finely: bool = False) -> str | None:
    """Return the binary reference (version 3, base64) of the path `edges`; None where it cannot be said, or be told.

    Parameters
    ----------
    edges
        Indices in travel order, each beginning where the one before it ends.
    finely
        A point at every junction: a longer reference, which leaves the decoder less choice.

    Source: OpenLR White Paper 1.5, data format rules: two points or more, at most 15 km apart, at junctions, the path
    the shortest way between them. A point stands at the start of the edge that its leg begins with, the last one at the
    end of the path.
    """
    attributes = openlr_attributes(graph)
    path = [int(edge) for edge in edges]
    if any(graph.to_node[a] != graph.from_node[b] for a, b in pairwise(path)):
        return None
    if attributes.length_m[path].sum() < _SHORTEST_M:
        return None
    before, after = _expansion(graph, attributes, path)
    whole = [*before, *path, *after]
    legs = _legs(graph, attributes, whole, finely=finely)
    length = attributes.length_m[whole]
    offsets = (
        _offset(length[: len(before)].sum(), length[: legs[1] if len(legs) > 1 else None].sum()),
        _offset(length[len(whole) - len(after) :].sum(), length[legs[-1] :].sum()),
    )
    if None in offsets:
        return None
    try:
        points = _points(attributes, whole, legs)
        return str(binary_encode(LineLocationReference(points, *offsets)))
    except ValueError:  # a number beyond what its bytes hold
        return None


def _expansion(graph: RoadGraph, attributes: OpenlrAttributes, path: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the edges to put before and after, so that the path's ends are junctions and not mere bends of a road.

    Also the end of a short dead end gets its way back: the decoder does not find it otherwise.
    """
    taken = set(path)
    before = _beyond(graph, attributes, path[0], taken, ahead=False)
    return before[::-1], _beyond(graph, attributes, path[-1], taken, ahead=True)


def _beyond(graph: RoadGraph, attributes: OpenlrAttributes, edge: int, taken: set[int], *, ahead: bool) -> list[int]:
    """Return the edges from `edge` to the next junction, nearest first; they are added to `taken`."""
    found: list[int] = []
    room = _MOST_EXPANDED_M
    while room > 0 and (following := _only_one(graph, attributes, edge, ahead=ahead)) is not None:
        if following in taken:
            break
        taken.add(following)
        found.append(following)
        room -= attributes.length_m[following]
        edge = following
    return found


def _only_one(graph: RoadGraph, attributes: OpenlrAttributes, edge: int, *, ahead: bool) -> int | None:
    """Return the edge that alone goes on from `edge` (`ahead`) or leads into it; None at a junction or a dead end."""
    near, far = (graph.to_node, graph.from_node) if ahead else (graph.from_node, graph.to_node)
    node = int(near[edge])
    if attributes.arriving[node] != 1 or attributes.leaving[node] != 1:
        return None
    found = int(np.flatnonzero(far == node)[0])
    is_back = near[found] == far[edge]
    return None if is_back and attributes.length_m[edge] > _SNAP_M else found


def _legs(graph: RoadGraph, attributes: OpenlrAttributes, path: Sequence[int], *, finely: bool) -> list[int]:
    """Return the positions in `path` at which legs begin: each as long as the path stays the only shortest way."""
    anchors = _anchors(graph, attributes, path)
    starts = [0]
    while (reach := _reach(graph, attributes, path, starts[-1])) < len(path) or finely:
        usable = [at for at in anchors if starts[-1] < at <= reach]
        if not usable and reach == len(path):
            break
        starts.append((usable[0] if finely else usable[-1]) if usable else reach)
    return starts


def _anchors(graph: RoadGraph, attributes: OpenlrAttributes, path: Sequence[int]) -> list[int]:
    """Return the positions of edges at whose start the decoder finds them: those that begin at a real junction.

    Where nothing but two edges meet, it takes the first for the second, and short edges not at all.
    """
    node = graph.from_node[list(path)]
    return np.flatnonzero((attributes.arriving[node] != 1) | (attributes.leaving[node] != 1)).tolist()


def _reach(graph: RoadGraph, attributes: OpenlrAttributes, path: Sequence[int], begin: int) -> int:
    """Return the last position at which the leg from `begin` may end; the path's length where it may be the last leg.

    The decoder goes the shortest way from the end of a leg's first edge to the start of the next leg's first edge, and
    on the last leg to the start of the path's last edge.
    """
    rest = np.asarray(path[begin:])
    inner = rest[1:]
    if not len(inner):
        return len(path)
    length = attributes.length_m[rest]
    to_start = np.append(0.0, np.cumsum(length[1:-1]))  # from the end of the first edge to the start of each other
    limit = min(float(to_start[-1]), _LONGEST_LEG_M) + _CLEARLY_M
    shortest = dijkstra(attributes.shortest_m, indices=[int(graph.to_node[rest[0]])], limit=limit)[0]
    fits = np.abs(shortest[graph.from_node[inner]] - to_start) < _SAME_M
    fits[1:] &= attributes.is_shortest[inner[:-1]]
    clear = (_is_clear(graph, attributes, shortest, int(edge)) for edge in inner[:-1])
    fits[1:] &= np.fromiter(clear, dtype=np.bool_, count=len(inner) - 1)
    fits &= length[0] + to_start + length[1:] < _LONGEST_LEG_M
    fits &= np.abs(attributes.end[inner] - attributes.start[rest[0]]).max(axis=1) < _WIDEST_LEG_DEGREES
    return len(path) if fits.all() else begin + max(int(np.argmin(fits)), 1)


def _is_clear(graph: RoadGraph, attributes: OpenlrAttributes, shortest: npt.NDArray[np.float64], edge: int) -> bool:
    """Tell whether every other way to where `edge` ends is clearly longer, so that other maps agree."""
    node = int(graph.to_node[edge])
    into = attributes.into_m
    sources = into.indices[into.indptr[node] : into.indptr[node + 1]]
    ways = shortest[sources] + into.data[into.indptr[node] : into.indptr[node + 1]]
    return not ((ways < shortest[node] + _CLEARLY_M) & (sources != graph.from_node[edge])).any()


def _offset(expanded_m: float, leg_m: float) -> float | None:
    """Return an offset as a share of its leg, rounded so that all that was put on is cut off; None: it is too long."""
    if expanded_m <= 0:
        return 0.0
    bucket = ceil(_BUCKETS * expanded_m / leg_m - 0.5)
    return (max(bucket, 0) + 0.5) / _BUCKETS if bucket < _BUCKETS else None


def _points(attributes: OpenlrAttributes, path: Sequence[int], legs: Sequence[int]) -> list[LocationReferencePoint]:
    points: list[LocationReferencePoint] = []
    at: tuple[float, float] | None = None
    for begin, end in pairwise([*legs, len(path)]):
        leg = path[begin:end]
        at = _as_read(attributes.start[leg[0]], at)
        lowest = FRC(int(attributes.frc[leg].max()))
        distance = float(attributes.length_m[leg].sum())
        points.append(_point(attributes, leg[0], at, attributes.sector_out, lowest, distance))
    at = _as_read(attributes.end[path[-1]], at)
    return [*points, _point(attributes, path[-1], at, attributes.sector_in, FRC.FRC7, 0.0)]


def _point(
    attributes: OpenlrAttributes,
    edge: int,
    at: tuple[float, float],
    sectors: npt.NDArray[np.int32],
    lowest: FRC,
    distance_m: float,
) -> LocationReferencePoint:
    bearing = (int(sectors[edge]) + 0.5) * SECTOR
    frc, fow = FRC(int(attributes.frc[edge])), FOW(int(attributes.fow[edge]))
    return LocationReferencePoint(*at, frc, fow, bearing, lowest, distance_m)


def _as_read(lonlat: npt.NDArray[np.float64], previous: tuple[float, float] | None) -> tuple[float, float]:
    """Return lon, lat as its bytes will be read: the first whole, others by their steps from `previous`, as read."""
    lon, lat = map(float, lonlat)
    if previous is None:
        return int_to_deg(deg_to_int(lon)), int_to_deg(deg_to_int(lat))
    return _stepped(previous[0], lon), _stepped(previous[1], lat)


def _stepped(previous: float, degrees: float) -> float:
    return previous + round((degrees - previous) * _STEPS) / _STEPS
