"""Check `isolation`: addresses, hospitals, fire stations and car parks that cannot be reached, or left, and by whom."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trafficfeed.closures.checks.case import Case, ShutNow
from trafficfeed.findings import Finding, Severity
from trafficfeed.network.moves import Moves, Turn, moves_of
from trafficfeed.network.places import PlaceKind
from trafficfeed.network.plane import plane_of
from trafficfeed.network.reachability import reach
from trafficfeed.network.vehicle_classes import VehicleClass

CLASSES = {
    VehicleClass.PASSENGER: "cars",
    VehicleClass.CUSTOM1: "residents",
    VehicleClass.DELIVERY: "deliveries",
    VehicleClass.TRUCK: "lorries",
    VehicleClass.EMERGENCY: "emergency vehicles",
}
MOST_SITUATIONS = 6
_LABELS = 5
_NAMES = {
    PlaceKind.ADDRESS: ("address", "addresses"),
    PlaceKind.HOSPITAL: ("hospital", "hospitals"),
    PlaceKind.FIRE_STATION: ("fire station", "fire stations"),
    PlaceKind.CAR_PARK: ("car park", "car parks"),
}

_Mask = npt.NDArray[np.bool_]
_State = tuple[Moves, bytes, frozenset[Turn], bytes, frozenset[Turn]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _CutOff:
    """Places (rows) that cannot be reached, and that cannot be left; what is both is in both."""

    unreached: frozenset[int]
    unleft: frozenset[int]

    @property
    def rows(self) -> list[int]:
        """All of them, sorted."""
        return sorted(self.unreached | self.unleft)

    def __bool__(self) -> bool:
        return bool(self.unreached or self.unleft)

    def __or__(self, other: "_CutOff") -> "_CutOff":
        return _CutOff(unreached=self.unreached | other.unreached, unleft=self.unleft | other.unleft)


_NOTHING = _CutOff(unreached=frozenset(), unleft=frozenset())


def check(case: Case) -> Iterator[Finding]:
    """Compare what each class can reach with the order's measures and without them, other closures standing in both.

    Only places are counted that the class can reach and leave without the order: from and to the largest strongly
    connected component of the network as it then is. A car may turn round where the place is, so that it may come by
    one direction of the street and go by the other.
    """
    if not len(case.places):
        return
    known: dict[_State, _CutOff] = {}
    found: dict[VehicleClass, _CutOff] = {}
    for vehicle_class in CLASSES:
        found[vehicle_class] = _NOTHING
        for situation in case.situations[:MOST_SITUATIONS]:
            own, standing = case.shut(situation.own, vehicle_class), case.shut(situation.others, vehicle_class)
            if not own:
                continue
            driven = _driven_as(vehicle_class)
            moves = moves_of(case.graph, driven)
            state = (moves, own.edges.tobytes(), own.turns, standing.edges.tobytes(), standing.turns)
            if state not in known:  # most classes may drive on the same streets
                known[state] = _cut_off(case, own, standing, driven)
            found[vehicle_class] |= known[state]
    for kind in PlaceKind:
        yield from _of_kind(case, kind, found)


def _driven_as(vehicle_class: VehicleClass) -> VehicleClass:
    """Residents drive cars: what keeps them out is the order, not the network's own rules."""
    return VehicleClass.PASSENGER if vehicle_class is VehicleClass.CUSTOM1 else vehicle_class


def _cut_off(case: Case, own: ShutNow, standing: ShutNow, vehicle_class: VehicleClass) -> _CutOff:
    before = reach(case.graph, vehicle_class, standing.edges, standing.turns)
    after = reach(case.graph, vehicle_class, standing.edges | own.edges, standing.turns | own.turns)
    served = _served(case, before.reached) & _served(case, before.left)
    return _CutOff(
        unreached=frozenset(np.flatnonzero(served & ~_served(case, after.reached)).tolist()),
        unleft=frozenset(np.flatnonzero(served & ~_served(case, after.left)).tolist()),
    )


def _served(case: Case, mask: _Mask) -> _Mask:
    """``(n_places,) bool``: whether a place's street is in `mask`, in either direction of travel."""
    opposite = plane_of(case.graph).opposite
    either = mask | (mask[opposite] & (opposite >= 0))
    return np.asarray(either[case.places.edge] & (case.places.edge >= 0))


