"""Interventions as SUMO understands them: one additional file with rerouters and speed signs.

Measured with SUMO 1.28 (tests/simulation/test_rerouters.py keeps it true):

- Of a closure its *entries* (the links that lead into it) are closed first, and the edges themselves once those
  inside have had time to leave: otherwise they stand on the closed street until they are teleported, and hold up
  ambulances. In micro, who stands at the barrier is turned round at that second step; meso would leave them there, so
  until then its notices send everybody by the fastest way that is open (`time-to-teleport.disconnected` would free
  them too, but takes up to eight times the computing and moves vehicles in the base). One or two who are past the
  last notice of an entry in meso when it shuts are teleported after 300 s, and counted as such.
- Notices go out on every edge up to three choices upstream, at any time from one rerouter: several at once send
  vehicles in circles.
- Lane closures act in micro only. Turn bans close the link; a notice upstream finds everybody a new way to the same
  destination. Metering is a slow gate on the link, whose capacity is the wanted flow: micro only, as meso has no links.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from lxml import etree

from trafficfeed.errors import ScenarioInvalid
from trafficfeed.network.vehicle_classes import VehicleClass
from trafficfeed.simulation.clearing import clearing_time_s
from trafficfeed.simulation.interventions import (
    EdgeClosure,
    FlowMetering,
    Intervention,
    LaneClosure,
    SpeedChange,
    TurnClosure,
)
from trafficfeed.simulation.sumo_network import SumoNetwork

_CHOICES_UPSTREAM = 3
_FARTHEST_UPSTREAM = 40
_HEADWAY_S = 1.0
_SPACE_M = 7.5


def supported_tiers(interventions: Iterable[Intervention]) -> frozenset[str]:
    """Return the tiers ("meso", "micro") that show the effect of all `interventions`.

    SUMO's mesoscopic model has neither lanes to close nor links to meter.
    """
    if any(isinstance(i, LaneClosure | FlowMetering) for i in interventions):
        return frozenset({"micro"})
    return frozenset({"meso", "micro"})


def write_interventions(
    path: Path,
    network: SumoNetwork,
    interventions: Sequence[Intervention],
    *,
    tier: str,
    free_types: Sequence[str],
) -> None:
    """Write `interventions` to `path` as a SUMO additional file.

    Parameters
    ----------
    free_types
        The vehicle types without stops: those that a turn ban's notice may send another way.

    Raises
    ------
    ScenarioInvalid
        If an edge, lane or turn is not in the network.
    """
    root = etree.Element("additional")
    closures = [i for i in interventions if isinstance(i, EdgeClosure | LaneClosure)]
    _check(network, interventions)
    if closures:
        _closing_rerouter(root, network, closures)
        if tier == "meso":
            _first_notices(root, network, [c for c in closures if isinstance(c, EdgeClosure)], free_types)
    for number, intervention in enumerate(interventions):
        if isinstance(intervention, TurnClosure):
            _turn_rerouters(root, network, intervention, number, free_types)
        elif isinstance(intervention, SpeedChange):
            for edge in sorted(set(intervention.edges)):
                lanes = _lanes(network, edge)
                own = float(network.speed_mps[network.index[edge]])
                _speed_sign(root, f"speed{number}:{edge}", lanes, intervention, intervention.speed_mps, own)
        elif isinstance(intervention, FlowMetering):
            for edge in sorted(set(intervention.edges)):
                _gate(root, network, edge, intervention, number)
    etree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True, pretty_print=True)


def _check(network: SumoNetwork, interventions: Iterable[Intervention]) -> None:
    for intervention in interventions:
        edges: Iterable[str]
        if isinstance(intervention, LaneClosure):
            edges = [intervention.edge]
        elif isinstance(intervention, TurnClosure):
            edges = [edge for turn in intervention.turns for edge in turn]
        else:
            edges = intervention.edges
        for edge in edges:
            if edge not in network.index:
                raise ScenarioInvalid(
                    f"{intervention.cause} is about the edge {edge!r}, which the network does not have: "
                    "was the order matched on another network?"
                )


def _closing_rerouter(
    root: etree._Element, network: SumoNetwork, closures: Sequence[EdgeClosure | LaneClosure]
) -> None:
    """Write one rerouter for each stretch of time, which says everything that is then closed.

    One for all the time would not do: SUMO forgets a vehicle that it told of a closure which permits the vehicle, and
    leaves it standing when the next interval does not.
    """
    steps = [step for closure in closures for step in _steps(network, closure)]
    closed = {network.index[e] for c in closures for e in (c.edges if isinstance(c, EdgeClosure) else (c.edge,))}
    notices = " ".join(_notices(network, closed))
    times = sorted({t for begin, end, _, _, _ in steps for t in (begin, end)})
    for begin, end in pairwise(times):
        active = [step for step in steps if step[0] <= begin and end <= step[1]]
        if not active:
            continue
        rerouter = etree.SubElement(root, "rerouter", id=f"closures from {begin:.2f}", edges=notices)
        interval = etree.SubElement(rerouter, "interval", begin=f"{begin:.2f}", end=f"{end:.2f}")
        for (tag, item), permitted in sorted(_merged(active).items()):
            attributes = {"allow": " ".join(sorted(permitted))} if permitted else {"disallow": "all"}
            etree.SubElement(interval, tag, {"id": item, **attributes})


_Step = tuple[float, float, str, list[str], frozenset[VehicleClass]]


def _steps(network: SumoNetwork, closure: EdgeClosure | LaneClosure) -> list[_Step]:
    begin, end, permitted = closure.begin_s, closure.end_s, closure.permitted
    if isinstance(closure, LaneClosure):
        items = [f"{closure.edge}_{lane}" for lane in closure.lanes]
        return [(begin, end, "closingLaneReroute", items, permitted)]
    edges = sorted(set(closure.edges))
    inside = {network.index[e] for e in edges}
    entries = sorted(
        link
        for edge in inside
        for origin in network.predecessors[edge]
        if origin not in inside
        for link in network.turn_links[network.turn_index[origin, edge]]
    )
    if not entries:
        return [(begin, end, "closingReroute", edges, permitted)]
    cleared = min(begin + clearing_time_s(network, inside), end)
    steps: list[_Step] = [(begin, cleared, "closingReroute", entries, permitted)]
    if cleared < end:
        steps.append((cleared, end, "closingReroute", edges, permitted))
    return steps


def _first_notices(
    root: etree._Element, network: SumoNetwork, closures: Sequence[EdgeClosure], free_types: Sequence[str]
) -> None:
    """Write the notices of meso while only the entries of each closure are shut."""
    for number, closure in enumerate(closures):
        inside = {network.index[e] for e in closure.edges}
        cleared = min(closure.begin_s + clearing_time_s(network, inside), closure.end_s)
        name, edges = f"first notices {number}", " ".join(_notices(network, inside))
        _keep_destination(root, name, edges, closure.begin_s, cleared, free_types)


def _keep_destination(
    root: etree._Element, name: str, edges: str, begin_s: float, end_s: float, free_types: Sequence[str]
) -> None:
    """Write a rerouter that sends everybody to where they want by the fastest way that is then open."""
    notice = etree.SubElement(root, "rerouter", id=name, edges=edges, vTypes=" ".join(free_types))
    interval = etree.SubElement(notice, "interval", begin=f"{begin_s:.2f}", end=f"{end_s:.2f}")
    etree.SubElement(interval, "destProbReroute", id="keepDestination")


def _merged(steps: Sequence[_Step]) -> Mapping[tuple[str, str], frozenset[VehicleClass]]:
    """Return who may pass each closed item: those whom every closure of it permits."""
    merged: dict[tuple[str, str], frozenset[VehicleClass]] = {}
    for _, _, tag, items, permitted in steps:
        for item in items:
            merged[tag, item] = merged.get((tag, item), permitted) & permitted
    return merged


def _notices(network: SumoNetwork, closed: set[int]) -> list[str]:
    """Return the edges on which drivers learn of the closure: those with up to three choices left, going upstream."""
    found: dict[int, int] = {}
    frontier = {(edge, 0) for edge in closed}
    for _ in range(_FARTHEST_UPSTREAM):
        upstream: set[tuple[int, int]] = set()
        for edge, choices in frontier:
            for origin in network.predecessors[edge]:
                if origin in closed:
                    continue
                open_ways = [e for e in network.successors[origin] if e not in closed]
                passed = choices + (len(open_ways) > (1 if edge not in closed else 0))
                if passed > _CHOICES_UPSTREAM or found.get(origin, _CHOICES_UPSTREAM + 1) <= passed:
                    continue
                found[origin] = passed
                upstream.add((origin, passed))
        frontier = upstream
    chosen = found.keys() or closed
    return sorted(network.edge_ids[edge] for edge in chosen)


def _turn_rerouters(
    root: etree._Element, network: SumoNetwork, ban: TurnClosure, number: int, free_types: Sequence[str]
) -> None:
    links: list[str] = []
    origins: set[int] = set()
    for origin, target in ban.turns:
        pair = (network.index[origin], network.index[target])
        if pair not in network.turn_index:
            raise ScenarioInvalid(
                f"{ban.cause} bans the move {origin!r} to {target!r}, which the network does not have"
            )
        links += network.turn_links[network.turn_index[pair]]
        origins.add(pair[0])
    if not links:
        raise ScenarioInvalid(f"{ban.cause} bans a move, but the network has no internal links: rebuild it with them")
    before = origins | {p for o in origins for p in network.predecessors[o]}
    edges = " ".join(sorted(network.edge_ids[e] for e in before))
    begin, end = f"{ban.begin_s:.2f}", f"{ban.end_s:.2f}"
    barrier = etree.SubElement(root, "rerouter", id=f"turn{number}", edges=edges, vTypes="none", off="false")
    interval = etree.SubElement(barrier, "interval", begin=begin, end=end)
    for link in sorted(set(links)):
        etree.SubElement(interval, "closingReroute", id=link, disallow="all")
    _keep_destination(root, f"turn{number}:notice", edges, ban.begin_s, ban.end_s, free_types)


def _lanes(network: SumoNetwork, edge: str) -> list[str]:
    return [f"{edge}_{lane}" for lane in range(int(network.lane_count[network.index[edge]]))]


def _speed_sign(
    root: etree._Element,
    name: str,
    lanes: Sequence[str],
    when: SpeedChange | FlowMetering,
    speed_mps: float,
    own_mps: float,
) -> None:
    sign = etree.SubElement(root, "variableSpeedSign", id=name, lanes=" ".join(lanes))
    etree.SubElement(sign, "step", time=f"{when.begin_s:.2f}", speed=f"{speed_mps:.3f}")
    etree.SubElement(sign, "step", time=f"{when.end_s:.2f}", speed=f"{own_mps:.3f}")


def _gate(root: etree._Element, network: SumoNetwork, edge: str, metering: FlowMetering, number: int) -> None:
    """Write a slow gate on the links into `edge`: at speed v a lane passes v / (7.5 m + v · 1 s) vehicles a second."""
    target = network.index[edge]
    links = sorted(
        lane
        for origin in network.predecessors[target]
        for lane in network.turn_lanes[network.turn_index[origin, target]]
    )
    lanes = links or _lanes(network, edge)
    flow = min(metering.flow_vph / 3600.0 / len(lanes), 0.5)
    speed = _SPACE_M * flow / (1.0 - _HEADWAY_S * flow)
    own = float(network.speed_mps[target])
    _speed_sign(root, f"gate{number}:{edge}", lanes, metering, speed, own)
