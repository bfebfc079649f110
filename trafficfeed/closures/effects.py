"""An order to simulation interventions: absolute windows to seconds of the demand's own clock.

A demand is a day (seconds since local midnight) or a stretch that stands for any time; neither is the very date of the
order. So a day, or an instant, of the order is chosen that shows it at its worst, and `Effects.assumption` says which.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from trafficfeed.closures.access import permitted_classes
from trafficfeed.closures.lanes import closed_lanes, traffic_lanes
from trafficfeed.closures.orders import LanesClosed, Measure, Metering, Order, SpeedLimit
from trafficfeed.closures.schedules import Occurrence, Occurrences
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

DAY_S = 86_400.0
_MOST_DAYS_LOOKED_AT = 62


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandClock:
    """The demand's own clock.

    Attributes
    ----------
    kind
        "day": seconds since local midnight; "hour": one stretch that stands for any time.
    begin_s, end_s
        First second simulated, and end of the demand's departures.
    warm_up_s
        Traffic before the first intervention; only an "hour" needs it, a day begins with the empty night.
    departures_by_hour
        Departures in each hour from second 0 on; empty: even over the demand.
    """

    kind: Literal["day", "hour"]
    begin_s: float
    end_s: float
    warm_up_s: float = 0.0
    departures_by_hour: Sequence[float] = ()

    def departures(self, begin_s: float, end_s: float) -> float:
        """Return the departures between two seconds, or the seconds themselves where no profile is known."""
        begin_s, end_s = max(begin_s, self.begin_s), min(end_s, self.end_s)
        if not self.departures_by_hour:
            return max(end_s - begin_s, 0.0)
        total = 0.0
        for hour, count in enumerate(self.departures_by_hour):
            overlap_s = min(end_s, (hour + 1) * 3600.0) - max(begin_s, hour * 3600.0)
            total += count * max(overlap_s, 0.0) / 3600.0
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """The interventions of an order, and in a sentence what was assumed of their time."""

    interventions: tuple[Intervention, ...]
    assumption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    measure: Measure
    begin_s: float
    end_s: float
    weight: float


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
    zone = zone_of(order.timezone)
    size = {key: sum(graph.length_m[e] for e in _edges(place)) + 1.0 for key, place in places.items()}
    timed = [(m, o) for m in order.measures if m.id in places for o in occurrences.get(m.id, ())]
    if not timed:
        return Effects(interventions=(), assumption="No window of the order lies in the time looked at.")
    place_in_time = _of_day if clock.kind == "day" else _of_stretch
    spans, assumption = place_in_time(timed, size, zone, clock)
    found = tuple(
        intervention for span in spans for intervention in _of_measure(order.id, span, places[span.measure.id], graph)
    )
    return Effects(interventions=found, assumption=assumption)


def _of_day(
    timed: Sequence[tuple[Measure, Occurrence]], size: Mapping[str, float], zone: ZoneInfo, clock: DemandClock
) -> tuple[list[_Span], str]:
    best: list[_Span] = []
    best_score, best_day = (-1.0, -1.0), date.min
    for day in _days(timed, zone):
        spans = [span for pair in timed if (span := _on_day(pair, size, zone, day))]
        score = (
            sum(span.weight * clock.departures(span.begin_s, span.end_s) for span in spans),
            sum(span.weight * (min(span.end_s, DAY_S) - span.begin_s) for span in spans),
        )
        if score > best_score:
            best, best_score, best_day = spans, score, day
    clock_times = ", ".join(sorted({f"{_hhmm(s.begin_s)}–{_hhmm(s.end_s)}" for s in best}))
    quiet = "" if best_score[0] > 0 else " The demand has no departures at these hours."
    return best, (
        f"Simulated on the demand's day as {best_day:%A %Y-%m-%d} ({zone.key}), the day of the order that meets the "
        f"most traffic: {clock_times}.{quiet}"
    )


def _days(timed: Sequence[tuple[Measure, Occurrence]], zone: ZoneInfo) -> list[date]:
    days: set[date] = set()
    for _, occurrence in timed:
        day = occurrence.window.start.astimezone(zone).date()
        last = (occurrence.window.end - timedelta(microseconds=1)).astimezone(zone).date()
        days.update(day + timedelta(days=n) for n in range(min((last - day).days, 8) + 1))
    return sorted(days)[:_MOST_DAYS_LOOKED_AT]


def _on_day(pair: tuple[Measure, Occurrence], size: Mapping[str, float], zone: ZoneInfo, day: date) -> _Span | None:
    measure, occurrence = pair
    begin_s = _seconds(occurrence.window.start, zone, day)
    end_s = _seconds(occurrence.window.end, zone, day)
    if begin_s >= DAY_S or end_s <= 0:
        return None
    # one that goes on past midnight stays shut while the day's last vehicles finish
    return _Span(measure=measure, begin_s=max(begin_s, 0.0), end_s=min(end_s, 2 * DAY_S), weight=size[measure.id])


def _seconds(instant: datetime, zone: ZoneInfo, day: date) -> float:
    """Return the seconds on the clock since midnight of `day`; demand follows the clock through a DST change."""
    local = instant.astimezone(zone)
    since_midnight = timedelta(hours=local.hour, minutes=local.minute, seconds=local.second)
    return (timedelta(days=(local.date() - day).days) + since_midnight).total_seconds()


def _of_stretch(
    timed: Sequence[tuple[Measure, Occurrence]], size: Mapping[str, float], zone: ZoneInfo, clock: DemandClock
) -> tuple[list[_Span], str]:
    active_s = clock.begin_s + min(clock.warm_up_s, (clock.end_s - clock.begin_s) / 2)
    length_s = clock.end_s - active_s

    def placed(anchor: datetime) -> list[_Span]:
        spans = []
        for measure, occurrence in timed:
            begin_s = (occurrence.window.start - anchor).total_seconds()
            end_s = (occurrence.window.end - anchor).total_seconds()
            if begin_s < length_s and end_s > 0:
                end_s = active_s + min(end_s, length_s + DAY_S)
                begin_s = active_s + max(begin_s, 0.0)
                spans.append(_Span(measure=measure, begin_s=begin_s, end_s=end_s, weight=size[measure.id]))
        return spans

    def score(anchor: datetime) -> tuple[float, float]:
        covered = sum(s.weight * (min(s.end_s, clock.end_s) - s.begin_s) for s in placed(anchor))
        return covered, -anchor.timestamp()

    anchors = sorted({o.window.start for _, o in timed})[: _MOST_DAYS_LOOKED_AT * 4]
    anchor = max(anchors, key=score)
    spans = placed(anchor)
    return spans, (
        f"The demand is one stretch of {(clock.end_s - clock.begin_s) / 60:.0f} min that stands for any time; the "
        f"order is simulated from {anchor.astimezone(zone):%A %Y-%m-%d %H:%M} ({zone.key}) on, when it closes most, "
        f"beginning {(active_s - clock.begin_s) / 60:.0f} min into the stretch."
    )


def _of_measure(order_id: str, span: _Span, places: Resolved, graph: RoadGraph) -> Iterator[Intervention]:
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
    elif isinstance(rule, LanesClosed):
        yield from _of_lanes(cause, span, rule, places, graph)
    else:
        permitted = permitted_classes(rule, measure.exceptions)
        yield EdgeClosure(cause=cause, edges=edges, permitted=permitted, begin_s=begin_s, end_s=end_s)


def _of_lanes(cause: str, span: _Span, rule: LanesClosed, places: Resolved, graph: RoadGraph) -> Iterator[Intervention]:
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


def _hhmm(seconds: float) -> str:
    days, rest = divmod(int(seconds), int(DAY_S))
    return f"{rest // 3600:02d}:{rest % 3600 // 60:02d}" + (" next day" if days else "")
