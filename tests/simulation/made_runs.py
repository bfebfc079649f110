"""Small run results with known figures, for tests of what is computed from runs."""

import numpy as np

from trafficfeed.simulation.results import Fate, RunResult

UNTIL_S = 3600.0


def made_run(*, trips, wanted=None, classes=None, fates=None, informed=None, seed=1, tier="meso", edges=None):
    """Make a run of vehicles with these trip times, s (None: not finished); edges: id → (entered, loss, queue)."""
    n = len(trips)
    trip = np.array([np.nan if t is None else t for t in trips], dtype=np.float64)
    wanted_depart = np.zeros(n) if wanted is None else np.array(wanted, dtype=np.float64)
    edges = edges or {}
    columns = np.array([edges[e] for e in edges], dtype=np.float64).reshape(len(edges), 3)
    return RunResult(
        tier=tier,
        seed=seed,
        vehicle_id=[f"v{i:04d}" for i in range(n)],
        vehicle_class=classes or ["passenger"] * n,
        fate=[Fate(f) for f in fates] if fates else [Fate.ARRIVED] * n,
        wanted_depart_s=wanted_depart,
        depart_s=wanted_depart,
        arrival_s=wanted_depart + trip,
        trip_s=trip,
        informed=np.ones(n, dtype=bool) if informed is None else np.array(informed, dtype=bool),
        edge_id=list(edges),
        edge_entered=columns[:, 0],
        edge_time_loss_s=columns[:, 1],
        edge_max_queue_m=columns[:, 2],
        counts={"loaded": n},
    )
