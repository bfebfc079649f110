"""What a match of a place to directed edges comes to, and how edges are put together to sections."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from trafficfeed.findings import Finding, Severity
from trafficfeed.network.naming import compass, street_index
from trafficfeed.network.plane import plane_of, turn_angle
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.sections import Section

Travel = Literal["both", "forward", "backward"]

_UNNAMED_BEND = np.radians(50.0)  # without a name, a street ends where the road bends more than this at a junction
_NAMED_BEND = np.radians(150.0)
_RANK = ("motorway", "trunk", "primary", "secondary", "tertiary", "unclassified", "residential")


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Sections that a place came down to (none where it was refused), and what was found on the way."""

    sections: tuple[Section, ...] = ()
    turns: tuple[tuple[int, int], ...] = ()
    findings: tuple[Finding, ...] = field(default=())


def refused(rule: str, message: str, mend: str, detail: Mapping[str, Any] | None = None) -> Match:
    """Return a match that failed: no sections, one error."""
    return Match(
        findings=(Finding(rule=rule, severity=Severity.ERROR, message=message, mend=mend, detail=detail or {}),)
    )


def sections_of(
    graph: RoadGraph, edges: Iterable[int], confidence: float | Mapping[int, float] = 1.0, street: str | None = None
) -> tuple[Section, ...]:
    """Put a set of edges together to sections: one street, one direction, consecutive.

    Parameters
    ----------
    graph
        The road graph.
    edges
        Indices, in any order; repeated ones count once.
    confidence
        Of all edges, or by edge; a section gets the least of its edges.
    street
        The name of all of them, where unnamed pieces are part of it; None: each edge's own.

    Returns
    -------
    tuple of Section
        Ordered by the first appearance of one of their edges in `edges`.
    """
    chosen = list(dict.fromkeys(int(e) for e in edges))
    rank = {edge: i for i, edge in enumerate(chosen)}
    chains = _chains(graph, chosen, street)
    chains.sort(key=lambda chain: min(rank[e] for e in chain))
    return tuple(_section(graph, chain, confidence, street) for chain in chains)


def _chains(graph: RoadGraph, chosen: Sequence[int], street: str | None) -> list[list[int]]:
    follower = _followers(graph, chosen, street)
    followed = set(follower.values())
    chains, done = [], set[int]()
    for start in [*(e for e in chosen if e not in followed), *chosen]:  # the second pass breaks rings open
        chain, edge = [], start
        while edge not in done:
            done.add(edge)
            chain.append(edge)
            edge = follower.get(edge, start)
        if chain:
            chains.append(chain)
    return chains


def _followers(graph: RoadGraph, chosen: Sequence[int], street: str | None) -> dict[int, int]:
    """For each edge the one that carries the street on, straightest pairs first, none used twice."""
    plane, streets = plane_of(graph), street_index(graph)
    leaving: dict[int, list[int]] = {}
    for edge in chosen:
        leaving.setdefault(int(graph.from_node[edge]), []).append(edge)
    pairs = []
    for edge in chosen:
        for after in leaving.get(int(graph.to_node[edge]), ()):
            if after in (edge, plane.opposite[edge]):
                continue
            same = street is not None or streets.street[edge] == streets.street[after]
            named = street is not None or streets.street[edge] >= 0
            angle = turn_angle(plane, edge, after)
            if same and angle <= (_NAMED_BEND if named else _UNNAMED_BEND):
                pairs.append((angle, edge, after))
    follower: dict[int, int] = {}
    taken: set[int] = set()
    for _, edge, after in sorted(pairs):
        if edge not in follower and after not in taken:
            follower[edge] = after
            taken.add(after)
    return follower


def _section(
    graph: RoadGraph, chain: Sequence[int], confidence: float | Mapping[int, float], street: str | None
) -> Section:
    name = street if street is not None else graph.names[chain[0]]
    sure = min(confidence[e] for e in chain) if isinstance(confidence, Mapping) else confidence
    return Section(
        edges=tuple(chain),
        street=name,
        from_street=cross_street(graph, int(graph.from_node[chain[0]]), name),
        to_street=cross_street(graph, int(graph.to_node[chain[-1]]), name),
        compass=_compass(graph, chain),
        confidence=round(float(sure), 3),
    )


def _compass(graph: RoadGraph, chain: Sequence[int]) -> str:
    plane = plane_of(graph)
    start, end = plane.lines[chain[0]], plane.lines[chain[-1]]
    dx, dy = np.subtract(end.coords[-1], start.coords[0])
    if np.hypot(dx, dy) < 10.0:  # a ring: say how it sets out
        dx, dy = np.cos(plane.heading_out[chain[0]]), np.sin(plane.heading_out[chain[0]])
    return compass(float(dx), float(dy))


def edges_at(graph: RoadGraph, node: int) -> list[int]:
    """Return the edges that begin or end at a junction."""
    starts, order = _incidence(graph)
    return [int(e) for e in order[starts[node] : starts[node + 1]]]


def _incidence(graph: RoadGraph) -> tuple[Any, Any]:
    kept = graph.derived.get("incidence")
    if not isinstance(kept, tuple):
        nodes = np.concatenate([graph.from_node, graph.to_node])
        order = np.argsort(nodes, kind="stable")
        starts = np.searchsorted(nodes[order], np.arange(len(graph.node_ids) + 1))
        kept = graph.derived["incidence"] = (starts, order % max(len(graph), 1))
    return kept[0], kept[1]


def cross_street(graph: RoadGraph, node: int, street: str) -> str:
    """Return the name of the most important other street at a junction, "" where there is none."""
    streets = street_index(graph)
    at = edges_at(graph, node)
    own = {int(s) for s in streets.street[streets.find(street)[0]]} if street else set()
    others = [e for e in at if streets.street[e] >= 0 and int(streets.street[e]) not in own]
    if not others:
        return ""
    best = min(others, key=lambda e: (_importance(graph.highway[e]), streets.street[e]))
    return streets.title[int(streets.street[best])]


def _importance(highway: str) -> int:
    kind = highway.rsplit(".", 1)[-1].removesuffix("_link")
    return _RANK.index(kind) if kind in _RANK else len(_RANK)


def describe(graph: RoadGraph, section: Section) -> str:
    """Return a section's name for a person: ``Aleksanterinkatu, Unioninkatu to Fabianinkatu``."""
    if section.from_street and section.to_street and section.from_street != section.to_street:
        return f"{section.street or 'an unnamed street'}, {section.from_street} to {section.to_street}"
    if not section.street:
        return describe_name(graph, "", section.edges[0])
    cross = section.from_street or section.to_street
    return f"{section.street} at {cross}" if cross else section.street


def street_name(graph: RoadGraph, edge: int) -> str:
    """Return an edge's street for a message, its place where it has no name."""
    return describe_name(graph, graph.names[edge], edge)


def describe_name(graph: RoadGraph, name: str, edge: int) -> str:
    """Return `name`, or the position of `edge` where it is empty."""
    plane = plane_of(graph)
    return name or f"the unnamed street at {plane.place(plane.lines[edge].coords[0])}"
