"""What one run of SUMO did, vehicle by vehicle and street by street, in columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


class Fate(StrEnum):
    """What became of a vehicle of the demand; exactly one for each."""

    ARRIVED = "arrived"
    UNFINISHED = "unfinished"  # still driving when the run ended
    NEVER_DEPARTED = "never_departed"  # waited to be inserted until the run ended
    DROPPED = "dropped"  # SUMO refused or removed it (no route)
    TELEPORTED = "teleported"  # arrived, but moved by SUMO on the way
    ENDED_SHORT = "ended_short"  # its start or destination is shut: it began or ended at the nearest open street


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """One run; rows of the vehicle columns are the demand's vehicles in the window, all of them, sorted by id.

    Attributes
    ----------
    vehicle_id, vehicle_class
        ``(n_vehicles,)``; the class is SUMO's vClass.
    fate
        ``(n_vehicles,)`` of `Fate`.
    wanted_depart_s, depart_s, arrival_s
        ``(n_vehicles,) float64`` on the demand's clock; NaN where it did not happen.
    trip_s
        ``(n_vehicles,) float64`` from *wanted* departure to arrival, insertion wait included; NaN if not arrived.
    informed
        ``(n_vehicles,) bool``: knew of the closures beforehand.
    edge_id
        ``(n_edges,)`` SUMO edge ids with any traffic.
    interval_s, edge_entered, edge_time_loss_s, edge_max_queue_m
        Totals over the run per edge: vehicles entered, time lost in vehicle-seconds, the longest jam in metres (0 where
        the model has none).
    counts
        SUMO's own totals (loaded, inserted, running, waiting, teleports, …) for the accounting's cross-check.
    """

    tier: str  # "meso" | "micro"
    seed: int
    vehicle_id: Sequence[str]
    vehicle_class: Sequence[str]
    fate: Sequence[Fate]
    wanted_depart_s: FloatArray
    depart_s: FloatArray
    arrival_s: FloatArray
    trip_s: FloatArray
    informed: npt.NDArray[np.bool_]
    edge_id: Sequence[str]
    edge_entered: FloatArray
    edge_time_loss_s: FloatArray
    edge_max_queue_m: FloatArray
    counts: Mapping[str, int]
