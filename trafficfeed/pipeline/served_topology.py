"""Which signal topology a live city serves: a given one, else the released one, else one built now, which is said."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from trafficfeed.errors import SourceUnavailable
from trafficfeed.findings import Severity
from trafficfeed.network.city import City
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.pipeline.released_topology import released_topology
from trafficfeed.signals.signal_index import SignalIndex
from trafficfeed.signals.topology import Intersection, Topology
from trafficfeed.signals.topology_building import build_topology
from trafficfeed.signals.topology_checks import check_topology
from trafficfeed.signals.topology_document import from_json
from trafficfeed.store.objects import ObjectStore

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedTopology:
    """A topology, where it is from ("given", "released", "built"), and what leads from it to SUMO's traffic lights.

    `index` is None where nothing is driven by it, or the topology is not of the city's network.
    """

    topology: Topology
    origin: str
    index: SignalIndex | None = None


def served_topology(
    city: City, objects: ObjectStore, *, given: Path | None, graph: Callable[[], RoadGraph], driven: bool
) -> ServedTopology:
    """Return the topology to serve.

    Parameters
    ----------
    city
        Whose network it is of.
    objects
        Where topologies are released.
    given
        A file that goes before all; None: there is none.
    graph
        Returns the city's road graph, where one has to be built.
    driven
        Whether the virtual city runs by it.

    Raises
    ------
    SourceUnavailable, SourceMalformed
        If the file or the city's network cannot be read.
    PublishFailed
        If what is released cannot be read: nothing unreleased is served in its place.
    """
    if given is not None:
        try:
            return ServedTopology(topology=from_json(given.read_bytes()), origin="given")
        except OSError as error:
            raise SourceUnavailable(f"{given} cannot be read: {error}; set TRAFFICFEED_SIGNALS_TOPOLOGY") from error
    released = released_topology(objects)
    if released is not None and not driven:
        return ServedTopology(topology=released, origin="released")
    built, index = build_topology(
        graph(), city.net_path, additional_paths=city.additional_paths, city=city.name, previous=released
    )
    if released is not None:
        return ServedTopology(topology=released, origin="released", index=_of_both(index, released, built))
    errors = [str(finding) for finding in check_topology(built) if finding.severity is Severity.ERROR]
    _log.warning(
        "no signal topology of %s has been released: serving one built from its network just now, %s; "
        "the DAG signals_static releases one that has passed the SUMO gate",
        city.name,
        f"which has {len(errors)} errors, such as {errors[0]}" if errors else "which has no errors",
    )
    return ServedTopology(topology=built, origin="built", index=index)


def _of_both(index: SignalIndex, released: Topology, built: Topology) -> SignalIndex:
    """Return the traffic lights whose intersection is released as it is in the network; others would be told wrong."""
    same = {
        id for id, one in built.intersections.items() if id in released.intersections
        and _content(one) == _content(released.intersections[id])
    }  # fmt: skip
    if missing := sorted(set(released.intersections) - same):
        _log.warning(
            "%d intersections of the released topology are not those of the network any more, such as %s: "
            "the virtual city does not run them until the new topology is released",
            len(missing),
            missing[0],
        )
    return SignalIndex(by_id={id: one for id, one in index.by_id.items() if id in same})


def _content(one: Intersection) -> tuple[object, ...]:
    """Return what lamps are told by; plans may differ, for those that run are watched."""
    bare = replace(one, plans=(), revision=0)
    return (bare.number, [group.id for group in bare.groups], [(c.id, c.group) for c in bare.connections])
