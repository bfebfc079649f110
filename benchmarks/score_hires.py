"""How well the ends of green and red of actuated controllers are foreseen, from their high-resolution logs.

    python benchmarks/score_signals.py --hires FILE.parquet --json

FILE is a log by the Indiana enumeration. It is played through the hires adapter, the door and the production predictor
in the order of time; at each whole second the forecasts are read that hold then, from what was logged up to then and
nothing else. The shipped model of the rung for actuated greens was fitted on three controllers; each of these is
played with a model that has not seen it (`fitted_without_it`). A second is scored if its run's end is in the log and
the phase had shown eight whole greens before. A horizon is the time that was left in truth; since a forecast that is
always short shines by that measure, the error by the time that was *foreseen* to be left stands beside it.

Green: the error of the likely end. Red: of the seconds between the end of the last green that excludes it and the end
of the red, the share of which something was said within the rung of clearances, and of those how many within 1 s.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.hires_trial.playing import Second, play
from trafficfeed.signals.aspects import Aspect
from trafficfeed.signals.controller_events import ControllerEvent
from trafficfeed.signals.forecast import Method
from trafficfeed.signals.ingest.hires import read_log
from trafficfeed.signals.prediction.actuation import FITTED, fitted_on, read_trees

HORIZONS_S = ((0, 5), (5, 10), (10, 20), (20, 40))
SAID_BY = ("likely", "ladder", "survival")


def score_hires(path: Path) -> dict[str, Any]:
    """Play a log and return the report."""
    by_device: dict[str, list[ControllerEvent]] = defaultdict(list)
    for event in read_log(path):
        by_device[event.intersection].append(event)
    played = {
        device: play(device, events, read_trees(FITTED, without=device)) for device, events in sorted(by_device.items())
    }
    everything = [second for seconds, _ in played.values() for second in seconds]
    return {
        "file": path.name,
        "fitted_without_it": sorted(set(by_device) & set(fitted_on())),
        "events_refused": sum(refused for _, refused in played.values()),
        **report_of(everything),
        "by_controller": {device: report_of(seconds) for device, (seconds, _) in played.items()},
    }


score = score_hires


def report_of(seconds: Sequence[Second]) -> dict[str, Any]:
    """Return the figures over some seconds."""
    greens = [second for second in seconds if second.aspect.is_green]
    reds = [second for second in seconds if second.aspect is Aspect.STOP_AND_REMAIN]
    return {"green": _green(greens), "red": _red(reds)}


def _green(seconds: Sequence[Second]) -> dict[str, Any]:
    left = np.array([second.left for second in seconds])
    said = {name: np.array([getattr(second, name) for second in seconds]) for name in SAID_BY}
    low, high = (np.array([getattr(second, name) for second in seconds]) for name in ("p10", "p90"))
    spoken = ~np.isnan(low)
    inside = (low <= left + 1e-6) & (left <= high + 1e-6)
    return {
        "seconds": len(seconds),
        "mae_5_10_s": _mae(said["likely"], left, left, 5, 10),
        "mae_5_10_s_ladder": _mae(said["ladder"], left, left, 5, 10),
        "mae_5_10_s_survival": _mae(said["survival"], left, left, 5, 10),
        "coverage_p10_p90": _share(inside[spoken]),
        "by_horizon": {
            f"{low_s}-{high_s}": {name: _mae(said[name], left, left, low_s, high_s) for name in SAID_BY}
            | {"said": _share(~np.isnan(said["likely"][(left >= low_s) & (left <= high_s)]))}
            for low_s, high_s in HORIZONS_S
        },
        "by_time_foreseen": {
            f"{low_s}-{high_s}": {name: _mae(said[name], left, said[name], low_s, high_s) for name in SAID_BY}
            for low_s, high_s in HORIZONS_S
        },
        "by_method": _by_method(seconds),
    }


def _red(seconds: Sequence[Second]) -> dict[str, Any]:
    clearing = [second for second in seconds if second.clearing]
    locked = [second for second in clearing if second.method == Method.CLEARANCE.value]
    promised = [second for second in seconds if second.method == Method.CLEARANCE.value]
    return {
        "last_seconds": len(clearing),
        "locked_in_share": round(len(locked) / len(clearing), 4) if clearing else None,
        "within_1s": _within(promised, 1.0),
        "within_1s_without_false_ones": _within(locked, 1.0),
        "within_1s_all_last_seconds": _within(clearing, 1.0),
        "promised_seconds": len(promised),
    }


def _by_method(seconds: Sequence[Second]) -> dict[str, Any]:
    near: dict[str, list[float]] = defaultdict(list)
    for second in seconds:
        if 5 <= second.left <= 10 and second.likely == second.likely:
            near[second.method].append(abs(second.likely - second.left))
    return {
        method: {"seconds": len(errors), "mae_5_10_s": round(float(np.mean(errors)), 3)}
        for method, errors in sorted(near.items())
    }


def _mae(
    said: NDArray[np.float64], left: NDArray[np.float64], by: NDArray[np.float64], low_s: float, high_s: float
) -> float | None:
    wanted = (by >= low_s) & (by <= high_s) & ~np.isnan(said)
    return round(float(np.abs(said - left)[wanted].mean()), 3) if wanted.any() else None


def _within(seconds: Sequence[Second], limit_s: float) -> float | None:
    return _share(np.array([abs(second.likely - second.left) <= limit_s for second in seconds]))


def _share(hits: NDArray[np.bool_]) -> float | None:
    return round(float(hits.mean()), 4) if len(hits) else None
