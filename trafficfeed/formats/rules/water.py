"""Water on the road: depths that a street can have, who passes them, and until when that is said."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from trafficfeed.findings import Severity
from trafficfeed.flooding.road_state import STANDING_WATER_M, WaterClass, speed_in_water
from trafficfeed.formats.records import Record
from trafficfeed.formats.rules.rule import Fault, Yardstick, rule
from trafficfeed.formats.rules.times import instant, now_of

_DEEPEST_M: Final = 10.0
_NOBODY_M: Final = max(STANDING_WATER_M.values())
_CLOSES_M: Final = STANDING_WATER_M[WaterClass.SMALL]
_FASTEST_MPS: Final = 40.0
_ROUNDING_KMH: Final = 1.0


@rule("water.depth", "native", "datex2", mend="give metres above the road's lowest point, P10 below P90")
def depth_is_one_that_a_street_can_have(yard: Yardstick) -> Iterator[Fault]:
    """Water is 0 to 10 m deep, and its P10 is not above its P90.

    Source: DATEX II 3.5, EnvironmentalObstruction.depth is in metres (MetresAsFloat): 35 is a depth in centimetres.
    """
    for record in yard.feed.records:
        if record.depth is not None and record.depth[1] is not None and _depth(record.depth[1]) is None:
            yield Fault(record.depth[0], f"{str(record.depth[1])[:40]!r} is no depth of water on a road, m")
    for record, water in _waters(yard):
        for name in ("p10_m", "p90_m"):
            if water.get(name) is not None and _depth(water[name]) is None:
                message = f"{str(water[name])[:40]!r} is no depth of water on a road, m"
                yield Fault(f"{record.path}.properties.water.{name}", message)
        low, high = _depth(water.get("p10_m")), _depth(water.get("p90_m"))
        if low is not None and high is not None and low > high:
            yield Fault(f"{record.path}.properties.water.p10_m", f"P10 is {low:g} m, above P90, {high:g} m")


@rule("water.missing", "native", "datex2", severity=Severity.WARNING, mend="state how deep it is, or may become")
def a_flood_says_how_deep(yard: Yardstick) -> Iterator[Fault]:
    """A hazard of water says how deep the water is, or how deep it is expected to be.

    Source: ours: without a depth nobody can tell whether their vehicle passes (ARR, Book 6, chapter 7, table 6.7.4).
    """
    for record in yard.feed.records:
        is_water = record.kind == "EnvironmentalObstruction" and record.depth is not None
        if is_water and record.depth is not None and record.depth[1] is None:
            yield Fault(record.path, "tells of water and not how deep it is")
        native = record.native or {}
        water = native.get("water")
        told = isinstance(water, dict) and any(water.get(name) is not None for name in ("depth_m", "p90_m"))
        if record.kind == "hazard" and native.get("reason") == "flooding" and not told:
            yield Fault(f"{record.path}.properties", "tells of water and not how deep it is")


@rule("water.vehicles", "native", mend="name each vehicle once, and nobody as passing what it does not bear")
def nobody_passes_what_they_do_not_bear(yard: Yardstick) -> Iterator[Fault]:
    """Who is said to pass bears the deepest that is there or expected, and is not kept out at the same time.

    Source: ARR, Book 6, chapter 7, table 6.7.4: small cars 0.3 m, large 0.4 m, four-wheel drives 0.5 m of still water;
    a city may set its own limits, so that between 0.3 and 0.5 m this is a warning.
    """
    for record, water in _waters(yard):
        path, passable = f"{record.path}.properties.water.passable", _names(water.get("passable"))
        for name in sorted(passable & _names(water.get("closed_to"))):
            yield Fault(path, f"{name} pass, and are kept out")
        deepest = _deepest(water)
        if deepest is not None and passable and deepest >= _NOBODY_M:
            yield Fault(path, f"{', '.join(sorted(passable))} pass {deepest:g} m of water")
        elif deepest is not None and WaterClass.SMALL in passable and deepest >= _CLOSES_M:
            yield Fault(path, f"small cars pass {deepest:g} m of water", Severity.WARNING)


@rule("water.closed", "native", mend="close the road, or let an officer say that it stays open")
def deep_water_closes(yard: Yardstick) -> Iterator[Fault]:
    """A road under water that nobody bears is closed, unless an officer ordered otherwise; from 0.3 m on a warning.

    Source: ARR, Book 6, chapter 7, table 6.7.4; Pregnolato et al. 2017, doi:10.1016/j.trd.2017.06.020 (no speed is safe
    from 300 mm on).
    """
    for record, water in _waters(yard):
        depth = _depth(water.get("depth_m"))
        if record.kind != "hazard" or record.cancelled or water.get("basis") != "observed" or depth is None:
            continue
        if depth >= _CLOSES_M:
            weight = None if depth >= _NOBODY_M else Severity.WARNING
            yield Fault(f"{record.path}.properties.rule", f"stays open under {depth:g} m of water", weight)


@rule("water.until", "native", mend="say from when until when it is as told, and say it anew when that has passed")
def holds_from_then_until_later(yard: Yardstick) -> Iterator[Fault]:
    """What is said of the water holds until after it began; what has outlived that while in force is a warning.

    Source: DATEX II 3.5, validity; a depth that nobody has looked at since is no depth.
    """
    now = now_of(yard)
    for record, water in _waters(yard):
        path = f"{record.path}.properties.water.valid_until"
        begin, until, end = instant(water.get("valid_from")), instant(water.get("valid_until")), instant(record.end[1])
        if begin is None:
            yield Fault(f"{record.path}.properties.water.valid_from", "does not say since when")
        elif until is not None and until <= begin:
            yield Fault(path, f"{water.get('valid_until')} is not after {water.get('valid_from')}")
        elif until is not None and now is not None and end is not None and until <= now < end and not record.cancelled:
            yield Fault(path, "has passed, and the record is in force", Severity.WARNING)


@rule("water.speed", "native", severity=Severity.WARNING, mend="take the speed of the depth that is told")
def speed_is_that_of_the_depth(yard: Yardstick) -> Iterator[Fault]:
    """The speed that is left is no higher than the depth allows.

    Source: Pregnolato et al. 2017, doi:10.1016/j.trd.2017.06.020, eq. 1: v = 0.0009 w² − 0.5529 w + 86.9448 km/h.
    """
    for record, water in _waters(yard):
        speed, depth = water.get("speed_kmh"), _depth(water.get("depth_m"))
        if not isinstance(speed, int | float) or isinstance(speed, bool) or depth is None or depth <= 0:
            continue
        safe = float(speed_in_water(np.array(depth), _FASTEST_MPS)) * 3.6
        if speed > safe + _ROUNDING_KMH:
            message = f"{speed:g} km/h in {depth:g} m of water, where {safe:.0f} km/h are left"
            yield Fault(f"{record.path}.properties.water.speed_kmh", message)


RULES = (
    depth_is_one_that_a_street_can_have, a_flood_says_how_deep, nobody_passes_what_they_do_not_bear, deep_water_closes,
    holds_from_then_until_later, speed_is_that_of_the_depth,
)  # fmt: skip


def _waters(yard: Yardstick) -> Iterator[tuple[Record, Mapping[str, Any]]]:
    for record in yard.feed.records:
        water = (record.native or {}).get("water")
        if isinstance(water, dict):
            yield record, water


def _depth(value: Any) -> float | None:
    """Return a depth, m, from a number or its text; None where it is none that a street can have."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        depth = float(value)
    except ValueError:
        return None
    return depth if 0 <= depth <= _DEEPEST_M else None


def _deepest(water: Mapping[str, Any]) -> float | None:
    depths = (_depth(water.get(name)) for name in ("depth_m", "p90_m"))
    return max((depth for depth in depths if depth is not None), default=None)


def _names(value: Any) -> set[str]:
    return {one for one in value if isinstance(one, str)} if isinstance(value, list) else set()
