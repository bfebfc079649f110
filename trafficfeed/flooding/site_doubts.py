"""What a person should look at in sites that the terrain made: no heights, crossings, hollows that are none."""

from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely

from trafficfeed.findings import Finding, Severity
from trafficfeed.flooding.site_making import Terrain
from trafficfeed.flooding.site_roads import RoadDips
from trafficfeed.flooding.sites import Site, SiteSource
from trafficfeed.network.plane import plane_of
from trafficfeed.network.road_graph import RoadGraph

_SHOWN: Final = 5  # of a kind; more are counted
_DEEP_M: Final = 3.0  # streets do not flood so deep, but a valley does whose brook the model dams at a bridge
_WIDE_M3: Final = 100_000.0


def terrain_doubts(
    sites: Sequence[Site], terrain: Terrain, graph: RoadGraph, off_ground: Collection[int]
) -> list[Finding]:
    """Return what is doubtful: roads without heights, roads over one another, and valleys that look dammed."""
    made = [site for site in sites if site.source is SiteSource.TERRAIN]
    return [*_coverage(terrain.dips), *_crossings(made, graph, off_ground), *_dammed(made)]


def _coverage(dips: RoadDips) -> list[Finding]:
    if not dips.without_height:
        return []
    return [
        _doubt(
            "terrain.coverage",
            f"{100 * dips.without_height / dips.sampled:.1f} % of the roads' length lie where the elevation model has "
            "no heights: no sites are found there",
            "use a model that covers the city, or list the places there",
        )
    ]


def _dammed(sites: Sequence[Site]) -> list[Finding]:
    """Name hollows too deep or wide for a street: a bridge or culvert that the model shows as a dam."""
    bowls = [(site, site.bowl.depth_m[-1], site.bowl.volume_m3[-1]) for site in sites if site.bowl is not None]
    found = [bowl for bowl in bowls if bowl[1] > _DEEP_M or bowl[2] > _WIDE_M3]
    findings = [
        _doubt(
            "terrain.dammed",
            f"site {site.id} would hold {volume:,.0f} m³, {depth:.1f} m deep: does a culvert or a bridge drain it?",
            "cut the drain into the elevation model, or list the site with the bowl that it has",
            f"{site.lon:.5f},{site.lat:.5f}",
        )
        for site, depth, volume in found[:_SHOWN]
    ]
    return findings + _more(len(found), "terrain.dammed", "more hollows look dammed")


def _crossings(sites: Sequence[Site], graph: RoadGraph, off_ground: Collection[int]) -> list[Finding]:
    """Name sites at which two linked roads cross without a junction: one of them is above the other."""
    found = []
    for site in sites:
        edges = np.array(sorted({graph.index[road.edge] for road in site.roads} - set(off_ground)), dtype=np.int64)
        if pair := _crossing(graph, edges):
            found.append((site, pair))
    findings = [
        _doubt(
            "terrain.crossing",
            f"site {site.id}: {_called(graph, a)} and {_called(graph, b)} cross without a junction, and the terrain "
            "floods both",
            "write the upper one as [[bridge]] in the list",
            f"{site.lon:.5f},{site.lat:.5f}",
        )
        for site, (a, b) in found[:_SHOWN]
    ]
    return findings + _more(len(found), "terrain.crossing", "more sites have roads over one another")


def _crossing(graph: RoadGraph, edges: npt.NDArray[np.int64]) -> tuple[int, int] | None:
    lines = plane_of(graph).lines[edges]
    ends = [{int(graph.from_node[e]), int(graph.to_node[e])} for e in edges]
    for i, j in zip(*shapely.STRtree(lines).query(lines, predicate="crosses"), strict=True):
        if i < j and not ends[i] & ends[j]:
            return int(edges[i]), int(edges[j])
    return None


def _called(graph: RoadGraph, edge: int) -> str:
    return graph.names[edge] or f"an unnamed road ({graph.edge_ids[edge]})"


def _more(count: int, rule: str, what: str) -> list[Finding]:
    return [_doubt(rule, f"{count - _SHOWN} {what}", "look at the picture")] if count > _SHOWN else []


def _doubt(rule: str, message: str, mend: str, where: str = "") -> Finding:
    return Finding(rule=rule, severity=Severity.WARNING, message=message, mend=mend, where=where)
