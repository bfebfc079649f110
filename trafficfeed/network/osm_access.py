"""Who may drive on an OSM way: its access tags, read as OSM means them, most specific first.

netconvert knows a few of these tags and ignores most, ``motor_vehicle=no`` among them; so they are read here, and each
road is handed to netconvert under a type that says outright whom it admits.
"""

from collections.abc import Mapping

from trafficfeed.network.vehicle_classes import VehicleClass

# Source: OSM wiki, Key:access, "Transport mode restrictions"
_GENERAL = ("motor_vehicle", "vehicle", "access")
_KEYS: Mapping[VehicleClass, tuple[str, ...]] = {
    VehicleClass.PASSENGER: ("motorcar", *_GENERAL),
    VehicleClass.TAXI: ("taxi", "psv", "motorcar", *_GENERAL),
    VehicleClass.BUS: ("bus", "psv", *_GENERAL),
    VehicleClass.COACH: ("tourist_bus", "coach", *_GENERAL),
    VehicleClass.DELIVERY: ("goods", *_GENERAL),
    VehicleClass.TRUCK: ("hgv", *_GENERAL),
    VehicleClass.TRAILER: ("trailer", "hgv", *_GENERAL),
    VehicleClass.MOTORCYCLE: ("motorcycle", *_GENERAL),
    VehicleClass.BICYCLE: ("bicycle", "vehicle", "access"),
    VehicleClass.CUSTOM1: ("motorcar", *_GENERAL),
}
_OWN_KEYS = tuple(dict.fromkeys(key for keys in _KEYS.values() for key in keys if key not in (*_GENERAL, "bicycle")))
_ALWAYS = (VehicleClass.EMERGENCY, VehicleClass.AUTHORITY)  # unless ``emergency=no``

_SHUT = frozenset({"no", "agricultural", "forestry", "use_sidepath", "dismount", "emergency", "military"})
_PUBLIC = frozenset({"yes", "designated", "permissive", "official"})
# people with business there drive in, nobody passes through; others need a permit
_BUSINESS = frozenset({"destination", "customers"})
_WITH_BUSINESS = frozenset({VehicleClass.DELIVERY, VehicleClass.TAXI, VehicleClass.CUSTOM1})
_PERMIT = frozenset({"private", "permit", "residents"})
_DELIVERY_ONLY = frozenset({"delivery", "loading"})


def road_mask(tags: Mapping[str, str], usual: int) -> int:
    """Return the mask of the classes that may drive on a way.

    A class that the road type usually admits is kept out by a tag that says no; one that it does not is let in by
    a tag of its own that says yes (``psv=yes`` on a service road), or on business (``motor_vehicle=destination`` on a
    pedestrian street: deliveries, taxis and permit holders).

    Parameters
    ----------
    tags
        The way's tags.
    usual
        Mask of the classes that its road type admits.
    """
    mask = 0
    for vehicle_class, keys in _KEYS.items():
        key = next((key for key in keys if tags.get(key)), None)
        if _admits(vehicle_class, key, tags.get(key or "", ""), bool(usual & vehicle_class.bit)):
            mask |= vehicle_class.bit
    if mask and tags.get("emergency") != "no":
        for vehicle_class in _ALWAYS:
            mask |= vehicle_class.bit
    return mask


def one_way(tags: Mapping[str, str]) -> str:
    """Return the ``oneway`` value under which netconvert shall see a way, "" where the way's own tag will do.

    ``motor_vehicle:backward=no`` and the like make a street one-way for whoever drives a motor vehicle; not where buses
    or taxis may still go the other way, as netconvert would shut that direction to them too.

    Source: OSM wiki, Key:access, "Access tags by direction".
    """
    if tags.get("oneway", "no") != "no" or tags.get("junction") in ("roundabout", "circular"):
        return ""
    shut = [side for side in ("forward", "backward") if _shuts(tags, side)]
    return {"forward": "-1", "backward": "yes"}[shut[0]] if len(shut) == 1 else ""


def _shuts(tags: Mapping[str, str], side: str) -> bool:
    """Tell whether no motor vehicle may go along a way in one direction that it may use in the other."""
    value = next((tags[f"{key}:{side}"] for key in _GENERAL if f"{key}:{side}" in tags), "")
    return value in _SHUT and not any(tags.get(f"{key}:{side}") in _PUBLIC for key in _OWN_KEYS)


def _admits(vehicle_class: VehicleClass, key: str | None, value: str, usually: bool) -> bool:
    if key is None or value in _SHUT:
        return usually and key is None
    if vehicle_class is VehicleClass.BICYCLE:
        return usually or (key == "bicycle" and value in _PUBLIC)
    if value in _DELIVERY_ONLY:
        return vehicle_class is VehicleClass.DELIVERY
    if usually or key in ("vehicle", "access"):
        return usually
    if value in _PERMIT:
        return vehicle_class is VehicleClass.CUSTOM1
    return value in _PUBLIC or (value in _BUSINESS and vehicle_class in _WITH_BUSINESS)
