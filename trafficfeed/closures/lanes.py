"""Lanes as an officer counts them (1 is the kerbside traffic lane) and as SUMO does (0, pavements and all)."""

from collections.abc import Sequence
from dataclasses import dataclass

from trafficfeed.closures.orders import Closure, LanesClosed, OneWay, Rule
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.vehicle_classes import MOTOR_CLASSES, mask_of

_MOTOR_MASK = mask_of(MOTOR_CLASSES)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneImpact:
    """Lanes at the least favourable point of a section: how many, and which are closed (1 = kerbside)."""

    total: int
    closed: tuple[int, ...]


def traffic_lanes(graph: RoadGraph, edge: int) -> tuple[int, ...]:
    """Return the SUMO indices of the lanes of `edge` that motor vehicles may use, kerbside first."""
    return tuple(i for i, mask in enumerate(graph.lane_access[edge]) if mask & _MOTOR_MASK)


def closed_lanes(graph: RoadGraph, edge: int, numbers: Sequence[int]) -> tuple[int, ...]:
    """Return the SUMO indices of the traffic lanes `numbers` (1 = kerbside) of `edge`, as far as it has them."""
    lanes = traffic_lanes(graph, edge)
    return tuple(lanes[number - 1] for number in sorted(set(numbers)) if number <= len(lanes))


def lane_impact(graph: RoadGraph, edges: Sequence[int], rule: Rule) -> LaneImpact:
    """Return what `rule` does to the lanes of `edges` where it leaves the fewest open (then where most are closed)."""
    impacts = [_edge_impact(graph, edge, rule) for edge in edges]
    return min(impacts, key=lambda impact: (impact.total - len(impact.closed), -len(impact.closed)))


def _edge_impact(graph: RoadGraph, edge: int, rule: Rule) -> LaneImpact:
    total = max(len(traffic_lanes(graph, edge)), 1)
    if isinstance(rule, Closure | OneWay):
        return LaneImpact(total=total, closed=tuple(range(1, total + 1)))
    if isinstance(rule, LanesClosed):
        return LaneImpact(total=total, closed=tuple(n for n in sorted(set(rule.lanes)) if n <= total))
    return LaneImpact(total=total, closed=())
