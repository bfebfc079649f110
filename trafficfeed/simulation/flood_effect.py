"""What a flood feed did for drivers: one run without followers against one with, paired by vehicle."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from trafficfeed.errors import SimulationFailed
from trafficfeed.simulation.flood_drive import FloodDrive
from trafficfeed.simulation.passages import Passage
from trafficfeed.simulation.results import FloatArray

DEEP_M: Final = 0.30
WET_M: Final = 0.15
_HOUR_S: Final = 3600.0


@dataclass(frozen=True, kw_only=True)
class TrueDepth:
    """The water that truly stands on an edge: ``(n,)`` times, s on the demand's clock, and depths, m; linear between.

    Before the first and after the last time it stays as it is there.
    """

    edge: str
    times_s: FloatArray
    depth_m: FloatArray

    def at(self, time_s: float) -> float:
        """Return the depth at an instant, m."""
        return float(np.interp(time_s, self.times_s, self.depth_m))

    def deepest(self, from_s: float, until_s: float) -> float:
        """Return the deepest in a span, m."""
        inside = self.depth_m[(self.times_s > from_s) & (self.times_s < until_s)]
        return max(self.at(from_s), self.at(until_s), float(inside.max(initial=0.0)))


def effect_of(without: FloodDrive, with_feed: FloodDrive, water: Iterable[TrueDepth]) -> dict[str, float]:
    """Return the figures of one seed; what does not apply is left out.

    ``entered_deep`` counts vehicles that drive into at least `DEEP_M` of true water, ``caught_deep`` those on whose
    street it rises so far while they are on it. ``trip_s`` is the mean over all who wanted to drive, unfinished trips
    until the run's end; ``affected_trip_s`` over those who, without followers, drive through at least `WET_M`. A trip
    that ended at the water's edge gains nothing. ``needless_h`` is what followers lose, in vehicle-hours, who were sent
    round streets on which they meet less than `DEEP_M` without the feed.

    Raises
    ------
    SimulationFailed
        If the two runs do not have the same vehicles.
    """
    if list(without.passages.vehicles) != list(with_feed.passages.vehicles):
        raise SimulationFailed("the runs with and without followers do not have the same vehicles")
    depths = {one.edge: one for one in water}
    trip_without, trip_with = without.passages.trip_s, with_feed.passages.trip_s.copy()
    short = np.isin(np.asarray(with_feed.passages.vehicles), sorted(with_feed.ended_short))
    trip_with[short] = np.maximum(trip_with[short], trip_without[short])
    affected = np.isin(np.asarray(without.passages.vehicles), sorted(_through(without, depths, WET_M)))
    figures = {
        "trip_s": _mean_change(trip_without, trip_with),
        "trip_share": float(trip_with.mean() / trip_without.mean() - 1.0),
        "affected_trip_s": _mean_change(trip_without[affected], trip_with[affected]),
        "affected": float(affected.sum()),
        "unfinished": float((~with_feed.passages.arrived).sum() - (~without.passages.arrived).sum()),
        "needless_h": _needless_h(without, with_feed, depths, trip_with - trip_without),
        "ended_short": float(len(with_feed.ended_short)),
        "rerouted": float(len({one.vehicle for one in with_feed.rerouted})),
        "base_trip_s": float(trip_without.mean()),
        "base_unfinished": float((~without.passages.arrived).sum()),
    }
    for name, count in (("entered_deep", entered_deep), ("caught_deep", caught_deep)):
        before, after = count(without, depths), count(with_feed, depths)
        figures |= {f"base_{name}": float(before), name: float(after - before)}
        if before:
            figures[f"{name}_share"] = after / before - 1.0
    return {name: value for name, value in figures.items() if np.isfinite(value)}


def entered_deep(drive: FloodDrive, depths: Mapping[str, TrueDepth]) -> int:
    """Return how many vehicles drove into `DEEP_M` of water or more; who parked in it did not."""
    deep = (one for one in _wet(drive, depths) if not one.begins and depths[one.edge].at(one.entered_s) >= DEEP_M)
    return len({one.vehicle for one in deep})


def caught_deep(drive: FloodDrive, depths: Mapping[str, TrueDepth]) -> int:
    """Return round how many vehicles, which had entered before, the water rose to `DEEP_M`."""
    risen = (
        one.vehicle
        for one in _wet(drive, depths)
        if depths[one.edge].at(one.entered_s) < DEEP_M <= depths[one.edge].deepest(one.entered_s, one.left_s)
    )
    return len(set(risen))


def _wet(drive: FloodDrive, depths: Mapping[str, TrueDepth]) -> Iterable[Passage]:
    return (one for edge in depths for one in drive.passages.by_edge.get(edge, ()))


def _through(drive: FloodDrive, depths: Mapping[str, TrueDepth], least_m: float) -> set[str]:
    return {
        one.vehicle for one in _wet(drive, depths) if depths[one.edge].deepest(one.entered_s, one.left_s) >= least_m
    }


def _needless_h(
    without: FloodDrive, with_feed: FloodDrive, depths: Mapping[str, TrueDepth], later_s: FloatArray
) -> float:
    row = {vehicle: number for number, vehicle in enumerate(with_feed.passages.vehicles)}
    spared = _through(without, depths, DEEP_M)
    needless = sorted({one.vehicle for one in with_feed.rerouted} - spared)
    return float(sum(max(0.0, later_s[row[vehicle]]) for vehicle in needless) / _HOUR_S)


def _mean_change(before: FloatArray, after: FloatArray) -> float:
    return float(np.mean(after - before)) if len(before) else float("nan")
