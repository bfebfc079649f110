"""The instant checks on the road graph: one rule a file, each with its findings and their severity."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from trafficfeed.closures.checks import (
    detour_conflict,
    detour_length,
    isolation,
    lanes,
    notice,
    overlap,
    regulation,
    window_sanity,
)
from trafficfeed.closures.checks.case import Case, StandingOrder
from trafficfeed.closures.checks.window_sanity import next_windows
from trafficfeed.closures.orders import Order
from trafficfeed.findings import Finding, Severity
from trafficfeed.network.places import Places
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.sections import Resolved
from trafficfeed.windows import Window

__all__ = ["CHECKS", "StandingOrder", "check_order"]

CHECKS: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    lanes.check,
    regulation.check,
    window_sanity.check,
    notice.check,
    overlap.check,
    detour_conflict.check,
    isolation.check,
    detour_length.check,
)


def check_order(
    order: Order,
    resolved: Sequence[Resolved],
    windows: Mapping[str, Sequence[Window]],
    *,
    graph: RoadGraph,
    places: Places,
    others: Sequence[StandingOrder] = (),
    as_of: datetime,
) -> tuple[Finding, ...]:
    """Run every check on an order; what `resolution.resolve` found is not repeated.

    Parameters
    ----------
    order
        As authored.
    resolved
        Its measures on the road graph.
    windows
        By measure id, in UTC. A measure with nothing to come in them, because it lies further ahead than they were
        worked out, is checked at its next windows.
    graph, places
        The city.
    others
        Other orders in force. While one of their windows overlaps, their closures count as closed in the base, too.
    as_of
        The time of the check, aware UTC.

    Returns
    -------
    tuple of Finding
        The worst first, otherwise in the order of `CHECKS`.
    """
    coming = {m.id: windows.get(m.id, ()) for m in order.measures}
    for measure in order.measures:
        if all(w.end <= as_of for w in coming[measure.id]):
            coming[measure.id] = (*coming[measure.id], *next_windows(measure, order.timezone, as_of))
    case = Case(order=order, resolved=resolved, windows=coming, graph=graph, places=places, others=others, as_of=as_of)
    found = [finding for check in CHECKS for finding in check(case)]
    return tuple(sorted(found, key=lambda f: list(Severity).index(f.severity)))