def _of_kind(case: Case, kind: PlaceKind, found: Mapping[VehicleClass, _CutOff]) -> Iterator[Finding]:
    """One finding for all places of a kind, with what each class cannot do."""
    cut = {}
    for vehicle_class, all_kinds in found.items():
        mine = _CutOff(
            unreached=frozenset(r for r in all_kinds.unreached if case.places.kind[r] == kind),
            unleft=frozenset(r for r in all_kinds.unleft if case.places.kind[r] == kind),
        )
        if mine:
            cut[vehicle_class] = mine
    if cut:
        yield _finding(case, kind, cut)


def _finding(case: Case, kind: PlaceKind, cut: Mapping[VehicleClass, _CutOff]) -> Finding:
    whole = _NOTHING
    for one in cut.values():
        whole |= one
    rows = whole.rows
    streets = Counter(_street(case, r) for r in rows)
    labels = [case.places.label[r] for r in rows if case.places.label[r]]
    return Finding(
        rule=f"isolation.{kind.value}",
        severity=_severity(kind, cut),
        message=f"{len(rows)} {_NAMES[kind][len(rows) > 1]} cannot be {_how(whole)} by {_by_whom(cut)}"
        + (f": {', '.join(labels[:_LABELS])}" if kind is not PlaceKind.ADDRESS and labels else "")
        + _on_it(case, rows),
        where=", ".join(f"{street} ({count})" for street, count in streets.most_common(_LABELS)),
        mend=_mend(kind, cut),
        detail={
            "kind": kind.value,
            "count": len(rows),
            "cannot_be_reached": len(whole.unreached),
            "cannot_be_left": len(whole.unleft),
            "classes": {c.value: len(one.rows) for c, one in cut.items()},
            "by_street": dict(streets.most_common()),
            "labels": labels[:50],
            "osm_ids": [case.places.osm_id[r] for r in rows[:50]],
        },
    )


def _by_whom(cut: Mapping[VehicleClass, _CutOff]) -> str:
    """Name the classes; where they are cut off from different places, with the number of each."""
    groups: dict[_CutOff, list[str]] = {}
    for vehicle_class, one in cut.items():
        groups.setdefault(one, []).append(CLASSES[vehicle_class])
    if len(groups) == 1:
        return _and(next(iter(groups.values())))
    return ", ".join(f"{_and(names)} ({len(one.rows)})" for one, names in groups.items())


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _how(cut: _CutOff) -> str:
    if cut.unreached == cut.unleft:
        return "reached or left"
    if not cut.unleft:
        return "reached"
    return "left" if not cut.unreached else f"reached ({len(cut.unreached)}) or left ({len(cut.unleft)})"


def _on_it(case: Case, rows: list[int]) -> str:
    """Say whether the places lie on what is closed, or behind it."""
    closed = {e for placed in case.own for e in placed.edges}
    opposite = plane_of(case.graph).opposite
    edges = [int(case.places.edge[r]) for r in rows]
    on = sum(e in closed or int(opposite[e]) in closed for e in edges)
    if on == len(rows):
        return "; all on the closed streets themselves" if on > 1 else "; it is on the closed street itself"
    return f"; {on} on the closed streets, {len(rows) - on} behind them" if on else "; behind the closed streets"


def _street(case: Case, row: int) -> str:
    return case.graph.names[int(case.places.edge[row])] or "an unnamed street"


def _severity(kind: PlaceKind, classes: Collection[VehicleClass]) -> Severity:
    urgent = kind in (PlaceKind.HOSPITAL, PlaceKind.FIRE_STATION)
    if VehicleClass.EMERGENCY in classes:
        return Severity.ERROR if urgent else Severity.WARNING
    concerned = VehicleClass.CUSTOM1 if kind is PlaceKind.ADDRESS else VehicleClass.PASSENGER
    return Severity.WARNING if concerned in classes else Severity.INFO


def _mend(kind: PlaceKind, classes: Collection[VehicleClass]) -> str:
    if VehicleClass.EMERGENCY in classes:
        return "except emergency vehicles, or keep one way in and out open"
    if kind is not PlaceKind.ADDRESS:
        return "leave an entrance open, or tell the operator beforehand"
    if VehicleClass.CUSTOM1 in classes:
        return "except residents, leave an entrance open, or open it briefly at agreed times"
    return "residents may pass; tell visitors and deliveries where to stop"
