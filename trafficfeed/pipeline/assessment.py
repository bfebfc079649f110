"""An order on the ground: its places matched, its windows known, its checks done; all instant."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from trafficfeed.closures.checks import StandingOrder, check_order
from trafficfeed.closures.orders import Measure, Order
from trafficfeed.closures.resolution import resolve
from trafficfeed.closures.schedules import Occurrences, windows_of
from trafficfeed.closures.soundness import order_findings
from trafficfeed.errors import OrderInvalid
from trafficfeed.findings import Finding, Severity, errors_in
from trafficfeed.network.sections import Resolved
from trafficfeed.pipeline.workspace import Ground


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """An order with its places on the graph, its windows by measure, and what the checks found."""

    order: Order
    resolved: tuple[Resolved, ...]
    occurrences: dict[str, Occurrences]
    findings: tuple[Finding, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether no finding is an error."""
        return not errors_in(self.findings)

    @property
    def standing(self) -> StandingOrder:
        """The order as the checks of others see it."""
        windows = {key: tuple(o.window for o in found) for key, found in self.occurrences.items()}
        return StandingOrder(order=self.order, resolved=self.resolved, windows=windows)


def locate(order: Order, ground: Ground, *, since: datetime, until: datetime) -> Assessment:
    """Match an order's places and work out its windows that overlap ``[since, until)`` (aware); no checks.

    What cannot be matched or scheduled is among the findings.
    """
    resolved, findings = resolve(order, ground.graph)
    occurrences: dict[str, Occurrences] = {}
    for measure in order.measures:
        occurrences[measure.id], faults = _windows(measure, order, since, until)
        findings = (*findings, *faults)
    return Assessment(order=order, resolved=resolved, occurrences=occurrences, findings=findings)


def assess(
    order: Order, ground: Ground, *, others: Iterable[Assessment] = (), as_of: datetime, horizon: timedelta
) -> Assessment:
    """Locate an order and check it against the graph, the places and the orders already in force.

    Parameters
    ----------
    others
        The orders in force, located on the same ground; the order itself among them is passed over.
    as_of
        Aware: now, as the checks see it. Windows from then to `as_of` + `horizon` count.
    """
    located = locate(order, ground, since=as_of, until=as_of + horizon)
    standing: Sequence[StandingOrder] = [other.standing for other in others if other.order.id != order.id]
    windows = located.standing.windows
    found = check_order(
        order, located.resolved, windows, graph=ground.graph, places=ground.places, others=standing, as_of=as_of
    )
    if order.city != ground.city.name:
        found = (*found, _wrong_city(order, ground))
    return Assessment(
        order=order,
        resolved=located.resolved,
        occurrences=located.occurrences,
        findings=(*order_findings(order), *located.findings, *found),
    )


def _windows(measure: Measure, order: Order, since: datetime, until: datetime) -> tuple[Occurrences, Sequence[Finding]]:
    try:
        return windows_of(measure, order.timezone, since=since, until=until), ()
    except OrderInvalid as fault:
        return (), fault.findings


def _wrong_city(order: Order, ground: Ground) -> Finding:
    return Finding(
        rule="order.city",
        severity=Severity.ERROR,
        message=f"the order is for {order.city!r}, but this is {ground.city.name!r}",
        where="city",
        mend=f"check it with --city {order.city}, or write city: {ground.city.name}",
    )
