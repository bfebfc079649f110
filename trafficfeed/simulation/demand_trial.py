"""Drives a synthetic demand's busiest hour once, to see that the streets keep moving."""

import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trafficfeed.network.city import MesoSection
from trafficfeed.simulation.outputs import read_teleports, read_trips
from trafficfeed.simulation.scenario import Tier, meso_options
from trafficfeed.simulation.sumo_process import run_program

MICRO_UP_TO_VEHICLE_S = 1.5e6
"""Vehicle-seconds of driving up to which the trial is microscopic (about 10 s of computing)."""
_BEFORE_S = 900.0
_AFTER_S = 2400.0
_TIME_LIMIT_S = 900.0
_LEAST_ARRIVED = 0.98
_MOST_TELEPORTED = 0.005
_TENTH = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came of it: shares of the vehicles that arrived and that were teleported, and their mean trip, s.

    `stuck_at` are the edges off which a tenth or more of the teleported were moved.
    """

    tier: Tier
    vehicles: int
    arrived: float
    teleported: float
    mean_trip_s: float
    stuck_at: frozenset[str] = frozenset()

    @property
    def keeps_moving(self) -> bool:
        """Whether at least 98 % arrived and fewer than 0.5 % were teleported."""
        return self.arrived >= _LEAST_ARRIVED and self.teleported < _MOST_TELEPORTED

    def __str__(self) -> str:
        return (
            f"{self.tier}: {self.vehicles} vehicles, {100 * self.arrived:.1f} % arrived, "
            f"{100 * self.teleported:.2f} % teleported, mean trip {self.mean_trip_s:.0f} s"
        )


def try_hour(net_path: Path, routes_path: Path, *, hour: int, tier: Tier) -> Trial:
    """Run the departures of `hour` (and of the 15 minutes before it) until 40 minutes after it.

    Raises
    ------
    SimulationFailed
        If SUMO refuses the network or the routes.
    """
    with tempfile.TemporaryDirectory(prefix="trafficfeed-demand-") as name:
        folder = Path(name)
        begin, end = max(hour * 3600.0 - _BEFORE_S, 0.0), (hour + 1) * 3600.0
        arguments = [
            *("--net-file", str(net_path.resolve()), "--route-files", str(_cut(routes_path, folder, begin, end))),
            *("--begin", f"{begin:g}", "--end", f"{end + _AFTER_S:g}", "--seed", "1", "--time-to-teleport", "300"),
            *("--ignore-route-errors", "--no-step-log", "--xml-validation", "never"),
            *("--tripinfo-output", str(folder / "trips.xml"), "--tripinfo-output.write-unfinished"),
            "--tripinfo-output.write-undeparted",
        ]
        if tier == "meso":
            arguments += meso_options(MesoSection())
        else:  # as in the runs to come; in meso routing would take most of the time
            arguments += ["--device.rerouting.probability", "0.5", "--device.rerouting.deterministic"]
            arguments += ["--device.rerouting.period", "60", "--device.rerouting.adaptation-interval", "60"]
            arguments += ["--routing-algorithm", "CCH"]
        log = run_program("sumo", arguments, folder=folder, time_limit_s=_TIME_LIMIT_S)
        trips = read_trips(folder / "trips.xml", until_s=end + _AFTER_S)
        teleports = read_teleports(log)
    moved = {t.vehicle_id for t in teleports}
    places = Counter(t.edge for t in teleports if not t.edge.startswith(":"))
    times = np.array([t.arrival_s - t.depart_s for t in trips.values()])
    count = max(len(trips), 1)
    arrived = np.isfinite(times)
    return Trial(
        tier=tier,
        vehicles=len(trips),
        arrived=float(arrived.sum() / count),
        teleported=len(moved) / count,
        mean_trip_s=float(times[arrived].mean()) if arrived.any() else float("nan"),
        stuck_at=frozenset(edge for edge, n in places.items() if n >= max(_TENTH * len(teleports), 2)),
    )


def _cut(path: Path, folder: Path, begin: float, end: float) -> Path:
    """Write the types, the routes and the vehicles of [begin, end) to a file of its own; SUMO would read the day."""
    cut = folder / "hour.rou.xml"
    with path.open(encoding="utf-8") as source, cut.open("w", encoding="utf-8") as target:
        for line in source:
            if line.startswith("<vehicle "):
                depart = float(line.split('depart="', 1)[1].split('"', 1)[0])
                if not begin <= depart < end:
                    continue
            target.write(line)
    return cut
