"""Which hospitals and fire stations an emergency vehicle still reaches, and leaves, as the water rises and falls."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from trafficfeed.flooding.road_state import STANDING_WATER_M, WaterClass
from trafficfeed.network.places import PlaceKind
from trafficfeed.network.reachability import Reach, reach
from trafficfeed.network.vehicle_classes import VehicleClass
from trafficfeed.pipeline.workspace import Ground

SERVICES: Final = (PlaceKind.HOSPITAL, PlaceKind.FIRE_STATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """At one instant: how many of each kind there are, how many are in reach, and the labels of those cut off."""

    at_s: float
    all: Mapping[PlaceKind, int]
    reachable: Mapping[PlaceKind, int]
    cut_off: Sequence[str] = ()


def access_over_time(
    ground: Ground, depths: Iterable[tuple[float, Mapping[str, float]]], limit_m: float | None = None
) -> tuple[Access, ...]:
    """Return what is in reach at each instant.

    Parameters
    ----------
    depths
        Instants, s, with the depth by SUMO edge id, m; edges that are not named are dry.
    limit_m
        Depth from which on an emergency vehicle does not pass; None: `STANDING_WATER_M`.

    Raises
    ------
    SourceUnavailable, SourceMalformed
        If the city's graph or places cannot be read.
    """
    limit = STANDING_WATER_M[WaterClass.EMERGENCY] if limit_m is None else limit_m
    dry = reach(ground.graph, VehicleClass.EMERGENCY)
    known: dict[frozenset[int], Access] = {}
    found = []
    for at_s, by_edge in depths:
        shut = frozenset(ground.graph.index[edge] for edge, depth_m in by_edge.items() if depth_m >= limit)
        if shut not in known:
            known[shut] = _access(ground, dry, shut)
        found.append(replace(known[shut], at_s=at_s))
    return tuple(found)


def _access(ground: Ground, before: Reach, shut: frozenset[int]) -> Access:
    reached = reach(ground.graph, VehicleClass.EMERGENCY, shut)
    everything = dict.fromkeys(SERVICES, 0)
    reachable = dict.fromkeys(SERVICES, 0)
    cut_off = []
    for kind, label, edge in zip(ground.places.kind, ground.places.label, ground.places.edge, strict=True):
        if kind not in SERVICES or edge < 0 or not (before.reached[edge] and before.left[edge]):
            continue
        everything[kind] += 1
        if reached.reached[edge] and reached.left[edge]:
            reachable[kind] += 1
        else:
            cut_off.append(label)
    return Access(at_s=0.0, all=everything, reachable=reachable, cut_off=tuple(sorted(cut_off)))
