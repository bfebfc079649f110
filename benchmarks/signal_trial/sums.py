"""Seconds, counted by scope and horizon: how many could be scored, were published, right, in the interval."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.signal_trial.replay import Played
from benchmarks.signal_trial.yardsticks import Said

HORIZONS_S = (5, 10, 20, 40)
LEAST = 8
SCOPES = ("after_eight_runs", "all_seconds", "after_eight_cycles")
COUNTED = (
    "seconds",
    "published",
    "within_1s",
    "within_2s",
    "error_s",
    "with_interval",
    "in_interval",
    "in_closed_interval",
    "width_s",
    "median_error_s",
    "median_of_five_right",
    "narrow_published",
    "narrow_right",
    "by_position_published",
    "by_position_right",
)
_NEAR_S = 1.01
Sums = NDArray[np.float64]
"""Shape (scopes, horizons, counted)."""


def nothing() -> Sums:
    """Return sums of no seconds."""
    return np.zeros((len(SCOPES), len(HORIZONS_S) + 1, len(COUNTED)))


def sums_of(run: Played, said: Said) -> Sums:
    """Count the seconds of one run. A horizon is the time that was left in truth."""
    seconds = np.arange(run.lasted_s, dtype=np.float64)
    columns = np.zeros((len(seconds), len(COUNTED)))
    columns[:, 0] = 1.0
    if run.outlook is not None:
        columns[:, 1:10] = _forecast_columns(run, seconds)
    truth = float(run.lasted_s)
    columns[:, 10] = np.abs(said.median_of_five - truth) <= _NEAR_S
    columns[:, 11] = ~np.isnan(said.narrow_analogues)
    columns[:, 12] = np.abs(said.narrow_analogues - truth) <= _NEAR_S
    columns[:, 13] = ~np.isnan(said.narrow_by_position)
    columns[:, 14] = np.abs(said.narrow_by_position - truth) <= _NEAR_S
    horizon = np.searchsorted(HORIZONS_S, truth - seconds)  # 5 s left belongs to "up to 5"
    counted = nothing()
    scopes = [run.runs_before >= LEAST, True, run.cycles_before >= LEAST]
    for k in range(len(HORIZONS_S) + 1):
        counted[scopes, k] = columns[horizon == k].sum(axis=0)
    return counted


def _forecast_columns(run: Played, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the columns from `published` to `median_error_s`.

    The record has one state a second: an end that it puts at second x fell within a second about x. `in_interval` is
    the part of that second that P10 to P90 covers; `in_closed_interval` asks only whether x itself lies in it.
    """
    outlook, truth = run.outlook, float(run.lasted_s)
    assert outlook is not None
    step = np.searchsorted(outlook.from_s, seconds, side="right") - 1
    known = outlook.cases[step] > 0
    published = outlook.countdown[step] & known
    error = np.abs(outlook.likely_s[step] - truth)
    low, median, high = outlook.quantiles_s[step].T
    covered = np.clip(np.minimum(high, truth + 0.5) - np.maximum(low, truth - 0.5), 0.0, 1.0)
    columns = [
        published,
        published & (error <= _NEAR_S),
        published & (error <= 2 * _NEAR_S),
        np.where(published, error, 0.0),
        known,
        np.where(known, covered, 0.0),
        known & (low <= truth) & (truth <= high),
        np.where(known, high - low, 0.0),
        np.where(known, np.abs(median - truth), 0.0),
    ]
    return np.column_stack(columns).astype(np.float64)


def shares(sums: Sums) -> dict[str, Any]:
    """Return the figures of one scope, shape (horizons, counted): overall and by horizon."""
    edges = [0, *HORIZONS_S]
    names = [f"{low}-{high} s" for low, high in zip(edges, HORIZONS_S, strict=False)] + [f"over {HORIZONS_S[-1]} s"]
    by_horizon = {name: _figures(row) for name, row in zip(names, sums, strict=True)}
    return {**_figures(sums.sum(axis=0)), "by_horizon": by_horizon}


def yardstick_shares(sums: Sums) -> dict[str, Any]:
    """Return what the yardsticks did on the same seconds."""
    of = dict(zip(COUNTED, sums.sum(axis=0).tolist(), strict=True))
    return {
        "median_of_last_5": {"within_1s": _share(of["median_of_five_right"], of["seconds"])},
        "analogues_2s_wide": {
            "published_share": _share(of["narrow_published"], of["seconds"]),
            "within_1s": _share(of["narrow_right"], of["narrow_published"]),
        },
        "analogues_2s_wide_by_position": {
            "published_share": _share(of["by_position_published"], of["seconds"]),
            "within_1s": _share(of["by_position_right"], of["by_position_published"]),
        },
    }


def _figures(row: NDArray[np.float64]) -> dict[str, Any]:
    of = dict(zip(COUNTED, row.tolist(), strict=True))
    return {
        "published_share": _share(of["published"], of["seconds"]),
        "within_1s": _share(of["within_1s"], of["published"]),
        "within_2s": _share(of["within_2s"], of["published"]),
        "mae_s": _share(of["error_s"], of["published"]),
        "coverage_p10_p90": _share(of["in_interval"], of["with_interval"]),
        "coverage_p10_p90_closed": _share(of["in_closed_interval"], of["with_interval"]),
        "interval_share": _share(of["with_interval"], of["seconds"]),
        "interval_width_s": _share(of["width_s"], of["with_interval"]),
        "median_mae_s": _share(of["median_error_s"], of["with_interval"]),
        "seconds": int(of["seconds"]),
    }


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None
