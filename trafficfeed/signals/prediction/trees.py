"""A gradient boosted model as plain arrays: read from a file of numbers, evaluated by numpy alone."""

from collections.abc import Mapping
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray


class Trees(NamedTuple):
    """Trees side by side, shape (n_trees, n_nodes). A leaf is a node that both branches of lead back to."""

    feature: NDArray[np.int16]
    threshold: NDArray[np.float64]
    left: NDArray[np.int16]
    right: NDArray[np.int16]
    value: NDArray[np.float32]
    base: float
    depth: int

    @classmethod
    def of(cls, parts: Mapping[str, NDArray[np.generic]]) -> Self:
        """Take the fields by name, from a file of arrays."""
        return cls(
            feature=parts["feature"].astype(np.int16),
            threshold=parts["threshold"].astype(np.float64),
            left=parts["left"].astype(np.int16),
            right=parts["right"].astype(np.int16),
            value=parts["value"].astype(np.float32),
            base=float(parts["base"]),
            depth=int(parts["depth"]),
        )

    def probability(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability of each row; `table` is (rows, n_features), none of it NaN."""
        return np.asarray(1.0 / (1.0 + np.exp(-self.total(table))))

    def total(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum of the leaves of each row: what a regression says; `table` as for `probability`."""
        n_nodes = self.feature.shape[1]
        roots = np.arange(len(self.feature)) * n_nodes
        feature, threshold = self.feature.ravel(), self.threshold.ravel()
        branches = np.stack([self.right.ravel(), self.left.ravel()], axis=1)
        rows = np.arange(len(table))[:, None]
        at = np.broadcast_to(roots, (len(table), len(roots)))
        for _ in range(self.depth):
            goes_left = table[rows, feature[at]] <= threshold[at]
            at = roots + branches[at, goes_left.astype(np.intp)]
        return np.asarray(self.base + self.value.ravel()[at].sum(axis=1))
