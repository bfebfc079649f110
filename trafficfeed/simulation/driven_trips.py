"""What the trips of one run were like: stops, waiting and time on the way, of every vehicle that wanted to drive."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trafficfeed.errors import SimulationFailed
from trafficfeed.simulation.outputs import read_counts
from trafficfeed.simulation.results import FloatArray

_TRIP = re.compile(rb"<tripinfo ([^>]*)>")
_ATTRIBUTE = re.compile(rb'(\w+)="([^"]*)"')


@dataclass(frozen=True, kw_only=True)
class DrivenTrips:
    """One run, all vehicles that wanted to depart; arrays are ``(n_trips,) float64``, sorted by vehicle id.

    Attributes
    ----------
    trip_s
        From the *wanted* departure to arrival; of those that have not arrived, to the end of the run.
    stops
        How often the vehicle came to a halt (below 0.1 m/s), places where it is meant to stop left out.
    waiting_s
        Time at a halt in traffic.
    unfinished
        Vehicles that had not arrived when the run ended.
    counts
        SUMO's totals: teleports, collisions, …
    """

    trip_s: FloatArray
    stops: FloatArray
    waiting_s: FloatArray
    unfinished: int
    counts: Mapping[str, int]


def read_driven(trips_path: Path, statistics_path: Path) -> DrivenTrips:
    """Read ``--tripinfo-output`` (unfinished and undeparted vehicles included) and ``--statistic-output``.

    Raises
    ------
    SimulationFailed
        If a file is missing, was not written to its end, or holds no trip.
    """
    document = trips_path.read_bytes() if trips_path.is_file() else b""
    if b"</tripinfos>" not in document[-256:]:
        raise SimulationFailed(f"SUMO did not finish writing {trips_path}")
    rows = [dict(_ATTRIBUTE.findall(attributes)) for attributes in _TRIP.findall(document)]
    if not rows:
        raise SimulationFailed(f"nobody drove: {trips_path} holds no trip")
    rows.sort(key=lambda row: row[b"id"])
    return DrivenTrips(
        trip_s=_column(rows, b"duration") + _column(rows, b"departDelay"),
        stops=_column(rows, b"waitingCount"),
        waiting_s=_column(rows, b"waitingTime"),
        unfinished=sum(float(row[b"arrival"]) < 0 for row in rows),
        counts=read_counts(statistics_path),
    )


def pair_figures(base: DrivenTrips, advised: DrivenTrips) -> dict[str, float]:
    """Return the figures of one seed, by name: means a trip with and without advice, and their changes as shares.

    Raises
    ------
    SimulationFailed
        If the two runs do not have as many vehicles.
    """
    if len(base.trip_s) != len(advised.trip_s):
        raise SimulationFailed(f"the runs of one seed have {len(base.trip_s)} and {len(advised.trip_s)} vehicles")
    figures: dict[str, float] = {}
    for name in ("stops", "trip_s", "waiting_s"):
        before, after = float(getattr(base, name).mean()), float(getattr(advised, name).mean())
        figures |= {f"base_{name}": before, f"advised_{name}": after}
        if before > 0:
            figures[f"{name.removesuffix('_s')}_change"] = after / before - 1.0
    figures["unfinished_change"] = float(advised.unfinished - base.unfinished)
    for name in ("teleports", "collisions"):
        figures[f"{name}_change"] = float(advised.counts.get(name, 0) - base.counts.get(name, 0))
    return figures


def _column(rows: list[dict[bytes, bytes]], name: bytes) -> FloatArray:
    return np.array([max(float(row[name]), 0.0) for row in rows])
