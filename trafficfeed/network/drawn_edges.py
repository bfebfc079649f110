"""The edges under a line that was made of them: found by their own points, without matching."""

from collections import defaultdict
from functools import cached_property

from trafficfeed.network.road_graph import RoadGraph

Line = tuple[tuple[float, float], ...]
_DECIMALS = 7


class DrawnEdges:
    """The shapes of a graph's edges as they are published, EPSG:4326 lon, lat to seven decimals."""

    def __init__(self, graph: RoadGraph) -> None:
        self._graph = graph

    def edges(self, line: Line) -> tuple[int, ...]:
        """Return the consecutive edges whose whole shapes make up `line`, none where it was not made so."""
        found: list[int] = []
        at = 0
        while at < len(line) - 1:
            fitting = [
                (len(shape), edge)
                for shape, edge in self._by_start.get(line[at : at + 2], ())
                if line[at : at + len(shape)] == shape and self._follows(found, edge)
            ]
            if fitting:
                points, edge = max(fitting)
                found.append(edge)
                at += points - 1
            elif found and at + 2 < len(line) and line[at + 1 : at + 3] in self._by_start:
                at += 1  # over a junction, where the shapes leave a gap
            else:
                return ()
        return tuple(found)

    def _follows(self, before: list[int], edge: int) -> bool:
        return not before or self._graph.to_node[before[-1]] == self._graph.from_node[edge]

    @cached_property
    def _by_start(self) -> dict[Line, list[tuple[Line, int]]]:
        """The edges by the first two points of their shapes."""
        index: dict[Line, list[tuple[Line, int]]] = defaultdict(list)
        for edge, geometry in enumerate(self._graph.geometry):
            rounded = [(round(lon, _DECIMALS), round(lat, _DECIMALS)) for lon, lat in geometry.coords]
            shape = tuple(point for n, point in enumerate(rounded) if n == 0 or point != rounded[n - 1])
            index[shape[:2]].append((shape, edge))
        return dict(index)
