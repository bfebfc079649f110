"""Fits the rung for actuated greens on recorded controllers; writes the file that the package ships.

    python -m benchmarks.hires_trial.fit LOG.parquet… [--out trafficfeed/signals/prediction/actuation.npz]

Needs scikit-learn, which the package does not. The file holds the model of all controllers, and for each the one of
the others: what the scores of a controller that was fitted on are made with. An error weighs 1 / (12 s + time left).
"""

import argparse
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor

from benchmarks.hires_trial.playing import play
from benchmarks.signal_trial.fit import exported
from trafficfeed.signals.controller_events import ControllerEvent
from trafficfeed.signals.ingest.hires import read_log
from trafficfeed.signals.prediction.actuation import FITTED
from trafficfeed.signals.prediction.trees import Trees

WEIGHED_FROM_S = 12.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("logs", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, default=FITTED)
    given = parser.parse_args()
    tables = _tables(given.logs)
    models = [_fitted(list(tables.values()))]
    models += [_fitted([table for other, table in tables.items() if other != name]) for name in tables]
    np.savez_compressed(given.out, fitted_on=np.array(list(tables)), **_stacked(models))
    print({name: len(table) for name, table in tables.items()}, given.out.stat().st_size, "bytes")


def _tables(logs: list[Path]) -> dict[str, NDArray[np.float64]]:
    """Return by controller its rows: the features, and last the time that was left."""
    events: dict[str, list[ControllerEvent]] = defaultdict(list)
    for log in logs:
        for event in read_log(log):
            events[event.intersection].append(event)
    tables = {}
    for name, of in sorted(events.items()):
        rows: list[NDArray[np.float64]] = []
        play(name, of, ask=lambda features, left, rows=rows: rows.append(np.append(features, left)))
        tables[name] = np.array(rows)
    return tables


def _fitted(tables: list[NDArray[np.float64]]) -> Trees:
    table = np.vstack(tables)
    model = HistGradientBoostingRegressor(
        loss="absolute_error",
        max_iter=70,
        learning_rate=0.1,
        max_leaf_nodes=10,
        min_samples_leaf=80,
        early_stopping=False,
        random_state=0,
    )
    left = table[:, -1]
    model.fit(table[:, :-1], left, sample_weight=1.0 / (WEIGHED_FROM_S + left))
    return exported(model)


def _stacked(models: list[Trees]) -> dict[str, NDArray[Any]]:
    """Lay models side by side; a smaller tree is filled up with nodes that nothing leads to."""
    nodes = max(model.feature.shape[1] for model in models)
    stacked: dict[str, NDArray[Any]] = {}
    for field in Trees._fields:
        parts = [np.asarray(getattr(model, field)) for model in models]
        if parts[0].ndim == 2:
            parts = [np.pad(part, ((0, 0), (0, nodes - part.shape[1]))) for part in parts]
        stacked[field] = np.stack(parts)
    return stacked


if __name__ == "__main__":
    main()
