"""An order to simulation interventions, on the demand's own clock."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from trafficfeed.closures.access import permitted_classes
from trafficfeed.closures.demand_clock import DemandClock, Span, seconds_on, timing_of
from trafficfeed.closures.lanes import closed_lanes, traffic_lanes
from trafficfeed.closures.orders import Hazard, LanesClosed, Metering, Order, SpeedLimit, Water
from trafficfeed.closures.schedules import Occurrences
from trafficfeed.closures.wall_time import zone_of
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.sections import Resolved
from trafficfeed.simulation.interventions import (
    EdgeClosure,
    FlowMetering,
    Intervention,
    LaneClosure,
    SpeedChange,
    TurnClosure,
)

_WALKING_MPS = 1.4  # whoever drives through water does not stop in it

__all__ = ["DemandClock", "Effects", "interventions_of", "standing_interventions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """The interventions of an order, and in a sentence what was assumed of their time.

    `seconds_of` puts any instant (aware) on the same clock; None where there are no interventions.
    """

    interventions: tuple[Intervention, ...]
    assumption: str
    seconds_of: Callable[[datetime], float] | None = None


def interventions_of(
    order: Order,
    resolved: Sequence[Resolved],
    occurrences: Mapping[str, Occurrences],
    *,
    graph: RoadGraph,
    clock: DemandClock,
) -> Effects:
    """Return the interventions of `order` on the demand's clock.

    Parameters
    ----------
    resolved
        The places of each measure on `graph`.
    occurrences
        The windows of each measure, by measure id; those that matter, usually the feed's horizon.
    graph
        The road graph that `resolved` indexes.
    clock
        The clock of the city's demand.

    Returns
    -------
    Effects
        No interventions where no window lies before us; the assumption says so.
    """
    places = {places.measure_id: places for places in resolved}
    closed_m = {key: sum(graph.length_m[e] for e in _edges(place)) + 1.0 for key, place in places.items()}
    timed = [(m, o) for m in order.measures if m.id in places for o in occurrences.get(m.id, ())]
    if not timed:
        return Effects(interventions=(), assumption="No window of the order lies in the time looked at.")
    timing = timing_of(timed, closed_m, zone_of(order.timezone), clock)
    found = tuple(
        intervention
        for span in timing.spans
        for intervention in _of_measure(order.id, span, places[span.measure.id], graph)
    )
    return Effects(interventions=found, assumption=timing.assumption, seconds_of=timing.seconds_of)


def standing_interventions(
    order: Order,
    resolved: Sequence[Resolved],
    occurrences: Mapping[str, Occurrences],
    *,
    graph: RoadGraph,
    seconds_of: Callable[[datetime], float],
    until_s: float,
) -> tuple[Intervention, ...]:
    """Return the interventions of an order in force on the clock that another order is simulated on.

    Parameters
    ----------
    seconds_of
        The other order's `Effects.seconds_of`.
    until_s
        Windows that begin later, or end before second 0, are left out.
    """
    places = {places.measure_id: places for places in resolved}
    spans = [
        Span(measure=measure, begin_s=max(begin_s, 0.0), end_s=end_s, weight=0.0)
        for measure in order.measures
        if measure.id in places
        for occurrence in occurrences.get(measure.id, ())
        for begin_s, end_s in [seconds_on(occurrence.window, seconds_of)]
        if begin_s < until_s and end_s > 0
    ]
    return tuple(i for span in spans for i in _of_measure(order.id, span, places[span.measure.id], graph))


def _of_measure(order_id: str, span: Span, places: Resolved, graph: RoadGraph) -> Iterator[Intervention]:
    measure, begin_s, end_s = span.measure, span.begin_s, span.end_s
    cause, rule = f"{order_id}.{measure.id}", measure.rule
    edges = tuple(dict.fromkeys(graph.edge_ids[e] for e in _edges(places)))
    if places.turns:
        turns = tuple((graph.edge_ids[a], graph.edge_ids[b]) for a, b in places.turns)
        yield TurnClosure(cause=cause, turns=turns, begin_s=begin_s, end_s=end_s)
    if not edges:
        return
    if isinstance(rule, SpeedLimit):
        speed_mps = rule.limit_kmh / 3.6
        yield SpeedChange(cause=cause, edges=edges, speed_mps=speed_mps, begin_s=begin_s, end_s=end_s)
    elif isinstance(rule, Metering):
        gates = tuple(dict.fromkeys(graph.edge_ids[section.edges[0]] for section in places.sections))
        yield FlowMetering(cause=cause, edges=gates, flow_vph=rule.flow_vph, begin_s=begin_s, end_s=end_s)
    elif isinstance(rule, Hazard):
        yield from _of_hazard(cause, span, measure.water, places, graph)
    elif isinstance(rule, LanesClosed):
        yield from _of_lanes(cause, span, rule, places, graph)
    else:
        permitted = permitted_classes(rule, measure.exceptions)
        yield EdgeClosure(cause=cause, edges=edges, permitted=permitted, begin_s=begin_s, end_s=end_s)


def _of_hazard(
    cause: str, span: Span, water: Water | None, places: Resolved, graph: RoadGraph
) -> Iterator[SpeedChange]:
    """Slow traffic down to what the water leaves of each edge's own limit; without water it keeps its limit."""
    safe_mps = None if water is None or water.speed_kmh is None else max(water.speed_kmh / 3.6, _WALKING_MPS)
    by_speed: dict[float, list[str]] = {}
    for edge in dict.fromkeys(_edges(places)):
        limit_mps = float(graph.speed_mps[edge])
        speed_mps = limit_mps if safe_mps is None else min(limit_mps, safe_mps)
        by_speed.setdefault(round(speed_mps, 2), []).append(graph.edge_ids[edge])
    for speed_mps, edges in by_speed.items():
        yield SpeedChange(cause=cause, edges=tuple(edges), speed_mps=speed_mps, begin_s=span.begin_s, end_s=span.end_s)


def _of_lanes(cause: str, span: Span, rule: LanesClosed, places: Resolved, graph: RoadGraph) -> Iterator[Intervention]:
    permitted = permitted_classes(rule, span.measure.exceptions)
    shut = []
    for edge in dict.fromkeys(_edges(places)):
        lanes = closed_lanes(graph, edge, rule.lanes)
        if lanes and len(lanes) == len(traffic_lanes(graph, edge)):
            shut.append(graph.edge_ids[edge])
        elif lanes:
            yield LaneClosure(
                cause=cause,
                edge=graph.edge_ids[edge],
                lanes=lanes,
                permitted=permitted,
                begin_s=span.begin_s,
                end_s=span.end_s,
            )
    if shut:
        yield EdgeClosure(cause=cause, edges=tuple(shut), permitted=permitted, begin_s=span.begin_s, end_s=span.end_s)


def _edges(places: Resolved) -> list[int]:
    return [edge for section in places.sections for edge in section.edges]
