"""Fits the countdown rule and the quantile rule on recorded signals; writes the two files that the package ships.

    python -m benchmarks.signal_trial.fit FILE.parquet --out trafficfeed/signals/prediction [--folder /tmp/fit]

Needs scikit-learn, which the package does not. Every third thing by the hash of its name is kept out, and never looked
at here. Of the others, five parts are made, again by thing: the threshold and the quantiles are set on what models say
of the part that they were not fitted on. The shipped model is then fitted on all of these things.
"""

import zlib
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from benchmarks.signal_trial.collect import Rows
from trafficfeed.signals.prediction.trees import Trees

HELD_OUT_OF_3 = 0
PARTS = 5
WITHIN_1S = 0.985
MARGIN = 0.001
LEAST_CYCLES = 8


def is_held_out(thing: str) -> bool:
    """Whether a thing is kept for the test, by the hash of its name."""
    return zlib.crc32(thing.encode()) % 3 == HELD_OUT_OF_3


def part_of(thing: str) -> int:
    """Return the part of the fitted things that a thing is in."""
    return zlib.crc32(f"part {thing}".encode()) % PARTS


def fit_trees(rows: Rows) -> Trees:
    """Fit the chance that a candidate is right to a second; each row weighs the seconds that it stands for."""
    model = HistGradientBoostingClassifier(
        max_iter=150, learning_rate=0.1, max_leaf_nodes=31, min_samples_leaf=300, l2_regularization=1.0, random_state=0
    )
    model.fit(rows.table, rows.right, sample_weight=rows.seconds)
    return exported(model)


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
