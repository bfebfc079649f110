"""Check `detour.none` and `detour.length`: classes that a street serves and that find no way around, or a long one."""

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum

from trafficfeed.closures.checks.case import Case, Key, Placed, ShutNow, Situation
from trafficfeed.findings import Finding, Severity
from trafficfeed.network.matching import describe
from trafficfeed.network.moves import after_edge
from trafficfeed.network.reachability import reach
from trafficfeed.network.routing import Detour, detour_around, gates
from trafficfeed.network.sections import Section
from trafficfeed.network.vehicle_classes import VehicleClass

LONG_FACTOR = 2.0
LONG_EXTRA_M = 300.0  # twice as long is no hardship around a short block
MOST_SECTIONS = 40  # an area has many streets; the longest are looked at
CLASSES = {
    VehicleClass.PASSENGER: "cars",
    VehicleClass.BUS: "buses",
    VehicleClass.TRUCK: "lorries",
    VehicleClass.EMERGENCY: "emergency vehicles",
}


class _Way(Enum):
    """What there is in place of a detour."""

    NOT_NEEDED = 1
    OUTSIDE = 2
    NONE = 3


def check(case: Case) -> Iterator[Finding]:
    """Look for a way around every closed section, for each class that may use it otherwise."""
    for key, situation in _busiest(case).items():
        placed = case.by_key[key]
        shut = {c: case.shut(situation.own | situation.others, c) for c in CLASSES}
        sections = sorted(placed.resolved.sections, key=lambda s: -float(case.graph.length_m[list(s.edges)].sum()))
        for section in sections[:MOST_SECTIONS]:
            yield from _section(case, placed, section, shut)


def _busiest(case: Case) -> Mapping[Key, Situation]:
    """For each of the order's measures the time at which most else holds too."""
    result: dict[Key, Situation] = {}
    for situation in reversed(case.situations):
        result.update(dict.fromkeys(sorted(situation.own), situation))
    return dict(sorted(result.items()))


def _section(case: Case, placed: Placed, section: Section, shut: Mapping[VehicleClass, ShutNow]) -> Iterator[Finding]:
    found = {c: _way_around(case, section, c, now) for c, now in shut.items() if now.edges[list(section.edges)].any()}
    without = [c for c, way in found.items() if way is _Way.NONE]
    beyond = [c for c, way in found.items() if way is _Way.OUTSIDE]
    long = {c: way for c, way in found.items() if isinstance(way, Detour) and _is_long(way)}
    if without:
        yield _none(case, placed, section, without)
    if beyond:
        yield _beyond(case, placed, section, beyond)
    if long:
        yield _long(case, placed, section, long)


def _is_long(detour: Detour) -> bool:
    return detour.factor >= LONG_FACTOR and detour.length_m - detour.replaces_m >= LONG_EXTRA_M


def _way_around(case: Case, section: Section, vehicle_class: VehicleClass, now: ShutNow) -> "Detour | _Way":
    entries, exits = gates(case.graph, section.edges, now.edges, vehicle_class)
    onward = {after for entry in entries for after in after_edge(case.graph, entry, vehicle_class)}
    if not entries or not exits or onward & set(exits):  # the last: a loop, which begins where it ends
        return _Way.NOT_NEEDED
    detour = detour_around(case.graph, section.edges, now.edges, vehicle_class, now.turns)
    if detour is not None:
        return detour
    return _Way.OUTSIDE if _joined_outside(case, entries, exits, vehicle_class, now) else _Way.NONE


def _joined_outside(
    case: Case, entries: Sequence[int], exits: Sequence[int], vehicle_class: VehicleClass, now: ShutNow
) -> bool:
    """Tell whether streets outside the network would join the two ends."""
    around = reach(case.graph, vehicle_class, now.edges, now.turns)
    return bool(around.left[entries].any() and around.reached[exits].any())


def _beyond(case: Case, placed: Placed, section: Section, classes: list[VehicleClass]) -> Finding:
    return Finding(
        rule="detour.none",
        severity=Severity.INFO,
        message=f"{describe(case.graph, section)}, {section.compass}: the way around for {_and(classes)} leads over "
        "streets outside this network, so its length is not known",
        where=placed.path,
        mend="sign a detour, or import a larger extract",
        detail={"classes": [c.value for c in classes], "street": section.street, "direction": section.compass},
    )


def _none(case: Case, placed: Placed, section: Section, classes: list[VehicleClass]) -> Finding:
    who = _and(classes)
    return Finding(
        rule="detour.none",
        severity=Severity.ERROR if VehicleClass.EMERGENCY in classes else Severity.WARNING,
        message=f"{describe(case.graph, section)}, {section.compass}: there is no way around for {who}",
        where=placed.path,
        mend=f"except {who}, keep a lane open, or close one part after the other",
        detail={"classes": [c.value for c in classes], "street": section.street, "direction": section.compass},
    )


def _long(case: Case, placed: Placed, section: Section, long: Mapping[VehicleClass, Detour]) -> Finding:
    worst = max(long.values(), key=lambda d: d.length_m)
    return Finding(
        rule="detour.length",
        severity=Severity.WARNING,
        message=f"{describe(case.graph, section)}, {section.compass}: the way around is {worst.length_m:.0f} m "
        f"instead of {worst.replaces_m:.0f} m for {_and(list(long))} ({worst.factor:.1f} times as long)",
        where=placed.path,
        mend="shorten the closed section, or keep a street beside it open",
        detail={
            "classes": [c.value for c in long],
            "detour_m": round(worst.length_m),
            "direct_m": round(worst.replaces_m),
            "factor": round(worst.factor, 2),
            "street": section.street,
            "direction": section.compass,
        },
    )


def _and(classes: list[VehicleClass]) -> str:
    names = [CLASSES[c] for c in classes]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
