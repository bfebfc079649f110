"""What like situations came to: recorded instants of floods, and the paths that their water took from there."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

AFTER_S: Final[Floats] = np.array(
    [*range(0, 3601, 300), 4500, 5400, 6300, 7200, 9000, 10800, 14400, 18000, 21600, 28800, 43200], dtype=np.float64
)
"""``(n_steps,)`` s from now, the steps of a path: every 5 min for an hour, then ever coarser to 12 h."""

NEIGHBOURS: Final = 25
CANDIDATES: Final = 150
SAME_SITE: Final = 1.5
"""How much nearer the site's own past counts than another's that is as like."""

_SOFT_M: Final = 0.10  # depths are compared as ratios beyond this, as differences below it


@dataclass(frozen=True, kw_only=True)
class Ensemble:
    """Weighted paths for `n` situations: `paths_m` ``(n, k, n_steps)``, `weights` ``(n, k)``, rows summing to 1."""

    paths_m: Floats
    weights: Floats

    def quantiles(self, levels: tuple[float, ...]) -> Floats:
        """Return ``(n_levels, n, n_steps)`` quantiles of the depth, m."""
        return weighted_quantiles(self.paths_m, self.weights[:, :, None], levels)


@dataclass(frozen=True, eq=False, kw_only=True)
class Analogues:
    """Recorded instants of floods of one kind.

    Attributes
    ----------
    state
        ``(n, n_state)`` what each instant was like, as `nowcast_state` has it.
    site, flood
        ``(n,) int64``: whose, and of which flood.
    depth_m
        ``(n, n_steps)`` depth at `AFTER_S` from the instant.
    narrow, wide
        ``(n_steps,)`` factors of the paths' distances below and above their median, so that P10 and P90 hold.
    """

    state: Floats
    site: Ints
    flood: Ints
    depth_m: Floats
    narrow: Floats
    wide: Floats

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.state)

    @cached_property
    def _plain_tree(self) -> cKDTree:
        return cKDTree(self.state[:, : self.n_plain])

    @property
    def n_plain(self) -> int:
        """How many columns of the state can be known without a tide."""
        return min(int(self.state.shape[1]), PLAIN)

    def like(self, state: Floats, site: Ints, *, besides: Ints | None = None) -> tuple[Ints, Floats]:
        """Return ``(n, k)`` indices of the likest instants and their weights.

        Parameters
        ----------
        state
            ``(n, n_state)``; with NaN in the tide's columns the tide is left out of all of them.
        site
            ``(n,)``; -1: never seen.
        besides
            ``(n,)`` floods that are not looked at: an instant's own, when the paths are tried out on it.
        """
        known = np.isfinite(state).all()
        tree = self._tree if known else self._plain_tree
        many = min(len(self.state), CANDIDATES)
        found = tree.query(state if known else state[:, : self.n_plain], k=many)
        apart, index = (np.reshape(one, (len(state), many)) for one in found)
        apart = np.where(self.site[index] == site[:, None], apart / SAME_SITE, apart)
        if besides is not None:
            apart = np.where(self.flood[index] == besides[:, None], np.inf, apart)
        order = np.argpartition(apart, min(NEIGHBOURS, many) - 1, axis=1)[:, :NEIGHBOURS]
        order = np.take_along_axis(order, np.argsort(np.take_along_axis(apart, order, 1), axis=1), 1)
        apart, index = np.take_along_axis(apart, order, 1), np.take_along_axis(index, order, 1)
        scale = np.maximum(apart[:, apart.shape[1] // 2], 0.1)
        scale = np.where(np.isfinite(scale), scale, 1.0)
        weights = np.exp(-((apart / scale[:, None]) ** 2)) + 1e-12
        return index, weights / weights.sum(axis=1, keepdims=True)

    def ensemble(self, state: Floats, site: Ints, depth_m: Floats, *, besides: Ints | None = None) -> Ensemble:
        """Return where the water goes from the ``(n,)`` depths that it has now: a path for each neighbour."""
        index, weights = self.like(state, site, besides=besides)
        return Ensemble(paths_m=self._dressed(_moved(self.depth_m[index], depth_m), weights), weights=weights)

    def _dressed(self, paths_m: Floats, weights: Floats) -> Floats:
        middle = weighted_quantile(paths_m, weights[:, :, None], 0.5)[:, None, :]
        off = paths_m - middle
        return np.maximum(middle + np.where(off > 0, self.wide, self.narrow) * off, 0.0)


PLAIN: Final = 9
"""Columns of a state that need no tide; the tide's come after them."""


def _moved(theirs_m: Floats, depth_m: Floats) -> Floats:
    """Let the others' paths begin at the present depth; where theirs are dry, ours are.

    Falling water falls in proportion to what there is, rising water rises by as much.
    """
    change = theirs_m - theirs_m[:, :, :1]
    ratio = (depth_m[:, None, None] + _SOFT_M) / (theirs_m[:, :, :1] + _SOFT_M)
    ours = depth_m[:, None, None] + change * np.where(change < 0, ratio, 1.0)
    ours = np.where((theirs_m <= 0) & (change < 0), 0.0, np.maximum(ours, 0.0))
    return np.asarray(ours)


def weighted_quantiles(values: Floats, weights: Floats, levels: Sequence[float]) -> Floats:
    """Return quantiles along the second axis, levels first; `weights` broadcast, and sum to 1 along it."""
    order = np.argsort(values, axis=1)
    sums = np.cumsum(np.take_along_axis(np.broadcast_to(weights, values.shape), order, axis=1), axis=1)
    at = np.stack([np.argmax(sums >= min(level, 1.0) - 1e-9, axis=1) for level in levels], axis=1)
    picked = np.take_along_axis(values, np.take_along_axis(order, at, axis=1), axis=1)
    return np.asarray(np.moveaxis(picked, 1, 0))


def weighted_quantile(values: Floats, weights: Floats, level: float) -> Floats:
    """Return one quantile along the second axis; see `weighted_quantiles`."""
    return np.asarray(weighted_quantiles(values, weights, (level,))[0])
