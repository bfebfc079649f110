"""Match OSM ways to directed edges, by the link that the import kept."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from trafficfeed.findings import Finding, Severity
from trafficfeed.network.matching import Match, Travel, refused, sections_of
from trafficfeed.network.road_graph import RoadGraph

RULE = "match.ways"


def match_ways(graph: RoadGraph, ids: Sequence[int], travel: Travel = "both") -> Match:
    """Return the edges that run on OSM ways; forward is the way's own direction.

    An edge that netconvert merged from several ways is taken whole, from junction to junction.
    """
    if not len(graph.way_id):
        return refused(RULE, "this network does not come from OSM, so it has no ways", "give the place as a line")
    here = np.isin(graph.way_id, np.asarray(ids, dtype=np.int64))
    missing = [i for i in ids if i not in set(graph.way_id[here].tolist())]
    left_out = _left_out(graph, missing)
    if not here.any():
        return Match(findings=tuple(replace(finding, severity=Severity.ERROR) for finding in left_out))
    side = here if travel == "both" else here & (graph.way_forward == (travel == "forward"))
    reached = set(graph.way_id[side].tolist())
    against = [i for i in ids if i not in missing and i not in reached]
    one_way = f"nothing runs {travel} on the OSM ways {_listed(against)}: they are one-way"
    if not side.any():
        return refused("match.one_way", one_way, "set direction: both", {"against": against})
    if against:
        detail = {"against": against}
        left_out = (*left_out, _warning(one_way, "set direction: both, or leave them out", detail, "match.one_way"))
    return Match(sections=sections_of(graph, graph.way_edge[side].tolist()), findings=left_out)


def _left_out(graph: RoadGraph, missing: Sequence[int]) -> tuple[Finding, ...]:
    """Say which ways no edge runs on, those inside a joined junction apart from those that are not there at all."""
    junctions = {piece.way_id: piece.node_id for piece in graph.swallowed if piece.way_id in missing}
    unknown = [i for i in missing if i not in junctions]
    findings = []
    if unknown:
        message = f"the OSM ways {_listed(unknown)} are not in the network"
        findings.append(_warning(message, _MEND, {"missing": unknown}))
    if junctions:
        places = dict.fromkeys(_place(graph, name) for name in junctions.values())
        message = f"the OSM ways {_listed(list(junctions))} lie inside a joined junction ({'; '.join(places)})"
        mend = "name the ways that lead into the junction: who closes those closes it"
        findings.append(_warning(message, mend, {"inside_junction": list(junctions)}))
    return tuple(findings)


def _place(graph: RoadGraph, node_id: str) -> str:
    nodes = list(graph.node_ids)
    if node_id not in nodes:
        return "with no street left at it"
    lon, lat = graph.node_lonlat[nodes.index(node_id)]
    return f"at {lon:.5f},{lat:.5f}"


def _warning(message: str, mend: str, detail: Mapping[str, Any], rule: str = RULE) -> Finding:
    return Finding(rule=rule, severity=Severity.WARNING, message=message, mend=mend, detail=detail)


_MEND = "check the ids against the OSM extract that the city was built from; footpaths and service drives are left out"


def _listed(ids: Sequence[int]) -> str:
    return ", ".join(str(i) for i in ids[:8]) + (f" and {len(ids) - 8} more" if len(ids) > 8 else "")
