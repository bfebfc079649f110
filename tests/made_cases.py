"""Orders, windows and places for tests of matching orders and checking them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import shapely

from trafficfeed.closures.checks import StandingOrder, check_order
from trafficfeed.closures.orders import (
    Authority,
    Closure,
    Contact,
    Exemption,
    Measure,
    Order,
    Period,
    Place,
    Reason,
    Rule,
    Schedule,
    StreetSection,
)
from trafficfeed.closures.resolution import resolve
from trafficfeed.findings import Finding
from trafficfeed.network.places import PlaceKind, Places
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.windows import Window

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def window(from_h: float = 100.0, to_h: float = 110.0) -> Window:
    """A window so many hours from `NOW`."""
    return Window(start=NOW + timedelta(hours=from_h), end=NOW + timedelta(hours=to_h))


def measure(
    *where: Place,
    rule: Rule | None = None,
    name: str = "closed",
    exceptions: Sequence[Exemption] = (Exemption.EMERGENCY,),
    hours: tuple[float, float] = (100.0, 110.0),
    **more: Any,
) -> Measure:
    """A measure, a closure unless another rule is given, `hours` from `NOW` in UTC."""
    at = window(*hours)
    return Measure(
        id=name,
        rule=rule or Closure(),
        where=where,
        when=Schedule(periods=(Period(start=at.start, end=at.end),)),
        exceptions=tuple(exceptions),
        **more,
    )


def order(*measures: Measure, name: str = "order", authority: str = "City", reason: Reason = Reason.SPORT) -> Order:
    """An order of these measures."""
    return Order(
        id=name,
        city="anywhere",
        authority=Authority(name=authority),
        legal_basis="Road Act",
        reason=reason,
        contact=Contact(name="Desk"),
        title={"en": "Test"},
        timezone="UTC",
        measures=measures,
    )


def block(street: str, first: str, second: str, **more: Any) -> StreetSection:
    """A street between two others."""
    return StreetSection(street=street, between=(first, second), **more)


def places(graph: RoadGraph, *at: tuple[PlaceKind, str, str]) -> Places:
    """Places of (kind, label, edge id)."""
    edge = np.array([graph.index[e] for _, _, e in at], dtype=np.int32)
    middle = shapely.get_coordinates(shapely.centroid(graph.geometry[edge])).reshape(-1, 2)
    return Places(
        kind=[k for k, _, _ in at],
        label=[label for _, label, _ in at],
        osm_id=[f"node/{i}" for i in range(len(at))],
        lonlat=middle,
        edge=edge,
    )


def everywhere(graph: RoadGraph) -> Places:
    """One address on every edge."""
    return places(graph, *((PlaceKind.ADDRESS, f"{graph.names[i]} {i}", e) for i, e in enumerate(graph.edge_ids)))


def standing(graph: RoadGraph, other: Order) -> StandingOrder:
    """Another order in force."""
    resolved, findings = resolve(other, graph)
    assert not any(f.severity == "error" for f in findings)
    return StandingOrder(order=other, resolved=resolved, windows=windows_of(other))


def windows_of(one: Order) -> dict[str, list[Window]]:
    """The windows of measures that were made here."""
    return {m.id: [Window(start=p.start, end=p.end) for p in m.when.periods if p.end is not None] for m in one.measures}


def checked(
    graph: RoadGraph, one: Order, *, at: Places | None = None, others: Sequence[Order] = (), as_of: datetime = NOW
) -> tuple[Finding, ...]:
    """Resolve an order, which must succeed, and check it."""
    resolved, findings = resolve(one, graph)
    assert not any(f.severity == "error" for f in findings), findings
    return check_order(
        one,
        resolved,
        windows_of(one),
        graph=graph,
        places=at or places(graph),
        others=[standing(graph, other) for other in others],
        as_of=as_of,
    )


def only(findings: Sequence[Finding], rule: str) -> list[Finding]:
    """The findings of one rule, or of all that begin with it."""
    return [f for f in findings if f.rule == rule or f.rule.startswith(f"{rule}.")]
