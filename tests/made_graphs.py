"""Small road graphs made by hand: junctions in metres, streets from junction to junction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.vehicle_classes import ALL_CLASSES_MASK

LON, LAT = 7.0, 50.0
_M_PER_LAT = 111_229.0
_M_PER_LON = 71_696.0


@dataclass(frozen=True, kw_only=True)
class Street:
    """A street through `nodes`; two-way unless `one_way`; `ways` are OSM way ids, one for each piece."""

    name: str
    nodes: Sequence[str]
    one_way: bool = False
    lanes: int = 1
    access: int = ALL_CLASSES_MASK
    highway: str = "residential"
    way: int = 0
    speed_mps: float = 13.9


def lonlat(*points: tuple[float, float]) -> tuple[tuple[float, float], ...]:
    """Metres east and north of the origin to EPSG:4326 lon, lat."""
    return tuple((LON + x / _M_PER_LON, LAT + y / _M_PER_LAT) for x, y in points)


def graph_of(
    junctions: Mapping[str, tuple[float, float]], streets: Sequence[Street], *, no_turn: Sequence[tuple[str, str]] = ()
) -> RoadGraph:
    """Build a graph; edge ids are ``A>B``, all turns but turning round are allowed, save those in `no_turn`."""
    rows = []
    for street in streets:
        for a, b in zip(street.nodes[:-1], street.nodes[1:], strict=True):
            rows.append((a, b, street, True))
            if not street.one_way:
                rows.append((b, a, street, False))
    ids = [f"{a}>{b}" for a, b, _, _ in rows]
    node = {name: i for i, name in enumerate(junctions)}
    lines = [shapely.LineString(lonlat(junctions[a], junctions[b])) for a, b, _, _ in rows]
    turns = [
        (i, j, s.access & t.access)
        for i, (a, b, s, _) in enumerate(rows)
        for j, (c, d, t, _) in enumerate(rows)
        if b == c and a != d and (ids[i], ids[j]) not in no_turn
    ]
    by_way = [(i, s.way, ahead, a, b) for i, (a, b, s, ahead) in enumerate(rows) if s.way]
    length = [float(np.hypot(*np.subtract(junctions[b], junctions[a]))) for a, b, _, _ in rows]
    return RoadGraph(
        network_hash="0" * 64,
        edge_ids=ids,
        from_node=_ints([node[a] for a, *_ in rows]),
        to_node=_ints([node[b] for _, b, *_ in rows]),
        length_m=np.array(length),
        speed_mps=np.array([s.speed_mps for _, _, s, _ in rows]),
        lane_count=_ints([s.lanes for _, _, s, _ in rows]),
        access=_ints([s.access for _, _, s, _ in rows]),
        lane_access=[(s.access,) * s.lanes for _, _, s, _ in rows],
        names=[s.name for _, _, s, _ in rows],
        highway=[s.highway for _, _, s, _ in rows],
        geometry=np.array(lines, dtype=object),
        node_ids=list(junctions),
        node_lonlat=np.array(lonlat(*junctions.values())),
        node_signalised=np.zeros(len(junctions), dtype=bool),
        turn_from=_ints([t[0] for t in turns]),
        turn_to=_ints([t[1] for t in turns]),
        turn_access=_ints([t[2] for t in turns]),
        way_edge=_ints([w[0] for w in by_way]),
        way_id=np.array([w[1] for w in by_way], dtype=np.int64),
        way_forward=np.array([w[2] for w in by_way], dtype=bool),
        way_from_osm_node=np.array([node[w[3]] for w in by_way], dtype=np.int64),
        way_to_osm_node=np.array([node[w[4]] for w in by_way], dtype=np.int64),
    )


def grid(columns: int = 5, rows: int = 5, spacing_m: float = 100.0, *, named: bool = True) -> RoadGraph:
    """A grid of two-way streets: junction ``c2r3``; "2nd Avenue" style names C2 Street (north-south) and R3 Road."""
    junctions = {f"c{c}r{r}": (c * spacing_m, r * spacing_m) for c in range(columns) for r in range(rows)}
    down = [
        Street(name=f"C{c} Street" if named else "", nodes=[f"c{c}r{r}" for r in range(rows)], way=100 + c)
        for c in range(columns)
    ]
    across = [
        Street(name=f"R{r} Road" if named else "", nodes=[f"c{c}r{r}" for c in range(columns)], way=200 + r)
        for r in range(rows)
    ]
    return graph_of(junctions, [*down, *across])


def boulevard(width_m: float = 24.0, *, names: tuple[str, str] = ("Grand Avenue", "Grand Avenue")) -> RoadGraph:
    """Two one-way carriageways `width_m` apart, eastward in the south, crossed by three two-way streets 200 m apart."""
    junctions = {}
    for i, x in enumerate((0.0, 200.0, 400.0)):
        junctions |= {
            f"s{i}": (x, 0.0),
            f"n{i}": (x, width_m),
            f"u{i}": (x, width_m + 150.0),
            f"d{i}": (x, -150.0),
        }
    crossing = [Street(name=f"{k} Street", nodes=[f"d{i}", f"s{i}", f"n{i}", f"u{i}"]) for i, k in enumerate("ABC")]
    rim = [
        Street(name="North Rim", nodes=["u0", "u1", "u2"]),
        Street(name="South Rim", nodes=["d0", "d1", "d2"]),
    ]
    ways = [
        Street(name=names[0], nodes=["s0", "s1", "s2"], one_way=True, lanes=2, highway="primary"),
        Street(name=names[1], nodes=["n2", "n1", "n0"], one_way=True, lanes=2, highway="primary"),
    ]
    return graph_of(junctions, [*ways, *crossing, *rim])


def ids_of(graph: RoadGraph, sections: Sequence[object]) -> list[list[str]]:
    """Return the edge ids of each section."""
    return [[graph.edge_ids[e] for e in s.edges] for s in sections]  # type: ignore[attr-defined]


def _ints(values: Sequence[int]) -> np.ndarray:  # type: ignore[type-arg]
    return np.array(values, dtype=np.int32)
