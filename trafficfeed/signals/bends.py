"""Bends with poor sight: who comes round one cannot stop for what stands behind it.

Sight round a bend, with something that blocks the view `clear_m` inside the driver's line. Over the arc itself
``S = 2 R arccos(1 - m / R)``, which is ``M = R (1 - cos(28.65 S / R))`` solved for S (source: AASHTO, A Policy on
Geometric Design of Highways and Streets, 6th ed. 2011, eq. 3-36). Where one sees beyond the arc, the view's ends lie on
its tangents, ``m = R (1 - cos(Δ / 2)) + x sin(Δ / 2)`` and ``S = L + 2 x``, by the geometry of the circle.

Way to stop: ``v t + v² / (2 a)`` with t = 2.5 s and a = 3.4 m/s² (source: ibid., eq. 3-2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import acos, cos, pi, sin, sqrt
from typing import Final

REACTION_S: Final = 2.5
BRAKING_MPS2: Final = 3.4


@dataclass(frozen=True, slots=True, kw_only=True)
class BendThresholds:
    """What makes a bend one to warn of.

    Attributes
    ----------
    clear_m
        From the middle of the driver's lane to what blocks the view inside the bend; no map says it: it is assumed.
    least_turn_deg
        What turns less is no bend.
    widest_radius_m
        What is wider is no bend.
    least_speed_mps
        Streets with a lower limit are left out.
    lateral_mps2
        Nobody drives faster round a bend than this sideways acceleration allows, whatever the limit.
    lead_s
        A warning comes so many seconds of driving before the way to stop begins.
    """

    clear_m: float = 3.5
    least_turn_deg: float = 35.0
    widest_radius_m: float = 150.0
    least_speed_mps: float = 8.3
    lateral_mps2: float = 3.0
    lead_s: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BendApproach:
    """One direction round a bend.

    `fence` is a closed ring, EPSG:4326 lon, lat: whoever is in it and heads within `sector_deg` (from, to; clockwise
    from north, 0 to 360) comes to the bend. `lead_m` is the way within it before the bend begins.
    """

    id: int
    street: str
    compass: str
    sector_deg: tuple[float, float]
    fence: Sequence[tuple[float, float]]
    line: Sequence[tuple[float, float]]
    lead_m: float

    def admits(self, heading_deg: float) -> bool:
        """Whether a heading, degrees clockwise from north, is one of this approach."""
        start, end = self.sector_deg
        return (heading_deg - start) % 360.0 <= (end - start) % 360.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bend:
    """A bend. `lonlat` is its middle; `found` is False where it was given by hand.

    `radius_m`, `turn_deg` and `speed_mps` (driven at most) are the road's; `sight_m` is less than `stopping_m` where it
    was found. Where the sight was measured, `sight_m` is that.
    """

    id: str
    title: str
    lonlat: tuple[float, float]
    radius_m: float
    turn_deg: float
    speed_mps: float
    sight_m: float
    stopping_m: float
    approaches: tuple[BendApproach, ...]
    found: bool = True


def stopping_distance_m(speed_mps: float) -> float:
    """Return the way that a car needs to stop, reaction included, on a level wet road."""
    return speed_mps * REACTION_S + speed_mps**2 / (2 * BRAKING_MPS2)


def sight_distance_m(radius_m: float, turn_rad: float, clear_m: float) -> float:
    """Return how far along the road a driver sees in a bend.

    Parameters
    ----------
    radius_m
        Of the driver's line.
    turn_rad
        By how much the road turns, radians, 0 to π and more.
    clear_m
        From the driver's line to what blocks the view inside the bend.
    """
    if clear_m >= radius_m:  # over the middle of the circle: only its diameter limits the view
        return pi * radius_m
    over_the_arc = 2 * radius_m * acos(1 - clear_m / radius_m)
    arc = radius_m * turn_rad
    if over_the_arc <= arc or turn_rad >= pi:
        return over_the_arc
    beyond = (clear_m - radius_m * (1 - cos(turn_rad / 2))) / sin(turn_rad / 2)
    return arc + 2 * beyond


def driven_speed_mps(limit_mps: float, radius_m: float, lateral_mps2: float) -> float:
    """Return the speed at which a bend is driven at most: the limit, or what the driver bears sideways."""
    return min(limit_mps, sqrt(lateral_mps2 * radius_m))
