"""What an import made of its source: the counts, and what was repaired, dropped or doubtful."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from trafficfeed.findings import Finding, Severity
from trafficfeed.network.osm import Extract
from trafficfeed.network.osm_link import OsmLink
from trafficfeed.network.places import Places
from trafficfeed.network.reachability import reach
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.vehicle_classes import VehicleClass

_SHOWN = 20  # examples named in a finding; all are counted


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What a build made, as it is kept in ``import_report.json``.

    `inputs_hash` is the sha256 of everything that went in; `counts` are plain numbers by name; `shares` lie in 0..1;
    `netconvert_warnings` counts netconvert's warnings by kind; `unchanged` says that nothing had to be built.
    """

    city: str
    source: str
    inputs_hash: str
    network_hash: str
    sumo_version: str
    counts: Mapping[str, int] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    netconvert_warnings: Mapping[str, int] = field(default_factory=dict)
    demand_method: str = ""
    unchanged: bool = False

    def as_json(self) -> str:
        """Return the report as it is kept on disk."""
        document = {key: value for key, value in asdict(self).items() if key != "unchanged"}
        return json.dumps(document, indent=1, ensure_ascii=False, default=dict) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "ImportReport":
        """Return the report kept as `text`; ValueError, KeyError or TypeError where it is not one."""
        document: dict[str, Any] = json.loads(text)
        document["findings"] = tuple(
            Finding(**{**found, "severity": Severity(found["severity"])}) for found in document["findings"]
        )
        return cls(**document)

    def as_text(self) -> str:
        """Return the report for a person, in a few lines."""
        head = f"{self.city}: {'nothing to do, the inputs have not changed' if self.unchanged else 'built'}"
        counts = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in self.counts.items())
        shares = ", ".join(f"{name.replace('_', ' ')} {100 * share:.1f} %" for name, share in self.shares.items())
        found = [f"  {finding}" for finding in self.findings]
        return "\n".join([head, f"  {counts}", *([f"  {shares}"] if shares else []), *found])


def graph_counts(graph: RoadGraph, places: Places) -> dict[str, int]:
    """Return how much of everything there is."""
    kinds = {f"{kind.value}_places": 0 for kind in dict.fromkeys(places.kind)}
    for kind in places.kind:
        kinds[f"{kind.value}_places"] += 1
    return {
        "edges": len(graph),
        "junctions": len(graph.node_ids),
        "signals": int(graph.node_signalised.sum()),
        "turns": len(graph.turn_from),
        "osm_ways": len(np.unique(graph.way_id)),
        **kinds,
    }


def graph_findings(graph: RoadGraph, places: Places, *, located: bool) -> list[Finding]:
    """Return what is doubtful about a road graph, whatever it came from."""
    return [*_islands(graph), *_dead_signals(graph), *_names(graph), *_far_places(places), *_unlocated(located)]


def extract_findings(graph: RoadGraph, extract: Extract, link: OsmLink) -> list[Finding]:
    """Return what was dropped from an OSM extract, and how well edges and ways were linked."""
    return [*_cuts(extract), *_link_faults(graph, link), *_leftovers(link, extract)]


def link_shares(link: OsmLink) -> dict[str, float]:
    """Return the shares of edges that are linked to OSM ways, and of those whose OSM line is as long as the edge."""
    linked = np.array([len(chain) > 1 for chain in link.chains], dtype=np.bool_)
    if not len(linked):
        return {}
    return {
        "edges_linked_to_osm": float(linked.mean()),
        "linked_edges_of_equal_length": float(link.length_matches[linked].mean()) if linked.any() else 0.0,
    }


def _islands(graph: RoadGraph) -> Iterator[Finding]:
    core = reach(graph, VehicleClass.PASSENGER).core
    cut_off = np.flatnonzero(((graph.access & VehicleClass.PASSENGER.bit) != 0) & ~core)
    if len(cut_off):
        yield Finding(
            rule="import.islands",
            severity=Severity.WARNING,
            message=f"{len(cut_off)} edges cannot be both reached and left by car from the bulk of the network",
            mend="nothing to do for yards and private roads; else connect them in OSM, or take a larger extract",
            detail={"edges": len(cut_off), "examples": _streets(graph, cut_off)},
        )


def _dead_signals(graph: RoadGraph) -> Iterator[Finding]:
    arriving = np.zeros((2, len(graph.node_ids)), dtype=np.int64)
    np.add.at(arriving[0], graph.to_node, 1)
    np.add.at(arriving[1], graph.from_node, 1)
    dead = np.flatnonzero(
        graph.node_signalised & ((arriving[0] == 0) | (arriving[1] == 0) | (arriving.sum(axis=0) < 3))
    )
    if len(dead):
        yield Finding(
            rule="import.dead_signals",
            severity=Severity.WARNING,
            message=f"{len(dead)} signals stand where no streams meet (a dead end or the rim of the network)",
            mend="look at them in netedit; a signal at the rim of an extract is harmless",
            detail={"signals": len(dead), "examples": [graph.node_ids[i] for i in dead[:_SHOWN]]},
        )


