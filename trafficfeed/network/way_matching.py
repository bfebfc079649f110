"""Match OSM ways to directed edges, by the link that the import kept."""

from collections.abc import Sequence

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
    if not here.any():
        return refused(RULE, f"none of the OSM ways {_listed(ids)} is in the network", _MEND, {"missing": list(ids)})
    side = here if travel == "both" else here & (graph.way_forward == (travel == "forward"))
    missing = [i for i in ids if i not in set(graph.way_id[here].tolist())]
    against = [i for i in ids if i not in missing and i not in set(graph.way_id[side].tolist())]
    if not side.any():
        return refused(
            "match.one_way",
            f"nothing runs {travel} on the OSM ways {_listed(against)}: they are one-way",
            "set direction: both",
            {"against": against},
        )
    findings = []
    if missing:
        message = f"the OSM ways {_listed(missing)} are not in the network and are left out"
        findings.append(
            Finding(rule=RULE, severity=Severity.WARNING, message=message, mend=_MEND, detail={"missing": missing})
        )
    edges = graph.way_edge[side]
    return Match(sections=sections_of(graph, edges.tolist()), findings=tuple(findings))


_MEND = "check the ids against the OSM extract that the city was built from; footpaths and service drives are left out"


def _listed(ids: Sequence[int]) -> str:
    return ", ".join(str(i) for i in ids[:8]) + (f" and {len(ids) - 8} more" if len(ids) > 8 else "")
