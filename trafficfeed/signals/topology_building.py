"""The signal topology of a city from its SUMO network: every traffic light an intersection, with public ids only."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np

from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.sumo_signals import NetLink, SignalNet, read_signals
from trafficfeed.signals.intersection_building import (
    SignalLinks,
    conflicts_of,
    connections_of,
    groups_of,
    lanes_of,
    signal_links,
)
from trafficfeed.signals.intersection_naming import Place, map_numbers, public_ids, title_of
from trafficfeed.signals.plan_building import plan_of
from trafficfeed.signals.signal_index import SignalIndex, SumoSignal
from trafficfeed.signals.topology import Intersection, Topology
from trafficfeed.signals.topology_document import content_hash

_REVISIONS = 128


def build_topology(
    graph: RoadGraph,
    net_path: Path,
    *,
    additional_paths: Iterable[Path] = (),
    city: str = "",
    region: int = 0,
    made_at: datetime | None = None,
    previous: Topology | None = None,
) -> tuple[Topology, SignalIndex]:
    """Return the signal topology of a SUMO network, and the private index that leads back to SUMO.

    Parameters
    ----------
    graph
        The road graph made of the network: names streets, and links junctions to OSM nodes.
    net_path
        The network.
    additional_paths
        SUMO additional files with further programmes (``City.additional_paths``); a signal runs the last it is given.
    city
        Its name; default: the network file's.
    region
        MAP ``RoadRegulatorID`` of the authority; 0 is for tests.
    made_at
        Aware UTC; default: when the network file was written.
    previous
        The topology published before: ids by position and MAP numbers stay, revisions count on.

    Raises
    ------
    SourceUnavailable
        If a file is not there.
    SourceMalformed
        If one cannot be read.
    """
    net = read_signals(net_path, graph, additional_paths=additional_paths)
    parts = _parts(net)
    ends = dict(zip(graph.way_edge.tolist(), graph.way_to_osm_node.tolist(), strict=True))  # the last piece's stays
    places = [_place(part, graph, ends) for part in parts.values()]
    before = previous.intersections if previous else {}
    ids = public_ids(places, {id: one.lonlat for id, one in before.items()})
    numbers = map_numbers(ids, {id: one.number for id, one in before.items()})
    intersections: dict[str, Intersection] = {}
    signals: dict[str, SumoSignal] = {}
    for signal, part, place, id in zip(parts, parts.values(), places, ids, strict=True):
        one, signals[id] = _built(signal, part, place, id)
        intersections[id] = _revised(replace(one, number=numbers[id], region=region), before.get(id))
    ordered = {id: intersections[id] for id in sorted(intersections)}
    topology = Topology(
        city=city or net_path.name.split(".")[0],
        version=content_hash(ordered.values()),
        source=f"SUMO network {graph.network_hash[:12]}",
        made_at=made_at or net.written_at,
        intersections=ordered,
    )
    return topology, SignalIndex(by_id={id: signals[id] for id in ordered})


def _parts(net: SignalNet) -> dict[str, SignalLinks]:
    """Return each traffic light's links, those uncontrolled beside its own included once."""
    by_signal: dict[str, list[NetLink]] = {}
    arms: dict[str, str] = {}
    for link in net.links:
        if link.signal:
            by_signal.setdefault(link.signal, []).append(link)
            arms[net.lanes[link.from_lane].edge] = link.signal
    for link in net.links:
        if not link.signal and (owner := arms.get(net.lanes[link.from_lane].edge)):
            by_signal[owner].append(link)
    return {signal: signal_links(net, signal, by_signal[signal]) for signal in sorted(by_signal)}


def _built(signal: str, part: SignalLinks, place: Place, id: str) -> tuple[Intersection, SumoSignal]:
    numbered = lanes_of(part)
    groups, group_of = groups_of(part, numbered)
    letters: dict[int, set[str]] = {}
    for programme in part.programmes:
        for phase in programme.phases:
            for index, group in group_of.items():
                letters.setdefault(group, set()).update(phase.state[index : index + 1])
    behind = SumoSignal(
        signal=signal,
        intersection=id,
        group_of_link=tuple(group_of.get(i, 0) for i in range(max(group_of, default=-1) + 1)),
        yields=part.yields,
        permissive=frozenset(group for group, shown in letters.items() if "g" in shown and "G" not in shown),
        programmes=tuple(dict.fromkeys(programme.id for programme in part.programmes)),
        lanes={number: lane for lane, number in (*numbered.egress.items(), *numbered.ingress.items())},
    )
    plans = {programme.id: plan_of(programme, behind) for programme in part.programmes}
    intersection = Intersection(
        id=id,
        number=0,
        region=0,
        name=title_of(place, id),
        lonlat=place.lonlat,
        lanes=numbered.lanes,
        connections=connections_of(part, numbered, group_of),
        groups=tuple(groups),
        conflicts=conflicts_of(part, group_of),
        plans=tuple(plans.values()),
    )
    return intersection, behind


def _place(part: SignalLinks, graph: RoadGraph, ends: Mapping[int, int]) -> Place:
    controlled = [link for link in part.links if link.index >= 0]
    centres = np.array([part.net.junctions[name] for name in sorted({link.junction for link in controlled})])
    lon, lat = centres.mean(axis=0)
    lanes: dict[str, int] = {}
    nodes: set[int] = set()
    for edge in sorted({part.arm(link) for link in controlled}):
        i = graph.index.get(edge)
        if i is None:
            continue
        if graph.names[i]:
            lanes[graph.names[i]] = lanes.get(graph.names[i], 0) + int(graph.lane_count[i])
        if i in ends:
            nodes.add(ends[i])
    return Place(
        lonlat=(round(float(lon), 7), round(float(lat), 7)),
        osm_nodes=frozenset(nodes),
        streets=sorted(lanes, key=lambda street: (-lanes[street], street)),
    )


def _revised(one: Intersection, before: Intersection | None) -> Intersection:
    """Count the revision on where the content has changed since."""
    if before is None:
        return one
    same = replace(one, revision=before.revision)
    return (
        same
        if content_hash([same]) == content_hash([before])
        else replace(one, revision=(before.revision + 1) % _REVISIONS)
    )


def programmes_in_force(index: SignalIndex) -> Mapping[str, str]:
    """Return the plan id that SUMO runs at each intersection: the last one loaded."""
    return {id: one.programmes[-1] for id, one in index.by_id.items() if one.programmes}
