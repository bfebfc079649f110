"""Match a turn, from one street into another, to moves from edge to edge."""

import numpy as np
import numpy.typing as npt

from trafficfeed.network.matching import Match, refused
from trafficfeed.network.naming import listed, street_index
from trafficfeed.network.plane import plane_of
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.street_matching import ONE_CROSSING_M, clusters

RULE = "match.turn"
NEAR_M = 100.0
_SLIP_M = 80.0


def match_turn(graph: RoadGraph, from_street: str, to_street: str, near: tuple[float, float] | None = None) -> Match:
    """Return the moves from one street into another at one junction, those by an unnamed slip road included.

    Parameters
    ----------
    graph
        The road graph.
    from_street, to_street
        Names.
    near
        EPSG:4326 lon, lat of a point within 100 m of the junction; needed where the streets meet more than once.
    """
    into, out = street_index(graph).find(from_street)[0], street_index(graph).find(to_street)[0]
    for name, edges in ((from_street, into), (to_street, out)):
        if not len(edges):
            similar = street_index(graph).similar(name)
            mend = f"did you mean {listed(similar)}?" if similar else "use the street's name on the map"
            return refused(RULE, f"'{name}' is not a street of this network", mend, {"similar": similar})
    moves = _moves(graph, into, out)
    if not len(moves):
        return _no_move(graph, from_street, to_street, into, out)
    return _at_one_junction(graph, moves, (from_street, to_street), near)


def _moves(graph: RoadGraph, into: npt.NDArray[np.int32], out: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Direct moves, and the second half of those by a slip road that serves no other purpose."""
    begins, ends = np.isin(graph.turn_from, into), np.isin(graph.turn_to, out)
    direct = np.stack([graph.turn_from, graph.turn_to], axis=1)[begins & ends]
    slips = np.intersect1d(graph.turn_to[begins], graph.turn_from[ends])
    slips = slips[(street_index(graph).street[slips] < 0) & (graph.length_m[slips] <= _SLIP_M)]
    by_slip = [
        (slip, after)
        for slip in slips.tolist()
        if np.isin(graph.turn_from[graph.turn_to == slip], into).all()
        for after in graph.turn_to[(graph.turn_from == slip) & ends].tolist()
    ]
    return np.concatenate([direct, np.array(by_slip, dtype=np.int32).reshape(-1, 2)])


def _no_move(graph: RoadGraph, a: str, b: str, into: npt.NDArray[np.int32], out: npt.NDArray[np.int32]) -> Match:
    if len(np.intersect1d(graph.to_node[into], graph.from_node[out])):
        return refused(
            RULE, f"'{a}' meets '{b}', but nobody may turn from the one into the other as it is",
            "leave the ban out: the turn does not exist",
        )  # fmt: skip
    return refused(RULE, f"'{a}' does not lead to '{b}' at any junction", "name the two streets of one junction")


def _at_one_junction(
    graph: RoadGraph, moves: npt.NDArray[np.int32], names: tuple[str, str], near: tuple[float, float] | None
) -> Match:
    plane = plane_of(graph)
    node = graph.to_node[moves[:, 0]]
    junctions = clusters(plane.node_xy, np.unique(node), ONE_CROSSING_M)
    if near is not None:
        point = plane.to_xy(near)
        apart = [float(np.hypot(*(plane.node_xy[j] - point).T).min()) for j in junctions]
        best = int(np.argmin(apart))
        if apart[best] > NEAR_M:
            return refused(
                RULE,
                f"'{names[0]}' turns into '{names[1]}' {apart[best]:.0f} m from `near`, not within {NEAR_M:.0f} m",
                f"put `near` at the junction: {plane.place(plane.node_xy[junctions[best]].mean(axis=0))}",
            )
        junctions = [junctions[best]]
    if len(junctions) > 1:
        places = [plane.place(plane.node_xy[j].mean(axis=0)) for j in junctions]
        return refused(
            RULE,
            f"'{names[0]}' turns into '{names[1]}' at {len(junctions)} junctions: {'; '.join(places)}",
            "say which with `near`, a point at the junction",
            {"junctions": places},
        )
    here = moves[np.isin(node, junctions[0])]
    return Match(turns=tuple((int(a), int(b)) for a, b in here))
