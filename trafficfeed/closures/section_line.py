"""The shape of consecutive edges as it is published."""

from collections.abc import Sequence

from trafficfeed.network.road_graph import RoadGraph

LonLats = tuple[tuple[float, float], ...]
_DECIMALS = 7  # a centimetre; more is noise that differs between machines


def section_line(graph: RoadGraph, edges: Sequence[int]) -> LonLats:
    """Return the whole shape of consecutive `edges`, EPSG:4326 lon, lat, in the direction of travel."""
    line: list[tuple[float, float]] = []
    for edge in edges:
        for lon, lat in graph.geometry[edge].coords:
            point = (round(lon, _DECIMALS), round(lat, _DECIMALS))
            if not line or point != line[-1]:
                line.append(point)
    return tuple(line)