def _names(graph: RoadGraph) -> Iterator[Finding]:
    unnamed = np.array([not name for name in graph.names], dtype=np.bool_)
    minor = np.array([h == "service" or h.endswith("_link") for h in graph.highway], dtype=np.bool_)
    missing = int((unnamed & ~minor).sum())
    if missing:
        yield Finding(
            rule="import.missing_names",
            severity=Severity.INFO,
            message=f"{missing} of {len(graph)} edges have no street name (service roads and links not counted)",
            mend="orders can place them by a drawn line, by OSM way or by point",
            detail={"edges": missing},
        )


def _far_places(places: Places) -> Iterator[Finding]:
    far = np.flatnonzero(places.edge < 0)
    if len(far):
        yield Finding(
            rule="import.places_without_road",
            severity=Severity.INFO,
            message=f"{len(far)} of {len(places)} places lie at no road of the network: their isolation is not checked",
            mend="most lie beyond the extract's rim: take a larger extract",
            detail={"places": len(far), "examples": [f"{places.label[i]} ({places.osm_id[i]})" for i in far[:_SHOWN]]},
        )


def _unlocated(located: bool) -> Iterator[Finding]:
    if not located:
        yield Finding(
            rule="import.unlocated",
            severity=Severity.WARNING,
            message="the network has no projection: it lies at a synthetic place, and its positions are not real",
            mend="give --origin LON,LAT of its centre, or a network with a projection, before publishing anything",
        )


def _cuts(extract: Extract) -> Iterator[Finding]:
    if extract.cut_ways or extract.lost_ways:
        yield Finding(
            rule="import.clipped_ways",
            severity=Severity.INFO,
            message=f"{extract.cut_ways} roads leave the extract and were cut at its rim; "
            f"{extract.lost_ways} have fewer than two nodes in it and were left out",
            mend="an extract made with whole ways (osmium extract -s complete_ways) keeps them",
            detail={"cut": extract.cut_ways, "lost": extract.lost_ways, "rim_nodes": len(extract.fringe)},
        )
    if extract.cut_restrictions:
        yield Finding(
            rule="import.cut_restrictions",
            severity=Severity.INFO,
            message=f"{extract.cut_restrictions} turn restrictions have members outside the extract or its roads "
            "and were left out",
            detail={"relations": extract.cut_restrictions},
        )
    if extract.left_out:
        yield Finding(
            rule="import.left_out",
            severity=Severity.INFO,
            message=f"{sum(extract.left_out.values())} ways are no roads for motor vehicles and were left out",
            detail=dict(sorted(extract.left_out.items())),
        )


def _link_faults(graph: RoadGraph, link: OsmLink) -> Iterator[Finding]:
    unlinked = [i for i, chain in enumerate(link.chains) if len(chain) < 2]
    if unlinked:
        yield Finding(
            rule="import.unlinked",
            severity=Severity.WARNING,
            message=f"{len(unlinked)} edges could not be linked to OSM ways and keep SUMO's own line",
            mend="check what is published there on the map",
            detail={"edges": [graph.edge_ids[i] for i in unlinked]},
        )
    unequal = [i for i, chain in enumerate(link.chains) if len(chain) > 1 and not link.length_matches[i]]
    if unequal:
        yield Finding(
            rule="import.unequal_length",
            severity=Severity.INFO,
            message=f"{len(unequal)} linked edges differ from their OSM line by more than 2 % and 5 m: "
            "netconvert moved a joined junction, the OSM line is kept",
            detail={"edges": [graph.edge_ids[i] for i in unequal]},
        )


def _leftovers(link: OsmLink, extract: Extract) -> Iterator[Finding]:
    if link.swallowed:
        junctions = dict.fromkeys(piece.node_id for piece in link.swallowed)
        yield Finding(
            rule="import.swallowed",
            severity=Severity.INFO,
            message=f"{len(link.swallowed)} short pieces of road lie inside {len(junctions)} joined junctions",
            detail={"pieces": len(link.swallowed), "junctions": list(junctions)[:_SHOWN]},
        )
    if link.dropped:
        yield Finding(
            rule="import.dropped",
            severity=Severity.INFO,
            message=f"{len(link.dropped)} pieces of road are closed to motor vehicles or a dead loop, "
            "and are not in the network",
            detail={"pieces": len(link.dropped), "examples": [f"way/{way}" for way, _, _ in link.dropped[:_SHOWN]]},
        )


def _streets(graph: RoadGraph, edges: npt.NDArray[np.intp]) -> list[str]:
    """Return the edges as a person would look them up: street and OSM way where known, else SUMO's id."""
    first = dict(zip(reversed(graph.way_edge.tolist()), reversed(graph.way_id.tolist()), strict=True))
    return list(_unique(_place(graph, i, first.get(i)) for i in edges.tolist()))[:_SHOWN]


def _place(graph: RoadGraph, i: int, way: int | None) -> str:
    known = f"way/{way}" if way is not None else graph.edge_ids[i]
    return f"{graph.names[i]} ({known})" if graph.names[i] else known


def _unique(texts: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(texts)
