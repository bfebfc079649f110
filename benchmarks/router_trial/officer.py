"""An officer who closes an edge: gives its place as a drawn line, OSM ways, points or a street, as an order document.

The officer sees what the place comes down to on the network. Where it is refused, or is not what was meant, the place
is given in the next way, as a person would do.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import shapely

from benchmarks.router_trial.city_import import NAME
from trafficfeed.closures.document import parse_order
from trafficfeed.closures.orders import Order
from trafficfeed.closures.resolution import resolve
from trafficfeed.errors import OrderInvalid
from trafficfeed.findings import errors_in
from trafficfeed.network.matching import sections_of
from trafficfeed.network.plane import plane_of
from trafficfeed.network.road_graph import RoadGraph
from trafficfeed.network.sections import Resolved

KINDS: Final = ("line", "ways", "line both ways", "points", "street")
_LAST_RESORTS: Final = ("line", "points", "ways")
_TOO_SHORT_TO_DRAW_M: Final = 12.0
_HAND_M: Final = 1.5  # how far a drawn point is off, standard deviation
_SIMPLIFIED_M: Final = 2.0
_DECIMALS: Final = 5

Place = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An order as it was written: of which kind, for which edges of the graph, and what it comes down to."""

    kind: str
    order: Order
    meant: frozenset[int]
    resolved: tuple[Resolved, ...]


class Officer:
    """Writes the orders of a trial; `seen` counts (kind, outcome) of every place that was tried.

    Parameters
    ----------
    graph
        The network.
    seed
        Of the unsteady hand.
    timezone
        IANA zone of the orders.
    now
        Aware; the closures are from an hour ago until tomorrow.
    """

    def __init__(self, graph: RoadGraph, *, seed: int, timezone: str, now: datetime) -> None:
        self.graph = graph
        self.seen: Counter[tuple[str, str]] = Counter()
        self._hand = np.random.default_rng(seed)
        self._timezone = timezone
        self._now = now
        self._makers: dict[str, Callable[[int], tuple[Place, frozenset[int]] | None]] = {
            "line": self._line,
            "line both ways": self._line_both_ways,
            "ways": self._ways,
            "points": self._points,
            "street": self._street,
        }

    def write(self, edge: int, number: int) -> Written | None:
        """Write the order that closes `edge`, kinds of place in turn; None if no place will do."""
        for kind in self._kinds(edge, number):
            given = self._makers[kind](edge)
            if given is None:
                continue
            place, meant = given
            written = self._tried(kind, place, meant, number)
            if written is not None:
                return written
        return None

    def _kinds(self, edge: int, number: int) -> Iterator[str]:
        first = KINDS[number % len(KINDS)]
        if plane_of(self.graph).lines[edge].length < _TOO_SHORT_TO_DRAW_M:
            first = "ways"
        yield first
        yield from (kind for kind in _LAST_RESORTS if kind != first)

    def _tried(self, kind: str, place: Place, meant: frozenset[int], number: int) -> Written | None:
        try:
            order = parse_order(self._document(place, number), name=f"order {number}")
        except OrderInvalid:
            self.seen[kind, "invalid"] += 1
            return None
        resolved, findings = resolve(order, self.graph)
        if errors_in(findings):
            self.seen[kind, "refused"] += 1
            return None
        found = {edge for one in resolved for section in one.sections for edge in section.edges}
        self.seen[kind, "taken" if found == meant else "not what was meant"] += 1
        return Written(kind=kind, order=order, meant=meant, resolved=resolved) if found == meant else None

    def _document(self, place: Place, number: int) -> str:
        start, end = self._now - timedelta(hours=1), self._now + timedelta(days=1)
        return json.dumps(
            {
                "id": f"trial-{number:04d}",
                "city": NAME,
                "authority": {"name": "Trial authority"},
                "legal_basis": "none: a trial",
                "reason": "roadworks",
                "contact": {"name": "Trial desk"},
                "title": {"en": f"Trial closure {number}"},
                "timezone": self._timezone,
                "measures": [
                    {
                        "id": "closed",
                        "rule": {"kind": "closure"},
                        "where": [place],
                        "when": {"periods": [{"start": _minute(start), "end": _minute(end)}]},
                    }
                ],
            }
        )

    def _line(self, edge: int) -> tuple[Place, frozenset[int]]:
        return {"kind": "line", "coordinates": self._drawn(edge), "direction": "forward"}, frozenset({edge})

    def _line_both_ways(self, edge: int) -> tuple[Place, frozenset[int]] | None:
        back = int(plane_of(self.graph).opposite[edge])
        if back < 0:
            return None
        return {"kind": "line", "coordinates": self._drawn(edge), "direction": "both"}, frozenset({edge, back})

    def _points(self, edge: int) -> tuple[Place, frozenset[int]]:
        plane = plane_of(self.graph)
        at = [plane.lines[edge].interpolate(share, normalized=True).coords[0] for share in (0.35, 0.65)]
        points = [_rounded(plane.to_lonlat(xy)) for xy in at]
        return {"kind": "points", "coordinates": points, "direction": "forward"}, frozenset({edge})

    def _street(self, edge: int) -> tuple[Place, frozenset[int]] | None:
        section = sections_of(self.graph, [edge])[0]
        if not section.street or not section.from_street or not section.to_street:
            return None
        between = [section.from_street, section.to_street]
        return {"kind": "street", "street": section.street, "between": between, "direction": "forward"}, frozenset(
            {edge}
        )

    def _ways(self, edge: int) -> tuple[Place, frozenset[int]] | None:
        """Name the edge's ways that run as most of them do; every edge on them is meant."""
        graph = self.graph
        mine = np.flatnonzero(graph.way_edge == edge)
        if not len(mine):
            return None
        along = bool(2 * graph.way_forward[mine].sum() >= len(mine))
        ids = sorted(set(graph.way_id[mine[graph.way_forward[mine] == along]].tolist()))
        rows = np.isin(graph.way_id, ids) & (graph.way_forward == along)
        place = {"kind": "ways", "ids": ids, "direction": "forward" if along else "backward"}
        return place, frozenset(graph.way_edge[rows].tolist())

    def _drawn(self, edge: int) -> list[list[float]]:
        """Draw the edge with an unsteady hand: few points, each some way off."""
        plane = plane_of(self.graph)
        xy = shapely.get_coordinates(plane.lines[edge].simplify(_SIMPLIFIED_M))
        return [_rounded(lonlat) for lonlat in plane.to_lonlat(xy + self._hand.normal(0.0, _HAND_M, xy.shape))]


def _minute(moment: datetime) -> str:
    return moment.replace(second=0, microsecond=0).isoformat()


def _rounded(lonlat: Any) -> list[float]:
    return [round(float(value), _DECIMALS) for value in lonlat]
