"""Fits the countdown rule and the quantile rule on recorded signals; writes the two files that the package ships.

    python -m benchmarks.signal_trial.fit FILE.parquet --out trafficfeed/signals/prediction --rows /tmp/rows.npz

Needs scikit-learn, which the package does not. Every third thing by the hash of its name is kept out and not fitted
on. Of the others three parts are made, by thing again: the threshold and the quantiles are set on what models say of
parts that they were not fitted on. The shipped model is then fitted on all of these things. `--rows` keeps the table
that is fitted on, which takes longest to make.
"""

import argparse
import json
import zlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from benchmarks.signal_trial.collect import Rows, collect
from benchmarks.signal_trial.fit_quantiles import fit_quantiles
from trafficfeed.signals.prediction.countdown_rule import COLUMNS, FITTED, CountdownRule
from trafficfeed.signals.prediction.quantiles import FITTED as FITTED_QUANTILES
from trafficfeed.signals.prediction.settled import CHANCE as SETTLED_CHANCE
from trafficfeed.signals.prediction.trees import Trees

PARTS = 3
WITHIN_1S = 0.985
MARGIN = 0.0005  # above the goal, on things not fitted on
LEAST_RUNS = 8
QUANTILE_SLICES = 700


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("file", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder of the two files")
    parser.add_argument("--rows", type=Path, required=True, help="where the table is kept, or taken from")
    given = parser.parse_args()
    things = sorted(set(pq.read_table(given.file, columns=["thing"]).column("thing").to_pylist()))
    fitted_on = [thing for thing in things if not is_held_out(thing)]
    if not given.rows.exists():
        collect(given.file, fitted_on).save(given.rows)
    rows = Rows.load(given.rows)
    part = np.array([part_of(thing) for thing in rows.things])[rows.thing]
    with ProcessPoolExecutor(PARTS + 1) as pool:
        *models, whole = pool.map(fit_without, [given.rows] * (PARTS + 1), [*range(PARTS), None])
    chance = np.where(rows.settled, SETTLED_CHANCE, 0.0)
    for k, model in enumerate(models):
        asked = (part == k) & ~rows.settled
        chance[asked] = _by_parts(model, rows.table[asked])
    countdown_from, figures = threshold(rows, chance)
    print(json.dumps(figures))
    rules = [CountdownRule(model, countdown_from) for model in models]
    quantiles = fit_quantiles(given.file, fitted_on, lambda thing: rules[part_of(thing)], QUANTILE_SLICES)
    quantiles.save(given.out / FITTED_QUANTILES.name)
    CountdownRule(whole, countdown_from, fitted_on=frozenset(fitted_on)).save(given.out / FITTED.name)


def is_held_out(thing: str) -> bool:
    """Whether a thing is kept for the test, by the hash of its name."""
    return zlib.crc32(thing.encode()) % 3 == 0


def part_of(thing: str) -> int:
    """Return the part of the fitted things that a thing is in."""
    return zlib.crc32(f"part {thing}".encode()) % PARTS


def fit_without(path: Path, part: int | None) -> Trees:
    """Fit on the rows of a table but those of one part; on all rows if no part is named."""
    rows = Rows.load(path)
    kept = np.array([part_of(thing) != part for thing in rows.things])[rows.thing] & ~rows.settled
    with threadpool_limits(1):  # the models are fitted side by side
        return fit_trees(rows.of(kept))


def fit_trees(rows: Rows) -> Trees:
    """Fit the chance that a candidate is right to a second; each row weighs the seconds that it stands for."""
    model = HistGradientBoostingClassifier(
        max_iter=150,
        learning_rate=0.1,
        max_leaf_nodes=31,
        max_depth=7,
        min_samples_leaf=200,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=0,
    )
    model.fit(rows.table, rows.right, sample_weight=rows.seconds)
    return exported(model)


def _by_parts(model: Trees, table: NDArray[np.float32]) -> NDArray[np.float64]:
    parts = [model.probability(table[k : k + 2000].astype(np.float64)) for k in range(0, len(table), 2000)]
    return np.concatenate(parts)


def exported(model: Any) -> Trees:
    """Lay the nodes of a fitted model side by side."""
    nodes = [predictor.nodes for (predictor,) in model._predictors]
    shape = (len(nodes), max(len(tree) for tree in nodes))
    here = np.broadcast_to(np.arange(shape[1], dtype=np.int16), shape)
    feature, threshold = np.zeros(shape, np.int16), np.zeros(shape)
    left, right, value = here.copy(), here.copy(), np.zeros(shape, np.float32)
    depth = 0
    for k, tree in enumerate(nodes):
        leaf = tree["is_leaf"].astype(bool)
        inner = np.flatnonzero(~leaf)
        feature[k, inner] = tree["feature_idx"][inner]
        threshold[k, inner] = tree["num_threshold"][inner]
        left[k, inner], right[k, inner] = tree["left"][inner], tree["right"][inner]
        value[k, np.flatnonzero(leaf)] = tree["value"][leaf]
        depth = max(depth, int(tree["depth"].max()))
    return Trees(feature, threshold, left, right, value, float(model._baseline_prediction.ravel()[0]), depth)


def threshold(rows: Rows, chance: NDArray[np.float64]) -> tuple[float, dict[str, float]]:
    """Return the least chance from which on the share that is right keeps the goal, and what was published then.

    Counted are the seconds that the score counts, those after eight runs of the aspect, if anything can be said.
    """
    best = _best_of_instant(rows, chance)
    best = best[rows.settled[best] | (rows.table[best, COLUMNS.index("past_runs")] >= LEAST_RUNS)]
    best = best[np.argsort(-chance[best], kind="stable")]
    seconds = rows.seconds[best].astype(np.float64)
    right = np.cumsum(seconds * rows.right[best]) / np.cumsum(seconds)
    last = int(np.flatnonzero(right >= WITHIN_1S + MARGIN)[-1])
    published = float(seconds[: last + 1].sum() / seconds.sum())
    countdown_from = float(chance[best[last]])
    return countdown_from, {"countdown_from": countdown_from, "published": published, "within_1s": float(right[last])}


def _best_of_instant(rows: Rows, chance: NDArray[np.float64]) -> NDArray[np.intp]:
    order = np.lexsort((chance, rows.instant))
    return np.asarray(order[np.append(np.diff(rows.instant[order]) != 0, True)])


if __name__ == "__main__":
    main()
