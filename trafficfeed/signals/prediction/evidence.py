"""What the past says of each end that could be promised: the countdown rule's table, one row a candidate."""

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trafficfeed.signals.prediction.analogue_sets import NEAR_S, AnalogueSet

FAR_S: Final = 60.0  # a gap that counts as none
OF_SET: Final = ("count", "share", "exact", "early", "early_gap_s", "late_gap_s", "hits_in_row", "last_three", "off_s")
_ZERO: Final = np.zeros(1)
_NOBODY: Final = np.full(1, -np.inf)


class Evidence(NamedTuple):
    """Seconds since the present run's onset, unless it says otherwise.

    From `at_s[i]` until `at_s[i + 1]` nothing changes, if the run goes on. `centres_s` is each set's best end there,
    shape (n, 5), NaN where the set is empty. Row r of the rest is one candidate end, `candidate_s[r]`, at instant
    `instant[r]`; `table` has `OF_SET` for each set, shape (rows, 45).
    """

    at_s: NDArray[np.float64]
    centres_s: NDArray[np.float64]
    instant: NDArray[np.intp]
    candidate_s: NDArray[np.float64]
    table: NDArray[np.float64]


class Asked(NamedTuple):
    """All sets side by side, the k-th from `begins[k]`, each after a member never valid (so that none is empty)."""

    at_s: NDArray[np.float64]  # (n,): every instant at which somebody comes or goes, in seconds since the onset
    ends_s: NDArray[np.float64]  # (members,)
    begins: NDArray[np.intp]  # (sets,)
    valid: NDArray[np.bool_]  # (n, members): who can be asked
    weights: NDArray[np.float64]  # as `valid`, 0 for who cannot


def ask(sets: tuple[AnalogueSet, ...]) -> Asked:
    """Ask the members of the sets at every instant at which the answer changes; all of it is known at the onset."""
    ends = np.concatenate([part for of in sets for part in (_NOBODY, of.ends_s)])
    begin = np.concatenate([part for of in sets for part in (_ZERO, of.from_s)])
    weight = np.concatenate([part for of in sets for part in (_ZERO, of.weights)])
    sizes = [len(of.ends_s) + 1 for of in sets]
    at_s = np.unique(np.concatenate([begin, ends[np.isfinite(ends)]]))
    valid = (begin <= at_s[:, None]) & (ends > at_s[:, None])
    return Asked(at_s, ends, np.cumsum([0, *sizes[:-1]]), valid, valid * weight)


def evidence_of(asked: Asked) -> Evidence:
    """Weigh the candidates of each instant."""
    centres = _centres(asked)
    instant, candidates = _distinct(centres)
    return Evidence(asked.at_s, centres, instant, candidates, _table(asked, instant, candidates, centres))


def _centres(asked: Asked) -> NDArray[np.float64]:
    """Return the end with most weight within a second of it, the latest of equals; NaN where nobody can be asked."""
    centres = np.full((len(asked.valid), len(asked.begins)), np.nan)
    edges = [*asked.begins.tolist(), len(asked.ends_s)]
    for k, (first, last) in enumerate(pairwise(edges)):
        if last == first + 1:
            continue
        ends, valid = asked.ends_s[first + 1 : last], asked.valid[:, first + 1 : last]
        near = np.abs(ends[:, None] - ends) <= NEAR_S
        score = asked.weights[:, first + 1 : last] @ near.astype(np.float64) + 1e-6 * np.arange(len(ends))
        score[~valid] = -1.0
        best = score.argmax(axis=1)
        some = valid[np.arange(len(valid)), best]
        centres[some, k] = ends[best[some]]
    return centres


def _distinct(centres: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the different centres of each instant (those half a second apart are one), in the order of the sets."""
    new = ~np.isnan(centres)
    for k in range(1, centres.shape[1]):
        new[:, k] &= ~(np.abs(centres[:, :k] - centres[:, k : k + 1]) < 0.5).any(axis=1)
    instant, which = np.nonzero(new)
    return instant, centres[instant, which]


def _table(
    asked: Asked, instant: NDArray[np.intp], candidates: NDArray[np.float64], centres: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return `OF_SET` of each set for each candidate; one pass over all sets, summed up by set."""
    begins, order = asked.begins, np.arange(len(asked.ends_s))
    valid, weights = asked.valid[instant], asked.weights[instant]
    later = asked.ends_s - candidates[:, None]
    distance = np.abs(later)
    near = distance <= NEAR_S
    early, late = valid & (later < -NEAR_S), valid & (later > NEAR_S)

    def total(of: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.add.reduceat(of, begins, axis=1))

    sizes = np.diff(np.append(begins, len(order)))
    scale = np.maximum(total(weights), 1e-9)
    last_miss = np.maximum.reduceat(np.where(valid & ~near, order, -1), begins, axis=1)
    since_miss = valid & (order > np.repeat(last_miss, sizes, axis=1))
    counts = np.cumsum(valid, axis=1)
    newer: NDArray[np.int64] = np.repeat(counts[:, np.append(begins[1:], len(order)) - 1], sizes, axis=1) - counts
    last_three = valid & (newer < 3)
    return np.stack(
        [
            total(valid.astype(np.float64)),
            total(weights * near) / scale,
            total(weights * (distance < 0.5)) / scale,
            total(weights * early) / scale,
            np.minimum.reduceat(np.where(early, distance, FAR_S), begins, axis=1).clip(max=FAR_S),
            np.minimum.reduceat(np.where(late, distance, FAR_S), begins, axis=1).clip(max=FAR_S),
            total(since_miss.astype(np.float64)),
            total((last_three & near).astype(np.float64)) / np.maximum(total(last_three.astype(np.float64)), 1.0),
            np.fmin(np.abs(centres[instant] - candidates[:, None]), FAR_S),
        ],
        axis=2,
    ).reshape(len(candidates), -1)
