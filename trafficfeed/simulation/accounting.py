"""Every vehicle of the demand gets exactly one fate, checked against SUMO's own totals."""

from collections.abc import Mapping, Sequence

import numpy as np

from trafficfeed.errors import SimulationFailed
from trafficfeed.simulation.outputs import Teleport, Trip
from trafficfeed.simulation.results import Fate

_NAMED = 8


def fates(
    vehicle_ids: Sequence[str],
    trips: Mapping[str, Trip],
    teleports: Sequence[Teleport],
    *,
    ended_short: frozenset[str],
) -> list[Fate]:
    """Return each vehicle's fate."""
    moved = {t.vehicle_id for t in teleports}
    return [_fate(name, trips.get(name), name in moved, name in ended_short) for name in vehicle_ids]


def _fate(name: str, trip: Trip | None, moved: bool, ended_short: bool) -> Fate:
    if trip is None:
        return Fate.DROPPED
    if np.isfinite(trip.arrival_s) and trip.vaporized in ("", "teleport"):  # the latter: moved to its destination
        if moved or trip.vaporized:
            return Fate.TELEPORTED
        return Fate.ENDED_SHORT if ended_short else Fate.ARRIVED
    if trip.vaporized not in ("", "end"):
        return Fate.DROPPED
    return Fate.UNFINISHED if np.isfinite(trip.depart_s) else Fate.NEVER_DEPARTED


def check(
    vehicle_ids: Sequence[str],
    fate: Sequence[Fate],
    trips: Mapping[str, Trip],
    counts: Mapping[str, int],
) -> None:
    """Check that the fates add up to what SUMO says of itself.

    Raises
    ------
    SimulationFailed
        If SUMO drove a vehicle that is not in the demand, or its totals are not ours; the message names vehicles.
    """
    strangers = sorted(trips.keys() - set(vehicle_ids))
    if strangers:
        raise SimulationFailed(f"SUMO drove vehicles that the demand does not have: {_some(strangers)}")
    departed = [n for n in vehicle_ids if n in trips and np.isfinite(trips[n].depart_s)]
    if len(departed) != counts["inserted"]:
        raise SimulationFailed(
            f"the accounting does not add up: {len(departed)} vehicles departed by their trips, "
            f"{counts['inserted']} by SUMO's statistics; without a trip: "
            f"{_some([n for n in vehicle_ids if n not in trips])}"
        )
    under_way = [n for n, f in zip(vehicle_ids, fate, strict=True) if f is Fate.UNFINISHED]
    if len(under_way) != counts["running"]:
        raise SimulationFailed(
            f"the accounting does not add up: {len(under_way)} vehicles unfinished by their trips, "
            f"{counts['running']} running by SUMO's statistics: {_some(under_way)}"
        )


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more if names else "none"
