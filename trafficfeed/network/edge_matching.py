"""Take directed edges by their own ids: a place that a program wrote, and that needs no matching."""

from collections.abc import Sequence

from trafficfeed.findings import Finding, Severity
from trafficfeed.network.matching import Match, refused, sections_of
from trafficfeed.network.road_graph import RoadGraph

RULE = "match.edges"
_MEND = "the network was built anew: let the program that wrote the order write it again"


def match_edges(graph: RoadGraph, ids: Sequence[str]) -> Match:
    """Return the edges of these ids as sections; those that the network does not have are named.

    An error where it has none of them, a warning where it has some.
    """
    known = [graph.index[edge] for edge in dict.fromkeys(ids) if edge in graph.index]
    missing = [edge for edge in ids if edge not in graph.index]
    listed = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
    message = f"the network has no edges {listed}"
    if not known:
        return refused(RULE, message, _MEND, {"missing": missing})
    gone = Finding(rule=RULE, severity=Severity.WARNING, message=message, mend=_MEND, detail={"missing": missing})
    return Match(sections=sections_of(graph, known), findings=(gone,) if missing else ())
