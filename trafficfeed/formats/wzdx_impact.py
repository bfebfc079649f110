"""What a road event does to vehicles, in WZDx's words: vehicle impact, lanes, restrictions."""

from typing import Any

from trafficfeed.closures.orders import (
    Closure,
    Exemption,
    Hazard,
    LanesClosed,
    Metering,
    OneWay,
    Rule,
    SpeedLimit,
    TurnBan,
    VehicleRestriction,
)
from trafficfeed.closures.road_events import RoadEvent
from trafficfeed.network.vehicle_classes import VehicleClass


def vehicle_impact(event: RoadEvent, *, left_hand: bool) -> str:
    """Return the WZDx ``VehicleImpact`` of `event`.

    A street that is shut to ordinary cars counts as closed, whoever else may pass: most readers guide cars.
    """
    rule = event.rule
    if isinstance(rule, Closure | OneWay) or (isinstance(rule, VehicleRestriction) and _shuts_out_cars(rule)):
        return "all-lanes-closed"
    if isinstance(rule, LanesClosed):
        return _lanes_impact(event, left_hand=left_hand)
    if isinstance(rule, Metering):
        return "temporary-traffic-signal"
    return "all-lanes-open"


def lanes(event: RoadEvent, *, left_hand: bool) -> list[dict[str, Any]]:
    """Return the WZDx lanes, left-most first; ours count from the kerb, which is left where traffic keeps left."""
    shut = set(range(1, event.lanes_total + 1)) if _all_shut(event, left_hand=left_hand) else set(event.lanes_closed)
    from_kerb = range(1, event.lanes_total + 1)
    numbers = from_kerb if left_hand else reversed(from_kerb)
    return [
        {"order": order, "type": "general", "status": "closed" if number in shut else "open"}
        for order, number in enumerate(numbers, 1)
    ]


def restrictions(event: RoadEvent) -> list[dict[str, Any]]:
    """Return the WZDx restrictions; lengths in centimetres, weights in kilograms."""
    found: list[dict[str, Any]] = []
    rule = event.rule
    if isinstance(rule, VehicleRestriction):
        if VehicleClass.TRUCK in rule.banned or (rule.only and VehicleClass.TRUCK not in rule.only):
            found.append({"type": "no-trucks"})
        if rule.max_weight_t is not None:
            found.append({"type": "reduced-weight", "value": round(rule.max_weight_t * 1000), "unit": "kilograms"})
        for kind, value_m in (
            ("reduced-height", rule.max_height_m),
            ("reduced-width", rule.max_width_m),
            ("reduced-length", rule.max_length_m),
        ):
            if value_m is not None:
                found.append({"type": kind, "value": round(value_m * 100), "unit": "centimeters"})
    if Exemption.RESIDENTS in event.exceptions and isinstance(rule, Closure | VehicleRestriction):
        found.append({"type": "local-access-only"})
    return found


def unspoken(event: RoadEvent) -> str:
    """Return what the standard has no field for, in short: who alone, or who all the same, may pass; a banned turn."""
    rule = event.rule
    notes = []
    if isinstance(rule, TurnBan):
        notes.append(f"{event.street or 'unnamed road'} ↛ {event.to_street or 'unnamed road'}")
    if isinstance(rule, VehicleRestriction):
        notes += [f"only: {', '.join(rule.only)}"] if rule.only else []
        notes += [f"banned: {', '.join(rule.banned)}"] if rule.banned else []
        notes += [f"permit: {rule.permit}"] if rule.permit else []
    if event.exceptions and not isinstance(rule, SpeedLimit | Metering | Hazard):  # those let everybody pass
        notes.append(f"except: {', '.join(sorted(event.exceptions))}")
    return "; ".join(notes)


def speed_limit_kph(rule: Rule) -> int | None:
    """Return the reduced speed limit, km/h, where the rule is one."""
    return rule.limit_kmh if isinstance(rule, SpeedLimit) else None


def _shuts_out_cars(rule: VehicleRestriction) -> bool:
    by_class = VehicleClass.PASSENGER in rule.banned or (rule.only and VehicleClass.PASSENGER not in rule.only)
    return bool(by_class) or rule.permit is not None


def _all_shut(event: RoadEvent, *, left_hand: bool) -> bool:
    return vehicle_impact(event, left_hand=left_hand) == "all-lanes-closed"


def _lanes_impact(event: RoadEvent, *, left_hand: bool) -> str:
    closed, total = set(event.lanes_closed), event.lanes_total
    if len(closed) >= total:
        return "all-lanes-closed"
    if not closed:
        return "all-lanes-open"
    if closed == set(range(1, len(closed) + 1)):  # from the kerb
        return f"some-lanes-closed-merge-{'right' if left_hand else 'left'}"
    if closed == set(range(total - len(closed) + 1, total + 1)):  # from the middle of the road
        return f"some-lanes-closed-merge-{'left' if left_hand else 'right'}"
    return "some-lanes-closed"
