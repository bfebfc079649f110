"""What a check is given: an order on the road graph, with its windows, its neighbours and the time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import numpy as np
import numpy.typing as npt

from trafficfeed.closures.access import Shut, shut_to
from trafficfeed.closures.orders import Measure, Order
from trafficfeed.network.places import Places
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.sections import Resolved
from trafficfeed.network.vehicle_classes import VehicleClass
from trafficfeed.windows import Window

MOST_SETS = 100  # with hundreds of measures in turn, the largest sets are looked at

Key = tuple[int, str]
"""A measure: 0 and its id for the order that is checked, n and its id for the n-th of the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingOrder:
    """Another order in force: its measures on the road graph and their windows."""

    order: Order
    resolved: Sequence[Resolved]
    windows: Mapping[str, Sequence[Window]]


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A measure with its place and windows (by start); `path` is where it is in its order."""

    measure: Measure
    resolved: Resolved
    windows: Sequence[Window]
    path: str
    order: Order

    @cached_property
    def edges(self) -> frozenset[int]:
        """All edges of its sections."""
        return frozenset(e for s in self.resolved.sections for e in s.edges)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Measures that hold at one time: those of the order that is checked, and those of others."""

    own: frozenset[Key]
    others: frozenset[Key]


@dataclass(frozen=True, kw_only=True)
class Case:
    """The whole of what the checks look at; `as_of` is aware UTC."""

    order: Order
    resolved: Sequence[Resolved]
    windows: Mapping[str, Sequence[Window]]
    graph: RoadGraph
    places: Places
    others: Sequence[StandingOrder] = field(default=())
    as_of: datetime

    @cached_property
    def own(self) -> tuple[Placed, ...]:
        """The order's measures in its own sequence."""
        return tuple(_placed(self.order, self.resolved, self.windows))

    @cached_property
    def standing(self) -> tuple[tuple[Placed, ...], ...]:
        """The measures of each of the other orders (the same order's earlier version is left out)."""
        return tuple(
            tuple(_placed(other.order, other.resolved, other.windows)) if other.order.id != self.order.id else ()
            for other in self.others
        )

    @cached_property
    def by_key(self) -> Mapping[Key, Placed]:
        """Every measure in sight."""
        groups = (self.own, *self.standing)
        return {(n, p.measure.id): p for n, group in enumerate(groups) for p in group}

    def shut(self, keys: frozenset[Key], vehicle_class: VehicleClass) -> "ShutNow":
        """Return what the measures in `keys` together shut to a class."""
        edges = np.zeros(len(self.graph), dtype=np.bool_)
        turns: set[tuple[int, int]] = set()
        for key in sorted(keys):
            shut = self._shut_by(key, vehicle_class)
            edges[shut.edges] = True
            turns |= shut.turns
        return ShutNow(edges=edges, turns=frozenset(turns))

    def _shut_by(self, key: Key, vehicle_class: VehicleClass) -> Shut:
        known = self._known_shut.get((key, vehicle_class))
        if known is None:
            placed = self.by_key[key]
            known = shut_to(self.graph, placed.measure, placed.resolved, vehicle_class)
            self._known_shut[key, vehicle_class] = known
        return known

    @cached_property
    def _known_shut(self) -> dict[tuple[Key, VehicleClass], Shut]:
        return {}

    @cached_property
    def situations(self) -> tuple[Situation, ...]:
        """The times that matter: measures that hold together, only the largest such sets, most measures first.

        A set that is part of another closes less, so what the larger one leaves open the smaller leaves open too.
        """
        found = {s for s in _simultaneous(self.by_key) if any(n == 0 for n, _ in s)}
        sets = sorted(found, key=lambda s: (-len(s), sorted(s)))[:MOST_SETS]
        largest = [s for s in sets if not any(s < other for other in sets)]
        return tuple(
            Situation(own=frozenset(k for k in s if k[0] == 0), others=frozenset(k for k in s if k[0] > 0))
            for s in largest
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutNow:
    """``(n_edges,) bool`` of the edges, and the moves, that are shut to a class at one time."""

    edges: npt.NDArray[np.bool_]
    turns: frozenset[tuple[int, int]]

    def __bool__(self) -> bool:
        return bool(self.edges.any() or self.turns)


def _placed(order: Order, resolved: Sequence[Resolved], windows: Mapping[str, Sequence[Window]]) -> Iterator[Placed]:
    by_id = {r.measure_id: r for r in resolved}
    for i, measure in enumerate(order.measures):
        yield Placed(
            measure=measure,
            resolved=by_id.get(measure.id, Resolved(measure_id=measure.id, sections=())),
            windows=tuple(sorted(windows.get(measure.id, ()))),
            path=f"measures[{i}]",
            order=order,
        )


def _simultaneous(placed: Mapping[Key, Placed]) -> Iterator[frozenset[Key]]:
    """Sweep over the windows; yield what holds whenever something is about to end."""
    changes = sorted(
        (instant, starts, key)
        for key, one in placed.items()
        for window in one.windows
        for instant, starts in ((window.start, True), (window.end, False))
    )
    holding: dict[Key, int] = {}
    grown = False
    for _, starts, key in changes:
        if starts:
            holding[key] = holding.get(key, 0) + 1
            grown = True
            continue
        if grown:
            yield frozenset(k for k, count in holding.items() if count > 0)
            grown = False
        holding[key] -= 1
